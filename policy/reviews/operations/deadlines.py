"""What time does to open cases: they breach, and what nobody takes goes further up. Each happens exactly once."""

from datetime import datetime

from policy.reviews import events, store
from policy.reviews.operations.assigning import LAST_STEP, raise_level
from policy.reviews.times import review_time
from policy.reviews.types import ReviewRecord
from zentra.core import actors

BREACHES_A_ROUND = 200


def breach_overdue(*, now: datetime) -> int:
    """Mark the cases whose time ran out and escalate them, a batch; how many there were.

    A case that two beats see at once is locked by one and passed over by the other, and marked it is not seen again:
    each breaches once, however long nobody looked. Recorded as ``review.breached``.
    """
    overdue = store.select(
        "WHERE state = 'open' AND breached_at IS NULL AND due_at <= %s ORDER BY due_at, id LIMIT %s"
        " FOR UPDATE SKIP LOCKED",
        [now, BREACHES_A_ROUND],
    )
    for review in overdue:
        _breach(review, now)
    return len(overdue)


def _breach(review: ReviewRecord, now: datetime) -> None:
    breached = store.change(review, actor=None, at=now, breached_at=now)
    store.keep_step(review.id, "breached", actor=actors.POLICY, at=now)
    late = int((now - review.due_at).total_seconds())
    events.record("breached", breached, actor=actors.POLICY, now=now, seconds_late=late, escalation=review.escalation)
    if review.escalation == 0:
        _escalate(breached, now)


def escalate_unanswered(*, now: datetime) -> int:
    """Take breached cases that stayed as long again after their escalation a last step up, a batch; how many."""
    waiting = store.select(
        "WHERE state = 'open' AND breached_at IS NOT NULL AND escalation > 0 AND escalation < %s AND"
        " greatest(escalated_at, breached_at) + CASE queue WHEN 'compliance' THEN %s::interval ELSE %s::interval END"
        " <= %s ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        [LAST_STEP, review_time("compliance"), review_time("operations"), now, BREACHES_A_ROUND],
    )
    for review in waiting:
        _escalate(review, now)
    return len(waiting)


def _escalate(review: ReviewRecord, now: datetime) -> None:
    """A step up because time ran out. The queue stays, so that whoever had it may still decide."""
    raised = raise_level(review=review, actor=actors.POLICY, now=now)
    store.keep_step(review.id, "escalated", actor=actors.POLICY, at=now, before=review.owner, after=raised.owner)
