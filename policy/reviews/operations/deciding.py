"""The decision about a case: one approval or two of two people, a decline, or a resolution that moves no money."""

from datetime import datetime

from django.db import connection

from policy.reviews import codes, events, people, store
from policy.reviews.queries.history import alerts_of, approvals_of
from policy.reviews.types import ApprovalResult, ReviewAlert, ReviewRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError


class AlreadyApproved(DomainError):
    """Four eyes rule: the second approval is another person's."""

    code = "already_approved"
    status = 409
    title = "You have approved this; another person has to as well"


class EditorCannotApprove(DomainError):
    """Four eyes rule: whoever changed the case last cannot be its second approver."""

    code = "editor_cannot_approve"
    status = 403
    title = "Whoever changed it last cannot be the second to approve it"


class AlertsUnresolved(DomainError):
    """Hits of screening or AML wait for a person's word; ``alerts`` names them."""

    code = "alerts_unresolved"
    status = 409
    title = "Alerts of this review are not resolved"


class HitConfirmed(DomainError):
    """A hit was confirmed: the case can only be declined."""

    code = "hit_confirmed"
    status = 409
    title = "A confirmed hit cannot be approved"


class ApprovalNotAsked(DomainError):
    """A case that moves no money is resolved; one that holds an intent is approved or declined."""

    code = "review_kind_refused"
    status = 409
    title = "This kind of review is not decided like this"


def give_approval(
    *,
    review_id: str,
    actor: Actor,
    reason_code: str,
    note: str,
    now: datetime,
    version: int | None = None,
    stepped_up: bool = False,
    trace_id: str | None = None,
) -> ApprovalResult:
    """Approve a held intent. Where four eyes rule the first approval leaves it open, and the second, another's, ends.

    An approval counts as long as its giver may decide the case: who lost that meanwhile gave none, and a third person
    approves too.

    This keeps who, in which role, when and why. The first of two is recorded as ``review.approval_given``, with
    ``stepped_up``: whether a second factor was proven for it. The last one the runtime records, with what it posts.

    Raises:
        NoSuchReview, ReviewAlreadyDecided, StaleReview, ReviewClaimed: who acted or works on it, and when.
        RoleCannotDecide, MakerCannotDecide, AlreadyApproved, EditorCannotApprove: who may not.
        AlertsUnresolved, HitConfirmed: what stands against it.
        InvalidReasonCode, ReasonRequired, ApprovalNotAsked: the words.
    """
    words = codes.check_reason(reason_code, note, codes.APPROVE)
    review = _begin(review_id, actor, now, version)
    if review.case_kind != "intent":
        raise ApprovalNotAsked("It holds no intent; resolve it.")
    _check_alerts(review)
    given = approvals_of(review_id=review.id)
    if any(each.by_user == actor.id for each in given):
        raise AlreadyApproved("Four eyes: the second approval is another person's.")
    if given and review.edited_by == actor.id:
        raise EditorCannotApprove("You changed this case last; a third person has to approve it.")
    place = len(given) + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_review_approval (id, review_id, place, by_user, by_role, at, reason_code, note)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                ids.new_uuid(), ids.to_uuid(review.id, prefix="rev"), place, actor.id, actor.role, now, reason_code,
                words,
            ],
        )  # fmt: skip
    standing = 1 + sum(people.may_decide(review, each.by_user) for each in given)
    if standing >= review.approvals_needed:
        ended = _end(review, "approved", "approved", reason_code, words, actor, now)
        return ApprovalResult(ended, standing, review.approvals_needed, is_final=True)
    waiting = store.change(review, actor=actor, at=now, **store.FREE)
    store.keep_step(review.id, "approval_given", actor=actor, at=now, after=f"{standing} of 2", words=words)
    events.record(
        "approval_given", waiting, actor=actor, now=now, trace_id=trace_id, by=actor.id, role=actor.role, place=place,
        needed=review.approvals_needed, reason_code=reason_code, stepped_up=stepped_up,
    )  # fmt: skip
    return ApprovalResult(waiting, standing, review.approvals_needed, is_final=False)


def decline_review(
    *, review_id: str, actor: Actor, reason_code: str, note: str, now: datetime, version: int | None = None
) -> ReviewRecord:
    """Decline a held intent: one person's word ends it, also where four eyes rule. The runtime records it.

    Raises as ``give_approval`` does, but for what stands against an approval.
    """
    words = codes.check_reason(reason_code, note, codes.DECLINE)
    review = _begin(review_id, actor, now, version)
    if review.case_kind != "intent":
        raise ApprovalNotAsked("It holds no intent; resolve it.")
    return _end(review, "declined", "declined", reason_code, words, actor, now)


