"""Folding what happens into one row for each endpoint and minute, in the transaction in which it happens.

``first_due`` and ``resolved`` count deliveries of events by the minute in which they were first due, so that their
quotient is the health of that minute however late something arrives; ``attempts``, ``failures`` and ``latency`` count
every kept attempt by the minute in which it ended. Tests and probes are attempts, and no deliveries that count.

These are the last writes of their transaction, one statement each: the rows of a minute are locked in key order, and
nobody who waits for one of them holds another.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from webhooks.outbound.health import latency
from zentra.core import ids
from zentra.core.db.hot import defer_hot

_ADD: Final = """
INSERT INTO webhooks_health_minute AS h (endpoint_id, minute, first_due, resolved, attempts, failures, latency)
SELECT n.endpoint_id, n.minute, n.first_due, n.resolved, n.attempts, n.failures, n.latency::int[]
  FROM unnest(%s::uuid[], %s::timestamptz[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[])
       AS n (endpoint_id, minute, first_due, resolved, attempts, failures, latency)
 ORDER BY n.endpoint_id, n.minute
ON CONFLICT (endpoint_id, minute) DO UPDATE
   SET first_due = h.first_due + excluded.first_due, resolved = h.resolved + excluded.resolved,
       attempts = h.attempts + excluded.attempts, failures = h.failures + excluded.failures,
       latency = CASE WHEN excluded.latency = '{}' THEN h.latency ELSE ARRAY(
           SELECT coalesce(u.a, 0) + coalesce(u.b, 0) FROM unnest(h.latency, excluded.latency) WITH ORDINALITY
               AS u (a, b, place) ORDER BY u.place) END
"""

# What the rows themselves say of each minute, by endpoint.
_COUNTED: Final = """
SELECT endpoint_id, minute, sum(first_due)::int AS first_due, sum(resolved)::int AS resolved,
       sum(attempts)::int AS attempts, sum(failures)::int AS failures
  FROM (SELECT endpoint_id, date_trunc('minute', first_due_at) AS minute, count(*) AS first_due,
               count(*) FILTER (WHERE state = 'resolved') AS resolved, 0 AS attempts, 0 AS failures
          FROM webhooks_delivery
         WHERE first_due_at >= %(since)s AND first_due_at < %(until)s AND purpose = 'event' GROUP BY 1, 2
        UNION ALL
        SELECT endpoint_id, date_trunc('minute', recorded_at), 0, 0, count(*),
               count(*) FILTER (WHERE error_class IS NOT NULL)
          FROM webhooks_attempt WHERE recorded_at >= %(since)s AND recorded_at < %(until)s GROUP BY 1, 2) AS rows
 GROUP BY endpoint_id, minute
"""

_DURATIONS: Final = """
SELECT endpoint_id, date_trunc('minute', recorded_at), array_agg(duration_ms) FROM webhooks_attempt
 WHERE recorded_at >= %(since)s AND recorded_at < %(until)s GROUP BY 1, 2
"""

_CORRECT: Final = """
UPDATE webhooks_health_minute h
   SET first_due = n.first_due, resolved = n.resolved, attempts = n.attempts, failures = n.failures,
       latency = n.latency::int[]
  FROM unnest(%s::uuid[], %s::timestamptz[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[])
       AS n (endpoint_id, minute, first_due, resolved, attempts, failures, latency)
 WHERE h.endpoint_id = n.endpoint_id AND h.minute = n.minute
   AND (h.first_due, h.resolved, h.attempts, h.failures, h.latency)
       IS DISTINCT FROM (n.first_due, n.resolved, n.attempts, n.failures, n.latency::int[])
"""


# The sums of an hour stand in its first minute; the rows are locked beforehand, in key order.
_FOLD: Final = f"""
WITH gone AS (
    DELETE FROM webhooks_health_minute
     WHERE minute < %(before)s AND minute <> date_trunc('hour', minute, 'UTC') RETURNING *
), hours AS (
    SELECT h.endpoint_id, date_trunc('hour', h.minute, 'UTC') AS minute, sum(h.first_due) AS first_due,
           sum(h.resolved) AS resolved, sum(h.attempts) AS attempts, sum(h.failures) AS failures,
           {latency.SUMMED} AS latency
      FROM gone h GROUP BY 1, 2
)
INSERT INTO webhooks_health_minute AS h (endpoint_id, minute, first_due, resolved, attempts, failures, latency)
SELECT endpoint_id, minute, first_due, resolved, attempts, failures, latency FROM hours ORDER BY 1, 2
{_ADD[_ADD.index("ON CONFLICT") :]}
"""  # noqa: S608  # our own constants


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """One attempt that is kept in this transaction."""

    endpoint_id: str
    succeeded: bool
    duration_ms: int


@dataclass(slots=True)
class _Minute:
    first_due: int = 0
    resolved: int = 0
    attempts: int = 0
    failures: int = 0
    durations: list[int] = field(default_factory=list)


class _Minutes(dict[tuple[Any, datetime], _Minute]):
    """What is to be added, by endpoint (uuid) and minute."""

    def at(self, endpoint_id: str, minute: datetime) -> _Minute:
        return self.setdefault((ids.to_uuid(endpoint_id, prefix="whe"), minute), _Minute())

    def columns(self) -> list[list[Any]]:
        """One array for each column of the statements."""
        rows = self.values()
        return [
            [endpoint for endpoint, _ in self],
            [minute for _, minute in self],
            [row.first_due for row in rows],
            [row.resolved for row in rows],
            [row.attempts for row in rows],
            [row.failures for row in rows],
            [_literal(latency.fold(row.durations)) for row in rows],
        ]


def count_first_due(*, rows: Sequence[tuple[str, datetime]]) -> None:
    """Count deliveries of events (endpoint, first_due_at) that became due for the first time."""
    minutes = _Minutes()
    for (endpoint_id, minute), many in _by_minute(rows).items():
        minutes.at(endpoint_id, minute).first_due += many
    _add(minutes)


def count_attempts(*, rows: Sequence[AttemptCount], resolved: Sequence[tuple[str, datetime]], now: datetime) -> None:
    """Count the attempts kept at this moment, and deliveries of events (endpoint, first_due_at) that they resolved."""
    minutes, present = _Minutes(), minute_of(now)
    attempts: dict[str, list[AttemptCount]] = {}
    for attempt in rows:
        attempts.setdefault(attempt.endpoint_id, []).append(attempt)
    for endpoint_id, ended in attempts.items():
        minute = minutes.at(endpoint_id, present)
        minute.attempts = len(ended)
        minute.failures = sum(not attempt.succeeded for attempt in ended)
        minute.durations = [attempt.duration_ms for attempt in ended]
    for (endpoint_id, first_due), many in _by_minute(resolved).items():
        minutes.at(endpoint_id, first_due).resolved += many
    _add(minutes)


def _by_minute(rows: Sequence[tuple[str, datetime]]) -> Counter[tuple[str, datetime]]:
    """How often each endpoint and minute is named."""
    return Counter((endpoint_id, minute_of(moment)) for endpoint_id, moment in rows)


def recount_minutes(*, since: datetime, until: datetime) -> int:
    """Count the whole minutes from ``since`` up to ``until`` again from the rows; how many were wrong.

    Exact beside running work: what was counted in a transaction that is still open holds the minute's lock, and what
    was not is not seen by the count either, and is added afterwards.
    """
    window = {"since": minute_of(since), "until": minute_of(until)}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_health_minute (endpoint_id, minute, first_due, resolved, attempts, failures, latency)"  # noqa: S608  # our own constant
            f" SELECT endpoint_id, minute, 0, 0, 0, 0, '{{}}' FROM ({_COUNTED}) AS counted"
            " ORDER BY endpoint_id, minute ON CONFLICT (endpoint_id, minute) DO NOTHING",
            window,
        )
        # Read COMMITTED: the count below is a statement of its own, with a snapshot taken after the locks.
        cursor.execute(
            "SELECT endpoint_id, minute FROM webhooks_health_minute WHERE minute >= %(since)s AND minute < %(until)s"
            " ORDER BY endpoint_id, minute FOR UPDATE",
            window,
        )
        minutes = _Minutes({(endpoint, minute): _Minute() for endpoint, minute in cursor.fetchall()})
        cursor.execute(_COUNTED, window)
        for endpoint, minute, *counts in cursor.fetchall():
            if (endpoint, minute) in minutes:
                minutes[endpoint, minute] = _Minute(*counts)
        cursor.execute(_DURATIONS, window)
        for endpoint, minute, durations in cursor.fetchall():
            if (endpoint, minute) in minutes:
                minutes[endpoint, minute].durations = durations
        cursor.execute(_CORRECT, minutes.columns())
        return int(cursor.rowcount)


def fold_hours(*, before: datetime) -> int:
    """Put the minutes of each hour that ended before a moment into its first; how many rows went.

    A delivery that arrives after that is counted in its own minute again, and folded by the next call.
    """
    window = {"before": before.astimezone(UTC).replace(minute=0, second=0, microsecond=0)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE minute <> date_trunc('hour', minute, 'UTC')) FROM (SELECT minute"
            " FROM webhooks_health_minute WHERE minute < %(before)s ORDER BY endpoint_id, minute FOR UPDATE) AS locked",
            window,
        )
        folded = int(cursor.fetchone()[0])
        if folded:
            cursor.execute(_FOLD, window)
    return folded


def forget_minutes(*, before: datetime) -> int:
    """Remove the minutes before a moment; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM webhooks_health_minute WHERE minute < %s", [before])
        return int(cursor.rowcount)


def minute_of(moment: datetime) -> datetime:
    """The beginning of the minute of a moment."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _add(minutes: _Minutes) -> None:
    if minutes:
        defer_hot(_ADD, minutes.columns())


def _literal(counts: Iterable[int]) -> str:
    return "{" + ",".join(map(str, counts)) + "}"
