"""A domain error as people read it: one sentence, why, and a next step. The code stays in the API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from zentra.core.errors import DomainError
from zentra.tenants.queries import names_of_users

_USER: Final = re.compile(r"usr_[0-9a-z]{26}")

_NEXT: Final[Mapping[str, str]] = {
    "unknown_key": "It may belong to another workspace. The list shows those that are here.",
    "key_ended": "Nothing was changed. Issue a new key.",
    "key_rotated": "Nothing was changed. Rotate the key that took its place.",
    "unknown_client": "It may belong to another workspace. The list shows those that are here.",
    "client_ended": "Nothing was changed. Make a new client.",
    "stale_client": "Nothing was changed by you. Look at it again, then repeat it.",
    "invalid_credential_name": "Say in a few words what it is for.",
    "invalid_scopes": "Tick at least one thing that it may do.",
    "scopes_beyond_issuer": "Ask somebody who may do that to issue it.",
    "invalid_networks": "Write one network a line, such as 192.0.2.0/24.",
    "invalid_expiry": "Choose one of the spans that are offered.",
    "invalid_channel": "Choose one of the channels that are offered.",
    "invalid_token_lifetime": "Choose one of the spans that are offered.",
    "too_many_client_secrets": "End one first; the page shows which there are.",
    "unknown_client_secret": "It ended already. Look at the page again.",
    "unknown_certificate": "It ended already. Look at the page again.",
    "invalid_certificate": "Paste a PEM certificate that is not over, its SHA-256, or dns:billing.example.com.",
    "idempotency_in_flight": "Wait a moment and look at the page again before you repeat it.",
    "idempotency_key_reused": "Open the page again and repeat it there.",
    "review_already_decided": "Nothing was changed by you. The case shows who decided, and when.",
    "stale_review": "Nothing was changed by you; what you typed is still here. Look at what changed, then repeat it.",
    "review_claimed": "Nothing was changed. Take another case, or ask them to let it go.",
    "claim_lost": "Claim it again to go on; what you typed is still here.",
    "maker_cannot_decide": "Another person has to decide it.",
    "review_role_refused": "Hand it over, or escalate it to those who decide it.",
    "cannot_own_review": "Choose somebody whose role decides this queue.",
    "already_approved": "Another person gives the second approval.",
    "editor_cannot_approve": "A third person has to approve it.",
    "alerts_unresolved": "Settle each open hit first: not a match, or a match.",
    "hit_confirmed": "Decline it: a confirmed hit never passes.",
    "facts_changed": "Nothing was posted. See what is worse now, then decide again.",
    "review_kind_refused": "Open the case again: it shows how its kind is decided.",
    "invalid_reason_code": "Choose one of the codes; what you typed is still here.",
    "reason_required": "Write down why; it is kept with the case.",
    "fully_escalated": "It is with an admin already.",
    "invalid_snooze": "Choose a time within seven days.",
    "too_many_reviews": "Tick fewer cases.",
    "review_alert_resolved": "Nothing was changed by you. The case shows who settled it.",
    "attachment_too_large": "Nothing was kept. Make it smaller, or leave out what the case does not need.",
    "attachment_type_refused": "Nothing was kept. Save it as one of those types.",
    "invalid_view": "Choose a shorter name, or remove a view that you do not need.",
    "step_up_required": "Type the code of your authenticator, or use a passkey; what you typed is still here.",
    "step_up_refused": "Wait for the next code, or use a recovery code; what you typed is still here.",
    "step_up_limited": "Wait a few minutes; what you typed is still here.",
    "mail_not_kept": "The list shows how it stands now.",
    "unknown_session": "It may have ended by itself.",
    "step_up_not_enrolled": "Set up an authenticator first; what you typed is still here.",
    "paused_by_same_person": "Somebody else of finance or an admin resumes it.",
    "insufficient_funds": "Nothing was changed. Fund the account first, lower the amount, or decline what asks for it.",
    "account_frozen": "Its page says who froze it and why; whoever may freeze accounts can unfreeze it.",
    "account_closed": "Take another account: a closed one never opens again.",
    "account_not_empty": "Move the balance out and end what is held on it, then close it.",
    "account_exists": "Choose another code, or use the account that has it.",
    "limits_not_allowed": "Open an account with immediate sequencing where limits are needed.",
    "balance_limit_exceeded": "Raise its ceiling, or post less.",
    "unknown_account": "Check the code and the currency, or take the id from the account's page.",
    "currency_mismatch": "Take the account of that currency, or say the line's currency.",
    "unbalanced_posting": "Make debits and credits of each currency equal.",
    "effective_in_future": "Leave the time empty for now, or choose an earlier one.",
    "period_closed": "Choose a day in an open period.",
    "invalid_rate": "Correct the rate, or the amounts.",
    "ledger_busy": "Nothing was written. Try again in a second.",
    "over_reversal": "Reverse at most what is left.",
    "already_reversed": "Nothing is left to reverse. Post it anew if it should stand.",
    "reversal_of_reversal": "Post the original entries again instead.",
    "posting_not_posted": "Release or capture its hold instead.",
    "hold_closed": "The steps on its page say who ended it, and when.",
    "over_capture": "Capture at most what is still held.",
    "over_release": "Release at most what is still held.",
    "invalid_period": "Choose an end after the start.",
    "statement_too_long": "Take the CSV, which has no limit, or a shorter period.",
    "check_running": "Its result stands here in a moment.",
    "export_not_ready": "Wait until it is written; the page says when.",
    "delivery_not_replayable": "Wait until the running attempt ends, or enable the endpoint first.",
    "endpoint_disabled": "Enable the endpoint first.",
    "replay_endpoint_disabled": "Enable the endpoint first; what it missed waits for a replay.",
    "address_refused": "Give an address that the internet can reach, over https.",
    "invalid_endpoint_url": "Write it whole, such as https://example.com/hooks, without credentials or a fragment.",
    "invalid_event_filter": "Tick at least one event type, or choose everything.",
    "invalid_endpoint_timeout": "Choose 1 to 30 seconds.",
    "invalid_endpoint_rate": "Choose 1 to 1,000 a second, or leave it empty for no limit.",
    "invalid_endpoint_in_flight": "Choose 1 to 100.",
    "invalid_endpoint_schedule": "Give 1 to 20 delays of at most 7 days, such as 0, 5 s, 5 m, 2 h.",
    "invalid_endpoint_header": "Choose another name or type its value anew, or clear the line.",
    "stale_endpoint": "Nothing of yours was saved. Open the endpoint again, look at what changed, and repeat it there.",
    "endpoint_unverified": "Send it a test event: that carries the challenge, and its answer enables it.",
    "endpoint_removed": "Add a new endpoint for this URL.",
    "too_many_secrets": "End an old key first, or choose a shorter overlap.",
    "secret_in_use": "Rotate it first: then the old one can end.",
    "nothing_to_replay": "Nothing was started. Widen the range: what was in it may have arrived meanwhile.",
    "too_many_replays": "Wait for one to end, or cancel it.",
    "replay_ended": "Nothing was changed. Its page shows how it ended.",
    "invalid_replay_scope": "Name an endpoint, an event, a type, a state, or the moment since which.",
    "invalid_replay_rate": "Choose 1 to 500 a second.",
    "malformed_callback": "Nothing was changed, and what you typed is still here. Correct it and apply it again.",
    "callback_too_large": "Nothing was changed. Leave out what the callback does not need: at most 64 KB.",
    "quarantine_closed": "Nothing was changed by you. The page shows who decided it, and what came of it.",
    "callback_not_quarantined": "Look at the callback itself: it was taken in, or is not here.",
    "callback_note_needed": "Write down why; it is kept in the evidence.",
    "callback_repair_contradicts": "Nothing was changed. Keep what the rail said, or have the rail send it again.",
    "callback_repair_failed": "Nothing was changed. Have the cause mended first; what you typed is still here.",
    "poll_in_progress": "Look again in a few seconds: its result stands on this page.",
    "too_many_rail_secrets": "End an old secret first, or rotate without overlap.",
    "unusable_rail_secret": "Nothing was changed. Take it from the rail's own page, whole and without spaces.",
    "rail_secret_needed": "Paste the public key that the rail shows you.",
    "rail_secret_unknown": "It may have ended already; the page shows those that are valid.",
    "current_rail_secret": "Rotate it first: then the old one can end.",
    "event_not_ready": "It is fanned out within a second or two; try again then.",
    "invalid_member_email": "Write it whole, such as maria@example.com.",
    "invalid_role": "Choose one of the roles on the page.",
    "unknown_member": "Somebody may have taken the role away meanwhile. The list shows who is here.",
    "already_member": "Open their page and change the role there.",
    "account_not_ready": "They use the link of the workspace that made the account first; then add them here.",
    "address_not_proven": (
        "They choose “Forgotten password” at sign-in and use the link that is mailed to them; then add them here. "
        "While they have a second factor, whoever runs the installation removes it before."
    ),
    "no_invitation_needed": "They sign in with their password.",
    "own_role": "Another admin of this workspace does it.",
    "last_admin": "Make somebody else an admin first, one who has set a password.",
    "stale_member": "Nothing of yours was saved. The page shows their role now; repeat it if you still want to.",
    "event_not_delivered": "The catalogue says which types are delivered.",
    "invalid_rule_set": "Nothing was changed. Each error leads to its place in the draft.",
    "rule_set_not_found": "The list of versions shows those there are.",
    "rule_draft_not_found": "It may be in another workspace; the list of drafts shows those there are.",
    "stale_draft": "Nothing of yours is lost: look at what changed in the draft, and save again.",
    "rule_draft_ended": "Begin a new draft from the live rules.",
    "rule_draft_not_validated": "Validate it first; an edit takes that back.",
    "maker_cannot_publish": "Ask somebody of compliance or an admin who wrote none of it to read and publish it.",
    "rules_unchanged": "Change something, or discard the draft.",
    "rule_draft_outdated": "Open the draft: it lists what differs from the live rules, and can be based on them anew.",
    "intent_not_decided": "Take the id from the intent's page, or choose a recent one.",
    "policy_list_not_found": "It may have been taken away; the page of lists shows those there are.",
    "policy_list_exists": "Choose another name, or use the list that has it.",
    "policy_list_in_use": "Publish rules that do not ask it first.",
    "invalid_policy_list": "Correct it and make it again.",
    "invalid_policy_list_item": "Nothing was added. Correct the value, or choose a later expiry.",
    "policy_list_item_exists": "Take it off first if its note or expiry should change.",
    "policy_list_full": "What is longer is a watchlist: import it in Compliance.",
    "invalid_party": "Nothing was kept. Correct what is said at each field.",
    "reference_taken": "Open the party that has it, or give another reference.",
    "party_not_found": "Search it by name or reference.",
    "party_closed": "A closed party is not changed; what is known of it still counts.",
    "stale_party": "Nothing of yours was saved. Look at what changed, and repeat it.",
    "kyc_refused": "Its page shows how its verification stands.",
    "kyc_note_required": "Say what you saw; it is kept with the party.",
    "verification_open": "Wait for the vendor's answer, or wait no longer.",
    "hit_decided": "Nothing was changed by you. The hit shows who decided it, and why.",
    "hit_note_required": "Say why; it is kept with the party.",
    "own_party": "Ask somebody else of compliance to look at it; you can confirm it.",
    "unknown_role": "It was retired or never made; Roles shows those there are.",
    "invalid_role_definition": "Nothing was kept. Correct it and save again.",
    "role_exists": "Choose another key. That of a retired role stays taken, for events name it.",
    "stale_role": "Nothing of yours was saved. Look at what changed, and repeat it.",
    "role_held": "Give its people another role first.",
    "roles_conflict": "Give these to two people. Roles shows which must not meet, and why.",
    "beyond_own_permissions": "Ask an admin, who has it.",
    "second_admin_needed": (
        "Nothing was changed. Take the role from who could agree and propose it then; where you took an admin away, "
        "wait until the seven days are over."
    ),
    "unknown_role_change": "Roles shows the proposals there are.",
    "role_change_ended": "Its line in Roles says how it ended. Ask anew if it is still wanted.",
    "role_change_outdated": "Withdraw it or refuse it, and ask anew.",
    "own_role_change": "Ask another admin to look at it in Roles.",
    "role_change_pending": "Roles shows it: it is decided or withdrawn there.",
    "unknown_team": "The page of teams shows those there are.",
    "invalid_team": "Nothing was kept. Correct it and save again.",
    "team_exists": "Choose another name.",
    "stale_team": "Nothing of yours was saved. Look at what changed, and repeat it.",
    "unknown_access_review": "The page of access reviews shows those there are.",
    "access_review_open": "Go on with the open one.",
    "access_review_ended": "Start another one where something has changed since.",
    "stale_access_review": "Nothing of yours was saved. Look at what was marked meanwhile.",
    "own_access_line": "Somebody else with “access.review” marks this line.",
    "access_lines_unmarked": "Go through the lines that are left, then sign.",
    "watchlist_malformed": "Nothing of it was kept. Take the file as its source publishes it, in this list's form.",
    "watchlist_truncated": "Nothing of it was kept. Fetch the file again, whole.",
    "watchlist_version_open": "Activate, cancel or discard the version that is not finished.",
    "watchlist_version_not_ready": "Its page shows the state that it is in.",
    "watchlist_exists": "Import into the list that has this name, or choose another.",
    "email_domain_refused": "Take an address of theirs there, or have the setting changed.",
    "invalid_settings": "Each field says what it takes; nothing was saved yet.",
    "stale_workspace": "Look at what changed meanwhile, and save again.",
    "unknown_workspace": "The list shows those there are.",
    "invalid_workspace_name": "Give it a name of 1 to 80 characters.",
    "workspace_state_refused": "Its page says how it stands now.",
    "workspace_in_use": "Wait until they ended, or decide what is held; its people see them.",
    "twin_refused": "Its page says which twin it has.",
    "invalid_slug": "Use lower-case letters and digits, words joined by single hyphens.",
    "slug_taken": "Choose another short name.",
    "workspace_export_not_found": "The list shows those there are.",
    "workspace_export_running": "Wait until it is written; it stands in the list.",
    "workspace_export_not_ready": "Wait until it is written, or ask for another one.",
    "invalid_staff_request": "Choose viewer or support, say why, and for how many hours.",
    "staff_inside_already": "Open the workspace from the list; it says until when.",
    "staff_grant_needed": "Ask for access as staff, with a reason: the workspace's admins see it. Then export.",
    "staff_kept_out": "Speak with an admin of the workspace; after 24 hours it can be asked for again.",
    "staff_grant_not_found": "The list shows who is and was inside.",
    "workspace_not_open": "Its page says how it stands; resume it first, if that is right.",
    "shrinks_too_much": "Look at what would be removed; tick the confirmation if that is right.",
    "setup_ended": "Run `manage.py setup` again for a new link.",
    "already_set_up": "Sign in, or renew a forgotten password from the sign-in page.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused, why, and what to do next."""

    title: str
    why: str
    next: str = ""
    glyph: str = "lock"

    @classmethod
    def of_role(cls, role: str, permission: str) -> "Refusal":
        """A permission that the role does not have."""
        return cls(
            title="Your role may not do that",
            why=f"As {role} you do not have “{permission}” in this workspace. The attempt was recorded.",
            next="Ask an admin of this workspace, or somebody whose role includes it.",
        )

    @classmethod
    def of_nul(cls) -> "Refusal":
        """A character that no text of ours has."""
        return cls(
            title="That cannot be read",
            why="The address or a field holds a NUL character. Nothing was changed.",
            next="Type it again instead of pasting it.",
            glyph="bars",
        )


def explain(error: DomainError, *, workspace_id: UUID) -> Refusal:
    """The sentence for an error, with names where it has the ids of this workspace's members."""
    why = error.detail if error.detail != error.title else ""
    people = _USER.findall(why)
    names = names_of_users(user_ids=people, workspace_id=workspace_id) if people else {}
    why = _USER.sub(lambda found: names.get(found[0], found[0]), why)
    return Refusal(
        title=error.title, why=why, next=_NEXT.get(error.code, ""), glyph="ring" if error.status == 404 else "bars"
    )
