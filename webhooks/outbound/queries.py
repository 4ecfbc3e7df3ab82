"""Reading deliveries and attempts, for pages and the API. Nothing here changes anything."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from webhooks.models import Attempt
from webhooks.outbound.filters import DeliveryFilter
from webhooks.types import (
    AttemptRecord,
    DeliveryDetail,
    DeliveryRecord,
    Page,
    PageKey,
)
from zentra.core import ids
from zentra.core.errors import DomainError

_CLOCKS_DIFFER: Final = timedelta(days=1)
DEFAULT_LIMIT: Final = 50

_COLUMNS: Final = """
SELECT d.id, d.recorded_at, d.event_id, d.event_recorded_at, d.event_type, d.leaf_index, d.endpoint_id, e.url,
       d.intent_id, d.state, d.is_awaited, d.attempts, d.next_attempt_at, d.first_due_at, d.resolved_at,
       d.last_status, d.last_error, d.purpose, d.replay_id, d.last_error_class
FROM {source} d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
"""
_NEWEST: Final = "ORDER BY d.recorded_at DESC, d.id DESC"


class DeliveryNotFound(DomainError):
    """There is no such delivery in this workspace."""

    code = "delivery_not_found"
    status = 404
    title = "There is no such delivery"


def list_deliveries(
    *, where: DeliveryFilter | None = None, before: PageKey | None = None, limit: int = DEFAULT_LIMIT
) -> Page[DeliveryRecord]:
    """Deliveries, newest first by (recorded_at, id), after the row whose key is ``before``; raises BadId."""
    branches, values = [], []
    for each in (where or DeliveryFilter()).by_state():
        conditions, said = each.conditions()
        if before is not None:
            conditions.append("(d.recorded_at, d.id) < (%s, %s)")
            said += [before[0], ids.to_uuid(before[1], prefix="dlv")]
        clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        branches.append(f"(SELECT d.* FROM webhooks_delivery d {clause} {_NEWEST} LIMIT %s)")  # noqa: S608  # constant words
        values += [*said, limit + 1]
    rows = _read_deliveries(f"{_NEWEST} LIMIT %s", [*values, limit + 1], source=f"({' UNION ALL '.join(branches)})")
    return Page.of(rows, limit=limit)


def get_delivery(*, delivery_id: str) -> DeliveryRecord:
    """One delivery; raises DeliveryNotFound."""
    rows = _read_deliveries("WHERE d.id = %s", [ids.to_uuid(delivery_id, prefix="dlv")])
    if not rows:
        raise DeliveryNotFound(f"There is no delivery {delivery_id}.")
    return rows[0]


def get_delivery_detail(*, delivery_id: str) -> DeliveryDetail:
    """A delivery with every attempt, oldest first; raises DeliveryNotFound, BadId."""
    delivery = get_delivery(delivery_id=delivery_id)
    attempts = list_attempts(delivery_ids=[delivery_id], since=delivery.recorded_at)
    return DeliveryDetail(delivery=delivery, attempts=tuple(attempts))


def deliveries_of_intent(*, intent_id: str) -> list[DeliveryDetail]:
    """Every delivery of an intent's events with its attempts, in the order of the log."""
    return _with_attempts(_read_deliveries("WHERE d.intent_id = %s ORDER BY d.leaf_index, e.created_at", [intent_id]))


def deliveries_of_event(*, event_id: str) -> list[DeliveryDetail]:
    """Every delivery of one event with its attempts, the oldest endpoint first; raises BadId."""
    key = ids.to_uuid(event_id, prefix="evt")
    return _with_attempts(_read_deliveries("WHERE d.event_id = %s ORDER BY e.created_at, e.id", [key]))


def list_attempts(*, delivery_ids: Sequence[str], since: datetime | None = None) -> list[AttemptRecord]:
    """The attempts of these deliveries, oldest first. ``since`` is when the oldest of them was made, if known.

    It spares older months a look; a day is left for a clock that was put back meanwhile.
    """
    if not delivery_ids:
        return []
    rows = Attempt.objects.filter(delivery_id__in=delivery_ids)
    if since is not None:
        rows = rows.filter(recorded_at__gte=since - _CLOCKS_DIFFER)
    return [_to_attempt(row) for row in rows.order_by("number", "recorded_at")]


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


def _with_attempts(deliveries: Sequence[DeliveryRecord]) -> list[DeliveryDetail]:
    attempts: dict[str, list[AttemptRecord]] = {}
    oldest = min((each.recorded_at for each in deliveries), default=None)
    for attempt in list_attempts(delivery_ids=[each.id for each in deliveries], since=oldest):
        attempts.setdefault(attempt.delivery_id, []).append(attempt)
    return [DeliveryDetail(delivery=each, attempts=tuple(attempts.get(each.id, ()))) for each in deliveries]


def _read_deliveries(clause: str, values: list[Any], *, source: str = "webhooks_delivery") -> list[DeliveryRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS.format(source=source) + clause, values)
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
