"""Balance monitors: every crossing is told once, in both directions, also of a dip that nobody was there to see."""

import json
from functools import partial
from typing import Any

import pytest

from ledger import errors, operations, queries, tasks
from ledger.operations.monitors import MonitorRound
from ledger.queries import MonitorRecord
from ledger.types import Line
from tests.ledger.book import Book, at_once
from zentra.core import actors, clock, ids
from zentra.core.tenancy import tenant_work


def watch(book: Book, account: str, metric: str, comparison: str, threshold: int, **more: Any) -> MonitorRecord:
    with tenant_work(book.workspace):
        return operations.add_monitor(
            account_id=account,
            metric=metric,
            comparison=comparison,
            threshold_minor=threshold,
            actor=actors.LEDGER,
            now=clock.now(),
            **more,
        )


def check(book: Book, **more: Any) -> MonitorRound:
    with tenant_work(book.workspace):
        return operations.check_monitors(now=clock.now(), **more)


def told(book: Book) -> list[dict[str, Any]]:
    """The data of every crossing in the log, in order."""
    rows = book.sql("SELECT body FROM evidence_event WHERE type = 'account.monitor_crossed' ORDER BY id")
    return [json.loads(bytes(body))["data"] for (body,) in rows]


def again(book: Book, monitor: MonitorRecord) -> MonitorRecord:
    with tenant_work(book.workspace):
        return queries.get_monitor(monitor_id=monitor.id)


def test_a_dip_between_two_rounds_is_told_down_and_up(book: Book) -> None:
    account = book.open("acme", floor=0)
    book.move("bank", "acme", 1000)
    monitor = watch(book, account, "available", "below", 500)

    book.move("acme", "bank", 700)
    book.move("bank", "acme", 900)
    found = check(book).crossings

    assert [(each.crossed, each.balance_minor, each.version) for each in found] == [(True, 300, 2), (False, 1200, 3)]
    assert [(event["crossed"], event["balance_minor"], event["version"]) for event in told(book)] == [
        (True, 300, 2),
        (False, 1200, 3),
    ]
    event = told(book)[0]
    assert (event["account_id"], event["monitor_id"]) == (account, monitor.id)
    assert (event["metric"], event["comparison"], event["threshold_minor"]) == ("available", "below", 500)
    assert event["entry_id"].startswith("entry_")
    assert not again(book, monitor).is_crossed


def test_nothing_is_told_twice(book: Book) -> None:
    account = book.open("acme", floor=0)
    watch(book, account, "posted", "above", 10)
    book.move("bank", "acme", 11)

    assert len(check(book).crossings) == 1
    assert check(book) == MonitorRound(0, (), last=None, is_behind=False)
    book.move("bank", "acme", 5)  # further beyond is no crossing
    assert check(book).crossings == ()
    assert len(told(book)) == 1


def test_the_threshold_itself_is_neither_above_nor_below(book: Book) -> None:
    account = book.open("acme", floor=0)
    watch(book, account, "posted", "above", 100)
    watch(book, account, "posted", "below", 100)

    book.move("bank", "acme", 100)
    found = check(book).crossings

    # The account was empty when the second one was added, so it was below; now it is not.
    assert [(each.monitor.comparison, each.crossed) for each in found] == [("below", False)]


def test_a_figure_that_is_beyond_already_makes_no_event_but_says_so(book: Book) -> None:
    account = book.open("acme", floor=0)
    book.move("bank", "acme", 50)

    monitor = watch(book, account, "posted", "below", 100)

    assert monitor.is_crossed
    assert monitor.checked_version == 1
    assert check(book).crossings == ()


def test_a_debit_normal_account_is_watched_in_its_own_direction(book: Book) -> None:
    bank = book.sql("SELECT id FROM ledger_account WHERE code = 'bank'")[0][0]
    book.sequence()
    held = book.balances("bank").posted_minor
    monitor = watch(book, ids.to_public("acct", bank), "posted", "above", held)

    book.move("bank", "suspense", 5)
    book.sequence()
    found = check(book).crossings

    assert [(each.monitor.id, each.crossed, each.balance_minor) for each in found] == [(monitor.id, True, held + 5)]


def test_a_deferred_account_is_watched_once_its_entries_have_their_place(book: Book) -> None:
    account = book.open("hot", account_type="suspense")
    watch(book, account, "posted", "above", 100)

    book.move("bank", "hot", 101)
    assert check(book).crossings == ()

    book.sequence()
    assert [each.crossed for each in check(book).crossings] == [True]


def test_pending_and_available_follow_a_hold(book: Book) -> None:
    account = book.open("acme", floor=0)
    book.move("bank", "acme", 1000)
    watch(book, account, "available", "below", 300)
    watch(book, account, "pending", "below", 0)
    now = clock.now()

    with tenant_work(book.workspace):
        hold = operations.place_hold(
            account=account, amount_minor=800, reference="h1", source="test", actor=actors.LEDGER, now=now,
            correlation_id="req_test",
        ).hold  # fmt: skip
    assert {(each.monitor.metric, each.balance_minor) for each in check(book).crossings} == {
        ("available", 200),
        ("pending", -800),
    }
    with tenant_work(book.workspace):
        operations.release_hold(
            hold_id=hold.id, reason="not needed", actor=actors.LEDGER, now=now, correlation_id="req_test"
        )
    assert {(each.monitor.metric, each.crossed) for each in check(book).crossings} == {
        ("available", False),
        ("pending", False),
    }


