"""The values that cross closeout's doors. Amounts are minor units; days are business days of the workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

PeriodState = Literal["open", "soft", "closed"]
Act = Literal[
    "made",
    "soft_closed",
    "soft_opened",
    "locked",
    "reopen_requested",
    "reopen_declined",
    "reopened",
    "locked_again",
    "tie_out_explained",
    "task_given",
    "task_done",
    "task_undone",
]
TieOutState = Literal["open", "prepared", "approved", "suspended"]
Step = Literal["prepared", "approved"]
TaskState = Literal["blocked", "todo", "done"]
PacketState = Literal["pending", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class ReopenRequest:
    """What somebody asks of a locked period: to take adjustments for ``minutes``, once a second person lets it."""

    by: Mapping[str, Any]
    reason: str
    minutes: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PeriodRecord:
    """A month of the books. In it is what counts from ``starts_at`` to before ``ends_at``, both UTC.

    ``open``: everything is posted. ``soft``: adjustments only. ``closed``: nothing; the database holds it. ``until``:
    a re-opened period is ``soft`` up to then, and locks again by itself.
    """

    id: str
    month: str  # 2026-04
    starts_on: date
    ends_on: date
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    cut_off_hour: int
    state: PeriodState
    until: datetime | None
    request: ReopenRequest | None
    soft_closed_by: Mapping[str, Any] | None
    soft_closed_at: datetime | None
    locked_by: Mapping[str, Any] | None
    locked_at: datetime | None
    version: int
    created_at: datetime

    @property
    def name(self) -> str:
        """As people say it: April 2026."""
        return f"{self.starts_on:%B %Y}"


@dataclass(frozen=True, slots=True)
class PeriodAct:
    """One thing that was done to a period. Never changed."""

    id: str
    act: Act
    by: Mapping[str, Any]
    reason: str
    facts: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """One reason why statement and ledger differ: how many things, and what they add to statement − ledger.

    ``kind``: entry_in_transit, line_in_transit, match_over_the_end, match_difference, explained, line_open,
    entry_open, opening. ``group`` says where it counts.
    """

    kind: str
    group: Literal["in_transit", "explained", "unexplained"]
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A tie-out's figures. ``difference`` = statement − ledger = in transit + explained + unexplained, always.

    ``ledger_minor`` counts in the account's normal direction. ``statement_minor`` is None while no statement reaches
    the period; then nothing is explained.
    """

    ledger_minor: int
    statement_minor: int | None
    in_transit_minor: int
    explained_minor: int
    unexplained_minor: int
    parts: tuple[Part, ...]
    statement_id: str | None
    statement_ends_on: date | None
    statements: int
    open_exceptions: int

    @property
    def difference_minor(self) -> int:
        """Statement − ledger; without a statement, minus the ledger."""
        return (self.statement_minor or 0) - self.ledger_minor

    @property
    def is_tied(self) -> bool:
        """Whether a statement is there and nothing is unexplained, also nothing that happens to add up to zero."""
        return self.statement_minor is not None and not any(part.group == "unexplained" for part in self.parts)


@dataclass(frozen=True, slots=True)
class SignOffRecord:
    """One signature under the figures of a hash and the explanation of a number (0: none was given).

    ``suspended_at`` when the figures or the explanation changed after it, or the period was opened again.
    """

    id: str
    step: Step
    figures_hash: str
    explanation_version: int
    by: Mapping[str, Any]
    at: datetime
    suspended_at: datetime | None


@dataclass(frozen=True, slots=True)
class TieOutRecord:
    """One reconciled account in one period. ``figures`` are those of now; a signature is of ``signed_hash``."""

    id: str
    period_id: str
    account_id: str
    account_name: str
    account_kind: Literal["bank", "rail"]
    external_id: str
    ledger_account_id: str
    ledger_account_code: str
    currency: str
    figures: Figures
    figures_hash: str
    state: TieOutState
    explanation: str
    explained_by: Mapping[str, Any] | None
    explanation_version: int
    sign_offs: tuple[SignOffRecord, ...]
    version: int
    computed_at: datetime

    @property
    def can_be_signed(self) -> bool:
        """Tied out, or what is left of it explained in words for exactly these figures."""
        return self.figures.is_tied or bool(self.explanation)

    def standing(self, step: Step) -> SignOffRecord | None:
        """The signature of a step that counts now."""
        return next((each for each in self.sign_offs if each.step == step and each.suspended_at is None), None)


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence of a task: a word and where it is, as kind and id (``statement``, ``stm_…``)."""

    words: str
    kind: str
    ref: str


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One row of the checklist. ``is_computed``: its state follows from the facts and nobody ticks it off.

    ``says`` is where it stands in words; ``blocked`` waits for the tasks in ``depends_on``.
    """

    id: str
    period_id: str
    key: str
    title: str
    is_computed: bool
    owner_id: str | None
    due_on: date
    depends_on: tuple[str, ...]
    state: TaskState
    is_overdue: bool
    says: str
    note: str
    links: tuple[Link, ...]
    done_by: Mapping[str, Any] | None
    done_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class RollRow:
    """An account over a period. Signed: credit +, debit −; closing = opening + credits − debits."""

    account_id: str
    account_code: str
    account_name: str
    account_type: str
    type: str
    gl_code: str
    opening_minor: int
    debits_minor: int
    credits_minor: int
    closing_minor: int

    @property
    def has_amounts(self) -> bool:
        """Whether anything is on it or moved."""
        return bool(self.opening_minor or self.debits_minor or self.credits_minor or self.closing_minor)


