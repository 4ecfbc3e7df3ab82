"""Starts, goes on with and stops backtests. Decisions are asked in batches, each a transaction of its own."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import connection

from policy.backtests.errors import BacktestEnded, InvalidSpan
from policy.backtests.queries import get_backtest
from policy.backtests.types import BacktestRecord, Cell, Example
from policy.decisions.queries import decisions_between
from policy.rules.documents import check_document
from policy.rules.first_format import as_second_format
from policy.rules.sets import CompiledSet
from policy.rules.types import SEVERITY, Outcome
from policy.rulesets.errors import FactsNotKept
from policy.rulesets.queries import known_lists
from policy.rulesets.replaying import Replayed, replay_decision
from policy.types import StoredDecision
from zentra.core import ids, queue
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant

WORK: Final = "policy.backtest"
BATCH: Final = 100
MOST_EXAMPLES: Final = 20
LONGEST: Final = timedelta(days=366)


def start_backtest(
    *, document: Any, since: datetime, until: datetime, actor: Actor, now: datetime, draft_id: str | None = None
) -> BacktestRecord:
    """Begin to ask ``document`` about every decision from ``since`` until before ``until``.

    Raises:
        InvalidRuleSet: the rules have errors.
        InvalidSpan: it is empty, longer than 366 days, or lies in the future.
    """
    until = min(until, now)
    if not since < until or until - since > LONGEST:
        raise InvalidSpan("Choose a span of at most 366 days that lies in the past.")
    kept = as_second_format(document)
    check_document(kept, lists=known_lists())
    backtest_id = ids.new_id("bkt")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_backtest (id, draft_id, document, state, since, until, total, done, skipped, cells,"
            " rules, examples, error, started_by, created_at) SELECT %s, %s, %s, 'running', %s, %s, count(*), 0, 0,"
            " '[]', '{}', '[]', '', %s, %s FROM policy_decision WHERE decided_at >= %s AND decided_at < %s",
            [
                ids.to_uuid(backtest_id, prefix="bkt"), ids.to_uuid(draft_id, prefix="rsd") if draft_id else None,
                orjson.dumps(kept).decode(), since, until, actor.id, now, since, until,
            ],
        )  # fmt: skip
    _enqueue(backtest_id, now)
    return get_backtest(backtest_id=backtest_id)


def stop_backtest(*, backtest_id: str, actor: Actor, now: datetime) -> BacktestRecord:
    """Ask no further; what was found stays. Raises NoSuchBacktest, BacktestEnded."""
    get_backtest(backtest_id=backtest_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_backtest SET state = 'stopped', ended_at = %s, ended_by = %s"
            " WHERE id = %s AND state = 'running'",
            [now, actor.id, ids.to_uuid(backtest_id, prefix="bkt")],
        )
        if cursor.rowcount != 1:
            raise BacktestEnded("It has ended already.")
    return get_backtest(backtest_id=backtest_id)


def go_on(*, backtest_id: str, now: datetime) -> bool:
    """Ask the next batch; whether that was the last. Two at once take turns, and none is asked twice."""
    after = _lock(backtest_id)
    if after is None:
        get_backtest(backtest_id=backtest_id)  # raises when it is not this workspace's
        return True
    backtest = get_backtest(backtest_id=backtest_id)
    batch = decisions_between(since=backtest.since, until=backtest.until, after=after, limit=BATCH)
    found = _ask(CompiledSet(0, check_document(backtest.document)), batch)
    is_last = len(batch) < BATCH
    _keep(backtest, found, batch, now if is_last else None)
    if not is_last:
        _enqueue(backtest_id, now)
    return is_last


def fail_backtest(*, backtest_id: str, error: str, now: datetime) -> None:
    """Say that it cannot go on, and why."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_backtest SET state = 'failed', error = %s, ended_at = %s"
            " WHERE id = %s AND state = 'running'",
            [error[:500], now, ids.to_uuid(backtest_id, prefix="bkt")],
        )


def _enqueue(backtest_id: str, now: datetime) -> None:
    queue.enqueue(workspace_id=current_tenant().id, kind=WORK, ref=backtest_id, due_at=now, priority=9)


def _lock(backtest_id: str) -> tuple[datetime, str] | tuple[()] | None:
    """The last decision that was asked; None when it does not run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cursor_at, cursor_id FROM policy_backtest WHERE id = %s AND state = 'running' FOR UPDATE",
            [ids.to_uuid(backtest_id, prefix="bkt")],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return (row[0], ids.to_public("dec", row[1])) if row[0] else ()


def _ask(rules: CompiledSet, batch: Sequence[StoredDecision]) -> list[tuple[StoredDecision, Replayed | None]]:
    return [(decision, _replayed(rules, decision)) for decision in batch]


def _replayed(rules: CompiledSet, decision: StoredDecision) -> Replayed | None:
    try:
        return replay_decision(rules=rules, decision=decision)
    except FactsNotKept:
        return None


def _keep(
    backtest: BacktestRecord,
    found: Sequence[tuple[StoredDecision, Replayed | None]],
    batch: Sequence[StoredDecision],
    ended_at: datetime | None,
) -> None:
    cells = {(cell.was, cell.would): (cell.count, dict(cell.amounts)) for cell in backtest.cells}
    fired = dict(backtest.rules)
    examples = list(backtest.examples)
    for decision, replayed in found:
        if replayed is None:
            continue
        _count(cells, decision.outcome, replayed)
        for result in replayed.results:
            if SEVERITY[result.outcome] > SEVERITY["passed"]:
                fired[result.rule] = fired.get(result.rule, 0) + 1
        if replayed.judged.outcome != decision.outcome and len(examples) < MOST_EXAMPLES:
            examples.append(_example(decision, replayed))
    last = batch[-1] if batch else None
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_backtest SET total = greatest(total, done + %s), done = done + %s, skipped = skipped + %s,"
            " cells = %s, rules = %s, examples = %s, cursor_at = coalesce(%s, cursor_at),"
            " cursor_id = coalesce(%s::uuid, cursor_id), state = %s, ended_at = %s WHERE id = %s",
            [
                len(batch), len(batch), sum(replayed is None for _, replayed in found),
                _dump([asdict(Cell(was, would, *seen)) for (was, would), seen in sorted(cells.items())]),
                _dump(fired), _dump([asdict(each) for each in examples]),
                last.decided_at if last else None, ids.to_uuid(last.id, prefix="dec") if last else None,
                "done" if ended_at else "running", ended_at, ids.to_uuid(backtest.id, prefix="bkt"),
            ],
        )  # fmt: skip


def _count(cells: dict[tuple[Outcome, Outcome], tuple[int, dict[str, int]]], was: Outcome, replayed: Replayed) -> None:
    count, amounts = cells.setdefault((was, replayed.judged.outcome), (0, {}))
    currency, amount = replayed.facts["currency"], replayed.facts["amount_minor"]
    amounts[currency] = amounts.get(currency, 0) + amount
    cells[was, replayed.judged.outcome] = (count + 1, amounts)


def _example(decision: StoredDecision, replayed: Replayed) -> Example:
    gate = replayed.judged.gate
    return Example(
        decision.id, decision.intent_id, decision.outcome, replayed.judged.outcome, gate.rule if gate else "",
        replayed.facts["amount_minor"], replayed.facts["currency"],
    )  # fmt: skip


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