def test_two_entries_of_one_posting_are_two_steps(book: Book) -> None:
    account = book.open("acme", floor=0)
    watch(book, account, "posted", "above", 100)

    book.post(
        [Line("bank", "debit", 50), Line("acme", "credit", 150), Line("acme", "debit", 100)],
    )

    assert [(each.crossed, each.balance_minor) for each in check(book).crossings] == [(True, 150), (False, 50)]


def test_two_checkers_at_once_tell_each_crossing_once(book: Book) -> None:
    accounts = [book.open(f"acme-{number}", floor=0) for number in range(6)]
    for account in accounts:
        watch(book, account, "posted", "above", 10)
    for number in range(6):
        for _ in range(4):
            book.move("bank", f"acme-{number}", 20)
            book.move(f"acme-{number}", "bank", 20)

    rounds = at_once([lambda: check(book, limit=2, entries_each=3) for _ in range(40)], threads=4)

    assert [each for each in rounds if isinstance(each, Exception)] == []
    while check(book).is_behind:
        pass
    events = told(book)
    assert len(events) == 6 * 8
    assert len({(event["monitor_id"], event["version"]) for event in events}) == 6 * 8
    assert {event["version"] for event in events} == set(range(1, 9))


def test_a_round_is_bounded_and_the_next_one_goes_on(book: Book) -> None:
    account = book.open("acme", floor=0)
    watch(book, account, "posted", "above", 10)
    for _ in range(3):
        book.move("bank", "acme", 20)
        book.move("acme", "bank", 20)

    first = check(book, entries_each=4)
    second = check(book, entries_each=4)

    assert ([each.version for each in first.crossings], first.is_behind) == ([1, 2, 3, 4], True)
    assert ([each.version for each in second.crossings], second.is_behind) == ([5, 6], False)


def test_a_sweep_comes_to_every_monitor_however_busy_the_first_ones_are(book: Book) -> None:
    accounts = [book.open(f"acme-{number}", floor=0) for number in range(5)]
    monitors = [watch(book, account, "posted", "above", 10) for account in accounts]

    looked, last = list[str](), None
    for _ in range(3):
        for number in range(5):
            book.move("bank", f"acme-{number}", 20)
        found = check(book, after=last, limit=2)
        looked += [each.monitor.id for each in found.crossings]
        last = found.last

    assert looked == [monitor.id for monitor in monitors]
    assert last is None


def test_the_task_goes_on_until_no_monitor_is_behind(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        watch(book, book.open(f"acme-{number}", floor=0), "posted", "above", 10)
        for _ in range(3):
            book.move("bank", f"acme-{number}", 20)
            book.move(f"acme-{number}", "bank", 20)
    monkeypatch.setattr(tasks, "check_monitors", partial(operations.check_monitors, limit=2, entries_each=4))

    tasks.watch_balances(book.workspace)

    assert len(told(book)) == 18


def test_a_round_that_is_killed_leaves_everything_to_the_next(book: Book) -> None:
    account = book.open("acme", floor=0)
    watch(book, account, "posted", "above", 10)
    book.move("bank", "acme", 20)

    def killed() -> None:
        with tenant_work(book.workspace):
            assert operations.check_monitors(now=clock.now()).checked == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed()

    assert told(book) == []
    assert len(check(book).crossings) == 1


def test_a_monitor_that_was_removed_is_silent_and_kept(book: Book) -> None:
    account = book.open("acme", floor=0)
    monitor = watch(book, account, "posted", "above", 10, name="Large balance")
    with tenant_work(book.workspace):
        removed = operations.remove_monitor(monitor_id=monitor.id, actor=actors.LEDGER, now=clock.now())
    book.move("bank", "acme", 20)

    assert removed.removed_at is not None
    assert check(book).checked == 0
    with tenant_work(book.workspace):
        assert queries.list_monitors(account_id=account) == []
        assert [each.name for each in queries.list_monitors(account_id=account, with_removed=True)] == ["Large balance"]
        with pytest.raises(errors.MonitorNotFound):
            operations.remove_monitor(monitor_id=monitor.id, actor=actors.LEDGER, now=clock.now())


@pytest.mark.parametrize(
    ("metric", "comparison", "threshold", "name"),
    [
        ("ledger", "above", 1, ""),
        ("posted", "equal", 1, ""),
        ("posted", "above", 2**53, ""),
        ("posted", "above", True, ""),
        ("posted", "above", 1.5, ""),
        ("posted", "above", 1, "x" * 121),
    ],
)
def test_a_malformed_monitor_is_refused(book: Book, metric: str, comparison: str, threshold: Any, name: str) -> None:
    account = book.open("acme", floor=0)

    with pytest.raises(errors.InvalidMonitor):
        watch(book, account, metric, comparison, threshold, name=name)
    assert book.sql("SELECT count(*) FROM ledger_monitor") == [(0,)]


def test_a_monitor_needs_an_account(book: Book) -> None:
    with pytest.raises(errors.AccountNotFound):
        watch(book, ids.new_id("acct"), "posted", "above", 1)
    assert book.sql("SELECT count(*) FROM ledger_monitor") == [(0,)]
