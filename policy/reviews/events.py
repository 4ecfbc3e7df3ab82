"""What is recorded about cases: ids, codes and numbers, never what people wrote, for leaves stay for ever."""

from datetime import datetime

from evidence.operations import record_events
from evidence.types import NewEvent
from policy.reviews.types import ReviewRecord
from zentra.core import telemetry
from zentra.core.actors import Actor


def event_of(name: str, review: ReviewRecord, *, actor: Actor, trace_id: str | None = None, **data: object) -> NewEvent:
    """An event about a case: which, whose, in which queue, and what happened."""
    said: dict[str, object] = {
        "review_id": review.id,
        "case_kind": review.case_kind,
        "subject": review.subject,
        "queue": review.queue,
        "owner": review.owner,
        "rule": review.rule,
        **data,
    }
    return NewEvent(
        type=f"review.{name}",
        actor=actor,
        intent_id=review.intent_id or None,
        trace_id=trace_id or telemetry.trace_id(),
        data=said,
    )


def record(
    name: str, review: ReviewRecord, *, actor: Actor, now: datetime, trace_id: str | None = None, **data: object
) -> None:
    """Record one event about a case, in the caller's transaction."""
    record_events(events=[event_of(name, review, actor=actor, trace_id=trace_id, **data)], now=now)
