"""Roles, permissions and proposals as the room shows them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from console.marks import mark
from console.presenters.words import moment
from console.types.roles import (
    ChangeRow,
    ConflictRow,
    PermissionGroup,
    PermissionRow,
    RoleColumn,
    Tick,
    TickGroup,
    VersionRow,
)
from zentra.tenants.permissions import DANGEROUS, PERMISSIONS, PLATFORM_PERMISSIONS, Permission
from zentra.tenants.roles.conflicts import Conflict
from zentra.tenants.roles.types import CustomRole, RoleChangeRecord, RoleVersionRecord

P = Permission
WORDS: Final[dict[Permission, str]] = {
    P.ROOM_READ: "sees the operations room", P.INTENTS_READ: "sees intents", P.INTENTS_CREATE: "sends intents",
    P.ACCOUNTS_READ: "sees accounts and balances", P.ACCOUNTS_CREATE: "opens accounts",
    P.ACCOUNTS_MANAGE: "renames accounts, sets their limits, closes them",
    P.ACCOUNTS_FREEZE: "freezes and thaws accounts",
    P.LEDGER_READ: "sees postings and statements", P.LEDGER_POST: "posts and reverses by hand",
    P.LEDGER_IMPORT: "imports postings from files", P.LEDGER_EXPORT: "exports the ledger",
    P.RECONCILIATION_READ: "sees statements, matches and closeouts", P.RECONCILIATION_IMPORT: "imports statements",
    P.RECONCILIATION_MATCH: "matches, explains, proposes adjustments",
    P.RECONCILIATION_APPROVE: "lets another's match or adjustment stand",
    P.CLOSEOUT_PREPARE: "prepares and softly closes a period", P.CLOSEOUT_APPROVE: "signs second, locks and re-opens",
    P.HOLDS_MANAGE: "captures and releases holds", P.EVENTS_READ: "sees events",
    P.PACKETS_READ: "sees audit packets", P.PACKETS_EXPORT: "exports audit packets",
    P.EVIDENCE_READ: "sees proofs and checkpoints", P.REVIEWS_READ: "sees the review queue",
    P.REVIEWS_DECIDE: "approves and declines cases of operations",
    P.REVIEWS_DECIDE_COMPLIANCE: "approves and declines cases of compliance",
    P.REVIEWS_ASSIGN: "assigns, notes and hands over cases",
    P.WEBHOOKS_READ: "sees endpoints and deliveries", P.WEBHOOKS_MANAGE: "makes and changes endpoints",
    P.WEBHOOKS_REPLAY: "sends deliveries again", P.CALLBACKS_READ: "sees what rails send",
    P.CALLBACKS_REPAIR: "corrects quarantined callbacks", P.RAILS_MANAGE: "rotates the secrets of rails",
    P.ROUTING_READ: "sees rails and routes", P.ROUTING_PAUSE: "pauses outgoing money",
    P.ROUTING_RESUME: "resumes outgoing money", P.POLICY_READ: "sees rules and decisions",
    P.POLICY_DRAFT: "drafts rules", P.POLICY_PUBLISH: "puts another's rules in force",
    P.POLICY_LISTS: "changes lists that rules ask", P.PARTIES_READ: "sees customers and their checks",
    P.PARTIES_MANAGE: "writes down and changes parties", P.PARTIES_SCREEN: "screens parties and decides hits",
    P.WATCHLISTS_MANAGE: "imports and activates watchlists", P.PEOPLE_READ: "sees who is here",
    P.PEOPLE_MANAGE: "gives and takes roles, makes teams", P.ROLES_READ: "sees this page",
    P.ROLES_MANAGE: "makes and changes roles", P.KEYS_READ: "sees API keys and clients",
    P.KEYS_MANAGE: "issues, rotates and revokes keys", P.END_USERS_ISSUE: "makes tokens for end users",
    P.ACCESS_READ: "sees the access log and reviews", P.ACCESS_REVIEW: "reviews access and signs it",
    P.WORKSPACE_READ: "sees the settings", P.WORKSPACE_CONFIGURE: "changes the settings",
    P.WORKSPACE_EXPORT: "exports everything", P.SANDBOX_SEND: "sends trial intents in a sandbox",
    P.ALARMS_READ: "sees alarms", P.ALARMS_ACKNOWLEDGE: "acknowledges alarms",
    P.ALARMS_MANAGE: "says who is told of alarms",
}  # fmt: skip
"""What each permission lets do, as people say it; a test holds it complete."""

_PLATFORMS: Final = frozenset().union(*PLATFORM_PERMISSIONS.values())
TABLE: Final = tuple(each for each in Permission if each not in _PLATFORMS)
"""The permissions of a workspace, in their order."""

KINDS: Final = {"role_new": "would be made", "role_definition": "would include more"}


def by_noun(permissions: Iterable[Permission]) -> dict[str, list[Permission]]:
    """Permissions by what they are about, in the order of the table."""
    wanted = frozenset(permissions)
    groups: dict[str, list[Permission]] = {}
    for permission in TABLE:
        if permission in wanted:
            groups.setdefault(permission.partition(".")[0], []).append(permission)
    return groups


def role_columns(
    custom: Iterable[CustomRole], holders: Mapping[str, int], *, base: str, current: str = ""
) -> tuple[RoleColumn, ...]:
    """The built-in roles, then the workspace's own."""
    names = [(key, key, False) for key in PERMISSIONS] + [(each.key, each.name, True) for each in custom]
    return tuple(
        RoleColumn(key, name, f"{base}roles/{key}/", is_custom, holders.get(key, 0), key == current)
        for key, name, is_custom in names
    )


