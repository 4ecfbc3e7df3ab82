"""What exports of workspaces hand out."""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal
from uuid import UUID

ExportState = Literal["waiting", "writing", "ready", "failed", "expired"]


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """An export, how far it is, and when its file goes. ``error`` is a sentence for people."""

    id: str
    workspace_id: UUID
    state: ExportState
    tables_done: int
    tables: int
    rows: int
    file_name: str
    size: int
    sha256: str
    error: str
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or is being written."""
        return self.state in ("waiting", "writing")


@dataclass(frozen=True, slots=True)
class OpenedExport:
    """The file of an export, open for reading; whoever asked for it closes it."""

    file: BinaryIO
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table to write out. ``left_out`` are the columns that hold secrets."""

    schema: str
    name: str
    left_out: tuple[str, ...]
    is_readable: bool = True

    @property
    def path(self) -> str:
        """Its file in the archive. The schema's own name says nothing to whoever reads it later."""
        return f"{'shared' if self.schema == 'public' else 'tables'}/{self.name}.jsonl"
