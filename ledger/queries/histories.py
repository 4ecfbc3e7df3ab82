"""An account's history read forward, for those who follow it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from ledger.queries.accounts import as_json
from ledger.types.words import Direction
from zentra.core import ids

# The numbers have no gaps, so a stretch of them is a stretch of the index. What is pending moves nothing.
_AFTER: Final = """
SELECT n.version, e.id, e.posting_id, p.intent_id, p.purpose, e.direction, e.amount_minor, e.currency, e.effective_at,
       e.recorded_at, p.external_reference, p.correlation_id, p.metadata
  FROM ledger_entry_position n
  JOIN ledger_entry e ON e.id = n.entry_id
  JOIN ledger_posting p ON p.id = e.posting_id
 WHERE n.account_id = %s AND n.version > %s AND n.version <= %s AND n.delta_minor <> 0
 ORDER BY n.version
"""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A posted entry at its place in the account's history; ``amount_minor`` is positive, ``direction`` its side."""

    version: int
    id: UUID
    posting_id: UUID
    intent_id: str | None
    purpose: str
    direction: Direction
    amount_minor: int
    currency: str
    effective_at: datetime
    recorded_at: datetime
    external_reference: str | None
    correlation_id: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries after a version, oldest first. ``version`` is where the next stretch begins; ``head`` the newest."""

    entries: tuple[HistoryEntry, ...]
    version: int
    head: int


def history_after(*, account_id: str, after_version: int, limit: int) -> Stretch:
    """The posted entries of the next ``limit`` versions of an account; those that only count as pending are left out.

    Versions are given in the order of commits and never again, so whoever follows them misses nothing. Raises BadId.
    """
    key = ids.to_uuid(account_id, prefix="acct")
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM ledger_balance WHERE account_id = %s", [key])
        row = cursor.fetchone()
        head = row[0] if row else 0
        last = min(head, after_version + limit)
        if last <= after_version:
            return Stretch((), after_version, head)
        cursor.execute(_AFTER, [key, after_version, last])
        return Stretch(tuple(_entry(found) for found in cursor.fetchall()), last, head)


def _entry(row: Sequence[Any]) -> HistoryEntry:
    *facts, metadata = row
    values: list[Any] = [*facts, as_json(metadata) or {}]
    return HistoryEntry(*values)
