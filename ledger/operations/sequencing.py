"""What happens to entries after their commit: their place in the account's history, and the re-sum that checks it."""

from datetime import datetime
from typing import Final

from django.db import connection

from zentra.core import ids

BATCH: Final = 5_000

# One statement, so one snapshot. Every account's entries are added up and held against its balance and what waits.
_RESUM: Final = """
WITH entry_sum AS (
    SELECT account_id, count(*) AS entries,
           sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END) AS net
      FROM ledger_entry
     WHERE posting_id NOT IN (SELECT id FROM ledger_posting WHERE hold_id IS NOT NULL AND state <> 'posted')
     GROUP BY account_id
), waiting AS (
    SELECT account_id, sum(delta_minor) AS net FROM ledger_entry_unsequenced GROUP BY account_id
)
SELECT a.currency, coalesce(sum(e.entries), 0), coalesce(sum(e.net), 0),
       count(*) FILTER (WHERE coalesce(e.net, 0) <> b.posted_credits - b.posted_debits + coalesce(w.net, 0))
  FROM ledger_account a
  JOIN ledger_balance b ON b.account_id = a.id
  LEFT JOIN entry_sum e ON e.account_id = a.id
  LEFT JOIN waiting w ON w.account_id = a.id
 GROUP BY a.currency
"""


def sequence_entries(*, now: datetime, limit: int = BATCH) -> int:
    """Give up to ``limit`` waiting entries their version and running balance; how many were placed.

    Any number may run at once: an account that another one holds is left for the next round.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_sequence(%s, %s)", [limit, now])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def resum_entries(*, now: datetime) -> int:
    """Add up every entry again and keep the result with its time; how many accounts diverge from their balance."""
    with connection.cursor() as cursor:
        cursor.execute(_RESUM)
        rows = cursor.fetchall()
        for currency, entries, total, diverging in rows:
            cursor.execute(
                "INSERT INTO ledger_resum (id, currency, entry_count, entry_sum_minor, diverging_accounts, computed_at)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT ON CONSTRAINT ledger_resum_currency_once"
                " DO UPDATE SET entry_count = excluded.entry_count, entry_sum_minor = excluded.entry_sum_minor,"
                " diverging_accounts = excluded.diverging_accounts, computed_at = excluded.computed_at",
                [ids.new_uuid(), currency, entries, total, diverging, now],
            )
    return sum(int(row[3]) for row in rows)
