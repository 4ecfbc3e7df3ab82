"""Searching attempts: what was called, what was answered, and what went wrong."""

import json
from dataclasses import fields
from typing import Any, Final

from django.db import connection

from webhooks.outbound.filters import AttemptFilter
from webhooks.outbound.queries import DEFAULT_LIMIT
from webhooks.types import AttemptRecord, Page, PageKey
from zentra.core import ids

SCAN: Final = 1_000
"""Attempts that one page with a text looks at, so that its cost does not grow with history."""

_FIELDS: Final = tuple(each.name for each in fields(AttemptRecord))
_COLUMNS: Final = ", ".join(f"a.{name}" for name in _FIELDS)
_NEWEST: Final = "ORDER BY a.recorded_at DESC, a.id DESC"


def search_attempts(
    *, where: AttemptFilter | None = None, before: PageKey | None = None, limit: int = DEFAULT_LIMIT
) -> Page[AttemptRecord]:
    """Attempts, newest first by (recorded_at, id), after the row whose key is ``before``; raises BadId.

    With a text, a page looks at the newest 1,000 attempts that everything else selects. It may hold fewer than
    ``limit``, or none, while older ones exist: ``next_key`` says so.
    """
    asked = where or AttemptFilter()
    conditions, values = asked.conditions()
    if before is not None:
        # The bound alone lets newer months be passed over; a comparison of rows does not.
        conditions += ["a.recorded_at <= %s", "(a.recorded_at, a.id) < (%s, %s)"]
        values += [before[0], before[0], ids.to_uuid(before[1], prefix="att")]
    clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    selected = f"SELECT {_COLUMNS} FROM webhooks_attempt a {clause} {_NEWEST} LIMIT %s"  # noqa: S608  # constant words
    said, said_values = asked.says()
    if not said:
        return Page.of(_read(selected, [*values, limit + 1]), limit=limit)
    statement = f"WITH a AS MATERIALIZED ({selected}) SELECT * FROM a WHERE {said[0]} {_NEWEST} LIMIT %s"  # noqa: S608
    page = Page.of(_read(statement, [*values, SCAN, *said_values, limit + 1]), limit=limit)
    return page if page.next_key else Page(rows=page.rows, next_key=_scan_end(clause, values))


def _read(statement: str, values: list[Any]) -> list[AttemptRecord]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [_to_record(row) for row in cursor.fetchall()]


def _to_record(row: tuple[Any, ...]) -> AttemptRecord:
    values = dict(zip(_FIELDS, row, strict=True))
    for name, prefix in (("id", "att"), ("delivery_id", "dlv"), ("endpoint_id", "whe"), ("replay_id", "rpl")):
        values[name] = values[name] and ids.to_public(prefix, values[name])
    values["request_headers"] = json.loads(values["request_headers"])
    values["response_headers"] = tuple((name, value) for name, value in json.loads(values["response_headers"]))
    values["response_body"] = bytes(values["response_body"])
    return AttemptRecord(**values)


def _scan_end(clause: str, values: list[Any]) -> PageKey | None:
    """The key of the last attempt that a page looked at, or None when it saw the first of all."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.recorded_at, a.id FROM webhooks_attempt a {clause} {_NEWEST} LIMIT 1 OFFSET %s",  # noqa: S608  # constant words
            [*values, SCAN - 1],
        )
        found = cursor.fetchone()
    return (found[0], ids.to_public("att", found[1])) if found else None
