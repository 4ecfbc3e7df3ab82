"""View-models of a workspace's whole export."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment


@dataclass(frozen=True, slots=True)
class WholeExportRow:
    """One file with everything of a workspace, or how far it is."""

    export_id: str
    state: Mark
    percent: int
    progress: str
    rows: str
    size: str
    sha256: str
    sha256_short: str
    who: str
    moment: Moment
    kept_until: str
    problem: str
    file_url: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class WholeExports:
    """A workspace's exports, newest first. ``poll_url`` is where this part is asked for again while one is written."""

    rows: tuple[WholeExportRow, ...]
    start_url: str
    poll_url: str
    tabs: tuple[Chip, ...] = ()
    next_url: str = ""
    first_url: str = ""

    @property
    def is_running(self) -> bool:
        """Whether one waits or is being written."""
        return any(row.is_open for row in self.rows)
