"""Intents that have not come to their end, the oldest first: what the stuck list starts from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection

from zentra.runtime import store
from zentra.runtime.states import Status
from zentra.runtime.types import IntentRecord

MOVING: Final = (Status.ACCEPTED, Status.CONTROLLED, Status.LEDGERED, Status.ROUTED, Status.SYNCHRONIZED)


def list_waiting(*, unchanged_since: datetime, limit: int, statuses: Sequence[Status] = MOVING) -> list[IntentRecord]:
    """Intents in these states that nothing has changed since a moment, by age, at most ``limit`` of each state.

    Each state is read backwards from its own part of the index by status, so that intents at their end cost nothing,
    however many there are.
    """
    each = f"({store.SELECT} WHERE status = %s AND updated_at < %s ORDER BY created_at, id LIMIT %s)"
    values = [value for status in statuses for value in (status.value, unchanged_since, limit)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([each] * len(statuses)) + " ORDER BY created_at, id", values)
        return [store.read_row(row) for row in cursor.fetchall()]
