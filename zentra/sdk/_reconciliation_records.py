"""Typed answers about reconciliation and closeout. Amounts are signed minor units from our side, days ISO 8601, times
RFC 3339 in UTC.
"""

from dataclasses import dataclass

from zentra.sdk._records import AnswerInfo, Record


class ReconciledAccount(Record):
    """A ledger account that a bank or rail keeps too."""

    __slots__ = ()

    id: str
    ledger_account: str
    ledger_account_code: str
    kind: str
    name: str
    external_id: str
    currency: str
    calendar: str
    settle_days: int
    mapping: Record | None
    version: int
    closed_at: str | None


class ReconciliationSummary(Record):
    """How an account stands; ``match_rate_bp`` is in hundredths of a percent, None without lines."""

    __slots__ = ()

    reconciled_account: str
    name: str
    kind: str
    currency: str
    lines: int
    lines_matched: int
    lines_open: int
    lines_open_minor: int
    entries_open: int
    entries_open_minor: int
    matches_proposed: int
    exceptions: int
    match_rate_bp: int | None
    last_run: Record | None


class DayRate(Record):
    """Of the lines booked on a day, how many are matched now."""

    __slots__ = ()

    day: str
    lines: int
    matched: int


class MatchingRules(Record):
    """A version of an account's rules, in their order."""

    __slots__ = ()

    version: int
    rules: list[Record]
    note: str
    created_by: str
    created_at: str


class StatementImport(Record):
    """An import of a file. ``is_finished``: nothing of it will change any more."""

    __slots__ = ()

    id: str
    reconciled_account: str | None
    format: str
    dry_run: bool
    status: str
    file_name: str
    sha256: str
    size_bytes: int
    percent: int
    statements: int
    statements_refused: int
    lines_read: int
    lines_written: int
    lines_repeated: int
    lines_refused: int
    problems: int
    problem_code: str
    problem: str

    @property
    def is_finished(self) -> bool:
        """Whether it is done, failed or canceled."""
        return self.status in {"done", "failed", "canceled"}


class StatementProblem(Record):
    """Something wrong in a file: its place, a code, a sentence and the numbers. With a warning the statement stands."""

    __slots__ = ()

    number: int
    place: str
    code: str
    detail: str
    numbers: Record
    warning: bool


class BankStatement(Record):
    """A statement, complete and checked. ``settlement``, the payout of a rail's report, is not in lists."""

    __slots__ = ()

    id: str
    reconciled_account: str
    statement_import: str
    format: str
    external_id: str
    sequence: int | None
    currency: str
    starts_on: str
    ends_on: str
    opening_minor: int | None
    closing_minor: int | None
    lines: int
    credits_minor: int
    debits_minor: int
    continuity: str
    break_minor: int | None
    settlement: Record | None


class BankLine(Record):
    """A line of a statement as it was sent."""

    __slots__ = ()

    id: str
    reconciled_account: str
    statement: str
    number: int
    booked_on: str
    value_on: str
    amount_minor: int
    currency: str
    kind: str
    reference: str
    references: Record
    batch: str
    gross_minor: int | None
    fee_minor: int | None
    original_amount_minor: int | None
    original_currency: str
    exchange_rate: str
    counterparty: str
    description: str
    reversal: bool
    matched: bool


class ReconciledEntry(Record):
    """An entry of a reconciled account; ``match`` is the id of what holds it."""

    __slots__ = ()

    id: str
    reconciled_account: str
    posting_id: str
    intent_id: str | None
    purpose: str
    amount_minor: int
    currency: str
    effective_on: str
    reference: str
    references: Record
    batch: str
    match: str | None


class Match(Record):
    """Lines and entries said to be the same money. What it holds and why (``explanation``) is not in lists."""

    __slots__ = ()

    id: str
    reconciled_account: str
    status: str
    how: str
    rule: str | None
    rules_version: int | None
    run: str | None
    lines: int
    entries: int
    line_minor: int
    entry_minor: int
    fee_minor: int
    difference_minor: int
    currency: str
    reason: str
    made_by: str
    made_at: str
    undone_at: str | None
    explanation: Record
    line_ids: list[str]
    entry_ids: list[str]


class MatchSuggestion(Record):
    """What could be the other side, with a score from 0 to 1 and its parts; it confirms nothing."""

    __slots__ = ()

    line_ids: list[str]
    entry_ids: list[str]
    score: float
    difference_minor: int
    parts: list[Record]


class MatchingRun(Record):
    """One pass of an account's rules, or a dry run of them."""

    __slots__ = ()

    id: str
    reconciled_account: str
    rules_version: int
    dry_run: bool
    status: str
    lines: int
    entries: int
    matches: int
    by_rule: list[Record]
    problem: str
    created_at: str
    finished_at: str | None


class ExpectedMoney(Record):
    """Money that somebody owes us, and when it is due."""

    __slots__ = ()

    id: str
    reconciled_account: str
    source: str
    reference: str
    amount_minor: int
    gross_minor: int | None
    fee_minor: int | None
    currency: str
    due_on: str
    status: str
    line: str | None


class Period(Record):
    """A month of the books. The numbers (``lines_open``, ``tie_outs``, …) are there where one was asked for."""

    __slots__ = ()

    id: str
    month: str
    starts_on: str
    ends_on: str
    starts_at: str
    ends_at: str
    status: str
    reopened_until: str | None
    locked_at: str | None
    version: int
    step: int
    lines_open: int
    exceptions: int
    unexplained_minor: dict[str, int]
    tie_outs: int
    approved: int
    suspended: int


class TieOut(Record):
    """An account in a period: statement − ledger = in transit + explained + unexplained."""

    __slots__ = ()

    id: str
    period: str
    reconciled_account: str
    currency: str
    status: str
    ledger_minor: int
    statement_minor: int | None
    difference_minor: int
    in_transit_minor: int
    explained_minor: int
    unexplained_minor: int
    parts: list[Record]
    tied_out: bool
    figures_hash: str
    signatures: list[Record]


class TrialBalance(Record):
    """The trial balance of one currency over a period, with opening, movement and closing of each account."""

    __slots__ = ()

    currency: str
    balanced: bool
    sha256: str
    rows: list[Record]


class CustomerMoney(Record):
    """Of one currency at a period's end: held − owed = own; ``covered`` when what is owed to customers is there."""

    __slots__ = ()

    currency: str
    owed_minor: int
    held_minor: int
    own_minor: int
    advanced_minor: int
    covered: bool


class CustomerMoneyProof(Record):
    """Customers' money when a business day is cut off: held − owed = difference; ``bank_minor``: the banks' word."""

    __slots__ = ()

    id: str
    business_day: str
    currency: str
    revision: int
    period_id: str
    owed_minor: int
    held_minor: int
    in_transit_minor: int
    difference_minor: int
    advanced_minor: int
    covered: bool
    bank_minor: int | None
    bank_ledger_minor: int | None
    cut_off_at: str
    computed_at: str


class CloseoutTask(Record):
    """A row of the checklist."""

    __slots__ = ()

    id: str
    key: str
    title: str
    status: str
    overdue: bool
    owner: str | None
    due_on: str
    depends_on: list[str]


class CloseoutPacket(Record):
    """A closeout packet; it can be downloaded once it is ready. ``problem`` says why one failed."""

    __slots__ = ()

    id: str
    period: str
    revision: int
    status: str
    sha256: str
    size_bytes: int
    sealed_at: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class CloseoutFile:
    """The zip of a closeout packet and its SHA-256; ``python -m evidence.verifier`` proves what it says."""

    packet_id: str
    content: bytes
    filename: str
    sha256: str
    answer: AnswerInfo
