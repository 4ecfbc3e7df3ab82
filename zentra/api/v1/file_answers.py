"""The shapes of imports, exports and integrity checks, for the contract."""

from typing import Any, Literal

from pydantic import BaseModel


class ImportAnswer(BaseModel):
    """An import; rows are rows of the file. A dry run writes nothing and counts what it would have written."""

    id: str
    object: Literal["ledger_import"]
    kind: Literal["accounts", "postings"]
    format: Literal["csv", "jsonl"]
    dry_run: bool
    status: Literal["queued", "running", "done", "failed", "canceled"]
    file_name: str
    sha256: str
    size_bytes: int
    read_bytes: int
    percent: int
    rows_read: int
    rows_written: int
    rows_repeated: int
    rows_refused: int
    problem: str
    created_at: str
    updated_at: str
    finished_at: str | None


class ImportPage(BaseModel):
    """Imports, newest first."""

    data: list[ImportAnswer]
    next_cursor: str | None
    has_more: bool


class ImportRefusalAnswer(BaseModel):
    """A refused row: its number as spreadsheets count, a code, a sentence, the numbers."""

    row_number: int
    code: str
    detail: str
    numbers: dict[str, Any]


class ImportRefusalPage(BaseModel):
    """Refused rows in the order of the file; ask on with ``after_row``."""

    data: list[ImportRefusalAnswer]
    next_after_row: int | None
    has_more: bool


class ExportAnswer(BaseModel):
    """An export; its file can be read when it is done."""

    id: str
    object: Literal["ledger_export"]
    kind: Literal["accounts", "postings"]
    format: Literal["csv", "jsonl", "beancount"]
    filters: dict[str, Any]
    status: Literal["queued", "running", "done", "failed"]
    file_name: str
    rows_total: int | None
    rows_written: int
    sha256: str | None
    size_bytes: int | None
    problem: str
    created_at: str
    finished_at: str | None
    links: dict[str, str]


class ExportPage(BaseModel):
    """Exports, newest first."""

    data: list[ExportAnswer]
    next_cursor: str | None
    has_more: bool


class CheckAnswer(BaseModel):
    """A run of the integrity check."""

    id: str
    object: Literal["ledger_check"]
    started_by: str
    status: str
    postings: int
    entries: int
    accounts: int
    findings: list[dict[str, Any]]
    started_at: str
    finished_at: str | None


class CheckPage(BaseModel):
    """Runs of the integrity check, newest first."""

    data: list[CheckAnswer]
    next_cursor: str | None
    has_more: bool
