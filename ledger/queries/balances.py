"""Balances, always with the entries that wait for the sequencer, and the drift that must be zero."""

from typing import Final
from uuid import UUID

from django.db import connection

from ledger.queries.accounts import find_account
from ledger.types import AccountRecord, Balances, Drift
from zentra.core import ids

_BALANCES: Final = """
SELECT a.id, a.code, a.currency, a.normal_balance,
       b.posted_debits + coalesce(w.debits, 0), b.posted_credits + coalesce(w.credits, 0),
       b.pending_debits + coalesce(w.pending_debits, 0), b.pending_credits + coalesce(w.pending_credits, 0),
       b.version, coalesce(w.entries, 0)
  FROM ledger_account a
  JOIN ledger_balance b ON b.account_id = a.id
  LEFT JOIN LATERAL (
    SELECT count(*) AS entries, sum(delta_minor) FILTER (WHERE delta_minor > 0) AS credits,
           -sum(delta_minor) FILTER (WHERE delta_minor < 0) AS debits, sum(pending_debits) AS pending_debits,
           sum(pending_credits) AS pending_credits
      FROM ledger_entry_unsequenced u WHERE u.account_id = a.id) w ON true
 WHERE a.id = ANY (%s::uuid[])
"""
_DRIFT: Final = """
WITH waiting AS (
  SELECT account_id, sum(delta_minor) AS net, count(*) AS entries FROM ledger_entry_unsequenced GROUP BY account_id
), balance AS (
  SELECT a.currency, count(*) AS accounts, sum(b.posted_credits - b.posted_debits + coalesce(w.net, 0)) AS drift,
         coalesce(sum(w.entries), 0) AS unsequenced
    FROM ledger_account a
    JOIN ledger_balance b ON b.account_id = a.id
    LEFT JOIN waiting w ON w.account_id = a.id
   GROUP BY a.currency
)
SELECT b.currency, b.drift, b.accounts, b.unsequenced,
       r.entry_sum_minor, r.entry_count, r.diverging_accounts, r.computed_at
  FROM balance b LEFT JOIN ledger_resum r ON r.currency = b.currency
 ORDER BY b.currency
"""


def get_balances(*, account: AccountRecord | UUID | str, currency: str | None = None) -> Balances:
    """What one account holds now; ``account`` is a record, an id, or a code. Raises UnknownAccount."""
    record = account if isinstance(account, AccountRecord) else find_account(ref=account, currency=currency)
    return list_balances(account_ids=[record.id])[record.id]


def list_balances(*, account_ids: list[str]) -> dict[str, Balances]:
    """What several accounts hold, in one snapshot, by account id; an unknown id is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, [[ids.to_uuid(account_id, prefix="acct") for account_id in account_ids]])
        found = [
            Balances(ids.to_public("acct", key), code, currency, normal, *(int(number) for number in numbers))
            for key, code, currency, normal, *numbers in cursor.fetchall()
        ]
    return {balances.account_id: balances for balances in found}


def drift_by_currency() -> list[Drift]:
    """All account balances of each currency summed, now, in one snapshot; beside it the last re-sum of all entries."""
    with connection.cursor() as cursor:
        cursor.execute(_DRIFT)
        rows = cursor.fetchall()
    return [
        Drift(
            currency=currency,
            drift_minor=int(drift),
            accounts=accounts,
            unsequenced=int(unsequenced),
            resum_minor=None if resum is None else int(resum),
            resum_entries=entries,
            diverging_accounts=diverging,
            resummed_at=resummed_at,
        )
        for currency, drift, accounts, unsequenced, resum, entries, diverging, resummed_at in rows
    ]
