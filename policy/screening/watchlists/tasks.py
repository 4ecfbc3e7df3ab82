"""The worker's side of imports: a few batches at a time, each a unit of work of its own."""

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Final

from policy.screening.watchlists.errors import FileRefused, ImportTaken, VersionNotFound
from policy.screening.watchlists.formats.readers import count_entries, read_entries
from policy.screening.watchlists.importing import BATCH, count_import, fail_import, finish_import, write_batch
from policy.screening.watchlists.queries import get_version, get_watchlist
from policy.screening.watchlists.storage import stored_files
from policy.screening.watchlists.types import IMPORT_WORK, Files, ParsedEntry, Source, VersionRecord
from zentra.core import clock
from zentra.core.queue import Defer, WorkItem, handles
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import of_this_workspace

SECONDS_AT_A_TIME: Final = 15.0
"""Well within the lease of a work item; what is left is done under the next one."""


@handles(IMPORT_WORK)
@of_this_workspace(VersionNotFound)
def run_import(item: WorkItem, ws: TenantRef) -> None:
    """Import for a while, then let others work; a second worker at the same import waits until the first is gone."""
    try:
        record = advance_import(ws=ws, version_id=item.ref)
    except ImportTaken as error:
        raise Defer(clock.now() + timedelta(seconds=2), error.detail) from error
    if record.state == "importing":
        raise Defer(clock.now(), f"{record.percent} % imported")


def advance_import(*, ws: TenantRef, version_id: str, seconds: float = SECONDS_AT_A_TIME) -> VersionRecord:
    """Import the next batches of a version, for about so long; the version after them.

    Before the first entry is written the file is read to its end: one that is refused leaves nothing behind. Raises
    ImportTaken when another worker is at it.
    """
    deadline = time.monotonic() + seconds
    with tenant_work(ws):
        record = get_version(version_id=version_id)
        source = get_watchlist(list_id=record.list_id).source
    if record.state != "importing":
        return record
    try:
        with stored_files(record=record, workspace=ws) as files:
            return _advance(ws, record, files, source, deadline)
    except FileRefused as problem:
        with tenant_work(ws):
            return fail_import(version_id=version_id, problem=problem, now=clock.now())


def _advance(ws: TenantRef, record: VersionRecord, files: Files, source: Source, deadline: float) -> VersionRecord:
    if record.total is None:
        total = count_entries(files, source=source)
        with tenant_work(ws):
            record = count_import(version_id=record.id, total=total, now=clock.now())
    entries = islice(read_entries(files, source=source), record.done, None)
    for batch in _batches(entries):
        with tenant_work(ws):
            record = write_batch(version_id=record.id, start=record.done, entries=batch, now=clock.now())
        if record.state != "importing" or time.monotonic() > deadline:
            return record
    with tenant_work(ws):
        return finish_import(version_id=record.id, now=clock.now())


def _batches(entries: Iterator[ParsedEntry]) -> Iterator[list[ParsedEntry]]:
    while batch := list(islice(entries, BATCH)):
        yield batch
