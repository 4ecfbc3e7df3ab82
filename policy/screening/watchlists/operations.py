"""Watchlists: making one, importing a version of it, canceling that, and making a version the active one."""

from contextlib import ExitStack, closing
from datetime import datetime
from itertools import islice
from typing import IO, Final

from django.db import IntegrityError, transaction
from django.db.models import Max

from evidence.operations import record_events
from policy.screening.models import Watchlist, WatchlistVersion
from policy.screening.watchlists import events
from policy.screening.watchlists.errors import (
    FileRefused,
    ShrinksTooMuch,
    UnknownSource,
    VersionNotFound,
    VersionNotReady,
    VersionOpen,
    WatchlistExists,
)
from policy.screening.watchlists.formats.readers import read_entries
from policy.screening.watchlists.importing import COUNTS, undo
from policy.screening.watchlists.queries import get_version, get_watchlist
from policy.screening.watchlists.registry import tell_activation
from policy.screening.watchlists.storage import TakenIn, store
from policy.screening.watchlists.stored import version_record
from policy.screening.watchlists.types import (
    IMPORT_WORK,
    OPEN_STATES,
    SOURCES,
    Files,
    ListRecord,
    Source,
    VersionRecord,
    VersionState,
    shrinks_too_much,
)
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant

_BEGINNING: Final = 20


def create_list(*, name: str, source: Source, actor: Actor, now: datetime) -> ListRecord:
    """A list without a version. Raises UnknownSource, WatchlistExists."""
    if source not in SOURCES:
        raise UnknownSource(f"One of {', '.join(SOURCES)}.", source=source)
    plain = " ".join(name.split())[:200]
    if not plain:
        raise UnknownSource("A list has a name.")
    try:
        with transaction.atomic():
            row = Watchlist.objects.create(
                id=ids.new_id("wls"), name=plain, source=source, created_at=now, created_by=actor.as_dict()
            )
    except IntegrityError:
        raise WatchlistExists(f"There is a list {plain!r} already.", name=plain) from None
    return get_watchlist(list_id=row.id)


def start_import(
    *,
    list_id: str,
    file_name: str,
    content: IO[bytes],
    actor: Actor,
    now: datetime,
    alternates: IO[bytes] | None = None,
    addresses: IO[bytes] | None = None,
) -> VersionRecord:
    """Take the file of a new version in and have a worker import it; it counts once it is ready and activated.

    ``alternates`` and ``addresses`` are OFAC's ALT.CSV and ADD.CSV, with a list of source ``ofac_csv`` only. The files
    are read from where they stand to their end. Raises WatchlistNotFound, VersionOpen, FileTooLarge, and FileRefused
    or FileTruncated when already their beginning is wrong; of those nothing is kept.
    """
    watchlist = get_watchlist(list_id=list_id)
    given = {"main": content, "alternates": alternates, "addresses": addresses}
    if watchlist.source != "ofac_csv" and (alternates or addresses):
        raise FileRefused("Only OFAC's CSV form has files of aliases and addresses.")
    with ExitStack() as stack:
        taken = {which: stack.enter_context(closing(TakenIn(one))) for which, one in given.items() if one is not None}
        _check_beginning(taken, watchlist.source)
        row = _create_version(watchlist, taken, file_name=file_name, actor=actor, now=now)
    enqueue(workspace_id=current_tenant().id, kind=IMPORT_WORK, ref=row.id, due_at=now, priority=7)
    return version_record(row)


def cancel_import(*, version_id: str, now: datetime) -> VersionRecord:
    """Stop an import after the batch that is being written; nothing of it is left.

    Raises VersionNotFound, VersionNotReady.
    """
    return _take_back(version_id, before="importing", after="canceled", now=now)


def discard_version(*, version_id: str, now: datetime) -> VersionRecord:
    """Take back a version that is ready and shall not become active; nothing of it is left.

    Raises VersionNotFound, VersionNotReady.
    """
    return _take_back(version_id, before="ready", after="discarded", now=now)


