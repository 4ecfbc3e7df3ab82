"""The values that cross the door of watchlists. Names and what else identifies somebody are never in events."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Final, Literal, Protocol

Source = Literal["ofac_csv", "ofac_xml", "opensanctions_csv"]
EntryKind = Literal["person", "company", "vessel", "aircraft", "other"]
VersionState = Literal["importing", "ready", "active", "replaced", "failed", "canceled", "discarded"]
Change = Literal["added", "changed", "removed"]

SOURCES: Final = ("ofac_csv", "ofac_xml", "opensanctions_csv")
ENTRY_KINDS: Final = ("person", "company", "vessel", "aircraft", "other")
STATES: Final = ("importing", "ready", "active", "replaced", "failed", "canceled", "discarded")
OPEN_STATES: Final = ("importing", "ready")
READABLE_STATES: Final = ("ready", "active", "replaced")
IMPORT_WORK: Final = "screening.import_watchlist"
MAX_FILE_BYTES: Final = 1024 * 1024 * 1024
SHRINKS_BELOW_PERCENT: Final = 80
"""A version with less than this share of the entries before it needs somebody's word."""


@dataclass(frozen=True, slots=True)
class ListedName:
    """A name of an entry; the first is the main one. A weak alias is a broad one, of little use by itself."""

    text: str
    is_weak: bool = False


@dataclass(frozen=True, slots=True)
class ListedIdentifier:
    """A number of an entry as the list writes it. ``country`` is ISO 3166-1 alpha-2 or empty."""

    type: str
    value: str
    country: str = ""

    @property
    def label(self) -> str:
        """The number's type and, where known, its country."""
        return f"{self.type} ({self.country})" if self.country else self.type


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """An entry as a file says it. ``line`` is where it begins, counted from 1.

    ``dates`` as in ``policy.screening.matching.facts``; ``countries`` alpha-2, or the list's own word where it is none.
    """

    uid: str
    kind: EntryKind
    names: tuple[ListedName, ...]
    dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[ListedIdentifier, ...] = ()
    addresses: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    title: str = ""
    notes: tuple[str, ...] = ()
    line: int = 0


class Reader(Protocol):
    """Reads a file of one source, entry by entry; raises FileRefused."""

    def __call__(self, files: "Files") -> Iterator[ParsedEntry]: ...


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one import: the list, and for OFAC's legacy form the files of aliases and addresses beside it."""

    main: BinaryIO
    alternates: BinaryIO | None = None
    addresses: BinaryIO | None = None


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An entry of a list, from the version that brought it to the one that changed or removed it."""

    id: str
    list_id: str
    uid: str
    kind: EntryKind
    names: tuple[ListedName, ...]
    dates: tuple[str, ...]
    countries: tuple[str, ...]
    identifiers: tuple[ListedIdentifier, ...]
    addresses: tuple[str, ...]
    programs: tuple[str, ...]
    title: str
    notes: tuple[str, ...]
    digest: str
    first_version: int
    removed_version: int | None

    @property
    def name(self) -> str:
        """The main name."""
        return self.names[0].text


@dataclass(frozen=True, slots=True)
class ChangedEntry:
    """An entry that a version added, changed or removed; ``before`` of a changed one is what it was."""

    what: Change
    entry: EntryRecord
    before: EntryRecord | None = None


@dataclass(frozen=True, slots=True)
class ListRecord:
    """A watchlist. ``entries`` are those of its active version."""

    id: str
    name: str
    source: Source
    is_active: bool
    active_version: int | None
    entries: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version of a list. ``problem`` of a failed one: ``{"code", "detail", "line"}``."""

    id: str
    list_id: str
    number: int
    state: VersionState
    file_name: str
    size_bytes: int
    sha256: str
    total: int | None
    done: int
    base_number: int | None
    base_entries: int
    entries: int
    added: int
    changed: int
    removed: int
    digest: str
    problem: dict[str, Any]
    imported_by: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None
    activated_by: dict[str, Any] | None
    activated_at: datetime | None
    storage_names: dict[str, str] = field(default_factory=dict, repr=False)
    digests: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_shrinking(self) -> bool:
        """Whether it has so much less than the version before it that somebody must confirm it."""
        return self.state in READABLE_STATES and shrinks_too_much(before=self.base_entries, after=self.entries)

    @property
    def percent(self) -> int:
        """Entries read of all, whole percent; 0 until they are counted."""
        if self.total is None:
            return 0
        return 100 if self.total == 0 else self.done * 100 // self.total


def shrinks_too_much(*, before: int, after: int) -> bool:
    """Whether a list lost more than a fifth of its entries."""
    return after * 100 < before * SHRINKS_BELOW_PERCENT
