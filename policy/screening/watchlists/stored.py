"""Rows of lists, versions and entries as others see them, and entries as they are kept."""

from typing import Any

from policy.screening.models import Entry, Watchlist, WatchlistVersion
from policy.screening.watchlists.types import (
    EntryRecord,
    ListedIdentifier,
    ListedName,
    ListRecord,
    ParsedEntry,
    VersionRecord,
)
from zentra.core import canonical


def list_record(row: Watchlist, *, entries: int) -> ListRecord:
    """A list as it stands; ``entries`` are those of its active version."""
    facts: dict[str, Any] = {
        name: getattr(row, name) for name in ("id", "name", "source", "is_active", "active_version", "created_at")
    }
    return ListRecord(**facts, entries=entries)


def version_record(row: WatchlistVersion) -> VersionRecord:
    """A version as it stands."""
    own = {"list_id": row.watchlist_id, "sha256": row.digests["main"]}
    facts: dict[str, Any] = {name: getattr(row, name) for name in VersionRecord.__dataclass_fields__ if name not in own}
    return VersionRecord(**facts, **own)


def entry_record(row: Entry) -> EntryRecord:
    """An entry of a list."""
    facts: dict[str, Any] = {name: getattr(row, name) for name in EntryRecord.__dataclass_fields__ if name != "list_id"}
    facts["list_id"] = row.watchlist_id
    facts["names"] = tuple(ListedName(text, is_weak) for text, is_weak in row.names)
    facts["identifiers"] = tuple(ListedIdentifier(*parts) for parts in row.identifiers)
    for name in ("dates", "countries", "addresses", "programs", "notes"):
        facts[name] = tuple(facts[name])
    return EntryRecord(**facts)


def digest_of(entry: ParsedEntry) -> str:
    """SHA-256 over everything that an entry says, hex; where it stands in the file is no part of it."""
    said = [
        entry.uid,
        entry.kind,
        [[name.text, name.is_weak] for name in entry.names],
        [[one.type, one.value, one.country] for one in entry.identifiers],
        entry.dates, entry.countries, entry.addresses, entry.programs, entry.title, entry.notes,
    ]  # fmt: skip
    return canonical.sha256_hex(canonical.dumps(said))
