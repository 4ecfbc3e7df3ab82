"""The trial balance: a small business's month as in any textbook, and what a late entry does to the past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from ledger import queries
from ledger.queries import Basis, TrialBalance
from tests.ledger.book import Book
from zentra.core import clock, ids
from zentra.core.schema import connect_as_owner
from zentra.core.tenancy import tenant_work

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def business(book: Book) -> Book:
    """June of a courier, in euros: capital paid in, a van bought on credit, jobs billed and paid, wages and fuel.

    The accounts are of the ledger's own words: bank and receivable are assets, payable is a liability, equity is
    capital; what the month earned is kept in a suspense account, what it spent in fees.
    """
    for code, account_type in (
        ("cash", "bank"),
        ("van", "position"),
        ("customers_owe", "receivable"),
        ("garage", "payable"),
        ("capital", "equity"),
        ("jobs", "suspense"),
        ("wages", "fee"),
        ("fuel", "fee"),
    ):
        book.open(code, account_type=account_type, currency="EUR")
    for day, debit, credit, amount in (
        (1, "cash", "capital", 1_500_000),
        (3, "van", "garage", 900_000),
        (8, "customers_owe", "jobs", 420_000),
        (12, "garage", "cash", 300_000),
        (15, "fuel", "cash", 31_550),
        (20, "cash", "customers_owe", 400_000),
        (25, "cash", "jobs", 180_000),
        (30, "wages", "cash", 250_000),
    ):
        book.move(debit, credit, amount, currency="EUR", effective_at=JUNE + DAY * (day - 1))
    return book


def test_the_month_of_a_small_business_closes_as_in_the_textbook(business: Book) -> None:
    closing = trial(business, at=JUNE + DAY * 30)

    assert columns(closing) == {
        "cash": (1_498_450, 0),
        "van": (900_000, 0),
        "customers_owe": (20_000, 0),
        "wages": (250_000, 0),
        "fuel": (31_550, 0),
        "garage": (0, 600_000),
        "capital": (0, 1_500_000),
        "jobs": (0, 600_000),
    }
    assert (closing.debit_minor, closing.credit_minor) == (2_700_000, 2_700_000)
    assert closing.is_balanced


def test_it_is_told_by_class_in_the_order_of_the_books(business: Book) -> None:
    closing = trial(business, at=JUNE + DAY * 30)

    assert [(each.type, each.debit_minor, each.credit_minor) for each in closing.classes] == [
        ("asset", 2_418_450, 0),
        ("liability", 0, 1_200_000),
        ("equity", 0, 1_500_000),
        ("expense", 281_550, 0),
    ]
    assert [row.account_code for row in closing.classes[0].rows] == ["cash", "customers_owe", "van"]


@pytest.mark.parametrize("is_sequenced", [True, False])
def test_now_and_as_of_now_say_the_same(business: Book, is_sequenced: bool) -> None:
    if is_sequenced:
        business.sequence()

    now = trial(business)

    assert now.at is None
    assert columns(now) == columns(trial(business, at=clock.now()))


def test_each_day_of_the_month_balances(business: Book) -> None:
    for day in range(-1, 32):
        assert trial(business, at=JUNE + DAY * day).is_balanced


def test_a_late_entry_changes_the_past_by_effective_time_only(business: Book) -> None:
    seen = clock.now()
    business.move("fuel", "cash", 7_000, currency="EUR", effective_at=JUNE + DAY * 16)

    effective, recorded = trial(business, at=JUNE + DAY * 30), trial(business, at=seen, basis="recorded")

    assert columns(effective)["fuel"] == (38_550, 0)
    assert columns(recorded)["fuel"] == (31_550, 0)
    assert effective.is_balanced
    assert recorded.is_balanced


def test_categories_hold_what_is_below_them(business: Book) -> None:
    assets = category(business, "courier")
    quick = category(business, "courier.quick", parent=assets)
    for code, where in (("cash", quick), ("customers_owe", quick), ("van", assets)):
        business.sql("UPDATE ledger_account SET category_id = %s WHERE code = %s", [where, code])

    tree = [each for each in trial(business, at=JUNE + DAY * 30).categories if each.code.startswith("courier")]

    assert [(each.code, each.depth, each.accounts, each.net_minor) for each in tree] == [
        ("courier", 0, 3, -2_418_450),
        ("courier.quick", 1, 2, -1_518_450),
    ]
    assert tree[1].parent_id == tree[0].category_id


def test_a_ledger_that_does_not_balance_is_told_so(business: Book) -> None:
    business.sequence()
    with as_owner(business) as owner:
        owner.execute(
            "UPDATE ledger_balance SET posted_credits = posted_credits + 5"
            " WHERE account_id = (SELECT id FROM ledger_account WHERE code = 'garage')"
        )

    broken = trial(business)

    assert not broken.is_balanced
    assert broken.difference_minor == 5
    assert trial(business, at=clock.now()).is_balanced  # entries are sound, and this is their sum


def trial(book: Book, *, at: datetime | None = None, basis: Basis = "effective") -> TrialBalance:
    with tenant_work(book.workspace):
        return queries.trial_balance(currency="EUR", at=at, basis=basis)


def columns(balance: TrialBalance) -> dict[str, tuple[int, int]]:
    return {row.account_code: (row.debit_minor, row.credit_minor) for row in balance.rows}


def category(book: Book, code: str, *, parent: object = None) -> object:
    key = ids.new_uuid()
    book.sql(
        "INSERT INTO ledger_category (id, code, name, parent_id, created_at) VALUES (%s, %s, %s, %s, %s)",
        [key, code, code, parent, clock.now()],
    )
    return key


def as_owner(book: Book) -> psycopg.Connection[tuple[object, ...]]:
    owner = connect_as_owner()
    owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(book.workspace.schema)))
    return owner
