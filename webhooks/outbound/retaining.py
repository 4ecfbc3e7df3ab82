"""Deliveries that nobody will send by themselves: kept, and ready to be replayed."""

from datetime import datetime

from django.db import connection

from webhooks.outbound import streams
from zentra.core import ids


def retain_waiting(*, endpoint_id: str, now: datetime) -> int:
    """Retain whatever waits for a disabled endpoint; returns how many. Their intents' streams are asked again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_delivery SET state = 'retained', next_attempt_at = NULL, last_error = 'endpoint disabled'"
            " WHERE endpoint_id = %s AND state IN ('queued', 'retrying') RETURNING intent_id",
            [ids.to_uuid(endpoint_id, prefix="whe")],
        )
        rows = cursor.fetchall()
    streams.request_checks(intent_ids={intent_id for (intent_id,) in rows if intent_id is not None}, now=now)
    return len(rows)