@dataclass(frozen=True, slots=True)
class RollForward:
    """The trial balance of a currency over a period, every account: opening + movement = closing."""

    currency: str
    rows: tuple[RollRow, ...]
    sha256: str

    @property
    def opening_minor(self) -> int:
        """Sum of the openings: 0, or the ledger is wrong."""
        return sum(row.opening_minor for row in self.rows)

    @property
    def debits_minor(self) -> int:
        """All debits of the period."""
        return sum(row.debits_minor for row in self.rows)

    @property
    def credits_minor(self) -> int:
        """All credits of the period."""
        return sum(row.credits_minor for row in self.rows)

    @property
    def closing_minor(self) -> int:
        """Sum of the closings: 0, or the ledger is wrong."""
        return sum(row.closing_minor for row in self.rows)

    @property
    def is_balanced(self) -> bool:
        """Openings and closings add up to nothing, debits are credits, and each row rolls forward."""
        return (
            self.opening_minor == 0
            and self.closing_minor == 0
            and self.debits_minor == self.credits_minor
            and all(r.opening_minor + r.credits_minor - r.debits_minor == r.closing_minor for r in self.rows)
        )


@dataclass(frozen=True, slots=True)
class FluxRow:
    """What moved on an account in this period and in the one before it; signed, credit +."""

    account_id: str
    account_code: str
    currency: str
    movement_minor: int
    before_minor: int

    @property
    def change_minor(self) -> int:
        """How much more it moved than before."""
        return self.movement_minor - self.before_minor


@dataclass(frozen=True, slots=True)
class ProofRow:
    """An account's part in the proof; ``amount_minor`` counts towards its side."""

    account_id: str
    account_code: str
    account_type: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class CustomerMoney:
    """Of one currency, at one moment: what is owed to customers and merchants, and what is there for it.

    ``held`` are banks and what rails owe, less what is owed to rails. ``own`` is what the books say is our own in it:
    equity and income less expenses, and what is not identified yet. held − owed = own, always (a ledger balances);
    so ``own_minor`` below 0 means that customers' money is missing, and ``is_covered`` says whether it is not.
    ``advanced_minor`` is what customers owe us (negative balances, until the rail pays): it is in ``owed`` with its
    minus, and told here.
    """

    currency: str
    at: datetime
    owed: tuple[ProofRow, ...]
    held: tuple[ProofRow, ...]
    own: tuple[ProofRow, ...]
    owed_minor: int
    held_minor: int
    own_minor: int
    advanced_minor: int

    @property
    def difference_minor(self) -> int:
        """What is there beyond what is owed; below 0 it is missing."""
        return self.held_minor - self.owed_minor

    @property
    def is_covered(self) -> bool:
        """Whether what is owed is there."""
        return self.difference_minor >= 0


@dataclass(frozen=True, slots=True)
class InFlight:
    """An intent that had begun and not ended at cut-off."""

    intent_id: str
    status: str
    amount_minor: int
    currency: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AgedItem:
    """Unresolved exceptions of one kind and account by age in days, or a suspense account that is not empty."""

    kind: str
    account_id: str
    account_code: str
    currency: str
    bucket: Literal["0-1", "2-7", "8-30", "30+", "balance"]
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LateItem:
    """A posting that belongs to a period that was locked when it came; it counts in a later one."""

    posting_id: str
    belongs_to: str  # the month
    effective_at: datetime
    recorded_at: datetime
    purpose: str
    intent_id: str | None
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class RuleShare:
    """How many of a period's lines a rule has matched. ``share_bp``: hundredths of a percent of all its lines."""

    rule: str
    lines: int
    share_bp: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The five steps of closing, in numbers. ``step``: the first that is not done, 1 to 5; 6 when locked.

    ``untied`` counts tie-outs that have something open which nobody explained, also when it adds up to zero.
    """

    period: PeriodRecord
    step: int
    accounts: int
    reached: int  # accounts whose statements reach the period's end
    statements: int
    days_covered: int
    days: int
    lines: int
    lines_open: int
    exceptions: int
    unexplained: Mapping[str, int]
    untied: int
    tie_outs: int
    prepared: int
    approved: int
    suspended: int
    tasks: int
    tasks_done: int
    in_flight: int
    late: int


@dataclass(frozen=True, slots=True)
class SampleItem:
    """A posting that was drawn; ``place`` is its rank by hash."""

    place: int
    posting_id: str
    digest: str
    purpose: str
    intent_id: str | None
    amount_minor: int
    currency: str
    effective_at: datetime
    entry_hash: str


@dataclass(frozen=True, slots=True)
class AuditSample:
    """Postings of a period in the order of SHA-256(seed ‖ posting id): the same seed draws the same ones, for ever."""

    seed: str
    size: int
    population: int
    population_sha256: str
    items: tuple[SampleItem, ...]


@dataclass(frozen=True, slots=True)
class PacketRecord:
    """One closeout packet of a period; never changed, a later one has the next revision."""

    id: str
    period_id: str
    revision: int
    state: PacketState
    sha256: str
    contents_hash: str
    size_bytes: int
    problem: str
    requested_by: Mapping[str, Any]
    created_at: datetime
    sealed_at: datetime | None

    @property
    def filename(self) -> str:
        """The name under which people save it."""
        return f"closeout-{self.id}-r{self.revision}.zip"


@dataclass(frozen=True, slots=True)
class GlAccount:
    """How a ledger account is called in the general ledger; empty codes are not mapped yet."""

    ledger_account_id: str
    ledger_account_code: str
    currency: str
    gl_code: str
    gl_name: str
