"""Which endpoints hold intents' event streams: the deliveries that a stream waits for and that have not arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from webhooks.types import DeliveryState
from zentra.core import ids


@dataclass(frozen=True, slots=True)
class AwaitedDelivery:
    """The oldest delivery of an intent's events that one endpoint has not taken, and how many there are."""

    intent_id: str
    endpoint_id: str
    state: DeliveryState
    deliveries: int
    recorded_at: datetime
    last_error: str


def awaited_of(*, intent_ids: Sequence[str]) -> dict[str, AwaitedDelivery]:
    """For those of these intents whose stream waits for an endpoint: the one that has waited for longest."""
    if not intent_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (intent_id) intent_id, endpoint_id, state, count(*) OVER (PARTITION BY intent_id),"
            " recorded_at, last_error FROM webhooks_delivery"
            " WHERE intent_id = ANY(%s) AND is_awaited AND state <> 'resolved'"
            " ORDER BY intent_id, recorded_at, id",
            [list(intent_ids)],
        )
        rows = cursor.fetchall()
    return {
        row[0]: AwaitedDelivery(row[0], ids.to_public("whe", row[1]), row[2], int(row[3]), row[4], row[5])
        for row in rows
    }
