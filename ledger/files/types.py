"""The values of imports and exports. None of them touches the database or a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from ledger.types import Fx, Line
from zentra.core.errors import DomainError

FileKind = Literal["accounts", "postings"]
ImportFormat = Literal["csv", "jsonl"]
ExportFormat = Literal["csv", "jsonl", "beancount"]
ImportState = Literal["queued", "running", "done", "failed", "canceled"]
ExportState = Literal["queued", "running", "done", "failed"]

KINDS: Final[tuple[FileKind, ...]] = ("accounts", "postings")
IMPORT_FORMATS: Final[tuple[ImportFormat, ...]] = ("csv", "jsonl")
EXPORT_FORMATS: Final[tuple[ExportFormat, ...]] = ("csv", "jsonl", "beancount")

IMPORT_WORK: Final = "ledger.import"
EXPORT_WORK: Final = "ledger.export"

MAX_FILE_BYTES: Final = 512 * 1024 * 1024
MAX_ROW_BYTES: Final = 128 * 1024
MAX_POSTING_ENTRIES: Final = 500
CHUNK_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An import as others see it. Rows are rows of the file: a posting of three CSV lines counts three.

    ``rows_read`` is always ``rows_written + rows_repeated + rows_refused``; of a dry run, what would have been written.
    ``read_bytes`` of ``size_bytes`` is how far it is.
    """

    id: str
    kind: FileKind
    format: ImportFormat
    is_dry_run: bool
    state: ImportState
    file_name: str
    storage_name: str
    sha256: str
    size_bytes: int
    read_bytes: int
    rows_read: int
    rows_written: int
    rows_repeated: int
    rows_refused: int
    problem: str
    created_by: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.finished_at is not None

    @property
    def percent(self) -> int:
        """How much of the file is dealt with, 0 to 100."""
        return 100 if self.state == "done" else self.read_bytes * 100 // max(1, self.size_bytes)


@dataclass(frozen=True, slots=True)
class ImportRefusalRecord:
    """A refused row: its number as spreadsheets count (a CSV's header is row 1), a code, a sentence, the numbers."""

    row_number: int
    code: str
    detail: str
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExportFilters:
    """Which postings an export holds: moments (UTC; from included, to not), one account, one currency, one state.

    ``account_id`` and ``currency`` choose whole postings, those with an entry there. An export of accounts looks at
    ``currency`` alone.
    """

    effective_from: datetime | None = None
    effective_to: datetime | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    account_id: str | None = None
    currency: str | None = None
    state: Literal["posted", "pending", "released"] | None = None


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """An export as others see it. ``rows`` are postings or accounts; ``sha256`` and ``size_bytes`` are of the file."""

    id: str
    kind: FileKind
    format: ExportFormat
    filters: ExportFilters
    state: ExportState
    rows_total: int | None
    rows_written: int
    storage_name: str
    sha256: str | None
    size_bytes: int | None
    problem: str
    created_by: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.finished_at is not None

    @property
    def file_name(self) -> str:
        """The name under which people save it."""
        return f"{self.kind}-{self.created_at:%Y%m%dT%H%M%SZ}-{self.id[-6:]}.{self.format}"


@dataclass(frozen=True, slots=True)
class PostingWords:
    """A posting as a file words it. ``fingerprint`` covers these words and nothing derived from them."""

    key: str
    fingerprint: bytes
    lines: tuple[Line, ...]
    currency: str
    purpose: str
    external_reference: str
    effective_at: datetime | None = None
    description: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)
    fx: Fx | None = None


@dataclass(frozen=True, slots=True)
class AccountWords:
    """An account as a file words it: ``stated`` has what the row says, and nothing for what it leaves out."""

    key: str
    fingerprint: bytes
    code: str
    currency: str
    account_type: str
    stated: Mapping[str, Any]
    opening_minor: int = 0
    opening_at: datetime | None = None


Words = PostingWords | AccountWords


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in some rows of a file: a posting or account, or why it cannot be read.

    ``row_number`` is its first row, ``rows`` how many it takes, ``end`` the byte after its last.
    """

    row_number: int
    rows: int
    end: int
    content: Words | DomainError
    refused_at: int = 0  # the row to name when it is another than the first
    is_unowned: bool = False  # a row of a CSV posting, and nobody knows of which


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next items of an import's file, from byte ``start`` on; ``is_last`` when the file ends after them."""

    import_id: str
    start: int
    end: int
    items: tuple[Item, ...]
    is_last: bool
