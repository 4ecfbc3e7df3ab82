"""Exceptions open and resolve with each run, by themselves; what people do with them is the desk's."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import RECONCILIATION
from zentra.core.ids import to_public
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.engine.sorting import keep_exceptions, sort_open
from zentra.reconciliation.matching.locks import Locked
from zentra.reconciliation.matching.types import Rule
from zentra.tenants.configuration.queries import read_settings

NAMED: Final = 100
_CHUNK: Final = 1_000


def refresh_exceptions(*, account: Locked, rules: Sequence[Rule], run_id: str | None, now: datetime) -> None:
    """Bring the account's exceptions to what is open now. Under the account's lock, after ``copy_open`` and the rules.

    Recorded as ``exceptions.opened``, once, and ``exception.resolved`` for each that is matched or gone.
    """
    hours = read_settings(workspace_id=current_tenant().id).exception_hours
    sort_open(account=account, rules=rules, today=now.date())
    resolved, opened = keep_exceptions(
        account=account, actor=json.dumps(RECONCILIATION.as_dict()), due_at=now + timedelta(hours=hours), now=now
    )
    events = [_resolved(account.id, row) for row in resolved]
    if opened:
        events.append(_opened(account.id, run_id, opened, gone=sum(row[2] == "gone" for row in resolved)))
    for start in range(0, len(events), _CHUNK):
        record_events(events=events[start : start + _CHUNK], now=now)


def _opened(account_id: str, run_id: str | None, rows: Sequence[Any], *, gone: int) -> NewEvent:
    data: dict[str, object] = {
        "account_id": account_id,
        "run_id": run_id,
        "by_kind": dict(sorted(Counter(kind for _, kind in rows).items())),
        "opened": len(rows),
        "gone": gone,
        "exception_ids": [to_public("exc", key) for key, _ in rows[:NAMED]],
    }
    return NewEvent(type="exceptions.opened", actor=RECONCILIATION, data=data)


def _resolved(account_id: str, row: Sequence[Any]) -> NewEvent:
    key, kind, resolution, match, amount, difference, currency = row
    data: dict[str, object] = {
        "exception_id": to_public("exc", key),
        "account_id": account_id,
        "kind": kind,
        "resolution": resolution,
        "amount_minor": amount,
        "difference_minor": difference,
        "currency": currency,
        "match_id": match and to_public("mat", match),
    }
    return NewEvent(type="exception.resolved", actor=RECONCILIATION, data=data)
