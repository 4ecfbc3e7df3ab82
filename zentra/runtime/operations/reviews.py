"""A person's word on a held intent: approval posts and goes on, decline ends it. Both are kept with who, when, why."""

from datetime import datetime
from functools import partial

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.queries import find_account
from policy import operations as policy
from policy.decisions.operations import recheck
from policy.decisions.queries import get_decision
from policy.reviews import operations as reviews
from policy.reviews.codes import OTHER_APPROVE, OTHER_DECLINE
from policy.reviews.queries import alerts_of, approvals_of, find_review
from policy.reviews.types import NewAlert, ReviewRecord
from policy.rules.types import RuleResult
from policy.subjects import Subject
from zentra.core import actors, clock, queue
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.tenancy import current_tenant
from zentra.runtime import store
from zentra.runtime.operations.intake import ledgered_events
from zentra.runtime.states import Status
from zentra.runtime.subjects import subject_of
from zentra.runtime.types import IntentRecord


class FactsChanged(DomainError):
    """Lists, parties, limits or rules have changed since the intent was held, and say more against it; nothing posted.

    ``rules`` names them. Each is an alert of the case now: whoever has read and cleared them may approve.
    """

    code = "facts_changed"
    status = 409
    title = "Facts have changed since it was held"


def approve_intent(
    *,
    intent_id: str,
    actor: Actor,
    reason: str,
    now: datetime,
    reason_code: str = OTHER_APPROVE,
    version: int | None = None,
    stepped_up: bool = False,
) -> IntentRecord:
    """Approve a held intent, in the caller's transaction.

    Where four eyes rule the first approval leaves it held. The last one controls it: its reserve posts and it is
    routed.

    Raises:
        What ``policy.reviews.operations.give_approval`` raises: nothing is decided.
        FactsChanged: policy would hold it for more by now; nothing is decided.
        What ``ledger.post_entries`` raises: the decision is not taken either.
    """
    held = _held(intent_id)
    trace_id = store.get(intent_id).trace_id
    given = reviews.give_approval(
        review_id=held.id, actor=actor, reason_code=reason_code, note=reason, now=now, version=version,
        stepped_up=stepped_up, trace_id=trace_id,
    )  # fmt: skip
    intent = store.lock(intent_id)
    if not given.is_final:
        return intent
    check_facts(intent=intent, review=given.review, now=now)
    return _let_go(intent, given.review, actor, stepped_up=stepped_up, now=now)


def _let_go(
    intent: IntentRecord, review: ReviewRecord, actor: Actor, *, stepped_up: bool, now: datetime
) -> IntentRecord:
    """Post what all who had to have approved, and send it on."""
    policy.count_approved(subject=_subject(intent), now=now)
    reason = review.note or review.reason_code
    controlled = store.advance(intent, Status.CONTROLLED, actor=actor, at=now, reason=reason, reviewed_by=actor.id)
    posted_at = clock.now()
    proven, events = ledgered_events(controlled, review.decision_id, now=posted_at)
    ledgered = store.advance(
        controlled,
        Status.LEDGERED,
        actor=actors.LEDGER,
        at=posted_at,
        reserve_entry_id=proven.reserve_entry_id,
        entry_hash=proven.entry_hash,
        mutations=proven.mutations,
        event_stream=proven.event_stream,
    )
    approved = _decided_event(intent, review, actor, "review.approved", stepped_up=stepped_up)
    record_events(events=[approved, *events], now=now)
    _enqueue("runtime.route", intent.intent_id, now)
    return ledgered


def check_facts(*, intent: IntentRecord, review: ReviewRecord, now: datetime) -> None:
    """Ask the rules again before an approval posts; raises FactsChanged, which leaves what changed as alerts.

    A person who has read such an alert clears it and may approve then, unless the rules would now decline.
    """
    decision = get_decision(decision_id=review.decision_id)
    found = recheck(subject=_subject(intent), decision=decision, now=now)
    read = {(alert.name, alert.reference) for alert in alerts_of(review_id=review.id) if alert.state == "cleared"}
    worse = [each for each in found.changed if each.outcome == "declined" or (each.rule, _mark(each)) not in read]
    if worse:
        refusal = FactsChanged(
            f"Since it was held, {', '.join(each.rule for each in worse)} says more against it. Nothing posted.",
            rules=[{"rule": each.rule, "outcome": each.outcome} for each in worse],
        )
        refusal.leaves = partial(_keep_changes, review.id, worse, intent.currency, now)
        raise refusal
    if found.four_eyes and not review.needs_two:
        refusal = FactsChanged("By the rules of now two people approve it. Nothing posted.", rules=[])
        refusal.leaves = partial(_keep_four_eyes, review.id, now)
        raise refusal


