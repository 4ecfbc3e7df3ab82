"""Entries as people read them: signed, debit −, credit +."""

from datetime import datetime

from console.presenters.words import clock
from console.types import EntryRow
from ledger.queries.postings import StoredPosting
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
        purpose=entry.purpose,
        at=_at(entry.recorded_at),
        sign="pos" if entry.direction == "credit" else "neg",
    )


def posted_rows(posting: StoredPosting, *, base: str) -> list[EntryRow]:
    """The entries of a posting."""
    posted = posting.posted
    return [
        EntryRow(
            entry_id=entry.id,
            posting_id=posted.posting_id,
            account=entry.account_code,
            account_url=f"{base}accounts/{entry.account_id}/",
            direction=entry.direction,
            currency=entry.currency,
            purpose=posting.asked.purpose,
            at=_at(posted.recorded_at),
            signed=format_signed(entry.amount_minor if entry.direction == "credit" else -entry.amount_minor),
            sign="pos" if entry.direction == "credit" else "neg",
        )
        for entry in posted.entries
    ]


def _at(moment: datetime) -> str:
    return f"{moment:%d %b} {clock(moment)}"
