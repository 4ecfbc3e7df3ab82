"""What a posting is asked to be, and what stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ledger.types.balances import Balances
from ledger.types.words import Direction, Metric, PostingState
from zentra.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Bound:
    """A balance that an account must have once the posting stands, in its normal direction; both ends included."""

    metric: Metric
    at_least_minor: int | None = None
    at_most_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Fx:
    """The rate of a posting over two currencies: so many units of ``quote`` for one of ``base``, and whose word it is.

    ``rate`` is a decimal in words ("1.0842"), never a float; ``source`` names who quoted it, ``quoted_at`` when (UTC).
    """

    base: str
    quote: str
    rate: str
    source: str
    quoted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the caller words it: an account id (``acct_…`` or UUID) or code, a direction, minor units.

    ``currency`` is the posting's unless it is said here. ``lock_version`` is the version that the account must have
    before the posting, ``bounds`` what must hold after it; both are checked under the account's lock.

    ``floor_minor`` is a condition of this posting: the least available balance that it may leave on the account. Left
    out, the account's own floor holds. ``NO_FLOOR`` waives it (a payment's customer may be negative until the rail
    pays); 0 on an account without a floor asks for cover just this once (a transfer's source).
    """

    account: UUID | str
    direction: Direction
    amount_minor: int
    floor_minor: int | None = None
    currency: str | None = None
    lock_version: int | None = None
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class NewPosting:
    """One posting of a call that writes several in order; the rest of the facts are the call's."""

    posting_id: str
    purpose: str
    lines: tuple[Line, ...]
    currency: str
    effective_at: datetime
    reverses_id: str | None = None
    description: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)
    state: PostingState = "posted"
    hold_id: str | None = None
    corrects_id: str | None = None
    fx: Fx | None = None

    def currency_of(self, line: Line) -> str:
        """The currency of one of its lines."""
        return line.currency or self.currency


@dataclass(frozen=True, slots=True)
class PostingFacts:
    """Who and why of a posting call, shared by all its postings."""

    actor: Actor
    recorded_at: datetime
    correlation_id: str
    intent_id: str | None = None
    idempotency_key: str | None = None
    source_event_id: str | None = None
    decision_id: str | None = None
    external_reference: str | None = None


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One posting of a batch, with facts of its own; all of a batch are recorded at one moment, by one actor."""

    posting: NewPosting
    facts: PostingFacts


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """An entry that stands in the ledger."""

    id: str
    account_id: str
    account_code: str
    direction: Direction
    amount_minor: int
    currency: str

    @property
    def signed_minor(self) -> int:
        """Credit positive, debit negative."""
        return self.amount_minor if self.direction == "credit" else -self.amount_minor


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting that stands in the ledger; ``replayed`` when an earlier call had written it."""

    posting_id: str
    purpose: str
    intent_id: str | None
    entries: tuple[PostedEntry, ...]
    entry_hash: str
    currency: str
    recorded_at: datetime
    effective_at: datetime
    correlation_id: str
    replayed: bool = False
    reverses_id: str | None = None
    state: PostingState = "posted"
    hold_id: str | None = None
    corrects_id: str | None = None
    fx: Fx | None = None

    @property
    def amount_minor(self) -> int:
        """What moved: the sum of the debits in the posting's own currency, minor units."""
        return sum(
            entry.amount_minor
            for entry in self.entries
            if entry.direction == "debit" and entry.currency == self.currency
        )

    def entry(self, direction: Direction) -> PostedEntry:
        """The first entry of a direction."""
        return next(entry for entry in self.entries if entry.direction == direction)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a posting would be, and what its accounts would hold after it, by account id."""

    posted: Posted
    balances: Mapping[str, Balances]


@dataclass(frozen=True, slots=True)
class PostingFilters:
    """What a list of postings is narrowed to; times are UTC, from included, to excluded; amounts in minor units."""

    account_id: str | None = None
    purpose: str | None = None
    intent_id: str | None = None
    hold_id: str | None = None
    external_reference: str | None = None
    state: PostingState | None = None
    currency: str | None = None
    effective_from: datetime | None = None
    effective_to: datetime | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    at_least_minor: int | None = None
    at_most_minor: int | None = None
