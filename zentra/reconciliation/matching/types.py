"""The values that cross matching's doors. Amounts are minor units, signed from our side; times are UTC."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

MatchState = Literal["proposed", "confirmed", "undone", "declined"]
How = Literal["rule", "manual", "forced"]
RunState = Literal["queued", "running", "done", "failed"]
ExpectedState = Literal["expected", "arrived", "missing", "written_off"]
RuleKind = Literal["exact", "batch", "split", "fee", "fx", "tolerance"]
ExceptionKind = Literal[
    "line_only", "entry_only", "missing", "amount_differs", "date_differs", "currency_differs", "duplicate",
    "split_mismatch", "fee_variance", "continuity_break",
]  # fmt: skip

RUN: Final = "recon.run"
"""The kind of work that runs an account's rules; its ref is the account's id."""


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An entry of a reconciled account as matching sees it; ``match_id`` is the standing match that holds it."""

    id: str
    account_id: str
    version: int
    posting_id: str
    intent_id: str | None
    purpose: str
    amount_minor: int
    currency: str
    effective_at: datetime
    effective_on: date
    recorded_at: datetime
    reference: str
    references: dict[str, str]
    batch: str
    original_amount_minor: int | None = None
    original_currency: str = ""
    match_id: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What one taking-over of entries did: how many, and up to which version of the ledger account."""

    entries: int
    version: int
    more: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One matching rule. Which numbers count depends on ``kind``; the others keep their defaults.

    ``within_days`` are business days of the account's calendar between value date and effective date (null: any).
    ``fee_percent_bp`` are hundredths of a percent; with ``source`` a fee table holds for batches alone whose reference
    begins so (``rail_a``). ``tolerance_minor`` and ``tolerance_bp`` are both limits: the larger of the two is what a
    difference may be. Of ``fx``, ``tolerance_bp`` is how far line and entry may lie from the rate, in hundredths of a
    percent.
    """

    key: str
    kind: RuleKind
    is_on: bool = True
    within_days: int | None = None
    tolerance_minor: int = 0
    tolerance_bp: int = 0
    fee_percent_bp: int = 0
    fee_fixed_minor: int = 0
    source: str = ""

    @property
    def has_fee_table(self) -> bool:
        """Whether it says what a fee should be."""
        return self.kind == "fee" and (self.fee_percent_bp > 0 or self.fee_fixed_minor > 0)


@dataclass(frozen=True, slots=True)
class RuleSetRecord:
    """One version of an account's rules, in their order."""

    account_id: str
    version: int
    rules: tuple[Rule, ...]
    note: str
    created_by: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RuleCount:
    """What one rule did in a run; of a dry run also how many of its matches stay, are new, or would be lost."""

    rule: str
    matches: int
    lines: int
    entries: int
    same: int = 0
    fresh: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One pass of an account's rules. Of a dry run, the counts are what it would have confirmed.

    A dry run takes what rules have matched before as open too, so ``same`` counts matches that it would make again,
    ``fresh`` those it would make anew and ``lost`` those that stand by a rule and that it would not make.
    """

    id: str
    account_id: str
    rules_version: int
    is_dry_run: bool
    state: RunState
    lines: int
    entries: int
    matches: int
    by_rule: tuple[RuleCount, ...]
    problem: str
    started_by: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None
    same: int = 0
    fresh: int = 0
    lost: int = 0
    rules: tuple[Rule, ...] | None = None
    """Of a dry run of rules that nobody has saved: those; ``rules_version`` is the one they were compared with."""


@dataclass(frozen=True, slots=True)
class MatchRecord:
    """Lines and entries said to be the same money; ``explanation`` says part by part what agreed.

    Where undoing takes two people, ``undo_asked_by`` is the first of them.
    """

    id: str
    account_id: str
    state: MatchState
    how: How
    rule: str
    rules_version: int | None
    run_id: str | None
    lines: int
    entries: int
    line_minor: int
    entry_minor: int
    fee_minor: int
    currency: str
    reason: str
    explanation: dict[str, Any]
    made_by: dict[str, Any]
    made_at: datetime
    decided_by: dict[str, Any] | None
    decided_at: datetime | None
    undone_by: dict[str, Any] | None
    undone_at: datetime | None
    undone_reason: str
    line_ids: tuple[str, ...] = ()
    entry_ids: tuple[str, ...] = ()
    undo_asked_by: dict[str, Any] | None = None
    undo_asked_at: datetime | None = None
    undo_asked_reason: str = ""

    @property
    def difference_minor(self) -> int:
        """What the lines miss of the entries beyond fees; zero when all agrees."""
        return self.entry_minor - self.line_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class ExpectedRecord:
    """Money that somebody owes us, and when it is due."""

    id: str
    account_id: str
    source: str
    reference: str
    amount_minor: int
    gross_minor: int | None
    fee_minor: int | None
    currency: str
    due_on: date
    state: ExpectedState
    line_id: str | None
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a suggestion: its share of the score, both 0..1, and what was compared, in words."""

    name: Literal["reference", "amount", "date", "counterparty"]
    score: float
    weight: float
    says: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What could be the other side, never confirmed by itself. ``score`` is the weighted mean of its parts, 0..1."""

    line_ids: tuple[str, ...]
    entry_ids: tuple[str, ...]
    score: float
    parts: tuple[Part, ...]
    difference_minor: int


@dataclass(frozen=True, slots=True)
class Summary:
    """How an account stands: what is open on both sides, what is matched, and the newest run."""

    account_id: str
    open_lines: int
    open_entries: int
    open_lines_minor: int
    open_entries_minor: int
    matched_lines: int
    lines: int
    proposed: int
    open_exceptions: int
    last_run: RunRecord | None

    @property
    def match_rate_bp(self) -> int | None:
        """Of all lines, how many are matched, in hundredths of a percent; None while there is none."""
        return self.matched_lines * 10_000 // self.lines if self.lines else None


@dataclass(frozen=True, slots=True)
class DayRate:
    """Of the lines booked on a day, how many are matched now."""

    day: date
    lines: int
    matched: int
