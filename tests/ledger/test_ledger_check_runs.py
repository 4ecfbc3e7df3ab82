"""Runs of the integrity check: sound ledgers, traffic going on, one at a time, kept, told and scheduled."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest

from ledger import errors, operations, queries
from ledger.integrity import histories, postings
from ledger.integrity.types import CheckRunRecord, Progress
from ledger.operations.checking import SCHEDULE
from ledger.pace import Pace
from ledger.queries.accounts import as_json
from ledger.types import Line
from tests.ledger.book import Book, at_once
from tests.ledger.tampered import Tamper, check, key, open_acme, tamper_with
from zentra.core import clock, ids
from zentra.core.tenancy import tenant_work


@pytest.fixture
def tamper(book: Book) -> Tamper:
    """`tamper(statement, *values)`: change what stands, behind every trigger."""
    return partial(tamper_with, book)


@pytest.fixture
def acme(book: Book) -> str:
    """An account with a floor and five entries: +1000 −100 −100 −100 −100."""
    return open_acme(book)


def test_everything_that_a_ledger_does_is_sound(book: Book, acme: str) -> None:
    now = clock.now()
    posted = book.move("bank", "acme", 60)
    book.reverse(posted, amount_minor=25)
    book.reverse(posted)
    book.correct(book.move("acme", "suspense", 7), [Line("acme", "debit", 5), Line("suspense", "credit", 5)])
    book.open("euros", account_type="position", currency="EUR")
    book.open("due", account_type="suspense", currency="EUR")
    book.move("euros", "due", 9, currency="EUR")
    part, whole = book.hold(acme, 50), book.hold(acme, 20)
    book.increase(part.id, 10)
    book.capture(part.id, 30)
    book.release(part.id, 5)
    book.capture(whole.id)
    book.capture(book.hold(acme, 15).id, 4, release_rest=True)
    mixed = book.hold(acme, 12)
    book.capture(mixed.id, 4)
    book.release(mixed.id)
    book.hold(acme, 6, expires_at=now + timedelta(seconds=5))
    assert book.expire(now=now + timedelta(seconds=6)) == 1
    lines = [Line("bank", "debit", 90), Line("acme", "credit", 50), Line("suspense", "credit", 40)]
    book.capture(book.two_phase(lines).id)
    book.release(book.two_phase(lines).id)
    book.two_phase(lines)
    book.sequence()
    book.sql("SELECT ledger_fold(%s, 9)", [key(acme)])
    book.move("bank", "suspense", 5)  # waits for its place

    run = check(book)

    assert run.first is None
    assert run.state == "sound"
    assert (run.postings, run.entries, run.accounts) == book.sql(
        "SELECT (SELECT count(*) FROM ledger_posting), (SELECT count(*) FROM ledger_entry),"
        " (SELECT count(*) FROM ledger_account)"
    )[0]
    with tenant_work(book.workspace):
        assert queries.latest_check() == run
        assert book.sql("SELECT count(*) FROM evidence_event WHERE type = 'ledger.check.diverged'") == [(0,)]


def test_a_divergence_is_an_event_with_its_first_row(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("UPDATE ledger_balance SET version = 6 WHERE account_id = %s", key(acme))

    run = check(book)

    rows = book.sql("SELECT convert_from(body, 'UTF8')::jsonb -> 'data' FROM evidence_event WHERE type = %s",
                    ["ledger.check.diverged"])  # fmt: skip
    [data] = [as_json(row[0]) for row in rows]
    assert data["check_run_id"] == run.id
    assert data["checks"] == [{"check": "balance", "count": 1}]
    assert (data["first"]["check"], data["first"]["subject"]["account_id"]) == ("balance", acme)
    with tenant_work(book.workspace):
        assert queries.latest_check() == run
        assert queries.list_checks(limit=5) == [run]


def test_a_history_that_spans_stretches_is_checked_as_one(
    book: Book, acme: str, tamper: Tamper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "POSITIONS_AT_ONCE", 2)
    monkeypatch.setattr(postings, "POSTINGS_AT_ONCE", 2)
    steps: list[Progress] = []

    sound = check(book, report=steps.append)
    tamper("UPDATE ledger_entry_position SET balance_after_minor = 1 WHERE account_id = %s AND version = 4", key(acme))
    diverged = check(book)

    assert sound.state == "sound"
    entries = [step.done for step in steps if step.step == "histories"]
    assert entries == sorted(entries)
    assert entries[-1] == sound.entries
    assert {step.step for step in steps} == {"postings", "histories", "sums"}
    assert [(finding.check, finding.count) for finding in diverged.findings] == [("history_balance", 1)]
    assert diverged.findings[0].first.subject["version"] == 4


def test_traffic_that_goes_on_is_no_false_alarm(book: Book, acme: str) -> None:
    done = threading.Event()

    def traffic() -> int:
        moved = 0
        while not done.is_set():
            book.move("bank", "acme", 3)
            book.move("acme", "suspense", 2)
            book.release(book.hold(acme, 1).id)
            moved += 1
        return moved

    def sequencer() -> int:
        while not done.is_set():
            book.sequence(limit=7)
        return 1

    def checker() -> list[CheckRunRecord]:
        try:
            return [check(book) for _ in range(6)]
        finally:
            done.set()

    runs, moved, *_ = at_once([checker, traffic, sequencer], threads=3)

    assert isinstance(runs, Sequence)
    assert [run.first for run in runs] == [None] * 6
    assert isinstance(moved, int)
    assert moved > 0
    assert runs[-1].entries > runs[0].entries


def test_only_one_check_of_a_workspace_runs_at_a_time(book: Book, acme: str) -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait(_: Progress) -> None:
        inside.set()
        leave.wait(10)

    def second() -> CheckRunRecord:
        inside.wait(10)
        try:
            return check(book)
        finally:
            leave.set()

    first, refused = at_once([lambda: check(book, report=wait), second], threads=2)

    assert isinstance(first, CheckRunRecord)
    assert isinstance(refused, errors.CheckRunning)
    assert check(book).state == "sound"


def test_a_check_needs_a_snapshot_of_its_own(book: Book) -> None:
    with pytest.raises(RuntimeError), tenant_work(book.workspace):
        check(book)


def test_a_check_that_fails_is_kept_as_failed(book: Book) -> None:
    def fail(_: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check(book, report=fail)

    with tenant_work(book.workspace):
        latest = queries.latest_check()
    assert latest is not None
    assert latest.state == "failed"


def test_a_check_writes_nothing_to_the_ledger(book: Book, acme: str) -> None:
    before = book.contents()

    check(book)

    assert book.contents() == before


def test_the_schedule_rests_an_hour_and_fifty_times_as_long_as_a_check_took(book: Book) -> None:
    start = clock.now()

    def is_due(after: timedelta) -> bool:
        with tenant_work(book.workspace):
            return operations.is_check_due(now=start + after)

    assert is_due(timedelta())
    operations.run_check(workspace=book.workspace, started_by=SCHEDULE, now=start)
    assert not is_due(timedelta(minutes=59))
    assert is_due(timedelta(minutes=60))
    book.sql("UPDATE ledger_check_run SET finished_at = started_at + interval '100 seconds'")
    assert not is_due(timedelta(seconds=4_999))
    assert is_due(timedelta(seconds=5_000))


def test_work_that_reads_everything_rests_in_proportion() -> None:
    moments = iter([0.0, 10.0, 12.0, 109.0, 110.0, 0.0])
    pace, workspace = Pace(rest=50, clock=lambda: next(moments)), ids.new_uuid()

    assert pace.is_due(workspace)
    with pace.measured(workspace):  # from 10 to 12, so the next one from 110 on
        pass
    assert not pace.is_due(workspace)
    assert pace.is_due(workspace)
    assert pace.is_due(ids.new_uuid())
