"""Reads of backtests."""

from datetime import datetime
from typing import Any, Final

import orjson
from django.db import connection

from policy.backtests.errors import NoSuchBacktest
from policy.backtests.types import BacktestRecord, Cell, Example
from zentra.core import ids

_COLUMNS: Final = (
    "id, draft_id, document, state, since, until, total, done, skipped, cells, rules, examples, error, started_by,"
    " created_at, ended_at, ended_by"
)


def get_backtest(*, backtest_id: str) -> BacktestRecord:
    """One backtest as it stands; raises NoSuchBacktest."""
    try:
        found = _select("id = %s::uuid", [ids.to_uuid(backtest_id, prefix="bkt")], 1)
    except ids.BadId:
        found = []
    if not found:
        raise NoSuchBacktest(f"There is no backtest {backtest_id[:40]!r}.")
    return found[0]


def list_backtests(
    *, draft_id: str | None = None, before: tuple[datetime, str] | None = None, limit: int = 50
) -> list[BacktestRecord]:
    """Backtests, newest first; ``before`` is the (created_at, id) of the last of the page before."""
    draft = ids.to_uuid(draft_id, prefix="rsd") if draft_id else None
    moment, backtest_id = before or (None, None)
    return _select(
        "(%s::uuid IS NULL OR draft_id = %s::uuid) AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s::uuid))",
        [draft, draft, moment, moment, ids.to_uuid(backtest_id, prefix="bkt") if backtest_id else None],
        limit,
    )


def _select(condition: str, values: list[Any], limit: int) -> list[BacktestRecord]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM policy_backtest WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT %s",  # noqa: S608  # ours
            [*values, limit],
        )
        return [_record(row) for row in cursor.fetchall()]


def _record(row: tuple[Any, ...]) -> BacktestRecord:
    (
        backtest_id, draft_id, document, state, since, until, total, done, skipped, cells, rules, examples, error, by,
        at, ended_at, ended_by,
    ) = row  # fmt: skip
    return BacktestRecord(
        id=ids.to_public("bkt", backtest_id),
        draft_id=ids.to_public("rsd", draft_id) if draft_id else None,
        document=_json(document),
        state=state,
        since=since,
        until=until,
        total=total,
        done=done,
        skipped=skipped,
        cells=tuple(Cell(**cell) for cell in _json(cells)),
        rules=_json(rules),
        examples=tuple(Example(**each) for each in _json(examples)),
        error=error,
        started_by=by,
        created_at=at,
        ended_at=ended_at,
        ended_by=ended_by,
    )


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
