"""Intents that had begun and not ended at a moment, such as a cut-off."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from zentra.runtime.states import Status

_MOVING: Final = [s.value for s in (Status.ACCEPTED, Status.CONTROLLED, Status.LEDGERED, Status.ROUTED, Status.REVIEW)]
# What still moves, and what ended since: whatever ended before the moment was not changed after it.
_AT: Final = """
  FROM runtime_intent i
 CROSS JOIN LATERAL (SELECT t.after FROM runtime_transition t
                      WHERE t.intent_id = i.intent_id AND t.at < %(at)s ORDER BY t.version DESC LIMIT 1) s
 WHERE i.created_at < %(at)s AND (i.status = ANY(%(moving)s) OR i.updated_at >= %(at)s) AND s.after = ANY(%(moving)s)
"""


@dataclass(frozen=True, slots=True)
class InFlightIntent:
    """An intent and the state it was in at that moment; minor units."""

    intent_id: str
    status: str
    amount_minor: int
    currency: str
    created_at: datetime


def list_in_flight(*, at: datetime, limit: int = 200) -> list[InFlightIntent]:
    """Intents made before a moment whose money had not ended by then, with their state at it, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT i.intent_id, s.after, i.amount_minor, i.currency, i.created_at {_AT}"  # a constant
            " ORDER BY i.created_at, i.id LIMIT %(limit)s",
            {**_values(at), "limit": limit},
        )
        return [InFlightIntent(*row) for row in cursor.fetchall()]


def count_in_flight(*, at: datetime) -> int:
    """How many such intents there were."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_AT}", _values(at))  # a constant
        return int(cursor.fetchone()[0])


def _values(at: datetime) -> dict[str, Any]:
    return {"at": at, "moving": _MOVING}
