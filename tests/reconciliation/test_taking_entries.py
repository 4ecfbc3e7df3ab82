"""Entries of a reconciled account come over from the ledger once each, in the order of its history."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from zentra.core import clock

if TYPE_CHECKING:
    from tests.ledger.book import Book
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core.tenancy import TenantRef
    from zentra.reconciliation.matching.types import Taken

TODAY = clock.now().date()


@pytest.fixture
def bank(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace)


@pytest.fixture
def ledger(workspace: TenantRef) -> Book:
    from tests.ledger.book import Book

    book = Book(workspace)
    book.open("a")
    return book


@pytest.fixture(autouse=True)
def opened(bank: MatchBook) -> None:
    """A sandbox is born with money in its bank; that is taken over, and out of the way."""
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.matching.models import OpenEntry

    sequence(bank)
    take(bank)
    with tenant_work(bank.ws):
        OpenEntry.objects.all().delete()


def take(bank: MatchBook) -> Taken:
    from zentra.reconciliation.matching import operations

    return bank.do(operations.take_entries, account_id=bank.account, now=clock.now())


def sequence(bank: MatchBook) -> None:
    from ledger.operations import sequence_entries

    bank.do(sequence_entries, now=clock.now())


def test_an_entry_is_signed_by_the_account_s_side_and_bears_its_references(bank: MatchBook, ledger: Book) -> None:
    from zentra.reconciliation.matching import queries

    at = datetime(2026, 4, 3, 23, 30, tzinfo=UTC)
    ledger.move("bank", "a", 500, external_reference="Batch-0017", effective_at=at, metadata={"batch": "RUN 9"})
    ledger.move("a", "bank", 200, intent_id="intent_042")
    sequence(bank)

    taken = take(bank)

    assert (taken.entries, taken.version, taken.more) == (2, 3, False)
    first, second = bank.do(queries.list_entries, account_id=bank.account, limit=10, only="open")
    assert (first.amount_minor, first.reference, first.batch) == (500, "BATCH0017", "RUN9")
    assert (first.effective_on, first.references["external"]) == (at.date(), "Batch-0017")
    assert (second.amount_minor, second.reference, second.intent_id) == (-200, "INTENT042", "intent_042")


def test_what_waits_for_its_place_comes_with_the_next_taking(bank: MatchBook, ledger: Book) -> None:
    ledger.move("bank", "a", 1)
    before = take(bank).entries
    sequence(bank)

    assert (before, take(bank).entries, take(bank).entries) == (0, 1, 0)


def test_holds_move_nothing_and_are_not_taken(bank: MatchBook, ledger: Book) -> None:
    ledger.move("bank", "a", 100)
    ledger.hold("a", 40)
    ledger.move("bank", "a", 5)
    sequence(bank)

    assert take(bank).entries == 2


def test_takers_at_once_take_each_entry_once(bank: MatchBook, ledger: Book) -> None:
    from zentra.reconciliation.matching import queries

    for _ in range(20):
        ledger.move("bank", "a", 1)
    sequence(bank)

    def attempt(_: int) -> int:
        try:
            return take(bank).entries
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 20
    found = bank.do(queries.list_entries, account_id=bank.account, limit=100)
    assert [each.version for each in sorted(found, key=lambda each: each.version)] == list(range(1, 22))


def test_a_run_takes_over_what_is_new_and_says_how_the_account_stands(bank: MatchBook, ledger: Book) -> None:
    from zentra.reconciliation.matching import queries

    ledger.move("bank", "a", 500, external_reference="B-1")
    sequence(bank)
    bank.state({"amount": 500, "reference": "B-1", "on": TODAY}, {"amount": 7, "on": TODAY}, ends_on=TODAY)

    run = bank.run()

    assert (run.state, run.matches, run.entries) == ("done", 1, 1)
    stands = bank.do(queries.summarize, account_id=bank.account)
    assert (stands.lines, stands.matched_lines, stands.open_lines, stands.open_entries) == (2, 1, 1, 0)
    assert (stands.match_rate_bp, stands.open_exceptions, stands.last_run) == (5_000, 1, run)
    (rate,) = bank.do(queries.match_rates, account_id=bank.account, from_on=TODAY, to_on=TODAY)
    assert (rate.lines, rate.matched) == (2, 1)
    (count,) = bank.do(queries.matched_by_rule, account_id=None, from_on=rate.day, to_on=rate.day)
    assert (count.rule, count.matches, count.lines, count.entries) == ("exact", 1, 1, 1)


def test_work_of_the_queue_runs_an_account_and_what_somebody_asked_for(bank: MatchBook, ledger: Book) -> None:
    from zentra.core import actors, ids
    from zentra.core.queue import WorkItem
    from zentra.reconciliation.matching import operations, queries, tasks

    def work(ref: str) -> None:
        item = WorkItem(ids.new_uuid(), bank.ws.id, "recon.run", ref, clock.now(), 1, ids.new_uuid())
        tasks.run(item, bank.ws)

    ledger.move("bank", "a", 500, external_reference="B-1")
    sequence(bank)
    bank.state({"amount": 500, "reference": "B-1", "on": TODAY}, ends_on=TODAY)
    work(bank.account)
    assert len(bank.pairs()) == 1

    asked = bank.do(
        operations.request_run, account_id=bank.account, is_dry_run=True, actor=actors.RECONCILIATION, ws=bank.ws,
        now=clock.now(),
    )  # fmt: skip
    assert asked.state == "queued"
    for _ in range(2):
        work(asked.id)
    done = bank.do(queries.get_run, run_id=asked.id)
    assert (done.state, done.is_dry_run, done.same, done.fresh) == ("done", True, 1, 0)
    tasks.follow(bank.ws)
    tasks.mark_missing(bank.ws)


def test_rules_are_versions_that_are_checked(bank: MatchBook) -> None:
    from zentra.reconciliation.matching import queries
    from zentra.reconciliation.matching.errors import RuleSetInvalid, RuleSetNotFound, StaleRuleSet
    from zentra.reconciliation.matching.types import Rule

    first = bank.do(queries.get_rules, account_id=bank.account)
    keys = [rule.key for rule in first.rules]
    assert (first.version, keys) == (0, ["exact", "fee", "batch", "split", "fx", "tolerance"])
    assert first.rules[4].tolerance_bp == 100
    bank.rules(Rule(key="exact", kind="exact"), after=0)
    with pytest.raises(StaleRuleSet):
        bank.rules(Rule(key="exact", kind="exact"), after=0)
    for wrong in (
        Rule(key="Exact", kind="exact"),
        Rule(key="x", kind="tolerance"),
        Rule(key="x", kind="exact", within_days=99),
        Rule(key="x", kind="guess"),  # type: ignore[arg-type]
        Rule(key="x", kind="fee", fee_percent_bp=-1),
    ):
        with pytest.raises(RuleSetInvalid):
            bank.rules(wrong, after=1)
    with pytest.raises(RuleSetNotFound):
        bank.do(queries.get_rules, account_id=bank.account, version=9)
    assert [each.version for each in bank.do(queries.list_rule_sets, account_id=bank.account)] == [1, 0]


def test_each_stretch_is_a_transaction_and_what_dies_goes_on(
    bank: MatchBook, ledger: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zentra.reconciliation.matching.operations import entries
    from zentra.reconciliation.matching.taking import take_all

    for _ in range(5):
        ledger.move("bank", "a", 10)
    sequence(bank)
    monkeypatch.setattr(entries, "BATCH", 1)
    monkeypatch.setattr(entries, "MOST", 2)
    insert, written = entries._insert, []

    def dies(*args: Any) -> None:
        written.append(args)
        if len(written) == 4:
            raise KeyboardInterrupt
        insert(*args)

    monkeypatch.setattr(entries, "_insert", dies)

    with pytest.raises(KeyboardInterrupt):
        take_all(account_id=bank.account, ws=bank.ws)

    assert open_entries(bank) == 2  # the third and fourth were one transaction
    assert take_all(account_id=bank.account, ws=bank.ws) == 3
    assert open_entries(bank) == 5


def test_a_run_takes_over_one_stretch_and_no_more(
    bank: MatchBook, ledger: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zentra.reconciliation.matching.operations import entries

    for _ in range(5):
        ledger.move("bank", "a", 10)
    sequence(bank)
    monkeypatch.setattr(entries, "BATCH", 1)
    monkeypatch.setattr(entries, "MOST", 2)

    assert bank.run().entries == 2


def open_entries(bank: MatchBook) -> int:
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.matching.models import OpenEntry

    with tenant_work(bank.ws):
        return OpenEntry.objects.filter(account_id=bank.account).count()
