"""Deliveries that nobody will send by themselves: kept, and ready to be replayed."""

from datetime import datetime

from django.db import connection

from webhooks.outbound import streams
from zentra.core import ids

# In the order of their ids, as whoever finishes or replays several deliveries locks them too. Tests and probes are sent
# to a disabled endpoint also: that is what they are for.
_RETAIN = """
WITH waiting AS MATERIALIZED (
    SELECT id FROM webhooks_delivery
     WHERE endpoint_id = %s AND state IN ('queued', 'retrying') AND (purpose = 'event' OR %s)
     ORDER BY id FOR UPDATE
)
UPDATE webhooks_delivery d SET state = 'retained', next_attempt_at = NULL, last_error = %s
  FROM waiting WHERE d.id = waiting.id RETURNING d.intent_id
"""


def retain_waiting(*, endpoint_id: str, now: datetime, is_for_ever: bool = False) -> int:
    """Retain whatever waits for a disabled endpoint; returns how many. Their intents' streams are asked again.

    The caller holds the endpoint's lock. ``is_for_ever``: it was removed, and takes no tests either.
    """
    why = "endpoint removed" if is_for_ever else "endpoint disabled"
    with connection.cursor() as cursor:
        cursor.execute(_RETAIN, [ids.to_uuid(endpoint_id, prefix="whe"), is_for_ever, why])
        rows = cursor.fetchall()
    streams.request_checks(intent_ids={intent_id for (intent_id,) in rows if intent_id is not None}, now=now)
    return len(rows)