def activate_version(
    *, version_id: str, actor: Actor, now: datetime, confirms_shrinking: bool = False
) -> VersionRecord:
    """Screen against this version from now on, and screen all parties again; doing it twice is doing it once.

    The caller asks for a second factor first. Raises VersionNotFound, VersionNotReady, ShrinksTooMuch.
    """
    watchlist = Watchlist.objects.select_for_update().get(id=get_version(version_id=version_id).list_id)
    row = WatchlistVersion.objects.select_for_update().get(id=version_id)
    if row.state == "active":
        return version_record(row)
    if row.state != "ready":
        raise VersionNotReady(f"{version_id} is {row.state}.", version_id=version_id, state=row.state)
    if shrinks_too_much(before=row.base_entries, after=row.entries) and not confirms_shrinking:
        raise ShrinksTooMuch(
            f"It has {row.entries} entries, the version before it {row.base_entries}.",
            entries=row.entries,
            entries_before=row.base_entries,
        )
    _make_active(watchlist, row, actor=actor, now=now)
    record = version_record(row)
    record_events(events=[events.activated(record, actor=actor)], now=now)
    tell_activation(list_id=record.list_id, number=record.number, now=now)
    return record


def _make_active(watchlist: Watchlist, row: WatchlistVersion, *, actor: Actor, now: datetime) -> None:
    WatchlistVersion.objects.filter(watchlist_id=watchlist.id, state="active").update(state="replaced", updated_at=now)
    row.state, row.activated_by, row.activated_at, row.updated_at = "active", actor.as_dict(), now, now
    row.save(update_fields=["state", "activated_by", "activated_at", "updated_at"])
    watchlist.active_version = row.number
    watchlist.save(update_fields=["active_version"])


def _check_beginning(taken: dict[str, TakenIn], source: Source) -> None:
    """Refuse at once what is no list of this source; the rest of the file is the worker's."""
    files = {which: one.file for which, one in taken.items()}
    for one in files.values():
        one.seek(0)
    entries = read_entries(Files(files["main"], files.get("alternates"), files.get("addresses")), source=source)
    for _ in islice(entries, _BEGINNING):
        pass


def _create_version(
    watchlist: ListRecord, taken: dict[str, TakenIn], *, file_name: str, actor: Actor, now: datetime
) -> WatchlistVersion:
    """The next version of the list; its row is the lock, so that of two imports at once one is refused."""
    held = Watchlist.objects.select_for_update().get(id=watchlist.id)
    versions = WatchlistVersion.objects.filter(watchlist_id=held.id)
    if waiting := versions.filter(state__in=OPEN_STATES).first():
        raise VersionOpen(f"{waiting.id} is {waiting.state}.", version_id=waiting.id, state=waiting.state)
    base = versions.filter(state="active").first()
    version_id, tenant = ids.new_id("wlv"), current_tenant()
    return WatchlistVersion.objects.create(
        id=version_id,
        watchlist_id=held.id,
        number=(versions.aggregate(latest=Max("number"))["latest"] or 0) + 1,
        file_name=_plain_name(file_name),
        storage_names={which: store(one, workspace=tenant, name=f"{version_id}.{which}")
                       for which, one in taken.items()},
        digests={which: one.sha256 for which, one in taken.items()},
        size_bytes=sum(one.size for one in taken.values()),
        base_number=base.number if base else None,
        base_entries=base.entries if base else 0,
        imported_by=actor.as_dict(),
        created_at=now,
        updated_at=now,
    )  # fmt: skip


def _take_back(version_id: str, *, before: VersionState, after: VersionState, now: datetime) -> VersionRecord:
    ids.to_uuid(version_id, prefix="wlv")
    row = WatchlistVersion.objects.select_for_update().filter(id=version_id).first()
    if row is None:
        raise VersionNotFound(f"There is no version {version_id}.", version_id=version_id)
    if row.state == after:
        return version_record(row)
    if row.state != before:
        raise VersionNotReady(f"{version_id} is {row.state}.", version_id=version_id, state=row.state)
    undo(row)
    row.state, row.updated_at, row.finished_at = after, now, now
    row.save(update_fields=["state", "updated_at", "finished_at", *COUNTS])
    return version_record(row)


def _plain_name(name: str) -> str:
    """The last part of a file's name, on one line."""
    return " ".join(name.replace("\\", "/").rpartition("/")[2].split())[:200]
