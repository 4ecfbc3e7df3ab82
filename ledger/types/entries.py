"""Entries as they are read, and the flow of an intent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.types.words import Direction, PostingState


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An entry with its posting's facts and, once it has one, its place in the account's history."""

    id: str
    posting_id: str
    purpose: str
    intent_id: str | None
    account_id: str
    account_code: str
    account_type: str
    direction: Direction
    amount_minor: int
    currency: str
    effective_at: datetime
    recorded_at: datetime
    entry_hash: str
    actor: dict[str, Any]
    correlation_id: str
    decision_id: str | None
    source_event_id: str | None
    version: int | None
    balance_after_minor: int | None
    state: PostingState = "posted"
    hold_id: str | None = None
    description: str = ""
    external_reference: str | None = None

    @property
    def signed_minor(self) -> int:
        """Credit positive, debit negative."""
        return self.amount_minor if self.direction == "credit" else -self.amount_minor


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One account of the ledger flow panel.

    ``moved_minor`` is the documents' figure: what the intent took from the customer (negative), or brought to the
    others (positive); null when nothing did. ``now_minor`` is what the intent has changed on the account up to now.
    ``word`` is said instead of a figure: pending, and for the payout open or closed.
    """

    name: str
    account_id: str | None
    account_code: str | None
    moved_minor: int | None
    now_minor: int
    word: str | None


@dataclass(frozen=True, slots=True)
class LedgerFlow:
    """Customer, Reserved, Settlement, Merchant, Payout of one intent; ``sum_minor`` over all its entries must be 0."""

    intent_id: str
    currency: str | None
    rows: tuple[FlowRow, ...]
    entry_count: int
    sum_minor: int

    @property
    def balanced(self) -> bool:
        """Whether all entries of the intent add up to zero."""
        return self.sum_minor == 0
