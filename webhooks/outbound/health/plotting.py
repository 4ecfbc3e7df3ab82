"""Health over time: what the minutes say, folded further into the points of a plot."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from webhooks.outbound.health import latency
from webhooks.outbound.health.counting import minute_of
from webhooks.types import HealthPoint, share
from zentra.core import ids

MAX_POINTS: Final = 1_000

_POINTS: Final = f"""
SELECT CASE WHEN %(apart)s THEN h.endpoint_id END, floor(extract(epoch FROM h.minute - %(start)s) / %(width)s)::int,
       sum(h.attempts)::bigint, sum(h.failures)::bigint, sum(h.first_due)::bigint, sum(h.resolved)::bigint,
       {latency.SUMMED}
  FROM webhooks_health_minute h
 WHERE h.minute >= %(start)s AND h.minute < %(until)s
   AND (%(ids)s::uuid[] IS NULL OR h.endpoint_id = ANY(%(ids)s::uuid[]))
 GROUP BY 1, 2
"""  # noqa: S608  # our own constants


def health_points(*, endpoint_id: str | None, since: datetime, until: datetime, points: int) -> list[HealthPoint]:
    """An endpoint's history, or the whole workspace's, as at most so many points of equal width, oldest first.

    A point is a whole number of minutes wide and begins at a full minute; the first holds the minute of ``since``. The
    figures of the present minute are those so far. A point without attempts is there too, with zeros. What is older
    than eight days is known by the hour, and told in the point of the hour's beginning.
    Raises ValueError for a span that is empty or points that are not 1 to 1,000.
    """
    keys = None if endpoint_id is None else [ids.to_uuid(endpoint_id, prefix="whe")]
    found = _read(keys, apart=False, since=since, until=until, points=points)
    return found.get(None) or _empty(since, until, points)


def health_sparks(
    *, endpoint_ids: Sequence[str], since: datetime, until: datetime, points: int
) -> dict[str, list[HealthPoint]]:
    """The same for many endpoints, each by itself."""
    keys = [ids.to_uuid(each, prefix="whe") for each in endpoint_ids]
    found = _read(keys, apart=True, since=since, until=until, points=points)
    return {each: found.get(key) or _empty(since, until, points) for each, key in zip(endpoint_ids, keys, strict=True)}


def _read(
    keys: list[Any] | None, *, apart: bool, since: datetime, until: datetime, points: int
) -> dict[Any, list[HealthPoint]]:
    """Points by endpoint, or under None when they are not kept apart; without those that nothing is known of."""
    start, width, _ = _grid(since, until, points)
    values = {"ids": keys, "apart": apart, "start": start, "until": until, "width": width.total_seconds()}
    with connection.cursor() as cursor:
        cursor.execute(_POINTS, values)
        rows = cursor.fetchall()
    found: dict[Any, list[HealthPoint]] = {}
    for endpoint, point, attempts, failures, first_due, resolved, counts in rows:
        line = found.setdefault(endpoint, _empty(since, until, points))
        line[point] = HealthPoint(
            at=line[point].at,
            attempts=attempts,
            failures=failures,
            success_share=share(attempts - failures, attempts),
            p50_ms=latency.quantile(counts, 0.5),
            p95_ms=latency.quantile(counts, 0.95),
            first_due=first_due,
            resolved=resolved,
        )
    return found


def _grid(since: datetime, until: datetime, points: int) -> tuple[datetime, timedelta, int]:
    """Where the first point begins, how wide each is, and how many there are."""
    if until <= since or not 1 <= points <= MAX_POINTS:
        raise ValueError(f"No plot of {points} points from {since} to {until}.")
    start = minute_of(since)
    minutes = -((start - until) // timedelta(minutes=1))
    width = -(-minutes // points)
    return start, timedelta(minutes=width), -(-minutes // width)


def _empty(since: datetime, until: datetime, points: int) -> list[HealthPoint]:
    start, width, count = _grid(since, until, points)
    return [
        HealthPoint(
            at=start + place * width,
            attempts=0,
            failures=0,
            success_share=None,
            p50_ms=None,
            p95_ms=None,
            first_due=0,
            resolved=0,
        )
        for place in range(count)
    ]
