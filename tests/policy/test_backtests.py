"""What rules would have decided about the intents of a span of time, batch after batch."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from policy.backtests import operations, queries
from policy.backtests.errors import BacktestEnded, InvalidSpan, NoSuchBacktest
from policy.backtests.types import BacktestRecord, Cell
from policy.rules.documents import InvalidRuleSet
from tests.ledger.book import at_once
from tests.people import Person
from tests.policy.desk import Desk
from tests.policy.rules_room import Room, document, over, rule
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef

WINDOW = {"rolling_seconds": 86_400}


@pytest.fixture
def room(workspace: TenantRef) -> Room:
    return Room(workspace)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "BATCH", 3)


def start(room: Room, by: Person, written: dict[str, Any], *, since: datetime | None = None) -> BacktestRecord:
    """A backtest of the last hour."""
    now = clock.now()
    return room.do(
        operations.start_backtest, document=written, since=since or now - timedelta(hours=1), until=now + WINDOW_AHEAD,
        actor=by.actor(),
    )  # fmt: skip


WINDOW_AHEAD = timedelta(days=1)


def finish(room: Room, backtest: BacktestRecord) -> BacktestRecord:
    """Ask all batches."""
    while not room.do(operations.go_on, backtest_id=backtest.id):
        pass
    return room.ask(queries.get_backtest, backtest_id=backtest.id)


def test_every_decision_of_the_span_is_asked_once_and_counted_by_what_it_was_and_would_be(
    room: Room, admin: Person
) -> None:
    customer = ids.new_id("usr")
    made = [room.decide(amount, customer=customer) for amount in (10, 20, 30, 4_000_001, 50_000_001)]
    room.decide(7, currency="EUR")
    room.decide(8, at=clock.now() - timedelta(days=3))
    total = {"op": "window", "measure": "sum", "by": "customer", "window": WINDOW, "compare": "gt", "value": 40}
    summed = {"op": "all", "of": [{"op": "is_present", "field": "customer"}, total]}
    written = document(rule("w.sum", summed), rule("n.n", over(15), action="accept_with_note"))

    started = start(room, admin, written)
    done = finish(room, started)

    assert (started.state, started.total, started.done, started.percent) == ("running", 6, 0, 0)
    assert (done.state, done.total, done.done, done.skipped, done.percent, done.changed) == ("done", 6, 6, 0, 100, 2)
    assert done.cells == (
        Cell("accepted", "accepted", 3, {"USD": 30, "EUR": 7}),
        Cell("accepted", "review", 1, {"USD": 30}),
        Cell("declined", "review", 1, {"USD": 50_000_001}),
        Cell("review", "review", 1, {"USD": 4_000_001}),
    )
    assert done.rules == {"w.sum": 3, "n.n": 4}
    assert [(each.intent_id, each.was, each.would, each.gate, each.amount_minor) for each in done.examples] == [
        (made[2].intent_id, "accepted", "review", "w.sum", 30),
        (made[4].intent_id, "declined", "review", "w.sum", 50_000_001),
    ]
    assert Desk(room.ws).sql("SELECT count(*) FROM policy_decision") == [(7,)]


def test_batches_at_once_ask_nothing_twice(room: Room, admin: Person) -> None:
    for _ in range(8):
        room.decide(10)
    backtest = start(room, admin, document(rule("a.b", over(1))))

    at_once([lambda: room.do(operations.go_on, backtest_id=backtest.id)] * 6, threads=6)
    done = finish(room, backtest)

    assert (done.state, done.done, done.rules) == ("done", 8, {"a.b": 8})
    assert done.cells == (Cell("accepted", "review", 8, {"USD": 80}),)


def test_decisions_that_kept_no_facts_are_skipped_and_counted(room: Room, admin: Person) -> None:
    Desk(room.ws).sql(
        "INSERT INTO policy_decision (id, intent_id, rule_set, outcome, lane, rules, decided_at, actor)"
        " VALUES (gen_random_uuid(), 'old', 1, 'accepted', 'A', '[]', now() - interval '1 minute', '{}')"
    )
    done = finish(room, start(room, admin, document(rule("a.b", over(1)))))

    assert (done.done, done.skipped, done.cells) == (1, 1, ())


def test_one_that_was_stopped_asks_no_further(room: Room, admin: Person) -> None:
    for _ in range(4):
        room.decide(10)
    backtest = start(room, admin, document(rule("a.b", over(1))))
    room.do(operations.go_on, backtest_id=backtest.id)

    stopped = room.do(operations.stop_backtest, backtest_id=backtest.id, actor=admin.actor())
    again = finish(room, backtest)

    assert (stopped.state, stopped.done, stopped.percent, stopped.ended_by) == ("stopped", 3, 75, admin.id)
    assert again == stopped
    with pytest.raises(BacktestEnded):
        room.do(operations.stop_backtest, backtest_id=backtest.id, actor=admin.actor())


def test_what_cannot_be_asked_is_refused_and_nothing_is_started(room: Room, admin: Person) -> None:
    with pytest.raises(InvalidRuleSet):
        start(room, admin, document({"name": "a.b"}))
    for since in (clock.now() + timedelta(hours=2), clock.now() - timedelta(days=400)):
        with pytest.raises(InvalidSpan):
            start(room, admin, document(), since=since)
    for wrong in ("bkt_x", ids.new_id("bkt"), ""):
        with pytest.raises(NoSuchBacktest):
            room.ask(queries.get_backtest, backtest_id=wrong)

    assert room.ask(queries.list_backtests) == []


def test_the_newest_is_listed_first(room: Room, admin: Person) -> None:
    draft = room.draft(admin)
    made = [start(room, admin, document(rule("a.b", over(n)))) for n in range(3)]

    first = room.ask(queries.list_backtests, limit=2)
    rest = room.ask(queries.list_backtests, before=(first[-1].created_at, first[-1].id))

    assert [each.id for each in [*first, *rest]] == [each.id for each in reversed(made)]
    assert room.ask(queries.list_backtests, draft_id=draft.id) == []
