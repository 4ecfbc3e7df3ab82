"""The one lock of matching: an account's row. Whoever changes what is open or matched of an account holds it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core.ids import to_public, to_uuid
from zentra.reconciliation.matching.errors import RunInProgress
from zentra.reconciliation.statements.errors import AccountNotFound

# Not FOR UPDATE: what only names the account may go on.
_READ: Final = """
SELECT id, ledger_account_id, kind, currency, calendar, settle_days, taken_version, closed_at
  FROM recon_account WHERE id = %s
"""
_LOCK: Final = _READ + " FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class Locked:
    """An account whose row this transaction holds; of ``read_account``, one that is only looked at."""

    key: UUID
    id: str
    ledger_account_id: str
    kind: str
    currency: str
    calendar: str
    settle_days: int
    taken_version: int
    closed_at: datetime | None


def lock_account(*, account_id: str, waits: bool = True) -> Locked:
    """Hold an account's row to the end of the transaction; raises AccountNotFound, BadId.

    Without ``waits`` an account that somebody else holds raises RunInProgress at once.
    """
    key = to_uuid(account_id, prefix="rca")
    with connection.cursor() as cursor:
        cursor.execute(_LOCK if waits else _LOCK + " SKIP LOCKED", [key])
        row = cursor.fetchone()
        if row is None and not waits:
            cursor.execute("SELECT FROM recon_account WHERE id = %s", [key])
            if cursor.fetchone() is not None:
                raise RunInProgress(f"{account_id} is being matched.", account_id=account_id)
    return _found(row, account_id)


def read_account(*, account_id: str) -> Locked:
    """An account as it is, for what changes nothing of it: nobody waits. Raises AccountNotFound, BadId."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [to_uuid(account_id, prefix="rca")])
        return _found(cursor.fetchone(), account_id)


def _found(row: Any, account_id: str) -> Locked:
    if row is None:
        raise AccountNotFound(f"There is no reconciled account {account_id}.", account_id=account_id)
    return Locked(row[0], account_id, to_public("acct", row[1]), *row[2:])
