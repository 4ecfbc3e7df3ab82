"""The values that cross the desk's door. Amounts are minor units, dates the workspace's, times aware UTC."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, get_args

ExceptionKind = Literal[
    "line_only", "entry_only", "missing", "amount_differs", "date_differs", "currency_differs", "duplicate",
    "split_mismatch", "fee_variance", "continuity_break",
]  # fmt: skip
ExceptionState = Literal["open", "waiting", "resolved"]
Resolution = Literal["", "matched", "explained", "adjusted", "written_off", "disputed", "gone"]
AgeBucket = Literal["0-1", "2-7", "8-30", "30+"]
AdjustmentKind = Literal["adjustment", "write_off"]
AdjustmentState = Literal["proposed", "posted", "declined"]
DisputeState = Literal["open", "accepted", "rejected", "withdrawn"]
Direction = Literal["debit", "credit"]
Order = Literal["oldest", "newest"]

KINDS: Final[tuple[str, ...]] = get_args(ExceptionKind)
STATES: Final[tuple[str, ...]] = get_args(ExceptionState)
BUCKETS: Final[tuple[str, ...]] = get_args(AgeBucket)
BUCKET_DAYS: Final[dict[str, tuple[int, int | None]]] = {
    "0-1": (0, 1),
    "2-7": (2, 7),
    "8-30": (8, 30),
    "30+": (31, None),
}
"""Whole days since it happened, both ends included."""

MOST: Final = 200
"""The longest page, and the most that a bulk action takes."""


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """What does not pair. ``difference_minor`` is the statement's side less the ledger's, in the account's direction.

    ``waits_for`` says why it is waiting: ``adjustment``, ``match`` or ``explanation`` (a second person), ``dispute``
    (the provider), or nothing. ``explained_by`` is who proposed an explanation that takes a second person. ``age_days``
    counts from ``happened_on`` to today in the workspace's time zone.
    """

    id: str
    account_id: str
    account_name: str
    account_kind: str
    ledger_account_code: str
    kind: ExceptionKind
    state: ExceptionState
    line_id: str | None
    entry_id: str | None
    expected_id: str | None
    statement_id: str | None
    match_id: str | None
    intent_id: str | None
    amount_minor: int
    difference_minor: int
    currency: str
    facts: dict[str, Any]
    happened_on: date
    age_days: int
    due_at: datetime
    owner_id: str | None
    resolution: Resolution
    reason_code: str
    reason: str
    version: int
    opened_at: datetime
    resolved_by: dict[str, Any] | None
    resolved_at: datetime | None
    waits_for: Literal["", "adjustment", "match", "dispute", "explanation"] = ""
    explained_by: dict[str, Any] | None = None

    @property
    def is_resolved(self) -> bool:
        """Whether nothing is left to do."""
        return self.state == "resolved"

    @property
    def age_bucket(self) -> AgeBucket:
        """Its column of the aging table."""
        return bucket_of(self.age_days)


def bucket_of(days: int) -> AgeBucket:
    """The aging bucket of so many days; what lies ahead counts as new."""
    if days <= 1:
        return "0-1"
    if days <= 7:  # the end of the bucket's name
        return "2-7"
    return "8-30" if days <= 30 else "30+"  # the end of the bucket's name


@dataclass(frozen=True, slots=True)
class ExceptionFilter:
    """Which exceptions; every field narrows, None does not. ``state`` unresolved is open and waiting.

    ``owner_id`` "" means nobody's. ``text`` is looked for at the start of references and in ids.
    """

    account_id: str | None = None
    kind: str | None = None
    state: Literal["open", "waiting", "resolved", "unresolved"] | None = "unresolved"
    owner_id: str | None = None
    bucket: AgeBucket | None = None
    is_overdue: bool | None = None
    resolution: str | None = None
    currency: str | None = None
    intent_id: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class AgeCount:
    """How many unresolved exceptions of a kind are so old, and what they come to in one currency (absolute sums)."""

    kind: ExceptionKind
    bucket: AgeBucket
    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ExceptionCounts:
    """The desk in numbers. Of one person: what is theirs, and the adjustments of others that wait for somebody."""

    open: int
    waiting: int
    overdue: int
    unowned: int
    mine: int
    waiting_for_me: int


@dataclass(frozen=True, slots=True)
class LineFacts:
    """The statement line of an exception."""

    id: str
    statement_id: str
    number: int
    booked_on: date
    value_on: date
    amount_minor: int
    gross_minor: int | None
    fee_minor: int | None
    currency: str
    kind: str
    reference: str
    references: dict[str, Any]
    batch: str
    counterparty: str
    description: str
    is_reversal: bool

    @property
    def compared_minor(self) -> int:
        """What compares with an entry: the gross where a line says one, else the amount."""
        return self.amount_minor if self.gross_minor is None else self.gross_minor


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """The ledger entry of an exception; ``amount_minor`` is signed in the account's normal direction."""

    id: str
    posting_id: str
    intent_id: str | None
    purpose: str
    amount_minor: int
    currency: str
    effective_on: date
    recorded_at: datetime
    reference: str
    references: dict[str, Any]
    batch: str


