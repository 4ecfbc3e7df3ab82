"""The values that cross the door of statements. None of them touches the database or a file.

Amounts are signed minor units from our side (money that came to us is positive), days are dates, moments are UTC.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal

AccountKind = Literal["bank", "rail"]
StatementFormat = Literal["camt053", "mt940", "bai2", "csv", "settlement"]
ImportState = Literal["queued", "running", "done", "failed", "canceled"]
Continuity = Literal["first", "continuous", "gap", "overlap", "unknown"]
LineFilter = Literal["all", "open", "matched"]
SettlementState = Literal["awaiting_person", "waiting", "posted", "conflict"]

ACCOUNT_KINDS: Final[tuple[AccountKind, ...]] = ("bank", "rail")
STATEMENT_FORMATS: Final[tuple[StatementFormat, ...]] = ("camt053", "mt940", "bai2", "csv", "settlement")
NAMES_ITS_ACCOUNTS: Final[tuple[StatementFormat, ...]] = ("camt053", "mt940", "bai2")
"""Formats of banks: a file names its accounts itself, and has balances."""

IMPORT_WORK: Final = "recon.import"
RUN_WORK: Final = "recon.run"
"""The work item that matches an account; ``ref`` is the account's id. Handled in ``matching``."""
SETTLE_WORK: Final = "recon.settle"
"""The work item that posts what a rail paid out, until the ledger takes it; ``ref`` is the report's statement."""
PERIODS_WORK: Final = "closeout.make_periods"
"""The work item that makes the months of what was imported; ``ref`` is a statement. Handled in ``closeout``."""

MAX_FILE_BYTES: Final = 1024 * 1024 * 1024
CHUNK_LINES: Final = 2_000
MAX_PROBLEMS_KEPT: Final = 1_000
"""Of one import; the counts go on counting."""


@dataclass(frozen=True, slots=True)
class ReconciledAccountRecord:
    """A ledger account that a bank or rail keeps too.

    ``external_id`` is how their files name it, normalised (IBAN or number without spaces, the rail's name).
    ``settle_days`` are business days of ``calendar``. ``taken_version``: up to which version of the ledger account's
    history its entries are taken over.
    """

    id: str
    ledger_account_id: str
    ledger_account_code: str
    kind: AccountKind
    name: str
    external_id: str
    currency: str
    calendar: str
    settle_days: int
    mapping: dict[str, Any] | None
    taken_version: int
    version: int
    created_by: dict[str, Any]
    created_at: datetime
    closed_at: datetime | None
    closed_by: dict[str, Any] | None = None
    closed_reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether files are still imported for it."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An import as others see it.

    ``lines_read`` is always ``lines_written + lines_repeated + lines_refused``: repeated are those of statements that
    are here already, refused those of statements that were refused. Of a dry run, written is what would have been.
    ``problem_code`` and ``problem`` say why a failed one failed; what a statement was refused for, and warnings, are
    its problems (``list_problems``).
    """

    id: str
    account_id: str | None
    format: StatementFormat
    is_dry_run: bool
    state: ImportState
    file_name: str
    sha256: str
    size_bytes: int
    read_bytes: int
    statements: int
    statements_refused: int
    lines_read: int
    lines_written: int
    lines_repeated: int
    lines_refused: int
    problems: int
    problem_code: str
    problem: str
    mapping: dict[str, Any] | None
    created_by: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    storage_name: str = field(default="", repr=False)
    collected_from: str = ""

    @property
    def is_collected(self) -> bool:
        """Whether our own collector fetched it from the rail or bank itself; nobody sent it."""
        return self.collected_from != ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.finished_at is not None

    @property
    def percent(self) -> int:
        """How much of the file is dealt with, 0 to 100."""
        return 100 if self.state in ("done", "failed") else min(99, self.read_bytes * 100 // max(1, self.size_bytes))


@dataclass(frozen=True, slots=True)
class ImportProblemRecord:
    """Something wrong in a file: where (``line 12``, ``Stmt 1/Ntry 5``), a code, a sentence, the numbers.

    A statement with a problem is refused wholly; with a warning it stands.
    """

    number: int
    place: str
    code: str
    detail: str
    extra: dict[str, Any]
    is_warning: bool


@dataclass(frozen=True, slots=True)
class StatementRecord:
    """One statement of one account, complete: every line is here and every check was made.

    Balances are signed minor units: what the bank owes us is positive; None where the file does not say them.
    ``credits_minor`` and ``debits_minor`` are sums without sign. ``continuity`` compares with the statement before it,
    ``previous_id``; ``break_minor`` is this opening less that closing, None where one is not known.
    """

    id: str
    account_id: str
    import_id: str
    format: str
    external_id: str
    sequence: int | None
    currency: str
    starts_on: date
    ends_on: date
    opening_minor: int | None
    closing_minor: int | None
    lines: int
    credits_minor: int
    debits_minor: int
    continuity: Continuity
    previous_id: str | None
    break_minor: int | None
    created_at: datetime
    is_collected: bool = False


@dataclass(frozen=True, slots=True)
class SettlementRecord:
    """What a rail's report says that it paid out in one batch, and what became of it in the ledger.

    Minor units from the bank's side: ``net_minor`` arrives there, ``net = gross - fee``. State:

    - ``awaiting_person``: somebody sent the report; a person who may post to the ledger has to let it be posted
    - ``waiting``: the ledger refused it (``reason_code``, ``reason``); it is tried again at ``next_try_at``
    - ``posted``: ``posting_id``, effective at ``effective_at``; ``late_for`` is the month that was closed by then;
      ``posted_with`` the other report of the same batch whose posting it is, when nobody had let this one be posted
    - ``conflict``: the batch stands in the ledger with other figures; nothing was posted
    """

    statement_id: str
    account_id: str
    batch: str
    currency: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    paid_on: date
    state: SettlementState
    is_collected: bool
    reason_code: str
    reason: str
    tries: int
    next_try_at: datetime | None
    posting_id: str | None
    effective_at: datetime | None
    late_for: str
    confirmed_by: dict[str, Any] | None
    confirmed_at: datetime | None
    created_at: datetime
    changed_at: datetime
    posted_with: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still be posted."""
        return self.state in ("awaiting_person", "waiting")


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One line of a statement, as it was sent. ``is_open``: no confirmed or proposed match holds it.

    ``reference`` and ``batch`` are normalised (``zentra.reconciliation.references``), ``references`` as sent:
    ``end_to_end_id``, ``uetr``, ``bank_reference``, ``batch``, ``instruction_id``, ``payment_key`` … A line with
    ``gross_minor`` has ``amount = gross − fee``, all three signed alike. ``original_amount_minor`` is what it was
    before exchange, in minor units of ``original_currency``; ``exchange_rate`` is the file's own, as written.
    """

    id: str
    account_id: str
    statement_id: str
    number: int
    booked_on: date
    value_on: date
    amount_minor: int
    currency: str
    kind: str
    reference: str
    references: dict[str, Any]
    batch: str
    gross_minor: int | None
    fee_minor: int | None
    counterparty: str
    description: str
    is_reversal: bool
    fingerprint: str
    is_open: bool
    original_amount_minor: int | None = None
    original_currency: str = ""
    exchange_rate: str = ""
