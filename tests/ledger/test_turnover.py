"""Folding: each entry is added to turnover once, whoever folds, however often, and whatever breaks meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import Error, connection
from psycopg import sql

from ledger import operations, queries, tasks
from ledger.operations.turnover import FOLD_BATCH
from tests.ledger.book import Book, at_once
from tests.ledger.planted import Planted, fold, mark_due, plant
from zentra.core import ids
from zentra.core.schema import connect_as_owner
from zentra.core.tenancy import tenant_work

FROM = datetime(2026, 2, 1, tzinfo=UTC)


def test_folding_changes_no_balance_of_any_moment(book: Book) -> None:
    account_id = plant(book, credits_by_minute(40))
    at = FROM + timedelta(minutes=22)
    before = [as_of(book, account_id, at)]
    while fold(book, account_id, 7):
        before.append(as_of(book, account_id, at))

    assert set(before) == {23}
    assert turnover(book, account_id) == {("effective", 86400): 40, ("effective", 300): 40} | {
        ("recorded", 86400): 40,
        ("recorded", 300): 40,
    }


def test_folds_that_race_add_each_entry_once(book: Book) -> None:
    account_id = plant(book, credits_by_minute(600))

    folded = at_once([lambda: fold(book, account_id, 50)] * 24, threads=8)

    assert sum(int(each) for each in folded if not isinstance(each, Exception)) == 600
    assert set(turnover(book, account_id).values()) == {600}


def test_folds_and_postings_that_race_leave_a_true_balance(book: Book) -> None:
    account_id = book.open("busy", account_type="suspense")

    def post_and_fold(number: int) -> None:
        book.move("bank", account_id, 1)
        book.sequence()
        fold(book, account_id, 3 + number % 5)

    results = at_once([lambda number=number: post_and_fold(number) for number in range(60)], threads=6)  # type: ignore[misc]  # a default argument

    assert [each for each in results if isinstance(each, Exception)] == []
    while fold(book, account_id, 100):
        pass
    book.sequence()
    with tenant_work(book.workspace):
        held = queries.get_balances(account=account_id).posted_minor
    assert held == 60 == as_of(book, account_id, datetime(2100, 1, 1, tzinfo=UTC))


def test_a_fold_that_breaks_off_leaves_nothing_behind(book: Book) -> None:
    account_id = plant(book, credits_by_minute(10))

    def fold_and_break() -> None:
        with tenant_work(book.workspace), connection.cursor() as cursor:
            cursor.execute("SELECT ledger_fold(%s, 6)", [ids.to_uuid(account_id, prefix="acct")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fold_and_break()

    assert turnover(book, account_id) == {}
    assert fold(book, account_id, 100) == 10


def test_an_account_is_due_until_it_is_folded_to_its_end(book: Book) -> None:
    large, small = plant(book, credits_by_minute(30)), plant(book, credits_by_minute(5))
    mark_due(book, large, small)

    batches = []
    while due(book):
        with tenant_work(book.workspace):
            batches.append(operations.fold_due(limit=12))

    assert sum(batches) == 35
    assert max(batches) == 12
    with tenant_work(book.workspace):
        assert operations.fold_due() == 0


def test_folders_beside_each_other_take_different_accounts(book: Book) -> None:
    accounts = [plant(book, credits_by_minute(20)) for _ in range(6)]
    mark_due(book, *accounts)

    def fold_some() -> int:
        with tenant_work(book.workspace):
            return operations.fold_due(limit=20)

    at_once([fold_some] * 12, threads=4)
    while fold_some():
        pass

    assert due(book) == 0
    assert {count for account_id in accounts for count in turnover(book, account_id).values()} == {20}


def test_the_task_folds_all_that_is_due(book: Book) -> None:
    account_id = plant(book, credits_by_minute(FOLD_BATCH + 1))
    mark_due(book, account_id)

    tasks.fold(book.workspace)

    assert due(book) == 0
    assert turnover(book, account_id)["recorded", 300] == FOLD_BATCH + 1


def test_an_account_that_nobody_knows_is_not_folded(book: Book) -> None:
    assert fold(book, ids.new_id("acct"), 10) == 0
    assert book.sql("SELECT count(*) FROM ledger_fold") == [(0,)]


def test_turnover_may_be_thrown_away_and_folded_again(book: Book) -> None:
    account_id = plant(book, credits_by_minute(20))
    fold(book, account_id, 100)
    kept = book.sql("SELECT * FROM ledger_turnover ORDER BY basis, grain, starts_at")

    with connect_as_owner() as owner:
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(book.workspace.schema)))
        owner.execute("DELETE FROM ledger_turnover")
        owner.execute("DELETE FROM ledger_fold")
    fold(book, account_id, 100)

    assert book.sql("SELECT * FROM ledger_turnover ORDER BY basis, grain, starts_at") == kept


@pytest.mark.parametrize("table", ["ledger_turnover", "ledger_fold", "ledger_fold_due"])
def test_the_application_cannot_write_turnover_itself(book: Book, table: str) -> None:
    with pytest.raises(Error) as refused:
        book.sql(f"DELETE FROM {table}")

    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)


def credits_by_minute(count: int) -> list[Planted]:
    return [
        Planted("credit", 1, "posted", FROM + timedelta(minutes=number), FROM + timedelta(days=1, seconds=number))
        for number in range(count)
    ]


def as_of(book: Book, account_id: str, moment: datetime) -> int:
    with tenant_work(book.workspace):
        return queries.balance_as_of(account_id=account_id, effective_at=moment).posted_minor


def turnover(book: Book, account_id: str) -> dict[tuple[str, int], int]:
    """How many entries each basis and grain has added up."""
    rows = book.sql(
        "SELECT basis, grain, sum(entries) FROM ledger_turnover WHERE account_id = %s GROUP BY basis, grain",
        [ids.to_uuid(account_id, prefix="acct")],
    )
    return {(basis, grain): int(entries) for basis, grain, entries in rows}


def due(book: Book) -> int:
    [(count,)] = book.sql("SELECT count(*) FROM ledger_fold_due")
    return int(count)
