"""Runs of the integrity check: the whole ledger is read while traffic goes on, and the result kept."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from django.db import DatabaseError, connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.errors import CheckRunning
from ledger.integrity.inspection import Inspection, inspect_derived, inspect_records
from ledger.integrity.types import CheckRunRecord, CheckState, Notebook, Progress, Report
from ledger.queries.checks import latest_check
from zentra.core import actors, ids, telemetry
from zentra.core.queue import enqueue
from zentra.core.tenancy import TenantRef, current_tenant, tenant_work

SCHEDULE: Final = "schedule"
WORK_KIND: Final = "ledger.check"
LEAST_INTERVAL: Final = timedelta(hours=1)
# A check reads everything, so that it takes at most a fiftieth of the time, however large the ledger has become.
REST_PER_SECOND: Final = 50

# One check of a workspace at a time: its table of runs is the lock, which goes with the transaction, also of a process
# that is killed. Readers and writers of the table do not meet it.
_LOCK: Final = "LOCK TABLE ledger_check_run IN SHARE UPDATE EXCLUSIVE MODE NOWAIT"
_NOT_AVAILABLE: Final = "55P03"
_KEEP: Final = """
INSERT INTO ledger_check_run (id, started_by, state, postings, entries, accounts, findings, started_at, finished_at)
VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)
"""


def run_check(*, workspace: TenantRef, started_by: str, now: datetime, report: Report | None = None) -> CheckRunRecord:
    """Check a workspace's whole ledger against its entries, and keep what was found.

    Opens its own units of work, so it is called outside of any: one for what never changes, a snapshot for what follows
    from it, in which traffic going on is no false alarm, and one for the result. ``started_by`` is schedule, command,
    or a person's id; ``report`` is told of progress. Memory is bounded, time grows with the entries. Raises
    CheckRunning. Event when something is found: ledger.check.diverged.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A check needs a snapshot of its own: call it outside of any transaction.")
    check_id, began = ids.new_id("chk"), time.monotonic()
    try:
        found = _inspect(workspace, report or _quiet)
    except CheckRunning:
        raise
    except Exception:
        with tenant_work(workspace):
            _keep(check_id, started_by, "failed", Inspection(0, 0, 0, ()), now, _later(now, began))
        raise
    with tenant_work(workspace):
        record = _keep(check_id, started_by, "diverged" if found.findings else "sound", found, now, _later(now, began))
        if found.findings:
            record_events(events=[_event(record)], now=_later(now, began))
    return record


def request_check(*, started_by: str, now: datetime) -> None:
    """Have this workspace checked by the worker, soon; ``started_by`` is the person's id."""
    enqueue(workspace_id=current_tenant().id, kind=WORK_KIND, ref=started_by, due_at=now)


def is_check_due(*, now: datetime) -> bool:
    """Whether the schedule's next check is due: an hour after the last, or fifty times as long as that took."""
    last = latest_check(started_by=SCHEDULE)
    if last is None or last.finished_at is None:
        return True
    took = last.finished_at - last.started_at
    return now >= last.started_at + max(LEAST_INTERVAL, took * REST_PER_SECOND)


def _inspect(workspace: TenantRef, report: Report) -> Inspection:
    notebook = Notebook()
    with _alone(workspace, isolation="READ COMMITTED"):
        postings, entries = inspect_records(notebook=notebook, report=report)
    with _alone(workspace, isolation="REPEATABLE READ"):
        accounts = inspect_derived(notebook=notebook, report=report)
    return Inspection(postings, entries, accounts, notebook.findings())


@contextmanager
def _alone(workspace: TenantRef, *, isolation: Literal["READ COMMITTED", "REPEATABLE READ"]) -> Iterator[None]:
    """A read-only unit of work beside no other check of the workspace. What fixes its isolation must come before its
    first query, so it is said before the workspace is entered; read-only it becomes with its lock."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        with tenant_work(workspace), connection.cursor() as cursor:
            _lock(cursor, workspace)
            cursor.execute("SET TRANSACTION READ ONLY")
            yield


def _lock(cursor: Any, workspace: TenantRef) -> None:
    try:
        cursor.execute(_LOCK)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) != _NOT_AVAILABLE:
            raise
        raise CheckRunning(f"A check of {workspace.slug} is running.", workspace=workspace.slug) from error


def _quiet(_: Progress) -> None:
    """Nobody asked."""


def _later(now: datetime, began: float) -> datetime:
    """``now`` and what has passed since by the monotonic clock, so that a replayed day stays one."""
    return now + timedelta(seconds=time.monotonic() - began)


def _keep(
    check_id: str, started_by: str, state: CheckState, found: Inspection, started_at: datetime, finished_at: datetime
) -> CheckRunRecord:
    record = CheckRunRecord(
        check_id, started_by, state, found.postings, found.entries, found.accounts, found.findings, started_at,
        finished_at,
    )  # fmt: skip
    values: list[Any] = [
        ids.to_uuid(check_id, prefix="chk"),
        started_by,
        state,
        found.postings,
        found.entries,
        found.accounts,
        json.dumps([finding.as_dict() for finding in found.findings]),
        started_at,
        finished_at,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values)
    return record


def _event(record: CheckRunRecord) -> NewEvent:
    first = record.findings[0]
    return NewEvent(
        type="ledger.check.diverged",
        actor=actors.LEDGER,
        data={
            "check_run_id": record.id,
            "started_by": record.started_by,
            "postings": record.postings,
            "entries": record.entries,
            "accounts": record.accounts,
            "checks": [{"check": finding.check, "count": finding.count} for finding in record.findings],
            "first": {"check": first.check, **first.first.as_dict()},
        },
        trace_id=telemetry.trace_id(),
    )
