"""Balance monitors as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection

from ledger.errors import MonitorNotFound
from ledger.queries.accounts import as_json
from ledger.types import Metric
from zentra.core import ids

Comparison = Literal["above", "below"]

_COLUMNS: Final = """
SELECT m.id, m.account_id, a.code, a.currency, m.name, m.metric, m.comparison, m.threshold_minor, m.is_crossed,
       m.checked_version, m.crossed_at, m.created_by, m.created_at, m.removed_at
  FROM ledger_monitor m JOIN ledger_account a ON a.id = m.account_id
"""


@dataclass(frozen=True, slots=True)
class MonitorRecord:
    """A threshold on an account's balance, in minor units and in the account's normal direction.

    ``is_crossed`` says whether the balance is beyond it at ``checked_version``: strictly above, or strictly below.
    ``crossed_at`` is when the entry was recorded that last took the balance across, either way.
    """

    id: str
    account_id: str
    account_code: str
    currency: str
    name: str
    metric: Metric
    comparison: Comparison
    threshold_minor: int
    is_crossed: bool
    checked_version: int
    crossed_at: datetime | None
    created_by: dict[str, Any]
    created_at: datetime
    removed_at: datetime | None


def list_monitors(
    *, account_id: str | None = None, with_removed: bool = False, limit: int = 1000
) -> list[MonitorRecord]:
    """The monitors of an account, or of all, newest first; those that were removed only when asked for."""
    key = None if account_id is None else ids.to_uuid(account_id, prefix="acct")
    where = (
        " WHERE (%s::uuid IS NULL OR m.account_id = %s) AND (%s OR m.removed_at IS NULL)"
        " ORDER BY m.created_at DESC, m.id DESC LIMIT %s"
    )
    return _records(where, [key, key, with_removed, limit])


def get_monitor(*, monitor_id: str) -> MonitorRecord:
    """A monitor, also one that was removed; raises MonitorNotFound, BadId."""
    found = find_monitors(keys=[ids.to_uuid(monitor_id, prefix="mon")])
    if not found:
        raise MonitorNotFound(f"There is no balance monitor {monitor_id}.", monitor_id=monitor_id)
    return found[0]


def find_monitors(*, keys: Sequence[UUID]) -> list[MonitorRecord]:
    """The monitors of these keys, in the order of their ids; an unknown one is left out."""
    return _records(" WHERE m.id = ANY (%s::uuid[]) ORDER BY m.id", [list(keys)])


def _records(where: str, values: Sequence[Any]) -> list[MonitorRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS + where, values)
        return [_record(row) for row in cursor.fetchall()]


def _record(row: Sequence[Any]) -> MonitorRecord:
    key, account, code, currency, name, metric, comparison, threshold, crossed, version, crossed_at, who, *times = row
    return MonitorRecord(
        id=ids.to_public("mon", key),
        account_id=ids.to_public("acct", account),
        account_code=code,
        currency=currency,
        name=name,
        metric=metric,
        comparison=comparison,
        threshold_minor=threshold,
        is_crossed=crossed,
        checked_version=version,
        crossed_at=crossed_at,
        created_by=as_json(who),
        created_at=times[0],
        removed_at=times[1],
    )
