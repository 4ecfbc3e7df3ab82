"""Runs of the integrity check."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from ledger.integrity.types import CheckRunRecord, read_finding
from ledger.queries.accounts import as_json
from zentra.core import ids

_RUNS: Final = (
    "SELECT id, started_by, state, postings, entries, accounts, findings, started_at, finished_at FROM ledger_check_run"
)


def latest_check(*, started_by: str | None = None) -> CheckRunRecord | None:
    """The newest run, of those that somebody started when given; None when there is none."""
    found = _runs(
        " WHERE %s::text IS NULL OR started_by = %s ORDER BY started_at DESC, id DESC LIMIT 1", [started_by] * 2
    )
    return found[0] if found else None


def list_checks(*, limit: int, before: tuple[datetime, str] | None = None) -> list[CheckRunRecord]:
    """Runs, newest first. ``before`` is (started_at, id) of the last one seen."""
    if before is None:
        return _runs(" ORDER BY started_at DESC, id DESC LIMIT %s", [limit])
    place = [before[0], ids.to_uuid(before[1], prefix="chk")]
    return _runs(" WHERE (started_at, id) < (%s, %s) ORDER BY started_at DESC, id DESC LIMIT %s", [*place, limit])


def _runs(tail: str, values: Sequence[Any]) -> list[CheckRunRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_RUNS + tail, values)
        return [_record(row) for row in cursor.fetchall()]


def _record(row: Sequence[Any]) -> CheckRunRecord:
    key, started_by, state, postings, entries, accounts, findings, started_at, finished_at = row
    return CheckRunRecord(
        id=ids.to_public("chk", key),
        started_by=started_by,
        state=state,
        postings=postings,
        entries=entries,
        accounts=accounts,
        findings=tuple(read_finding(each) for each in as_json(findings)),
        started_at=started_at,
        finished_at=finished_at,
    )
