"""A person's word on a held intent: approval posts and goes on, decline ends it. Both are kept with who, when, why."""

from datetime import datetime

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.queries import find_account
from policy import operations as policy
from policy.rules import Subject
from policy.types import ReviewRecord
from zentra.core import actors, clock, queue, telemetry
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.runtime import store
from zentra.runtime.operations.intake import ledgered_events
from zentra.runtime.states import Status
from zentra.runtime.types import IntentRecord


def approve_intent(*, intent_id: str, actor: Actor, reason: str, now: datetime) -> IntentRecord:
    """Approve a held intent: it is controlled, its reserve posts and it is routed, in the caller's transaction.

    Raises:
        NoSuchReview, ReviewAlreadyDecided, MakerCannotDecide, ReasonRequired: the review.
        What ``ledger.post_entries`` raises: the decision is not taken either.
    """
    review = policy.close_review(intent_id=intent_id, approve=True, actor=actor, reason=reason, now=now)
    intent = store.lock(intent_id)
    customer = find_account(ref=intent.source_account, currency=intent.currency).customer
    subject = Subject(intent_id, intent.kind, intent.amount_minor, intent.currency, customer)
    policy.count_approved(subject=subject, now=now)
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
    record_events(events=[_decided_event(intent, review, actor, "review.approved"), *events], now=now)
    _enqueue("runtime.route", intent_id, now)
    return ledgered


def decline_intent(*, intent_id: str, actor: Actor, reason: str, now: datetime) -> IntentRecord:
    """Decline a held intent: nothing posts, its limits are freed, it is sealed. Raises as ``approve_intent`` does."""
    review = policy.close_review(intent_id=intent_id, approve=False, actor=actor, reason=reason, now=now)
    intent = store.lock(intent_id)
    policy.release_limits(intent_id=intent_id, now=now)
    declined = store.advance(
        intent, Status.DECLINED, actor=actor, at=now, reason=reason, reviewed_by=actor.id, failure=review.rule
    )
    record_events(events=[_decided_event(intent, review, actor, "review.declined")], now=now)
    _enqueue("runtime.close", intent_id, now)
    return declined


def assign_intent_review(*, intent_id: str, owner: str, actor: Actor, now: datetime) -> ReviewRecord:
    """Make another person accountable for an open review; recorded."""
    review = policy.assign_review(intent_id=intent_id, owner=owner)
    assigned = NewEvent(
        type="review.assigned",
        actor=actor,
        intent_id=intent_id,
        trace_id=telemetry.trace_id(),
        data={"review_id": review.id, "owner": owner, "rule": review.rule},
    )
    record_events(events=[assigned], now=now)
    return review


def _decided_event(intent: IntentRecord, review: ReviewRecord, actor: Actor, name: str) -> NewEvent:
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
        },
    )


def _enqueue(kind: str, intent_id: str, now: datetime) -> None:
    queue.enqueue(workspace_id=current_tenant().id, kind=kind, ref=intent_id, due_at=now, priority=1)
