"""One case of the review queue, whole: read through the doors of every app that knows a part of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console.doors import Visit
from console.marks import mark
from console.presenters import cases, story
from console.presenters.words import grouped, moment, money, shorten, stamp
from console.readings.case_forms import Returned, act_forms, attach_form, note_form, why_not
from console.types import Person, TrustView
from console.types.cases import AlertView, CaseView, ClaimView, ConsequenceRow, RelatedRow
from evidence.queries import sealed_to
from ledger.queries import get_account, list_balances
from policy.queries import find_decision
from policy.reviews.people import may_decide
from policy.reviews.queries import (
    alerts_of,
    approvals_of,
    attachments_of,
    find_open_case,
    notes_of,
    related_reviews,
    steps_of,
)
from policy.reviews.types import ReviewAlert, ReviewApproval, ReviewRecord
from policy.types import StoredDecision
from zentra.core.clock import iso
from zentra.core.errors import DomainError
from zentra.core.money import format_signed
from zentra.runtime.queries import get_intent
from zentra.runtime.types import IntentRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users
from zentra.tenants.roles.queries import list_member_ids

RELATED: Final = 12
_HITS: Final = frozenset({"screening", "aml"})

# Where the subject of a case that holds no intent has its own page, and what may read it.
_SUBJECTS: Final[Mapping[str, tuple[str, Permission]]] = {
    "hold": ("holds/{}/", Permission.ACCOUNTS_READ),
    "callback": ("inbound/quarantine/{}/", Permission.CALLBACKS_READ),
    "alert": ("compliance/parties/{}/", Permission.PARTIES_READ),
    "outcome_unknown": ("intents/{}/", Permission.INTENTS_READ),
}
_ABOUT: Final[Mapping[str, str]] = {
    "hold": "The hold is what waits. Release or capture it on its page, then say here what was done.",
    "callback": "A callback is signed and could not be taken in. Repair or dismiss it on its page, then say so here.",
    "alert": "A party matched a list or a pattern. Settle each hit, then end the case.",
    "outcome_unknown": "Nobody knows yet whether this money moved. Nothing is sent again until the rail answers.",
    "exception": "Something needs a person. Say here what was done.",
}


@dataclass(frozen=True, slots=True)
class Read:
    """What a case's view is made of."""

    review: ReviewRecord
    alerts: tuple[ReviewAlert, ...]
    party_alerts: tuple[ReviewAlert, ...]
    approvals: tuple[ReviewApproval, ...]
    decision: StoredDecision | None
    intent: IntentRecord | None


def _standing(review: ReviewRecord, approvals: tuple[ReviewApproval, ...]) -> frozenset[str]:
    """Whose approvals count: while a case is open, of those who may still decide it."""
    return frozenset(each.by_user for each in approvals if not review.is_open or may_decide(review, each.by_user))


def colleagues(visit: Visit) -> tuple[Person, ...]:
    """Everybody of this workspace, as they are mentioned: the id is the handle."""
    people = members(visit)
    return tuple(Person(cases.handle(name), name) for _user_id, name in people)


def members(visit: Visit) -> list[tuple[str, str]]:
    """Everybody of this workspace: id and name."""
    found = list_member_ids(workspace_id=visit.workspace.id)
    names = names_of_users(user_ids=found)
    return [(user_id, names[user_id]) for user_id in found if user_id in names]


