"""Watchlists, their versions and what each version changes, as people read them."""

from datetime import datetime
from typing import Final

from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.parties import NOT_YET
from console.presenters.words import NONE, dated, grouped, moment, shorten
from console.types import Mark, Proof
from console.types.ledger import Figure
from console.types.parties import EntryRow, WatchlistRow, WatchVersionRow
from policy.screening.watchlists.types import ChangedEntry, ListRecord, VersionRecord

SOURCE_WORDS: Final = {
    "ofac_csv": "OFAC, CSV (SDN.CSV, with ALT.CSV and ADD.CSV)",
    "ofac_xml": "OFAC, XML (SDN.XML)",
    "opensanctions_csv": "OpenSanctions, simple CSV (targets.simple.csv)",
}
SHORT_SOURCES: Final = {"ofac_csv": "OFAC CSV", "ofac_xml": "OFAC XML", "opensanctions_csv": "OpenSanctions CSV"}
_WAITS: Final = {"importing": "a version is imported", "ready": "a version to activate"}
_CHANGES: Final = {"added": "active", "changed": "review", "removed": "declined"}
_STATES: Final = {
    "importing": "importing",
    "ready": "ready",
    "active": "live",
    "replaced": "superseded",
    "failed": "failed",
    "canceled": "canceled",
    "discarded": "discarded",
}


def list_row(record: ListRecord, *, newest: VersionRecord | None, base: str, now: datetime) -> WatchlistRow:
    """A watchlist, with what its newest version waits for."""
    waits = newest is not None and newest.state in {"importing", "ready"}
    if waits and newest is not None:
        state = mark(
            newest.state, says="a version is imported" if newest.state == "importing" else "a version to activate"
        )
    else:
        state = mark("live", says="screened against") if record.active_version else mark("none", says="no version yet")
    return WatchlistRow(
        record.id,
        f"{base}compliance/watchlists/{record.id}/",
        record.name,
        SHORT_SOURCES.get(record.source, record.source),
        state,
        grouped(record.entries),
        str(record.active_version or NONE),
        moment(newest.created_at, now) if newest else NOT_YET,
    )


def version_mark(record: VersionRecord) -> Mark:
    """A version's state."""
    says = {"active": "screened against", "ready": "ready, not active", "replaced": "replaced"}
    return mark(_STATES[record.state], says=says.get(record.state, record.state))


def version_row(record: VersionRecord, *, base: str, now: datetime, names: Names) -> WatchVersionRow:
    """A version in its list."""
    return WatchVersionRow(
        record.id,
        str(record.number),
        f"{base}compliance/watchlists/{record.list_id}/versions/{record.id}/",
        version_mark(record),
        record.file_name,
        grouped(record.entries),
        delta_words(record),
        person(record.imported_by, names),
        moment(record.created_at, now),
    )


def delta_words(record: VersionRecord) -> str:
    """ "+12 −3, 40 changed"."""
    if record.state in {"importing", "failed", "canceled", "discarded"}:
        return NONE
    return f"+{grouped(record.added)} −{grouped(record.removed)}, {grouped(record.changed)} changed"


def version_figures(record: VersionRecord) -> tuple[Figure, ...]:
    """What it would change against the version that it was compared with."""
    against = f"against version {record.base_number}" if record.base_number else "nothing was active before"
    return (
        Figure("entries", grouped(record.entries), note=f"{grouped(record.base_entries)} before"),
        Figure("added", grouped(record.added), note=against),
        Figure("changed", grouped(record.changed), note="those ask again whom people had cleared"),
        Figure("removed", grouped(record.removed), note="their hits lapse"),
    )


def version_facts(record: VersionRecord, names: Names) -> tuple[Proof, ...]:
    """The file, and who did what."""
    rows = [
        Proof("file", record.file_name),
        Proof("size", f"{grouped(record.size_bytes)} bytes"),
        Proof("sha-256", record.sha256, record.sha256),
        Proof("by", person(record.imported_by, names)),
        Proof("taken in", f"{dated(record.created_at)} UTC"),
        Proof("read", f"{dated(record.finished_at)} UTC" if record.finished_at else NONE),
    ]
    if record.digest:
        rows.append(Proof("entries' digest", shorten(record.digest, head=20), record.digest))
    if record.activated_at:
        rows.append(Proof("activated", f"{dated(record.activated_at)} UTC"))
        rows.append(Proof("activated by", person(record.activated_by, names)))
    return tuple(rows)


def problem_words(record: VersionRecord) -> str:
    """Why an import failed; "" of one that did not."""
    if record.state != "failed":
        return ""
    return str(record.problem.get("detail") or record.problem.get("code") or "The file could not be imported.")


def entry_row(changed: ChangedEntry) -> EntryRow:
    """An entry that a version added, changed or removed; of a changed one, what differs."""
    entry, before = changed.entry, changed.before
    words = " · ".join(
        each
        for each in (", ".join(entry.dates[:2]), ", ".join(entry.countries[:3]), ", ".join(entry.programs[:3]))
        if each
    )
    if before is not None:
        parts = ("kind", "names", "dates", "countries", "identifiers", "addresses", "programs", "title", "notes")
        differs = [name for name in parts if getattr(before, name) != getattr(entry, name)]
        words = f"{', '.join(differs) or 'details'} changed"
    return EntryRow(mark(_CHANGES[changed.what], says=changed.what), entry.uid, entry.kind, entry.name, words or NONE)