def resolve_case(
    *,
    review_id: str,
    actor: Actor,
    outcome_code: str,
    reason_code: str,
    note: str,
    now: datetime,
    version: int | None = None,
) -> ReviewRecord:
    """End a case that moves no money, with what became of it and why. Recorded as ``review.resolved``.

    Raises as ``give_approval`` does; AlertsUnresolved while hits wait for a word.
    """
    codes.check_code(outcome_code, codes.OUTCOMES)
    words = codes.check_reason(reason_code, note, codes.RESOLVE)
    review = _begin(review_id, actor, now, version)
    if review.case_kind == "intent":
        raise ApprovalNotAsked("It holds an intent; approve or decline it.")
    _check_resolved(alerts_of(review_id=review.id))
    ended = _end(review, "resolved", outcome_code, reason_code, words, actor, now)
    _record_resolved(ended, actor, now)
    return ended


def settle_case(
    *, kind: str, subject: str, actor: Actor, now: datetime, outcome_code: str = codes.ENDED, reason_code: str = "fixed"
) -> ReviewRecord | None:
    """End the open case of a subject because its reason went away, whoever works on it; None where there is none.

    For services, about cases that move no money. Recorded as ``review.resolved``.
    """
    found = store.select(
        "WHERE case_kind = %s AND subject = %s AND state = 'open' AND case_kind <> 'intent' FOR UPDATE", [kind, subject]
    )
    if not found:
        return None
    ended = _end(found[0], "resolved", outcome_code, reason_code, "", actor, now)
    _record_resolved(ended, actor, now)
    return ended


def _record_resolved(review: ReviewRecord, actor: Actor, now: datetime) -> None:
    events.record(
        "resolved", review, actor=actor, now=now, decided_by=actor.id, role=actor.role,
        outcome_code=review.outcome_code, reason_code=review.reason_code,
    )  # fmt: skip


def _begin(review_id: str, actor: Actor, now: datetime, version: int | None) -> ReviewRecord:
    """The open case, held by us, on which this person may decide and nobody else works."""
    review = store.lock_open(review_id, version=version)
    people.check_may_decide(review, actor)
    store.check_not_claimed_by_another(review, actor, now)
    return review


def _check_alerts(review: ReviewRecord) -> None:
    """The alerts of the case itself, and the hits of the intent's parties, which wait in cases of their own."""
    alerts = [each for each in alerts_of(review_id=review.id) if each.kind in ("screening", "aml")]
    parties = _parties_in_doubt(review)
    if "confirmed" in parties.values() or any(each.state == "confirmed" for each in alerts):
        raise HitConfirmed("A hit was confirmed; decline it.")
    alerts += store.select_alerts(
        "WHERE kind = 'screening' AND state = 'open' AND review_id IN"
        " (SELECT id FROM policy_review WHERE party_id = ANY(%s) AND case_kind = 'alert' AND state = 'open')",
        [[*parties, review.party_id]],
    )
    _check_resolved(alerts)


def _parties_in_doubt(review: ReviewRecord) -> dict[str, str]:
    """The parties of the held intent that are not clear by now, with what screening says of each."""
    if not review.decision_id:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.party_id, f.screening FROM policy_decision d CROSS JOIN LATERAL screening_facts("
            " ARRAY[d.facts #>> '{fields,customer}', d.facts #>> '{fields,counterparty}']) f"
            " WHERE d.id = %s AND f.screening IN ('unresolved', 'confirmed')",
            [ids.to_uuid(review.decision_id, prefix="dec")],
        )
        return {ids.to_public("pty", party): screening for party, screening in cursor.fetchall()}


def _check_resolved(alerts: list[ReviewAlert]) -> None:
    waiting = [each.id for each in alerts if each.kind in ("screening", "aml") and each.state == "open"]
    if waiting:
        raise AlertsUnresolved(f"{len(waiting)} hits wait for a word: cleared or confirmed.", alerts=waiting)


def _end(
    review: ReviewRecord, state: str, outcome: str, reason: str, words: str, actor: Actor, now: datetime
) -> ReviewRecord:
    ended = store.change(
        review, actor=actor, at=now, state=state, outcome_code=outcome, reason_code=reason, note=words,
        decided_at=now, decided_by=actor.id, decided_role=actor.role, **store.FREE,
    )  # fmt: skip
    store.keep_step(review.id, state, actor=actor, at=now, before=review.state, after=outcome, words=words)
    return ended