def read_case(
    visit: Visit,
    review: ReviewRecord,
    *,
    close_url: str = "",
    then: str = "",
    returned: Returned | None = None,
) -> CaseView:
    """The case as this person sees it, with the forms that they may use now."""
    found = _read(review)
    notes, files = notes_of(review_id=review.id), attachments_of(review_id=review.id)
    steps = steps_of(review_id=review.id)
    people = cases.people_of(
        review,
        alerts=(*found.alerts, *found.party_alerts),
        approvals=found.approvals,
        notes=notes,
        files=files,
        steps=steps,
    )
    intent = found.intent
    if intent is not None:
        people.append(str(intent.actor.get("id", "")))
    names = names_of_users(user_ids=people)
    me, here = visit.member.user_id, f"{visit.base}reviews/{review.id}/"
    due = cases.due(review, visit.now)
    account, account_url, consequences = _account(visit, review, intent)
    cannot = why_not(visit, review, found.approvals, names)
    standing = _standing(review, found.approvals)
    forms = act_forms(visit, review, given=len(standing), cannot=cannot, here=here, returned=returned)
    note, attach = note_form(visit, review, here, returned), attach_form(visit, review, here, returned)
    # A refused form comes back with its problem; where it is not shown any more, the case says what it was.
    is_homeless = returned is not None and returned.act not in {form.act for form in (*forms, note, attach) if form}
    return CaseView(
        review_id=review.id,
        kind=cases.KIND_WORDS.get(review.case_kind, review.case_kind),
        head=_head(review, names, visit),
        subject=review.subject,
        subject_url=subject_url(visit, review),
        page_url=here,
        words=_words(review, intent),
        mark=mark("held") if review.is_open and review.case_kind == "intent" else cases.case_mark(review),
        owner=cases.person(review.owner, names, me=me),
        queue=review.queue,
        version=review.version,
        money=money(review.amount_minor, review.currency) if review.currency else None,
        alerts=_alerts(visit, found, names),
        rule_set=f"rule set {found.decision.rule_set}" if found.decision else "",
        trace_url=f"{visit.base}decisions/{review.decision_id}/"
        if review.decision_id and visit.may(Permission.POLICY_READ)
        else "",
        due_iso=due.iso,
        due_text=due.text if review.is_open else f"took {due.text}",
        due_title=due.title,
        due_level=due.level,
        about=_about(visit, review),
        account=account,
        account_url=account_url,
        consequences=consequences,
        approvals=tuple(
            cases.approval_row(each, names, me=me, counts=each.by_user in standing) for each in found.approvals
        ),
        given=len(standing),
        needed=review.approvals_needed,
        approvals_words=f"{len(standing)} of {review.approvals_needed} given",
        claim=_claim(visit, review, here, names),
        claim_url=f"{here}claim/" if not cannot and cases.holder(review, visit.now) != me and review.is_open else "",
        snoozed=f"snoozed until {stamp(review.snoozed_until)} UTC"
        if review.is_open and review.snoozed_until and review.snoozed_until > visit.now
        else "",
        escalated=_escalated(review, names, me),
        notes=tuple(cases.note_row(each, names, me=me, now=visit.now) for each in notes),
        files=tuple(cases.file_row(each, names, me=me, now=visit.now, url=f"{here}files/") for each in files),
        related=_related(visit, review),
        steps=tuple(cases.step_view(each, names, me=me) for each in steps),
        forms=forms,
        note_form=note,
        attach_form=attach,
        cannot=cannot if review.is_open else "",
        decided=_decided(review, names, me),
        decided_reason=review.note if not review.is_open else "",
        conflict=f"{returned.problem} {returned.problem_next}".strip() if returned and is_homeless else "",
        typed=returned.text if returned and is_homeless else "",
        close_url=close_url,
        then=then,
        members=colleagues(visit),
        trust=_trust(visit, intent, names),
    )


def _read(review: ReviewRecord) -> Read:
    party_case = find_open_case(kind="alert", subject=review.party_id) if review.party_id else None
    return Read(
        review=review,
        alerts=tuple(alerts_of(review_id=review.id)),
        party_alerts=tuple(each for each in alerts_of(review_id=party_case.id) if each.kind in _HITS)
        if party_case and party_case.id != review.id
        else (),
        approvals=tuple(approvals_of(review_id=review.id)),
        decision=find_decision(intent_id=review.intent_id) if review.decision_id else None,
        intent=_intent(review),
    )


def _intent(review: ReviewRecord) -> IntentRecord | None:
    if not review.intent_id:
        return None
    try:
        return get_intent(intent_id=review.intent_id)
    except (DomainError, LookupError):
        return None


def subject_url(visit: Visit, review: ReviewRecord) -> str:
    """The page of what the case is about, for those who may read it."""
    if review.intent_id and visit.may(Permission.INTENTS_READ):
        return f"{visit.base}intents/{review.intent_id}/"
    path, permission = _SUBJECTS.get(review.case_kind, ("", Permission.REVIEWS_READ))
    return visit.base + path.format(review.subject) if path and visit.may(permission) else ""


def _head(review: ReviewRecord, names: Mapping[str, str], visit: Visit) -> str:
    what = "Review" if review.case_kind == "intent" else cases.KIND_WORDS.get(review.case_kind, "case")
    holding = cases.holder(review, visit.now)
    if review.is_open and holding:
        return f"{what} · claimed by {cases.person(holding, names, me=visit.member.user_id)}"
    return f"{what} · {'unclaimed' if review.is_open else review.state}"


def _words(review: ReviewRecord, intent: IntentRecord | None) -> str:
    if intent is None or review.case_kind != "intent":
        return _ABOUT.get(review.case_kind, "") if review.is_open else review.saw
    return f"{story.movement(intent)}{' · nothing posts until approved' if review.is_open else ''}"


def _about(visit: Visit, review: ReviewRecord) -> tuple[tuple[str, str, str], ...]:
    if review.case_kind == "intent":
        return ()
    rows = [
        (cases.KIND_WORDS.get(review.case_kind, "subject"), review.subject, subject_url(visit, review)),
        ("what was seen", review.saw, ""),
        ("queue", review.queue, ""),
        ("opened", f"{stamp(review.opened_at)} UTC", ""),
    ]
    return tuple(row for row in rows if row[1])


