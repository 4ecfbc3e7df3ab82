"""What is recorded about exceptions and adjustments: ids, codes and numbers, never what people wrote."""

from evidence.types import NewEvent
from zentra.core import telemetry
from zentra.core.actors import Actor
from zentra.reconciliation.matching.desk.types import AdjustmentRecord, ExceptionRecord


def resolved_event(
    found: ExceptionRecord, *, actor: Actor, adjustment_id: str | None = None, posting_id: str | None = None
) -> NewEvent:
    """``exception.resolved`` of an exception as it stands now."""
    data: dict[str, object] = {
        "exception_id": found.id, "account_id": found.account_id, "kind": found.kind, "resolution": found.resolution,
        "reason_code": found.reason_code, "amount_minor": found.amount_minor,
        "difference_minor": found.difference_minor, "currency": found.currency,
    }  # fmt: skip
    if adjustment_id is not None:
        data |= {"adjustment_id": adjustment_id, "posting_id": posting_id}
    return NewEvent(
        type="exception.resolved", actor=actor, intent_id=found.intent_id, trace_id=telemetry.trace_id(), data=data
    )


def opened_event(found: ExceptionRecord, *, actor: Actor) -> NewEvent:
    """``exception.opened`` of one that was seen as it happened."""
    return NewEvent(
        type="exception.opened", actor=actor, intent_id=found.intent_id, trace_id=telemetry.trace_id(),
        data={
            "exception_id": found.id, "account_id": found.account_id, "kind": found.kind,
            "amount_minor": found.amount_minor, "difference_minor": found.difference_minor, "currency": found.currency,
        },
    )  # fmt: skip


def adjustment_event(adjustment: AdjustmentRecord, found: ExceptionRecord, *, actor: Actor) -> NewEvent:
    """``adjustment.proposed``, ``.posted`` or ``.declined``, by where it stands now."""
    data: dict[str, object] = {
        "adjustment_id": adjustment.id, "exception_id": adjustment.exception_id, "account_id": found.account_id,
        "kind": adjustment.kind, "reason_code": adjustment.reason_code, "amount_minor": adjustment.amount_minor,
        "currency": adjustment.currency, "proposed_by": str(adjustment.proposed_by.get("id", "")),
    }  # fmt: skip
    if adjustment.posting_id is not None:
        data["posting_id"] = adjustment.posting_id
    if adjustment.decided_by is not None:
        data["decided_by"] = str(adjustment.decided_by.get("id", ""))
    return NewEvent(
        type=f"adjustment.{adjustment.state}", actor=actor, intent_id=found.intent_id, trace_id=telemetry.trace_id(),
        data=data,
    )  # fmt: skip
