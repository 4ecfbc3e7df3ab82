"""What stood on accounts before a moment, the largest ones by name and the others summed up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from zentra.core import ids

# Summed up in the database, so that what is sent does not grow with the number of accounts.
_STANDING: Final = """
WITH standing AS (
  SELECT a.id, a.code, a.currency, a.account_type, m.credits - m.debits AS net,
         row_number() OVER (PARTITION BY a.currency, a.account_type
                                ORDER BY abs(m.credits - m.debits) DESC, a.code, a.id) <= %(most)s AS is_named
    FROM ledger_moments((SELECT array_agg(x.id) FROM ledger_account x), %(before)s, 'effective') m
    JOIN ledger_account a ON a.id = m.account_id
   WHERE m.entries > 0
)
SELECT currency, account_type, CASE WHEN is_named THEN id END, CASE WHEN is_named THEN code END, count(*), sum(net),
       coalesce(-sum(net) FILTER (WHERE net < 0), 0)
  FROM standing
 GROUP BY 1, 2, 3, 4
 ORDER BY 1, 2, 4 NULLS LAST, 3
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account held, credits − debits in minor units; without ``account_id``: so many of its type together.

    ``negative_minor`` is the sum of those below zero, positive.
    """

    currency: str
    account_type: str
    account_id: str | None
    account_code: str
    accounts: int
    net_minor: int
    negative_minor: int


def standing_before(*, before: datetime, most: int) -> list[Standing]:
    """What all accounts with entries held before a moment, by effective time; of each type the ``most`` largest ones
    by name, the others as one. One snapshot.
    """
    values: dict[str, Any] = {"before": before, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, values)
        return [
            Standing(
                currency=currency,
                account_type=account_type,
                account_id=None if key is None else ids.to_public("acct", key),
                account_code=code or "",
                accounts=count,
                net_minor=int(net),
                negative_minor=int(negative),
            )
            for currency, account_type, key, code, count, net, negative in cursor.fetchall()
        ]


def earliest_effective_since(*, recorded_at: datetime) -> datetime | None:
    """The earliest effective time among the postings that were written since a moment; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(p.effective_at) FROM ledger_posting p WHERE p.recorded_at >= %s", [recorded_at])
        found: datetime | None = cursor.fetchone()[0]
    return found
