"""Importing a version: entries written batch by batch, beside the active version and unseen by it.

A batch is one transaction that writes what is new or changed, marks what it replaces, and moves the version's progress
on. Whatever is killed between two batches goes on after the last one that committed. What a version that never became
active wrote is taken away again, so that outside of an import the live rows are exactly those of the active version.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from evidence.operations import record_events
from policy.screening.models import SeenEntry, WatchlistVersion
from policy.screening.watchlists import events
from policy.screening.watchlists.errors import FileRefused, ImportTaken, VersionNotFound
from policy.screening.watchlists.stored import digest_of, version_record
from policy.screening.watchlists.types import ParsedEntry, VersionRecord
from policy.screening.watchlists.writing import end_entries, insert_entries, live_entries, mark_seen
from zentra.core import ids

BATCH: Final = 500
COUNTS: Final = ("added", "changed", "removed", "entries")


def count_import(*, version_id: str, total: int, now: datetime) -> VersionRecord:
    """Keep how many entries the file has, once it was read to its end; raises ImportTaken."""
    row = lock_version(version_id)
    if row.state == "importing" and row.total is None:
        row.total, row.updated_at = total, now
        row.save(update_fields=["total", "updated_at"])
    return version_record(row)


def write_batch(*, version_id: str, start: int, entries: Sequence[ParsedEntry], now: datetime) -> VersionRecord:
    """Write the entries from place ``start`` of the file on, in the caller's transaction.

    A version that was canceled meanwhile is given back as it is. Raises ImportTaken when another worker has the import
    or wrote this batch first: nothing was written.
    """
    row = lock_version(version_id)
    if row.state != "importing":
        return version_record(row)
    if row.done != start:
        raise ImportTaken(f"{version_id} is at entry {row.done} already.", version_id=version_id)
    list_id = ids.to_uuid(row.watchlist_id, prefix="wls")
    known = live_entries([entry.uid for entry in entries], list_id=list_id)
    added = [entry for entry in entries if entry.uid not in known]
    changed = [entry for entry in entries if entry.uid in known and known[entry.uid][1] != digest_of(entry)]
    end_entries([known[entry.uid][0] for entry in changed], number=row.number)
    insert_entries(added + changed, list_id=list_id, number=row.number)
    mark_seen([entry.uid for entry in entries], version_id=ids.to_uuid(row.id, prefix="wlv"))
    row.added += len(added)
    row.changed += len(changed)
    row.done += len(entries)
    row.updated_at = now
    row.save(update_fields=["added", "changed", "done", "updated_at"])
    return version_record(row)


def finish_import(*, version_id: str, now: datetime) -> VersionRecord:
    """Remove what the file does not have any more and make the version ready; raises ImportTaken."""
    row = lock_version(version_id)
    if row.state != "importing":
        return version_record(row)
    if row.done != row.total:
        raise ImportTaken(f"{version_id} is at entry {row.done} of {row.total}.", version_id=version_id)
    row.removed = _end_unseen(row)
    row.entries = row.base_entries + row.added - row.removed
    row.digest = _digest(row.watchlist_id, row.number)
    row.state, row.updated_at, row.finished_at = "ready", now, now
    row.save(update_fields=["removed", "entries", "digest", "state", "updated_at", "finished_at"])
    SeenEntry.objects.filter(version_id=row.id).delete()
    record = version_record(row)
    record_events(events=[events.imported(record)], now=now)
    return record


def fail_import(*, version_id: str, problem: FileRefused, now: datetime) -> VersionRecord:
    """End an import whose file is refused; nothing of it is left. Raises ImportTaken."""
    row = lock_version(version_id)
    if row.state != "importing":
        return version_record(row)
    undo(row)
    row.problem = {"code": problem.code, "detail": problem.detail[:1000], "line": problem.extra.get("line")}
    row.state, row.updated_at, row.finished_at = "failed", now, now
    row.save(update_fields=["problem", "state", "updated_at", "finished_at", *COUNTS])
    record = version_record(row)
    record_events(events=[events.import_failed(record)], now=now)
    return record


def undo(row: WatchlistVersion) -> None:
    """Take away what a version that never became active wrote. The caller holds its row and saves it."""
    params: dict[str, Any] = {"list": ids.to_uuid(row.watchlist_id, prefix="wls"), "number": row.number}
    with connection.cursor() as cursor:
        for statement in _UNDO:
            cursor.execute(statement, params)
    SeenEntry.objects.filter(version_id=row.id).delete()
    row.added = row.changed = row.removed = row.entries = 0


_UNDO: Final = (
    "DELETE FROM screening_entry_key WHERE list_id = %(list)s AND first_version = %(number)s",
    "DELETE FROM screening_entry WHERE list_id = %(list)s AND first_version = %(number)s",
    (
        "UPDATE screening_entry_key k SET removed_version = NULL FROM screening_entry e"
        " WHERE e.list_id = %(list)s AND e.removed_version = %(number)s AND k.entry_id = e.id"
    ),
    "UPDATE screening_entry SET removed_version = NULL WHERE list_id = %(list)s AND removed_version = %(number)s",
)


def lock_version(version_id: str) -> WatchlistVersion:
    """The version's row, locked; raises ImportTaken when another worker has it."""
    row = WatchlistVersion.objects.select_for_update(skip_locked=True).filter(id=version_id).first()
    if row is not None:
        return row
    if not WatchlistVersion.objects.filter(id=version_id).exists():
        raise VersionNotFound(f"There is no version {version_id}.", version_id=version_id)
    raise ImportTaken(f"Another worker is at {version_id}.", version_id=version_id)


def _end_unseen(row: WatchlistVersion) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH ended AS (UPDATE screening_entry e SET removed_version = %(number)s"
            " WHERE e.list_id = %(list)s AND e.removed_version IS NULL AND e.first_version < %(number)s"
            " AND NOT EXISTS (SELECT FROM screening_list_seen s WHERE s.version_id = %(version)s AND s.uid = e.uid)"
            " RETURNING e.id), keys AS (UPDATE screening_entry_key k SET removed_version = %(number)s"
            " FROM ended WHERE k.entry_id = ended.id)"
            " SELECT count(*) FROM ended",
            {
                "number": row.number,
                "list": ids.to_uuid(row.watchlist_id, prefix="wls"),
                "version": ids.to_uuid(row.id, prefix="wlv"),
            },
        )
        return int(cursor.fetchone()[0])


def _digest(list_id: str, number: int) -> str:
    """Over what the version has, in the order of its ids: two imports of one content have one digest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT encode(sha256(convert_to(coalesce(string_agg(uid || ':' || digest, E'\\n'"
            " ORDER BY uid COLLATE \"C\"), ''), 'UTF8')), 'hex')"
            " FROM screening_entry WHERE list_id = %s AND first_version <= %s"
            " AND (removed_version IS NULL OR removed_version > %s)",
            [ids.to_uuid(list_id, prefix="wls"), number, number],
        )
        return str(cursor.fetchone()[0])
