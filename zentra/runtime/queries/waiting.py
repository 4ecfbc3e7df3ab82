"""Intents that have not come to their end, the oldest first: what the stuck list starts from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection
from psycopg import sql

from zentra.core import ids
from zentra.runtime import store
from zentra.runtime.states import END_STATES, Status
from zentra.runtime.types import IntentRecord

MOVING: Final = (Status.ACCEPTED, Status.CONTROLLED, Status.LEDGERED, Status.ROUTED, Status.SYNCHRONIZED)
_UNKNOWN: Final = "status = %s AND is_outcome_unknown AND outcome IS DISTINCT FROM 'settled'"


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


def count_unended(*, schema: str) -> int:
    """How many intents of a workspace have not come to their end, held ones among them, asked from outside of it.

    By the name of its schema, for the platform's own look before it closes a workspace.
    """
    counting = sql.SQL("SELECT count(*) FROM {}.runtime_intent WHERE status = ANY(%s)").format(sql.Identifier(schema))
    with connection.cursor() as cursor:
        cursor.execute(counting.as_string(None), [[status.value for status in Status if status not in END_STATES]])
        return int(cursor.fetchone()[0])


def list_unknown(
    *, unchanged_since: datetime, limit: int, after: tuple[datetime, str] | None = None
) -> list[IntentRecord]:
    """Sent intents whose outcome nobody has known since a moment, the oldest first.

    ``after`` is the last one's (created_at, id).
    """
    moment, last = after or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{store.SELECT} WHERE {_UNKNOWN} AND updated_at < %s"  # constant texts
            " AND (%s::timestamptz IS NULL OR (created_at, id) > (%s, %s::uuid)) ORDER BY created_at, id LIMIT %s",
            [
                Status.ROUTED.value, unchanged_since, moment, moment,
                ids.to_uuid(last, prefix="intent") if last else None, limit,
            ],
        )  # fmt: skip
        return [store.read_row(row) for row in cursor.fetchall()]


def still_unknown(*, intent_ids: Sequence[str]) -> frozenset[str]:
    """Which of these intents still wait for an outcome that nobody knows."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT intent_id FROM runtime_intent WHERE {_UNKNOWN} AND intent_id = ANY(%s)",  # noqa: S608  # constant texts
            [Status.ROUTED.value, list(intent_ids)],
        )
        return frozenset(row[0] for row in cursor.fetchall())
