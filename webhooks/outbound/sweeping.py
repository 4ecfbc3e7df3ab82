"""Deliveries that would wait without a reason: overdue ones without a work item, and such as wait for the far future.

An item is written with its delivery, so the first are found only where the two came from different moments: a restored
database, or schemas moved to another server. The second were put off by a clock that has gone back since.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from webhooks.outbound import schedule
from webhooks.outbound.fan_out import DELIVER, delivery_ref
from zentra.core import ids
from zentra.core.queue import lanes, queries
from zentra.core.queue.lanes import enqueue_in_lanes
from zentra.core.tenancy import current_tenant

# Made in the future; or due later than the longest delay with its jitter, and than Retry-After can ask for. Two short
# ranges of two indexes, both empty on any ordinary day.
_BRING_BACK: Final = """
WITH ahead AS (
    (SELECT d.id FROM webhooks_delivery d
      WHERE d.state = 'queued' AND d.recorded_at > %(soon)s AND d.next_attempt_at > %(soon)s LIMIT %(batch)s)
    UNION
    (SELECT d.id FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
      WHERE d.next_attempt_at > %(latest)s AND d.next_attempt_at > %(soon)s + make_interval(
            secs => %(jitter)s * coalesce(
                (SELECT max(delay) FROM unnest(e.schedule) delay), 0)) LIMIT %(batch)s)
), mine AS MATERIALIZED (
    SELECT d.id FROM webhooks_delivery d WHERE d.id IN (SELECT id FROM ahead) ORDER BY d.id FOR UPDATE SKIP LOCKED
)
UPDATE webhooks_delivery d SET next_attempt_at = %(now)s FROM mine WHERE d.id = mine.id RETURNING d.id, d.endpoint_id
"""
_MARGIN: Final = timedelta(minutes=1)
_OVERDUE: Final = timedelta(minutes=1)
_BATCH: Final = 200


def find_overdue(*, now: datetime) -> int:
    """Enqueue the oldest overdue deliveries that no item stands for; returns how many there were.

    Those of a paused endpoint are overdue too, but have their items: after the first batch with items for all, the
    rest are taken to have theirs.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, endpoint_id FROM webhooks_delivery WHERE next_attempt_at < %s"
            " AND (claimed_until IS NULL OR claimed_until < %s) ORDER BY next_attempt_at LIMIT %s",
            [now - _OVERDUE, now - _OVERDUE, _BATCH],
        )
        rows = [(ids.to_public("dlv", delivery), ids.to_public("whe", lane)) for delivery, lane in cursor.fetchall()]
    refs = {delivery_ref(endpoint_id=lane, delivery_id=delivery): lane for delivery, lane in rows}
    workspace_id = current_tenant().id
    lost = sorted(refs.keys() - queries.refs_with_items(workspace_id=workspace_id, refs=list(refs)))
    enqueue_in_lanes([(workspace_id, DELIVER, ref, now, refs[ref]) for ref in lost])
    return len(lost)


def bring_back(*, now: datetime) -> int:
    """Make due what waits longer than anything may; returns how many there were.

    A retry that a jump put off by less than the longest delay cannot be told from one that is planned so, and waits.
    """
    mode, jitter = current_tenant().mode, 1 + schedule.JITTER
    longest = max(jitter * max(schedule.schedule_of(mode)), schedule.LONGEST_RETRY_AFTER[mode])
    values: dict[str, Any] = {
        "now": now,
        "soon": now + _MARGIN,
        "latest": now + _MARGIN + timedelta(seconds=longest),
        "jitter": jitter,
        "batch": _BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BRING_BACK, values)
        rows = [(ids.to_public("dlv", delivery), ids.to_public("whe", lane)) for delivery, lane in cursor.fetchall()]
    if rows:
        items = [(delivery_ref(endpoint_id=lane, delivery_id=delivery), lane) for delivery, lane in rows]
        lanes.hasten(workspace_id=current_tenant().id, kind=DELIVER, items=items, due_at=now)
    return len(rows)
