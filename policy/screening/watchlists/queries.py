"""Watchlists, their versions with progress and delta, and their entries as of any version."""

from django.db.models import Q, QuerySet

from policy.screening.models import Entry, Watchlist, WatchlistVersion
from policy.screening.watchlists.errors import EntryNotFound, VersionNotFound, WatchlistNotFound
from policy.screening.watchlists.stored import entry_record, list_record, version_record
from policy.screening.watchlists.types import (
    READABLE_STATES,
    Change,
    ChangedEntry,
    EntryRecord,
    ListRecord,
    VersionRecord,
)
from zentra.core import ids


def list_watchlists() -> list[ListRecord]:
    """Every list, by name."""
    rows = list(Watchlist.objects.order_by("name"))
    return [list_record(row, entries=count) for row, count in zip(rows, _entries_of(rows), strict=True)]


def get_watchlist(*, list_id: str) -> ListRecord:
    """A list; raises WatchlistNotFound, BadId."""
    ids.to_uuid(list_id, prefix="wls")
    row = Watchlist.objects.filter(id=list_id).first()
    if row is None:
        raise WatchlistNotFound(f"There is no list {list_id}.", list_id=list_id)
    return list_record(row, entries=_entries_of([row])[0])


def find_watchlist(*, name: str) -> ListRecord | None:
    """The list of this name, if there is one."""
    row = Watchlist.objects.filter(name=name).first()
    return None if row is None else list_record(row, entries=_entries_of([row])[0])


def _entries_of(rows: list[Watchlist]) -> list[int]:
    active = WatchlistVersion.objects.filter(watchlist_id__in=[row.id for row in rows], state="active")
    counts = dict(active.values_list("watchlist_id", "entries"))
    return [counts.get(row.id, 0) for row in rows]


def list_versions(*, list_id: str, limit: int, before: int | None = None) -> list[VersionRecord]:
    """The versions of a list, newest first; ``before`` is the number of the last one seen. Raises BadId."""
    ids.to_uuid(list_id, prefix="wls")
    rows = WatchlistVersion.objects.filter(watchlist_id=list_id).order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    return [version_record(row) for row in rows[:limit]]


def get_version(*, version_id: str) -> VersionRecord:
    """A version, how far its import is and what it changes; raises VersionNotFound, BadId."""
    ids.to_uuid(version_id, prefix="wlv")
    row = WatchlistVersion.objects.filter(id=version_id).first()
    if row is None:
        raise VersionNotFound(f"There is no version {version_id}.", version_id=version_id)
    return version_record(row)


def list_open_versions() -> list[VersionRecord]:
    """Versions that are being imported or wait for activation, oldest first."""
    rows = WatchlistVersion.objects.filter(state__in=("importing", "ready")).order_by("created_at", "id")
    return [version_record(row) for row in rows]


def changes_of(*, version_id: str, what: Change, limit: int, after_uid: str = "") -> list[ChangedEntry]:
    """Entries that a version adds, changes or removes, by uid, those after ``after_uid``.

    Empty for one that is still being imported, failed or was taken back. Raises VersionNotFound, BadId.
    """
    version = get_version(version_id=version_id)
    if version.state not in READABLE_STATES:
        return []
    entries = Entry.objects.filter(watchlist_id=version.list_id)
    new = entries.filter(first_version=version.number)
    if what == "removed":
        gone = entries.filter(removed_version=version.number).exclude(uid__in=new.values("uid"))
        return [ChangedEntry("removed", entry_record(row)) for row in _page(gone, limit, after_uid)]
    replaced = entries.filter(removed_version=version.number)
    if what == "added":
        only = new.exclude(uid__in=replaced.values("uid"))
        return [ChangedEntry("added", entry_record(row)) for row in _page(only, limit, after_uid)]
    rows = _page(new.filter(uid__in=replaced.values("uid")), limit, after_uid)
    before = {row.uid: entry_record(row) for row in replaced.filter(uid__in=[row.uid for row in rows])}
    return [ChangedEntry("changed", entry_record(row), before[row.uid]) for row in rows]


def entries_at(*, list_id: str, number: int, limit: int, after_uid: str = "") -> list[EntryRecord]:
    """What a list had in one of its versions, by uid, those after ``after_uid``. Raises BadId."""
    ids.to_uuid(list_id, prefix="wls")
    return [entry_record(row) for row in _page(_at(list_id, number), limit, after_uid)]


def count_entries_at(*, list_id: str, number: int) -> int:
    """How many entries a list had in one of its versions. Raises BadId."""
    ids.to_uuid(list_id, prefix="wls")
    return _at(list_id, number).count()


def _at(list_id: str, number: int) -> QuerySet[Entry]:
    still = Q(removed_version__isnull=True) | Q(removed_version__gt=number)
    return Entry.objects.filter(still, watchlist_id=list_id, first_version__lte=number)


def _page(rows: QuerySet[Entry], limit: int, after_uid: str) -> list[Entry]:
    return list(rows.filter(uid__gt=after_uid).order_by("uid")[:limit])


def get_entry(*, entry_id: str) -> EntryRecord:
    """An entry, also one that was removed since; raises EntryNotFound, BadId."""
    ids.to_uuid(entry_id, prefix="wle")
    row = Entry.objects.filter(id=entry_id).first()
    if row is None:
        raise EntryNotFound(f"There is no entry {entry_id}.", entry_id=entry_id)
    return entry_record(row)


def entries_by_id(*, entry_ids: list[str]) -> dict[str, EntryRecord]:
    """Entries by id, those that exist."""
    return {row.id: entry_record(row) for row in Entry.objects.filter(id__in=entry_ids)}
