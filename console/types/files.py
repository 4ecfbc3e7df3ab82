"""View-models of imports and exports."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment
from console.types.ledger import Field, Option


@dataclass(frozen=True, slots=True)
class ImportLine:
    import_id: str
    url: str
    file_name: str
    kind: str
    format: str
    state: Mark
    dry: bool
    percent: int
    read: str
    written: str
    repeated: str
    refused: str
    who: str
    moment: Moment
    problem: str = ""
    running: bool = False


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of a file that was refused: where, the code, why, and the numbers that explain it."""

    row: str
    code: str
    detail: str
    numbers: str


@dataclass(frozen=True, slots=True)
class ImportsPage:
    tabs: tuple[Chip, ...]
    rows: tuple[ImportLine, ...]
    post_url: str
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class ImportPage:
    row: ImportLine
    facts: tuple[tuple[str, str, str], ...]
    refusals: tuple[RefusedRow, ...]
    poll_url: str = ""
    cancel_url: str = ""
    next_url: str = ""
    first_url: str = ""
    again_url: str = ""


@dataclass(frozen=True, slots=True)
class ExportLine:
    export_id: str
    kind: str
    format: str
    words: str
    state: Mark
    rows: str
    size: str
    sha256: str
    who: str
    moment: Moment
    download_url: str = ""
    problem: str = ""
    running: bool = False


@dataclass(frozen=True, slots=True)
class ExportsPage:
    tabs: tuple[Chip, ...]
    rows: tuple[ExportLine, ...]
    fields: tuple[Field, ...]
    kinds: tuple[Option, ...]
    formats: tuple[Option, ...]
    post_url: str
    poll_url: str = ""
    note: str = ""
    next_url: str = ""
    first_url: str = ""

    @property
    def running(self) -> bool:
        """Whether any of them is still being written."""
        return any(row.running for row in self.rows)
