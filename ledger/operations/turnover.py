"""Folding: what moved on an account is kept summed up, so that a balance of any moment needs no scan of history."""

from typing import Final

from django.db import connection

FOLD_BATCH: Final = 5_000


def fold_due(*, limit: int = FOLD_BATCH) -> int:
    """Add up to ``limit`` entries of accounts that are due to their turnover; how many were.

    Any number may run at once: an account that another one folds is left to it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_fold_due_accounts(%s)", [limit])
        row = cursor.fetchone()
    return int(row[0]) if row else 0
