"""What the doors of this package hand out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LineKind = Literal["person", "key", "client", "grant", "role"]
Mark = Literal["keep", "remove"]
MARKS: tuple[Mark, ...] = ("keep", "remove")


@dataclass(frozen=True, slots=True)
class LineMark:
    """Somebody's word on a line."""

    mark: Mark
    by: str
    at: str
    note: str


@dataclass(frozen=True, slots=True)
class AccessLine:
    """Who or what has access: a person, a key, a client, a staff grant, or a role of the workspace's own.

    ``person`` is who it belongs to, so that they do not review it themselves: the member, a credential's issuer.
    ``roles`` and ``permissions`` are what it may; ``facts`` what else was so at that moment (moments as ISO text).
    """

    id: str
    kind: LineKind
    person: str
    label: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    facts: dict[str, str]
    mark: LineMark | None = None


@dataclass(frozen=True, slots=True)
class AccessReviewRecord:
    """A review with its lines; ``sha256`` is of the canonical bytes of what was written down."""

    id: str
    state: Literal["open", "signed", "abandoned"]
    lines: tuple[AccessLine, ...]
    sha256: str
    version: int
    started_by: str
    started_at: datetime
    signed_by: str
    signed_at: datetime | None
    note: str

    @property
    def unmarked(self) -> tuple[AccessLine, ...]:
        """The lines on which nobody said a word."""
        return tuple(line for line in self.lines if line.mark is None)


@dataclass(frozen=True, slots=True)
class AccessReviewSummary:
    """A line of the list of reviews."""

    id: str
    state: str
    lines: int
    marked: int
    to_remove: int
    sha256: str
    started_by: str
    started_at: datetime
    signed_by: str
    signed_at: datetime | None