def matrix(roles: Mapping[str, frozenset[Permission]], *, here: str, current: str) -> tuple[PermissionGroup, ...]:
    """Every permission by its noun, with the roles that have it in their order."""
    return tuple(
        PermissionGroup(noun, title_of(noun), tuple(_row(each, roles, here, current) for each in group))
        for noun, group in by_noun(TABLE).items()
    )


def _row(permission: Permission, roles: Mapping[str, frozenset[Permission]], here: str, current: str) -> PermissionRow:
    return PermissionRow(
        name=permission,
        verb=verb(permission),
        words=WORDS[permission],
        is_dangerous=permission in DANGEROUS,
        url=f"{here}?permission={permission}#holders",
        current=permission == current,
        cells=tuple(permission in may for may in roles.values()),
    )


def title_of(noun: str) -> str:
    """``end users`` of ``end_users``."""
    return noun.replace("_", " ")


def verb(permission: str) -> str:
    """``decide compliance`` of ``reviews.decide_compliance``."""
    return permission.partition(".")[2].replace("_", " ")


def ticks(chosen: Collection[str], *, own: Collection[Permission], only_chosen: bool = False) -> tuple[TickGroup, ...]:
    """Permissions to choose; what the person who chooses does not have is locked."""
    table = [each for each in TABLE if each in chosen] if only_chosen else TABLE
    return tuple(
        TickGroup(
            title_of(noun),
            tuple(
                Tick(each, verb(each), WORDS[each], each in DANGEROUS, each in chosen, each not in own)
                for each in group
            ),
        )
        for noun, group in by_noun(table).items()
    )


def conflict_rows(pairs: Iterable[Conflict]) -> tuple[ConflictRow, ...]:
    """Pairs that must not meet."""
    return tuple(ConflictRow(str(each.one), str(each.other), each.why) for each in pairs)


def change_row(
    change: RoleChangeRecord,
    names: Mapping[str, str],
    *,
    base: str,
    now: datetime,
    me: str = "",
    may: Collection[str] = (),
    warning: str = "",
    dangers: Iterable[str] = (),
) -> ChangeRow:
    """A proposal. ``may`` are the kinds that this person decides."""
    took_admin = bool((change.definition or {}).get("took_admin"))
    is_about_member = change.kind == "member_roles"
    subject = names.get(change.user_id, change.user_id) if is_about_member else change.role_key
    here = f"{base}{'people' if is_about_member else 'roles'}/changes/{change.id}/"
    is_open = change.is_pending and change.kind in may
    is_mine, is_for_me = change.asked_by == me, change.user_id == me
    what = f"gets {' and '.join(change.roles)}" if is_about_member else KINDS[change.kind]
    return ChangeRow(
        change_id=change.id,
        what="an admin was taken away by another alone" if took_admin else what,
        subject=subject,
        subject_url=f"{base}people/{change.user_id}/" if is_about_member else f"{base}roles/{change.role_key}/",
        asked_by=names.get(change.asked_by, change.asked_by),
        reason=change.reason,
        dangers=tuple(dangers),
        moment=moment(change.asked_at, now),
        ends=moment(change.expires_at, now),
        state=mark("done", says="done alone") if change.sole_admin else mark(_STATES[change.state], says=change.state),
        decided=names.get(change.decided_by, change.decided_by) if change.decided_by else "",
        approve_url=f"{here}approve/" if is_open and not is_mine and not is_for_me else "",
        refuse_url=f"{here}refuse/" if is_open and not is_mine else "",
        withdraw_url=f"{here}withdraw/" if change.is_pending and is_mine else "",
        why_not=_why_not(is_open=is_open, is_mine=is_mine, is_for_me=is_for_me),
        warning=warning,
    )


_STATES: Final = {
    "pending": "open", "applied": "approved", "refused": "refused", "withdrawn": "dismissed", "expired": "expired",
}  # fmt: skip


def _why_not(*, is_open: bool, is_mine: bool, is_for_me: bool) -> str:
    if is_mine:
        return "You asked for it: another admin decides."
    if is_for_me:
        return "It is for you: another admin decides."
    return "" if is_open else "Admins decide."


def version_rows(
    versions: list[RoleVersionRecord], names: Mapping[str, str], *, now: datetime
) -> tuple[VersionRow, ...]:
    """What a role was, newest first, with what each version changed."""
    older = [*versions[1:], None]
    return tuple(
        VersionRow(
            version=each.version,
            moment=moment(each.at, now),
            who=names.get(each.by, each.by),
            added=", ".join(sorted(each.permissions - (before.permissions if before else frozenset()))),
            taken=", ".join(sorted((before.permissions if before else frozenset()) - each.permissions)),
        )
        for each, before in zip(versions, older, strict=True)
    )
