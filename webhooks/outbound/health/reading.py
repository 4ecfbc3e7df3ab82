"""The health of the workspace and of each endpoint over the last 24 hours.

Deliveries agree with the rows to the last one: whole minutes come from the fold, and the two minutes at the window's
edges, which are cut, are counted from the rows, in one statement and so in one snapshot. Attempts and times are whole
minutes. What waits is found by the partial index over what has not arrived, and counted no further than ``COUNTED_TO``.
So nothing here grows with the history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from webhooks.outbound.directory import get_endpoint, list_endpoints
from webhooks.outbound.health import latency
from webhooks.outbound.health.counting import minute_of
from webhooks.types import COUNTED_TO, EndpointHealth, EndpointRecord, WebhookHealth
from zentra.core import ids
from zentra.core.queue.queries import in_flight_of

WINDOW: Final = timedelta(hours=24)
_MINUTE: Final = timedelta(minutes=1)
_RATE_OVER: Final = timedelta(minutes=5)

# %(since)s < first_due_at <= %(now)s: the cut minute, the whole ones, and the present one.
_DELIVERIES: Final = """
    SELECT endpoint_id, first_due, resolved FROM webhooks_health_minute
     WHERE minute >= %(first)s AND minute < %(present)s
    UNION ALL
    SELECT endpoint_id, count(*), count(*) FILTER (WHERE state = 'resolved') FROM webhooks_delivery
     WHERE first_due_at > %(since)s AND first_due_at < %(first)s AND purpose = 'event' GROUP BY 1
    UNION ALL
    SELECT endpoint_id, count(*), count(*) FILTER (WHERE state = 'resolved') FROM webhooks_delivery
     WHERE first_due_at >= %(present)s AND first_due_at <= %(now)s AND purpose = 'event' GROUP BY 1
"""

_WORKSPACE: Final = f"""
SELECT coalesce(sum(resolved), 0)::bigint, coalesce(sum(first_due), 0)::bigint,
       (SELECT count(*) FROM webhooks_delivery WHERE state = 'retrying')
  FROM ({_DELIVERIES}) AS d
"""  # noqa: S608  # our own constants

_BY_ENDPOINT: Final = f"""
SELECT endpoint_id, sum(first_due)::bigint, sum(resolved)::bigint FROM ({_DELIVERIES}) AS d
 WHERE endpoint_id = ANY(%(ids)s::uuid[]) GROUP BY endpoint_id
"""  # noqa: S608  # our own constants

_ATTEMPTS: Final = f"""
SELECT h.endpoint_id, sum(h.attempts)::bigint, sum(h.failures)::bigint,
       coalesce(sum(h.attempts) FILTER (WHERE h.minute >= %(lately)s), 0)::bigint, {latency.SUMMED}
  FROM webhooks_health_minute h
 WHERE h.endpoint_id = ANY(%(ids)s::uuid[]) AND h.minute >= %(first)s AND h.minute <= %(present)s
 GROUP BY h.endpoint_id
"""  # noqa: S608  # our own constants

_UNDELIVERED: Final = """
SELECT e.id,
       (SELECT count(*) FROM (SELECT FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'queued'
                               LIMIT %(most)s) AS n)
       + (SELECT count(*) FROM (SELECT FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'retrying'
                                 LIMIT %(most)s) AS n),
       (SELECT count(*) FROM (SELECT FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'exhausted'
                               LIMIT %(most)s) AS n),
       (SELECT count(*) FROM (SELECT FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'retained'
                               LIMIT %(most)s) AS n),
       least((SELECT min(d.first_due_at) FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'queued'),
             (SELECT min(d.first_due_at) FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'retrying'))
  FROM unnest(%(ids)s::uuid[]) AS e (id)
"""


@dataclass(frozen=True, slots=True)
class _Figures:
    """One answer of each statement, by endpoint."""

    deliveries: dict[UUID, tuple[Any, ...]]
    attempts: dict[UUID, tuple[Any, ...]]
    undelivered: dict[UUID, tuple[Any, ...]]
    in_flight: dict[str, int]


def health_24h(*, now: datetime) -> WebhookHealth:
    """The workspace's webhook health over the last 24 hours, equal to a count of the deliveries at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(_WORKSPACE, _window(now))
        resolved, first_due, retrying = cursor.fetchone()
    return WebhookHealth(resolved=resolved, first_due=first_due, retrying=retrying)


def endpoint_health(*, now: datetime) -> list[EndpointHealth]:
    """Every endpoint that was not removed, with its last 24 hours, oldest endpoint first."""
    return _health_of(list_endpoints(), now=now)


def endpoint_health_of(*, endpoint_id: str, now: datetime) -> EndpointHealth:
    """One endpoint with its last 24 hours; raises EndpointNotFound."""
    [health] = _health_of([get_endpoint(endpoint_id=endpoint_id)], now=now)
    return health


def _window(now: datetime) -> dict[str, Any]:
    since = now - WINDOW
    return {"since": since, "first": minute_of(since) + _MINUTE, "present": minute_of(now), "now": now}


def _health_of(endpoints: Sequence[EndpointRecord], *, now: datetime) -> list[EndpointHealth]:
    keys = {endpoint.id: ids.to_uuid(endpoint.id, prefix="whe") for endpoint in endpoints}
    values = {
        **_window(now),
        "ids": list(keys.values()),
        "lately": minute_of(now) - _RATE_OVER,
        "most": COUNTED_TO,
    }
    figures = _Figures(
        deliveries=_by_id(_BY_ENDPOINT, values),
        attempts=_by_id(_ATTEMPTS, values),
        undelivered=_by_id(_UNDELIVERED, values),
        in_flight=in_flight_of(lanes=list(keys), now=now),
    )
    return [_one(endpoint, keys[endpoint.id], figures, now=now) for endpoint in endpoints]


def _by_id(statement: str, values: dict[str, Any]) -> dict[UUID, tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}


def _one(endpoint: EndpointRecord, key: UUID, figures: _Figures, *, now: datetime) -> EndpointHealth:
    first_due, resolved = figures.deliveries.get(key, (0, 0))
    attempts, failed, lately, counts = figures.attempts.get(key, (0, 0, 0, []))
    waiting, exhausted, retained, oldest = figures.undelivered[key]
    return EndpointHealth(
        endpoint=endpoint,
        first_due=first_due,
        resolved=resolved,
        waiting=min(waiting, COUNTED_TO),
        exhausted=exhausted,
        retained=retained,
        attempts=attempts,
        failed_attempts=failed,
        p50_ms=latency.quantile(counts, 0.5),
        p95_ms=latency.quantile(counts, 0.95),
        oldest_waiting_at=oldest,
        rate=lately / (now - minute_of(now) + _RATE_OVER).total_seconds(),
        in_flight=figures.in_flight.get(endpoint.id, 0),
    )
