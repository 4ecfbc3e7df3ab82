"""From a step of a kind's flow to the posting it means for one intent."""

from collections.abc import Sequence
from datetime import datetime

from ledger.operations import post_postings, posting_event
from ledger.types import NO_FLOOR, Line, NewPosting, Posted, PostingFacts
from zentra.core import actors, ids
from zentra.runtime.kinds import KINDS, Kind, Step
from zentra.runtime.kinds.types import DESTINATION, SOURCE
from zentra.runtime.types import IntentRecord

__all__ = ["post_steps", "posting_event"]


def post_steps(
    intent: IntentRecord, steps: Sequence[Step], *, now: datetime, decision_id: str | None = None
) -> list[Posted]:
    """Post the steps in order in one round trip. Each step of an intent posts once, whoever repeats it."""
    kind = KINDS[intent.kind]
    return post_postings(
        postings=[
            NewPosting(
                posting_id=ids.new_id("posting"),
                purpose=step.purpose,
                lines=tuple(line for move in step.moves for line in _lines(move.debit, move.credit, intent, kind)),
                currency=intent.currency,
                effective_at=now,
                description=f"{intent.kind} {step.purpose}",
            )
            for step in steps
        ],
        facts=PostingFacts(
            actor=actors.LEDGER,
            recorded_at=now,
            correlation_id=intent.trace_id,
            intent_id=intent.intent_id,
            idempotency_key=intent.idempotency_key or None,
            decision_id=decision_id or intent.decision_id,
        ),
    )


def _lines(debit: str, credit: str, intent: IntentRecord, kind: Kind) -> tuple[Line, Line]:
    return (
        Line(_account(debit, intent), "debit", intent.amount_minor, _floor(debit, kind)),
        Line(_account(credit, intent), "credit", intent.amount_minor),
    )


def _account(role: str, intent: IntentRecord) -> str:
    return {SOURCE: intent.source_account, DESTINATION: intent.destination_account}.get(role, role)


def _floor(role: str, kind: Kind) -> int | None:
    """The condition on a debited account: a payment's customer may go negative, a transfer's source may not."""
    if role != SOURCE:
        return None
    return NO_FLOOR if kind.source_may_go_negative else 0
