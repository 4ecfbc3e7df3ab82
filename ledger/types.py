"""The ledger's values: what operations take and queries give. None of them touches the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from zentra.core.actors import Actor
from zentra.core.money import MAX_AMOUNT_MINOR

Direction = Literal["debit", "credit"]
AccountClass = Literal["asset", "liability", "equity", "income", "expense"]
AccountState = Literal["active", "frozen", "closed"]
Sequencing = Literal["immediate", "deferred"]
PostingState = Literal["posted", "pending", "released"]
HoldState = Literal["held", "captured", "released", "expired"]
Metric = Literal["available", "posted", "pending"]

CLASSES: Final = ("asset", "equity", "expense", "income", "liability")
ACCOUNT_STATES: Final = ("active", "closed", "frozen")
POSTING_STATES: Final = ("posted", "pending", "released")
HOLD_STATES: Final = ("held", "captured", "released", "expired")

# The lowest floor there can be: an entry that carries it waives the floor of its account.
NO_FLOOR: Final = -MAX_AMOUNT_MINOR


@dataclass(frozen=True, slots=True)
class AccountType:
    """What a word of the documents fixes: the accounting class, the normal balance, the floor a new account gets."""

    type: AccountClass
    normal_balance: Direction
    floor_minor: int | None = None
    opened_by_callers: bool = True

    @property
    def sequencing(self) -> "Sequencing":
        """Whether a new account of this type numbers its entries under its lock, or after their commit."""
        return "deferred" if self.floor_minor is None else "immediate"


# The flow's accounts are credit-normal (CONTRACT.md 8): they are what we owe to somebody.
ACCOUNT_TYPES: Final[Mapping[str, AccountType]] = {
    "operating": AccountType("liability", "credit", floor_minor=0),
    "customer": AccountType("liability", "credit", floor_minor=0),
    "reserved": AccountType("liability", "credit"),
    "settlement": AccountType("liability", "credit"),
    "merchant": AccountType("liability", "credit"),
    "payout": AccountType("liability", "credit"),
    "fee": AccountType("expense", "debit"),
    "suspense": AccountType("liability", "credit"),
    "position": AccountType("asset", "debit"),
    "receivable": AccountType("asset", "debit", opened_by_callers=False),
    "bank": AccountType("asset", "debit", opened_by_callers=False),
    "payable": AccountType("liability", "credit", opened_by_callers=False),
    "equity": AccountType("equity", "credit", opened_by_callers=False),
    "income": AccountType("income", "credit"),
    "expense": AccountType("expense", "debit"),
}


@dataclass(frozen=True, slots=True)
class ChartAccount:
    """One account that every workspace has per currency."""

    code: str
    name: str
    account_type: str
    opening_major: int = 0  # what a sandbox starts with, in whole units of the currency


# None of the chart has a floor: every posting of a workspace touches these, so none of them may be locked by one.
CHART: Final = (
    ChartAccount("customer_balance", "Customer balance", "customer", opening_major=10_000_000),
    ChartAccount("reserved_balance", "Reserved balance", "reserved"),
    ChartAccount("settlement_account", "Settlement account", "settlement"),
    ChartAccount("merchant_balance", "Merchant balance", "merchant", opening_major=1_000_000),
    ChartAccount("payout_account", "Payout account", "payout"),
    ChartAccount("rail_receivable", "Owed to us by rails", "receivable"),
    ChartAccount("bank", "Bank", "bank"),
    ChartAccount("fees", "Fees paid to rails", "fee"),
    ChartAccount("rail_payable", "Owed by us to rails", "payable"),
    ChartAccount("suspense", "Suspense", "suspense"),
    ChartAccount("opening_equity", "Opening equity", "equity"),
)


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
class AccountRecord:
    """An account as others see it."""

    id: str
    code: str
    name: str
    account_type: str
    type: AccountClass
    normal_balance: Direction
    currency: str
    customer: str | None
    external_id: str | None
    category_id: str | None
    sequencing: Sequencing
    floor_minor: int | None
    ceiling_minor: int | None
    state: AccountState
    state_reason: str
    state_changed_by: dict[str, Any] | None
    state_changed_at: datetime | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


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


@dataclass(frozen=True, slots=True)
class Balances:
    """What an account holds in minor units, entries not sequenced yet included.

    Posted, pending and available count in the account's normal direction, so that a bank account that holds money is
    positive; ``net_minor`` is credits − debits, the sign under which all accounts of a currency add up to zero.
    """

    account_id: str
    account_code: str
    currency: str
    normal_balance: Direction
    posted_debits: int
    posted_credits: int
    pending_debits: int
    pending_credits: int
    version: int
    unsequenced: int

    @property
    def net_minor(self) -> int:
        """Credits − debits, posted."""
        return self.posted_credits - self.posted_debits

    @property
    def posted_minor(self) -> int:
        """What is posted, in the normal direction."""
        return self._normal(self.posted_debits, self.posted_credits)

    @property
    def pending_in_minor(self) -> int:
        """What is pending and would raise the balance, in the normal direction."""
        return self.pending_credits if self.normal_balance == "credit" else self.pending_debits

    @property
    def pending_out_minor(self) -> int:
        """What is pending and would lower the balance; it no longer counts as available."""
        return self.pending_debits if self.normal_balance == "credit" else self.pending_credits

    @property
    def lock_version(self) -> int:
        """The number of entries of the account, those that wait for the sequencer included."""
        return self.version + self.unsequenced

    @property
    def pending_minor(self) -> int:
        """What is pending, in the normal direction: in less out."""
        return self._normal(self.pending_debits, self.pending_credits)

    @property
    def available_minor(self) -> int:
        """Posted less what is pending out; what is pending in is not there yet."""
        return self.posted_minor - self.pending_out_minor

    def _normal(self, debits: int, credits_: int) -> int:
        return credits_ - debits if self.normal_balance == "credit" else debits - credits_


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


@dataclass(frozen=True, slots=True)
class Drift:
    """The sum of all balances of one currency, now, and of all entries when they were last added up again."""

    currency: str
    drift_minor: int
    accounts: int
    unsequenced: int
    resum_minor: int | None
    resum_entries: int | None
    diverging_accounts: int | None
    resummed_at: datetime | None


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
