"""Postings as the API answers them."""

from typing import Any

from ledger.queries import StoredPosting, get_posting
from ledger.types import BatchItem, Fx, Posted
from zentra.core import clock
from zentra.core.tenancy import current_tenant

_EVENTS = {"posted": "ledger.entry.created", "pending": "hold.placed", "released": "hold.released"}


def show_written(posted: Posted, item: BatchItem) -> dict[str, Any]:
    """A posting that was just written, with what its caller said of it."""
    return show_posting(StoredPosting(posted, item.posting, item.facts))


def show_standing(posting_id: str) -> dict[str, Any]:
    """A posting as it stands."""
    return show_posting(get_posting(posting_id=posting_id))


def show_posting(stored: StoredPosting) -> dict[str, Any]:
    """A posting as the API answers it."""
    posted, asked, facts = stored.posted, stored.asked, stored.facts
    return {
        "status": posted.state,
        "event": _EVENTS[posted.state],
        "evidence": posting_evidence(posted),
        "id": posted.posting_id,
        "object": "posting",
        "purpose": posted.purpose,
        "currency": posted.currency,
        "amount_minor": posted.amount_minor,
        "intent_id": posted.intent_id,
        "reverses_id": posted.reverses_id,
        "corrects_id": posted.corrects_id,
        "hold_id": posted.hold_id,
        "fx": show_fx(posted.fx),
        "description": asked.description,
        "external_reference": facts.external_reference,
        "source_event_id": facts.source_event_id,
        "decision_id": facts.decision_id,
        "entries": [
            {
                "id": entry.id,
                "account_id": entry.account_id,
                "account_code": entry.account_code,
                "direction": entry.direction,
                "amount_minor": entry.amount_minor,
                "currency": entry.currency,
            }
            for entry in posted.entries
        ],
        "entry_hash": posted.entry_hash,
        "effective_at": clock.iso(posted.effective_at),
        "recorded_at": clock.iso(posted.recorded_at),
        "workspace": current_tenant().slug,
        "metadata": dict(asked.metadata),
    }


def posting_evidence(posted: Posted) -> dict[str, Any]:
    """What a posting leaves as proof, in the documents' words."""
    return {
        "debit_account": posted.entry("debit").account_code,
        "credit_account": posted.entry("credit").account_code,
        "minor_units": posted.amount_minor,
        "posting_id": posted.posting_id,
        "correlation_id": posted.correlation_id,
    }


def show_fx(fx: Fx | None) -> dict[str, Any] | None:
    """A rate as the API answers it."""
    if fx is None:
        return None
    quoted_at = None if fx.quoted_at is None else clock.iso(fx.quoted_at)
    return {"base": fx.base, "quote": fx.quote, "rate": fx.rate, "source": fx.source, "quoted_at": quoted_at}