def _alerts(visit: Visit, found: Read, names: Mapping[str, str]) -> tuple[AlertView, ...]:
    results: dict[str, Mapping[str, Any]] = (
        {str(rule["rule"]): rule for rule in found.decision.rules} if found.decision else {}
    )
    may_settle = found.review.is_open and visit.may(Permission.REVIEWS_DECIDE)
    base = f"{visit.base}reviews/{found.review.id}/alerts/"
    return tuple(
        cases.alert_view(
            alert,
            names=names,
            result=results.get(alert.name),
            currency=found.review.currency,
            resolve_url=f"{base}{alert.id}/" if may_settle else "",
            url=_alert_url(visit, alert, found.review),
        )
        for alert in (*found.party_alerts, *found.alerts)
    )


def _alert_url(visit: Visit, alert: ReviewAlert, review: ReviewRecord) -> str:
    if alert.kind in _HITS and review.party_id and visit.may(Permission.PARTIES_READ):
        return f"{visit.base}compliance/parties/{review.party_id}/"
    return ""


def _account(
    visit: Visit, review: ReviewRecord, intent: IntentRecord | None
) -> tuple[str, str, tuple[ConsequenceRow, ...]]:
    """What a decision would do to the source account: minor units."""
    if intent is None or review.case_kind != "intent" or not visit.may(Permission.ACCOUNTS_READ):
        return "", "", ()
    account = get_account(account_id=intent.source_account)
    available = list_balances(account_ids=[account.id])[account.id].available_minor
    rows = [ConsequenceRow("Available now", grouped(available))]
    if review.is_open:
        left = available - review.amount_minor
        rows += [
            ConsequenceRow("Posts if approved", format_signed(-review.amount_minor), "neg"),
            ConsequenceRow("Left if approved", grouped(left)),
            ConsequenceRow("Stays if declined", grouped(available), "pos"),
        ]
    name = f"{shorten(account.code, head=14, tail=6)} {account.currency}"
    return name, f"{visit.base}accounts/{account.id}/", tuple(rows)


def _claim(visit: Visit, review: ReviewRecord, here: str, names: Mapping[str, str]) -> ClaimView | None:
    holding, me = cases.holder(review, visit.now), visit.member.user_id
    if not holding or not review.is_open or review.claimed_until is None:
        return None
    is_mine = holding == me
    return ClaimView(
        by=cases.person(holding, names, me=me),
        is_mine=is_mine,
        until_iso=iso(review.claimed_until),
        left=cases.countdown(review.claimed_until, visit.now),
        renew_url=f"{here}renew/" if is_mine else "",
        release_url=f"{here}release/" if is_mine else "",
    )


def _escalated(review: ReviewRecord, names: Mapping[str, str], me: str) -> str:
    if not review.escalation or not review.is_open:
        return ""
    by = cases.person(review.escalated_by or "", names, me=me)
    return f"escalated to {'an admin' if review.escalation > 1 else 'compliance'} by {by}"


def _decided(review: ReviewRecord, names: Mapping[str, str], me: str) -> str:
    if review.is_open or review.decided_at is None:
        return ""
    who = cases.person(review.decided_by or "", names, me=me)
    outcome = f" as {review.outcome_code}" if review.state == "resolved" else ""
    why = f": {cases.code_words(review.reason_code).lower()}" if review.reason_code else ""
    return f"{review.state.capitalize()}{outcome} by {who}, {stamp(review.decided_at)} UTC{why}."


def _related(visit: Visit, review: ReviewRecord) -> tuple[RelatedRow, ...]:
    return tuple(
        RelatedRow(
            review_id=each.id,
            url=f"{visit.base}reviews/{each.id}/",
            subject=each.subject,
            reason=cases.reason_words(each.rule),
            why=_kinship(review, each),
            mark=cases.case_mark(each),
            at=moment(each.opened_at, visit.now),
            money=money(each.amount_minor, each.currency) if each.currency else None,
        )
        for each in related_reviews(review=review, limit=RELATED)
    )


def _kinship(review: ReviewRecord, other: ReviewRecord) -> str:
    if review.party_id and review.party_id == other.party_id:
        return "same party"
    if review.intent_id and review.intent_id == other.intent_id:
        return "same intent"
    if review.subject == other.subject:
        return "same subject"
    if review.maker == other.maker and review.rule == other.rule:
        return "same maker, same rule"
    return "same customer or payee"


def _trust(visit: Visit, intent: IntentRecord | None, names: Mapping[str, str]) -> TrustView | None:
    if intent is None:
        return None
    return story.trust(intent, scope=visit.workspace.slug, signed=sealed_to(now=visit.now).signed, names=names)


def names_for(reviews: Sequence[ReviewRecord]) -> dict[str, str]:
    """The names that a list of cases needs, in one statement."""
    people = {user for each in reviews for user in (each.owner, each.claimed_by, each.decided_by) if user}
    return names_of_users(user_ids=sorted(people))