def _mark(result: RuleResult) -> str:
    """What tells the alert of a changed fact from the one that the rule raised at first."""
    return f"now_{result.outcome}"


def _keep_changes(review_id: str, worse: list[RuleResult], currency: str, now: datetime) -> None:
    for each in worse:
        alert = NewAlert(
            "limit" if each.rule.startswith("limit.") else "rule",
            each.rule,
            each.saw(currency),
            each.score,
            _mark(each),
        )
        is_blocking = each.outcome == "blocked"
        reviews.note_change(
            review_id=review_id, alert=alert, needs_two=each.four_eyes or is_blocking, is_blocking=is_blocking,
            actor=actors.POLICY, now=now,
        )  # fmt: skip


def _keep_four_eyes(review_id: str, now: datetime) -> None:
    alert = NewAlert("system", "policy.four_eyes", "two people approve it by the rules of now", 0, "now_two")
    reviews.note_change(
        review_id=review_id, alert=alert, needs_two=True, is_blocking=False, actor=actors.POLICY, now=now
    )


def _subject(intent: IntentRecord) -> Subject:
    account = find_account(ref=intent.source_account, currency=intent.currency)
    return subject_of(intent, account_code=account.code, customer=account.customer)


def decline_intent(
    *,
    intent_id: str,
    actor: Actor,
    reason: str,
    now: datetime,
    reason_code: str = OTHER_DECLINE,
    version: int | None = None,
    stepped_up: bool = False,
) -> IntentRecord:
    """Decline a held intent: nothing posts, its limits are freed, it is sealed. One person's word is enough.

    Raises what ``policy.reviews.operations.decline_review`` raises: nothing is decided.
    """
    held = _held(intent_id)
    review = reviews.decline_review(
        review_id=held.id, actor=actor, reason_code=reason_code, note=reason, now=now, version=version
    )
    intent = store.lock(intent_id)
    policy.release_limits(intent_id=intent_id, now=now)
    declined = store.advance(
        intent, Status.DECLINED, actor=actor, at=now, reason=review.note or review.reason_code, reviewed_by=actor.id,
        failure=review.rule,
    )  # fmt: skip
    said = _decided_event(intent, review, actor, "review.declined", stepped_up=stepped_up)
    record_events(events=[said], now=now)
    _enqueue("runtime.close", intent_id, now)
    return declined


def assign_intent_review(
    *, intent_id: str, owner: str, actor: Actor, now: datetime, version: int | None = None
) -> ReviewRecord:
    """Make another person accountable for the open review of an intent; raises as ``assign_review`` does."""
    return reviews.assign_review(review_id=_held(intent_id).id, owner=owner, actor=actor, now=now, version=version)


def _held(intent_id: str) -> ReviewRecord:
    """The case of an intent; raises NoSuchReview."""
    review = find_review(intent_id=intent_id)
    if review is None:
        raise reviews.NoSuchReview(f"Nothing is held for review under {intent_id[:80]!r}.")
    return review


def _decided_event(
    intent: IntentRecord, review: ReviewRecord, actor: Actor, name: str, *, stepped_up: bool
) -> NewEvent:
    """The decision as evidence. The free text of the reason stays in the review: leaves are for ever."""
    return NewEvent(
        type=name,
        actor=actor,
        intent_id=intent.intent_id,
        trace_id=intent.trace_id,
        data={
            "review_id": review.id,
            "decision_id": review.decision_id,
            "rule": review.rule,
            "owner": review.owner,
            "decided_by": actor.id,
            "role": actor.role,
            "reason_code": review.reason_code,
            "stepped_up": stepped_up,
            "approvals": [
                {"place": each.place, "by": each.by_user, "role": each.by_role}
                for each in approvals_of(review_id=review.id)
            ],
        },
    )


def _enqueue(kind: str, intent_id: str, now: datetime) -> None:
    queue.enqueue(workspace_id=current_tenant().id, kind=kind, ref=intent_id, due_at=now, priority=1)
