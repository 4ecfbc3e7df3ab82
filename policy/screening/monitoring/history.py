"""What somebody moved, from policy's movements: what was counted, and nothing that was declined or is held."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from policy.screening.monitoring.types import History, Moved

MOST: Final = 5_000
"""Of one customer's history; the newest count."""

IN_DAYS: Final = 3
"""What came in is looked for no further back: it is found by its time."""

_COUNTED: Final = "state IN ('confirmed', 'reserved')"
_WHO: Final = f"""
SELECT DISTINCT customer FROM policy_movement
 WHERE at >= %s AND at < %s AND customer IS NOT NULL AND {_COUNTED} AND customer > %s ORDER BY customer LIMIT %s
"""  # noqa: S608  # constant text of this module
_MOVED: Final = f"""
SELECT wanted.who, m.at, m.amount_minor, m.currency, m.is_out, m.counterparty, m.corridor
  FROM unnest(%(who)s::text[]) AS wanted (who) CROSS JOIN LATERAL (
    (SELECT at, amount_minor, currency, true AS is_out, counterparty, corridor FROM policy_movement
      WHERE customer = wanted.who AND at >= %(since)s AND at <= %(until)s AND {_COUNTED}
      ORDER BY at DESC LIMIT %(most)s)
    UNION ALL
    -- The last one before: how long it has been, however long.
    (SELECT at, amount_minor, currency, true, counterparty, corridor FROM policy_movement
      WHERE customer = wanted.who AND at < %(since)s AND {_COUNTED} ORDER BY at DESC LIMIT 1)
    UNION ALL
    SELECT at, amount_minor, currency, false, customer, corridor FROM came WHERE came.counterparty = wanted.who
  ) m ORDER BY wanted.who, m.at
"""  # noqa: S608  # constant text of this module
_CAME: Final = f"""
WITH came AS MATERIALIZED (
    SELECT at, amount_minor, currency, customer, corridor, counterparty FROM policy_movement
     WHERE at >= %(in_since)s AND at <= %(until)s AND counterparty = ANY(%(who)s)
       AND customer IS DISTINCT FROM counterparty AND {_COUNTED}
)
"""  # noqa: S608  # constant text of this module


def who_moved(*, since: datetime, until: datetime, after: str, limit: int) -> list[str]:
    """Customers who moved something in ``[since, until)``, in the order of their references, after this one."""
    with connection.cursor() as cursor:
        cursor.execute(_WHO, [since, until, after, limit])
        return [customer for (customer,) in cursor.fetchall()]


def read_histories(*, references: Sequence[str], days: int, now: datetime) -> list[History]:
    """The last days of each, oldest first, and the one movement before them."""
    since = now - timedelta(days=days)
    found: dict[str, list[Moved]] = {reference: [] for reference in references}
    with connection.cursor() as cursor:
        cursor.execute(
            _CAME + _MOVED,
            {"who": list(references), "since": since, "in_since": now - timedelta(days=IN_DAYS), "until": now,
             "most": MOST},
        )  # fmt: skip
        for who, at, amount_minor, currency, is_out, counterparty, corridor in cursor.fetchall():
            found[who].append(Moved(at, amount_minor, currency, is_out, counterparty or "", destination_of(corridor)))
    return [History(reference, since, tuple(moved)) for reference, moved in found.items()]


def destination_of(corridor: str | None) -> str:
    """``US`` of ``GB>US/wire``; empty where the corridor says none."""
    return (corridor or "").partition(">")[2].partition("/")[0]
