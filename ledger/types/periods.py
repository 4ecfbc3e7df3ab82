"""What periods say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

PeriodState = Literal["open", "soft", "closed"]


@dataclass(frozen=True, slots=True)
class PeriodLock:
    """What may be posted into a period: see ``ledger.models.Period``."""

    period_id: str
    starts_at: datetime
    ends_at: datetime
    state: PeriodState
    open_until: datetime | None


@dataclass(frozen=True, slots=True)
class Placement:
    """When money counts that was meant for a moment; ``late_for`` is the month (2026-04) that took it no more, or "".

    Post it with this ``effective_at`` and, where ``late_for`` is not empty, with it in the posting's metadata.
    """

    effective_at: datetime
    late_for: str


@dataclass(frozen=True, slots=True)
class Turnover:
    """An account over a period, minor units: what it held before, what moved, what it holds after. Net: credits −
    debits; the two movements are positive."""

    account_id: str
    account_code: str
    account_name: str
    account_type: str
    type: str
    normal_balance: Literal["debit", "credit"]
    currency: str
    opening_minor: int
    debits_minor: int
    credits_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True)
class LatePosting:
    """A posting that counts later than it was meant to, because its period was closed."""

    posting_id: str
    late_for: str
    purpose: str
    intent_id: str | None
    amount_minor: int
    currency: str
    effective_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class DrawnPosting:
    """A posting that was drawn for a sample; ``digest`` is the hash by which it was ranked."""

    posting_id: str
    digest: str
    purpose: str
    intent_id: str | None
    amount_minor: int
    currency: str
    effective_at: datetime
    entry_hash: str


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One entry of a journal, with its posting."""

    posting_id: str
    entry_id: str
    position: int
    effective_at: datetime
    recorded_at: datetime
    purpose: str
    intent_id: str | None
    external_reference: str | None
    description: str
    account_id: str
    account_code: str
    direction: Literal["debit", "credit"]
    amount_minor: int
    currency: str
