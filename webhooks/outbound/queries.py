"""Reading deliveries, attempts and health, for pages and the API. Nothing here changes anything."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from webhooks.models import Attempt
from webhooks.outbound.directory import list_endpoints
from webhooks.types import (
    AttemptRecord,
    DeliveryDetail,
    DeliveryRecord,
    DeliveryState,
    EndpointHealth,
    Page,
    PageKey,
    share,
)
from zentra.core import ids
from zentra.core.errors import DomainError

HEALTH_WINDOW: Final = timedelta(hours=24)
DEFAULT_LIMIT: Final = 50

_COLUMNS: Final = """
SELECT d.id, d.recorded_at, d.event_id, d.event_recorded_at, d.event_type, d.leaf_index, d.endpoint_id, e.url,
       d.intent_id, d.state, d.is_awaited, d.attempts, d.next_attempt_at, d.first_due_at, d.resolved_at,
       d.last_status, d.last_error, d.purpose, d.replay_id
FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
"""

_HEALTH = """
SELECT e.id,
       count(d.id) FILTER (WHERE d.first_due_at > %(since)s),
       count(d.id) FILTER (WHERE d.first_due_at > %(since)s AND d.state = 'resolved'),
       count(d.id) FILTER (WHERE d.state IN ('queued', 'retrying')),
       count(d.id) FILTER (WHERE d.state = 'exhausted'),
       count(d.id) FILTER (WHERE d.state = 'retained'),
       min(d.first_due_at) FILTER (WHERE d.state IN ('queued', 'retrying'))
FROM webhooks_endpoint e
LEFT JOIN webhooks_delivery d ON d.endpoint_id = e.id AND (d.first_due_at > %(since)s OR d.state <> 'resolved')
GROUP BY e.id
"""

_ATTEMPT_HEALTH = """
SELECT endpoint_id, count(*), count(*) FILTER (WHERE error_class IS NOT NULL),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms),
       percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms)
FROM webhooks_attempt WHERE recorded_at > %s GROUP BY endpoint_id
"""


class DeliveryNotFound(DomainError):
    """There is no such delivery in this workspace."""

    code = "delivery_not_found"
    status = 404
    title = "There is no such delivery"


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What a list of deliveries shows; None means any. ``since`` and ``until`` bound ``recorded_at``."""

    states: tuple[DeliveryState, ...] | None = None
    endpoint_id: str | None = None
    intent_id: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> tuple[list[str], list[Any]]:
        """SQL conditions over ``d`` and their values."""
        pairs: list[tuple[str, Any]] = [
            ("d.state = ANY(%s)", list(self.states) if self.states else None),
            ("d.endpoint_id = %s", ids.to_uuid(self.endpoint_id, prefix="whe") if self.endpoint_id else None),
            ("d.intent_id = %s", self.intent_id),
            ("d.event_type = %s", self.event_type),
            ("d.event_id = %s", ids.to_uuid(self.event_id, prefix="evt") if self.event_id else None),
            ("d.recorded_at >= %s", self.since),
            ("d.recorded_at < %s", self.until),
        ]
        used = [(text, value) for text, value in pairs if value is not None]
        return [text for text, _ in used], [value for _, value in used]


@dataclass(frozen=True, slots=True)
class WebhookHealth:
    """The room's figure: deliveries resolved ÷ deliveries first due in 24 hours. ``percent`` None without any."""

    resolved: int
    first_due: int
    retrying: int

    @property
    def percent(self) -> float | None:
        """Two decimals, never rounded up."""
        return share(self.resolved, self.first_due)

    @property
    def label(self) -> str:
        """``99.98%``, or an em dash when nothing was due."""
        return "—" if self.percent is None else f"{self.percent:.2f}%"


def list_deliveries(
    *, where: DeliveryFilter | None = None, before: PageKey | None = None, limit: int = DEFAULT_LIMIT
) -> Page[DeliveryRecord]:
    """Deliveries, newest first, after the row whose key is ``before``."""
    conditions, values = (where or DeliveryFilter()).conditions()
    if before is not None:
        conditions.append("(d.recorded_at, d.id) < (%s, %s)")
        values += [before[0], ids.to_uuid(before[1], prefix="dlv")]
    clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = _read_deliveries(f"{clause} ORDER BY d.recorded_at DESC, d.id DESC LIMIT %s", [*values, limit + 1])
    shown = tuple(rows[:limit])
    return Page(rows=shown, next_key=shown[-1].page_key if len(rows) > limit else None)


def get_delivery(*, delivery_id: str) -> DeliveryRecord:
    """One delivery; raises DeliveryNotFound."""
    rows = _read_deliveries("WHERE d.id = %s", [ids.to_uuid(delivery_id, prefix="dlv")])
    if not rows:
        raise DeliveryNotFound(f"There is no delivery {delivery_id}.")
    return rows[0]


def get_delivery_detail(*, delivery_id: str) -> DeliveryDetail:
    """A delivery with every attempt, oldest first; raises DeliveryNotFound."""
    delivery = get_delivery(delivery_id=delivery_id)
    return DeliveryDetail(delivery=delivery, attempts=tuple(list_attempts(delivery_ids=[delivery_id])))


