"""Holds as the API answers them."""

from typing import Any

from ledger.types import HoldChange, HoldEventRecord, HoldRecord
from zentra.api.v1.posting_answers import posting_evidence
from zentra.core import clock
from zentra.core.tenancy import current_tenant

_EVENTS = {"held": "hold.placed", "captured": "hold.captured", "released": "hold.released", "expired": "hold.expired"}


def show_change(change: HoldChange, *, event: str) -> dict[str, Any]:
    """A hold after a step, with the posting of that step as its proof."""
    evidence: dict[str, Any] = posting_evidence(change.postings[-1]) if change.postings else {}
    return show_hold(change.hold, event=event, evidence=evidence)


def show_hold(hold: HoldRecord, *, event: str | None = None, evidence: dict[str, Any] | None = None) -> dict[str, Any]:
    """A hold as the API answers it."""
    return {
        "status": hold.state,
        "event": event or _EVENTS[hold.state],
        "evidence": {"hold_id": hold.id, **(evidence or {})},
        "id": hold.id,
        "object": "hold",
        "kind": hold.kind,
        "reference": hold.reference,
        "source": hold.source,
        "account_id": hold.account_id,
        "account_code": hold.account_code,
        "destination_id": hold.destination_id,
        "destination_code": hold.destination_code,
        "currency": hold.currency,
        "amount_minor": hold.amount_minor,
        "captured_minor": hold.captured_minor,
        "released_minor": hold.released_minor,
        "remaining_minor": hold.remaining_minor,
        "release_condition": hold.release_condition,
        "expires_at": None if hold.expires_at is None else clock.iso(hold.expires_at),
        "intent_id": hold.intent_id,
        "placed_by": hold.placed_by,
        "placed_at": clock.iso(hold.placed_at),
        "closed_at": None if hold.closed_at is None else clock.iso(hold.closed_at),
        "release_posting_id": hold.release_posting_id,
        "reviewed_by": hold.reviewed_by,
        "reviewed_at": None if hold.reviewed_at is None else clock.iso(hold.reviewed_at),
        "review_note": hold.review_note,
        "workspace": current_tenant().slug,
        "metadata": hold.metadata,
    }


def show_step(step: HoldEventRecord) -> dict[str, Any]:
    """One step of a hold."""
    return {
        "kind": step.kind,
        "amount_minor": step.amount_minor,
        "posting_id": step.posting_id,
        "expires_at": None if step.expires_at is None else clock.iso(step.expires_at),
        "reason": step.reason,
        "actor": step.actor,
        "recorded_at": clock.iso(step.recorded_at),
    }
