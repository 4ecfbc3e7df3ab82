"""Holds, their steps, and what an operation on one did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ledger.types.postings import Posted
from ledger.types.words import HoldState


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A hold as others see it; amounts in minor units of ``currency``."""

    id: str
    kind: Literal["hold", "posting"]
    reference: str
    account_id: str
    account_code: str
    destination_id: str
    destination_code: str
    currency: str
    amount_minor: int
    captured_minor: int
    released_minor: int
    state: HoldState
    intent_id: str | None
    source: str
    release_condition: str
    expires_at: datetime | None
    placed_by: dict[str, Any]
    placed_at: datetime
    closed_at: datetime | None
    release_posting_id: str | None
    reviewed_by: dict[str, Any] | None
    reviewed_at: datetime | None
    review_note: str
    metadata: dict[str, Any]

    @property
    def remaining_minor(self) -> int:
        """What is still held."""
        return self.amount_minor - self.captured_minor - self.released_minor


@dataclass(frozen=True, slots=True)
class HoldEventRecord:
    """One step of a hold."""

    kind: str
    amount_minor: int | None
    posting_id: str | None
    expires_at: datetime | None
    reason: str
    actor: dict[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class HoldChange:
    """A hold after an operation on it, and the postings that the operation wrote."""

    hold: HoldRecord
    postings: tuple[Posted, ...]
