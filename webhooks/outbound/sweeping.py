"""Deliveries that are overdue and have no work item: found, and given one.

An item is written with its delivery, so this finds nothing unless the two came from different moments: a restored
database, or schemas moved to another server.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from webhooks.outbound.fan_out import DELIVER, delivery_ref
from zentra.core import ids
from zentra.core.queue import queries
from zentra.core.queue.lanes import enqueue_in_lanes
from zentra.core.tenancy import current_tenant

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
