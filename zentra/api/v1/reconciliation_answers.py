"""The shapes of reconciled accounts, imports, statements and lines, for the contract; and records in them."""

from typing import Any, Literal

from pydantic import BaseModel

from zentra.core import clock
from zentra.reconciliation.statements.types import (
    ImportProblemRecord,
    ImportRecord,
    LineRecord,
    ReconciledAccountRecord,
    SettlementRecord,
    SettlementState,
    StatementFormat,
    StatementRecord,
)


class ReconciledAccountAnswer(BaseModel):
    """A ledger account that a bank or rail keeps too."""

    id: str
    object: Literal["reconciled_account"]
    ledger_account: str
    ledger_account_code: str
    kind: Literal["bank", "rail"]
    name: str
    external_id: str
    currency: str
    calendar: str
    settle_days: int
    mapping: dict[str, Any] | None
    version: int
    created_at: str
    closed_at: str | None


class ReconciledAccountList(BaseModel):
    """All of them; a workspace has a handful, so there is one page."""

    data: list[ReconciledAccountAnswer]
    next_cursor: str | None
    has_more: bool


class StatementImportAnswer(BaseModel):
    """An import of a file; lines are those of its statements. A dry run counts what it would have written."""

    id: str
    object: Literal["statement_import"]
    reconciled_account: str | None
    format: StatementFormat
    dry_run: bool
    status: Literal["queued", "running", "done", "failed", "canceled"]
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
    created_at: str
    updated_at: str
    finished_at: str | None


class StatementImportPage(BaseModel):
    """Imports, newest first."""

    data: list[StatementImportAnswer]
    next_cursor: str | None
    has_more: bool


class StatementProblemAnswer(BaseModel):
    """Something wrong in a file: where, a code, a sentence, the numbers. With a warning the statement stands."""

    number: int
    place: str
    code: str
    detail: str
    numbers: dict[str, Any]
    warning: bool


class StatementProblemPage(BaseModel):
    """Problems in the order of the file."""

    data: list[StatementProblemAnswer]
    next_cursor: str | None
    has_more: bool


class BankStatementAnswer(BaseModel):
    """A statement, complete and checked. Balances are signed minor units: what the bank owes us is positive."""

    id: str
    object: Literal["bank_statement"]
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
    continuity: Literal["first", "continuous", "gap", "overlap", "unknown"]
    break_minor: int | None
    created_at: str


class SettlementAnswer(BaseModel):
    """What a rail's report says that it paid out, and what became of it in the ledger.

    A report that a key sent waits for a person (``awaiting_person``); one that the ledger refused is tried again.
    """

    status: SettlementState
    batch: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    paid_on: str
    reason_code: str
    reason: str
    posting_id: str | None
    effective_at: str | None
    late_for: str


class BankStatementDetail(BankStatementAnswer):
    """A statement, with the payout of a rail's report."""

    settlement: SettlementAnswer | None


class BankStatementPage(BaseModel):
    """Statements, latest first."""

    data: list[BankStatementAnswer]
    next_cursor: str | None
    has_more: bool


class BankLineAnswer(BaseModel):
    """A line as it was sent, in signed minor units: what came to us is positive; ``original_…`` before exchange."""

    id: str
    object: Literal["statement_line"]
    reconciled_account: str
    statement: str
    number: int
    booked_on: str
    value_on: str
    amount_minor: int
    currency: str
    kind: str
    reference: str
    references: dict[str, Any]
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


class BankLinePage(BaseModel):
    """Lines in the order of the statement."""

    data: list[BankLineAnswer]
    next_cursor: str | None
    has_more: bool


def show_account(record: ReconciledAccountRecord) -> dict[str, Any]:
    """A reconciled account as the API answers it."""
    return {
        "id": record.id,
        "object": "reconciled_account",
        "ledger_account": record.ledger_account_id,
        "ledger_account_code": record.ledger_account_code,
        "kind": record.kind,
        "name": record.name,
        "external_id": record.external_id,
        "currency": record.currency,
        "calendar": record.calendar,
        "settle_days": record.settle_days,
        "mapping": record.mapping,
        "version": record.version,
        "created_at": clock.iso(record.created_at),
        "closed_at": None if record.closed_at is None else clock.iso(record.closed_at),
    }


def show_import(record: ImportRecord) -> dict[str, Any]:
    """An import as the API answers it."""
    counted = (
        "statements", "statements_refused", "lines_read", "lines_written", "lines_repeated", "lines_refused",
        "problems", "problem_code", "problem",
    )  # fmt: skip
    return {
        "id": record.id,
        "object": "statement_import",
        "reconciled_account": record.account_id,
        "format": record.format,
        "dry_run": record.is_dry_run,
        "status": record.state,
        "file_name": record.file_name,
        "sha256": record.sha256,
        "size_bytes": record.size_bytes,
        "percent": record.percent,
        **{name: getattr(record, name) for name in counted},
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.updated_at),
        "finished_at": None if record.finished_at is None else clock.iso(record.finished_at),
    }


def show_problem(record: ImportProblemRecord) -> dict[str, Any]:
    """A problem as the API answers it."""
    return {
        "number": record.number,
        "place": record.place,
        "code": record.code,
        "detail": record.detail,
        "numbers": record.extra,
        "warning": record.is_warning,
    }


def show_statement(record: StatementRecord) -> dict[str, Any]:
    """A statement as the API answers it."""
    same = (
        "id", "format", "external_id", "sequence", "currency", "opening_minor", "closing_minor", "lines",
        "credits_minor", "debits_minor", "continuity", "break_minor",
    )  # fmt: skip
    return {
        **{name: getattr(record, name) for name in same},
        "object": "bank_statement",
        "reconciled_account": record.account_id,
        "statement_import": record.import_id,
        "starts_on": record.starts_on.isoformat(),
        "ends_on": record.ends_on.isoformat(),
        "created_at": clock.iso(record.created_at),
    }


def show_settlement(record: SettlementRecord) -> dict[str, Any]:
    """What became of a payout."""
    same = (
        "batch",
        "gross_minor",
        "fee_minor",
        "net_minor",
        "currency",
        "reason_code",
        "reason",
        "posting_id",
        "late_for",
    )
    return {
        **{name: getattr(record, name) for name in same},
        "status": record.state,
        "paid_on": record.paid_on.isoformat(),
        "effective_at": None if record.effective_at is None else clock.iso(record.effective_at),
    }


def show_line(record: LineRecord) -> dict[str, Any]:
    """A line as the API answers it."""
    same = (
        "id", "number", "amount_minor", "currency", "kind", "reference", "references", "batch", "gross_minor",
        "fee_minor", "original_amount_minor", "original_currency", "exchange_rate", "counterparty", "description",
    )  # fmt: skip
    return {
        **{name: getattr(record, name) for name in same},
        "object": "statement_line",
        "reconciled_account": record.account_id,
        "statement": record.statement_id,
        "booked_on": record.booked_on.isoformat(),
        "value_on": record.value_on.isoformat(),
        "reversal": record.is_reversal,
        "matched": not record.is_open,
    }
