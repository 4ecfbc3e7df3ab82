"""Entries as people read them: signed, debit −, credit +."""

from datetime import datetime

from console.presenters.words import clock, step
from console.types.intents import EntryRow
from ledger.types import EntryRecord
from zentra.core.money import format_signed


def entry_row(entry: EntryRecord, *, base: str) -> EntryRow:
    """One entry."""
    return EntryRow(
        entry_id=entry.id,
        posting_id=entry.posting_id,
        account=entry.account_code,
        account_url=f"{base}accounts/{entry.account_id}/",
        direction=entry.direction,
        signed=format_signed(entry.signed_minor),
        currency=entry.currency,
        purpose=step(entry.purpose),
        at=_at(entry.recorded_at),
        sign="pos" if entry.direction == "credit" else "neg",
        posting_url=f"{base}ledger/postings/{entry.posting_id}/",
    )


def _at(moment: datetime) -> str:
    return f"{moment:%d %b} {clock(moment)}"