def deliveries_of_intent(*, intent_id: str) -> list[DeliveryDetail]:
    """Every delivery of an intent's events with its attempts, in the order of the log."""
    deliveries = _read_deliveries("WHERE d.intent_id = %s ORDER BY d.leaf_index, e.created_at", [intent_id])
    attempts: dict[str, list[AttemptRecord]] = {}
    for attempt in list_attempts(delivery_ids=[each.id for each in deliveries]):
        attempts.setdefault(attempt.delivery_id, []).append(attempt)
    return [DeliveryDetail(delivery=each, attempts=tuple(attempts.get(each.id, ()))) for each in deliveries]


def list_attempts(*, delivery_ids: Sequence[str]) -> list[AttemptRecord]:
    """The attempts of these deliveries, oldest first."""
    if not delivery_ids:
        return []
    rows = Attempt.objects.filter(delivery_id__in=delivery_ids).order_by("number", "recorded_at")
    return [_to_attempt(row) for row in rows]


def health_24h(*, now: datetime) -> WebhookHealth:
    """The workspace's webhook health over the last 24 hours, from the deliveries themselves."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE state = 'resolved'), count(*),"
            " (SELECT count(*) FROM webhooks_delivery WHERE state = 'retrying')"
            " FROM webhooks_delivery WHERE first_due_at > %s AND first_due_at <= %s",
            [now - HEALTH_WINDOW, now],
        )
        resolved, first_due, retrying = cursor.fetchone()
    return WebhookHealth(resolved=resolved, first_due=first_due, retrying=retrying)


def count_retrying() -> int:
    """How many deliveries wait for another attempt."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM webhooks_delivery WHERE next_attempt_at IS NOT NULL AND state = 'retrying'"
        )
        return int(cursor.fetchone()[0])


def retrying_intents(*, limit: int = 200) -> list[str]:
    """The intents with a delivery that waits for another attempt, the soonest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT intent_id FROM webhooks_delivery WHERE next_attempt_at IS NOT NULL AND state = 'retrying'"
            " AND intent_id IS NOT NULL GROUP BY intent_id ORDER BY min(next_attempt_at) LIMIT %s",
            [limit],
        )
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What of an intent's events has not arrived: ``next_attempt`` is its number, 0 when none is due by itself."""

    next_attempt: int
    deliveries: int


def undelivered_of(*, intent_ids: Sequence[str]) -> dict[str, Undelivered]:
    """For those of these intents that have any: deliveries that failed at least once and are kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT intent_id, coalesce(max(attempts) FILTER (WHERE state = 'retrying') + 1, 0), count(*)"
            " FROM webhooks_delivery WHERE intent_id = ANY(%s) AND state IN ('retrying', 'retained', 'exhausted')"
            " GROUP BY intent_id",
            [list(intent_ids)],
        )
        return {intent_id: Undelivered(number, count) for intent_id, number, count in cursor.fetchall()}


def count_by_state() -> dict[str, int]:
    """How many deliveries are in each state that is not resolved."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM webhooks_delivery WHERE state <> 'resolved' GROUP BY state")
        return dict(cursor.fetchall())


def endpoint_health(*, now: datetime) -> list[EndpointHealth]:
    """Every endpoint with its last 24 hours, oldest endpoint first."""
    since = now - HEALTH_WINDOW
    with connection.cursor() as cursor:
        cursor.execute(_HEALTH, {"since": since})
        deliveries = {ids.to_public("whe", row[0]): row[1:] for row in cursor.fetchall()}
        cursor.execute(_ATTEMPT_HEALTH, [since])
        attempts = {ids.to_public("whe", row[0]): row[1:] for row in cursor.fetchall()}
    found = []
    for endpoint in list_endpoints():
        first_due, resolved, waiting, exhausted, retained, oldest = deliveries[endpoint.id]
        made, failed, p50, p95 = attempts.get(endpoint.id, (0, 0, None, None))
        found.append(
            EndpointHealth(
                endpoint=endpoint,
                first_due=first_due,
                resolved=resolved,
                waiting=waiting,
                exhausted=exhausted,
                retained=retained,
                attempts=made,
                failed_attempts=failed,
                p50_ms=p50,
                p95_ms=p95,
                oldest_waiting_at=oldest,
            )
        )
    return found


def _read_deliveries(clause: str, values: list[Any]) -> list[DeliveryRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS + clause, values)
        return [_to_delivery(row) for row in cursor.fetchall()]


def _to_delivery(row: tuple[Any, ...]) -> DeliveryRecord:
    values = dict(zip(_DELIVERY_FIELDS, row, strict=True))
    for name, prefix in (("id", "dlv"), ("event_id", "evt"), ("endpoint_id", "whe"), ("replay_id", "rpl")):
        values[name] = ids.to_public(prefix, values[name]) if values[name] is not None else None
    return DeliveryRecord(**values)


_DELIVERY_FIELDS: Final = tuple(each.name for each in fields(DeliveryRecord))


def _to_attempt(row: Attempt) -> AttemptRecord:
    values = {each.name: getattr(row, each.name) for each in fields(AttemptRecord)}
    values["response_body"] = bytes(row.response_body)
    values["response_headers"] = tuple((name, value) for name, value in row.response_headers)
    return AttemptRecord(**values)