@dataclass(frozen=True, slots=True)
class ExpectedFacts:
    """The money that should have come."""

    id: str
    source: str
    reference: str
    amount_minor: int
    gross_minor: int | None
    fee_minor: int | None
    currency: str
    due_on: date
    state: str


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """What somebody said, or a file: then ``file_name`` is not empty; ``sha256`` as hex."""

    id: str
    exception_id: str
    text: str
    file_name: str
    content_type: str
    sha256: str
    size_bytes: int
    made_by: dict[str, Any]
    made_at: datetime


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of an exception's history: opened, assigned, noted, explained, proposed, posted, declined …"""

    what: str
    by: dict[str, Any]
    at: datetime
    before: str
    after: str
    words: str


@dataclass(frozen=True, slots=True)
class AdjustmentLine:
    """One entry of an adjustment: the code of a ledger account, a direction, minor units."""

    account: str
    direction: Direction
    amount_minor: int


@dataclass(frozen=True, slots=True)
class AdjustmentRecord:
    """A posting that somebody proposes and another lets through. ``decision`` is what the second person said."""

    id: str
    exception_id: str
    kind: AdjustmentKind
    reason_code: str
    reason: str
    lines: tuple[AdjustmentLine, ...]
    currency: str
    amount_minor: int
    effective_on: date
    state: AdjustmentState
    posting_id: str | None
    proposed_by: dict[str, Any]
    proposed_at: datetime
    decided_by: dict[str, Any] | None
    decided_at: datetime | None
    decision: str


@dataclass(frozen=True, slots=True)
class DisputeRecord:
    """What we told a provider is wrong, and what they answered."""

    id: str
    exception_id: str
    provider: str
    claim: str
    """The reference under which the provider finds it."""
    reason_code: str
    reason: str
    amount_minor: int
    currency: str
    state: DisputeState
    answer_due_on: date
    made_by: dict[str, Any]
    made_at: datetime
    answered_by: dict[str, Any] | None
    answered_at: datetime | None
    answer: str


@dataclass(frozen=True, slots=True)
class ExceptionCase:
    """All of one exception, for its page. Suggestions come from ``matching.queries``, on demand."""

    exception: ExceptionRecord
    line: LineFacts | None
    entry: EntryFacts | None
    expected: ExpectedFacts | None
    notes: tuple[NoteRecord, ...]
    adjustments: tuple[AdjustmentRecord, ...]
    disputes: tuple[DisputeRecord, ...]
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True, slots=True)
class BulkDone:
    """What became of several: those that were changed, and the others with the code of their refusal."""

    done: tuple[ExceptionRecord, ...]
    refused: tuple[tuple[str, str], ...]


# The three-way story of one intent.

Source = Literal["ledger", "provider", "statement"]
BreakKind = Literal[
    "provider_without_ledger", "ledger_without_provider", "amount_differs", "currency_differs", "provider_twice",
    "provider_changed_its_word", "settlement_without_ledger", "settled_amount_differs", "bank_missing",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoryRow:
    """One fact about the money of an intent from one of the three sources, in order of time.

    ``what`` is the source's own word: a posting's purpose, a callback's outcome, a line's kind. ``amount_minor`` is
    signed from our side where the source moves money, None where it says nothing of it.
    """

    source: Source
    at: datetime
    what: str
    amount_minor: int | None
    currency: str
    reference: str
    id: str
    """What to open: posting_, cb_ or attempt, lin_."""
    agrees: bool | None
    """Whether the other sources say the same; None where there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class StoryBreak:
    """Where two of the sources differ, in words and numbers."""

    kind: BreakKind
    between: tuple[Source, Source]
    words: str
    expected_minor: int | None
    found_minor: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """Ledger, provider and bank about one intent. ``agreed`` with no breaks and every side that is due present."""

    intent_id: str
    status: str
    amount_minor: int
    currency: str
    rail: str
    ledger: tuple[StoryRow, ...]
    provider: tuple[StoryRow, ...]
    statement: tuple[StoryRow, ...]
    breaks: tuple[StoryBreak, ...]
    exceptions: tuple[str, ...]
    """Unresolved exceptions about this intent."""
    verdict: Literal["agreed", "waiting", "broken"]
