"""The cases of the textbooks, in whole units: every step balances, and assets are what is owed and what is owned."""

from datetime import UTC, datetime

import pytest

from ledger.types import Line
from tests.ledger.book import Book
from tests.ledger.whole import assert_whole
from zentra.core.tenancy import TenantRef

CHART = {
    "cash": "bank",
    "receivables": "receivable",
    "equipment": "position",
    "prepaid_rent": "position",
    "depreciation_taken": "payable",  # a contra account: what equipment has lost in value
    "payables": "payable",
    "wages_owed": "payable",
    "loan": "payable",
    "capital": "equity",
    "retained_earnings": "equity",
    "sales": "income",
    "wages": "expense",
    "rent": "expense",
    "interest": "expense",
    "depreciation": "expense",
}
ASSETS = ("cash", "receivables", "equipment", "prepaid_rent")
CLAIMS = ("depreciation_taken", "payables", "wages_owed", "loan", "capital", "retained_earnings")
INCOME, COSTS = ("sales",), ("wages", "rent", "interest", "depreciation")


@pytest.fixture
def firm(live_workspace: TenantRef) -> Book:
    """A new firm with a chart of accounts and nothing on it."""
    book = Book(live_workspace)
    for code, kind in CHART.items():
        book.open(code, account_type=kind)
    return book


def stands(book: Book) -> dict[str, int]:
    """What is not zero, each account in its normal direction; the accounting equation holds."""
    held = {code: book.balances(code).posted_minor for code in CHART}
    profit = sum(held[code] for code in INCOME) - sum(held[code] for code in COSTS)
    assert sum(held[code] for code in ASSETS) == sum(held[code] for code in CLAIMS) + profit
    return {code: amount for code, amount in held.items() if amount}


def month(number: int) -> datetime:
    """The last of a month in 2025."""
    return datetime(2025, number, 28, tzinfo=UTC)


def test_the_owner_invests_and_buys_equipment_half_on_credit(firm: Book) -> None:
    firm.move("cash", "capital", 30_000)
    firm.post([Line("equipment", "debit", 12_000), Line("cash", "credit", 6_000), Line("payables", "credit", 6_000)])
    firm.move("payables", "cash", 2_000)

    assert stands(firm) == {"cash": 22_000, "equipment": 12_000, "payables": 4_000, "capital": 30_000}


def test_a_sale_on_credit_is_earned_before_it_is_paid(firm: Book) -> None:
    firm.move("receivables", "sales", 900)
    assert stands(firm) == {"receivables": 900, "sales": 900}

    firm.move("cash", "receivables", 600)
    assert stands(firm) == {"cash": 600, "receivables": 300, "sales": 900}


def test_wages_are_accrued_in_their_month_and_paid_in_the_next(firm: Book) -> None:
    firm.move("cash", "capital", 5_000, effective_at=month(1))
    firm.move("wages", "wages_owed", 3_000, effective_at=month(1))
    assert stands(firm) == {"cash": 5_000, "capital": 5_000, "wages_owed": 3_000, "wages": 3_000}

    firm.move("wages_owed", "cash", 3_000, effective_at=month(2))
    assert stands(firm) == {"cash": 2_000, "capital": 5_000, "wages": 3_000}


def test_rent_paid_ahead_becomes_a_cost_month_by_month(firm: Book) -> None:
    firm.move("cash", "capital", 1_200)
    firm.move("prepaid_rent", "cash", 1_200)
    for number in (1, 2, 3):
        firm.move("rent", "prepaid_rent", 100, effective_at=month(number))

    assert stands(firm) == {"prepaid_rent": 900, "rent": 300, "capital": 1_200}


def test_equipment_loses_its_value_over_five_years_and_keeps_its_price(firm: Book) -> None:
    firm.move("equipment", "capital", 10_000)
    for _ in range(5):
        firm.move("depreciation", "depreciation_taken", 2_000)

    assert stands(firm) == {
        "equipment": 10_000,
        "depreciation_taken": 10_000,
        "capital": 10_000,
        "depreciation": 10_000,
    }


def test_a_loan_is_repaid_with_interest_in_one_posting(firm: Book) -> None:
    firm.move("cash", "loan", 10_000)
    firm.post([Line("loan", "debit", 950), Line("interest", "debit", 50), Line("cash", "credit", 1_000)])

    assert stands(firm) == {"cash": 9_000, "loan": 9_050, "interest": 50}


def test_a_wrong_booking_is_reversed_and_booked_right_and_both_stay_visible(firm: Book) -> None:
    """540 was written where 450 was meant, the transposition that every textbook has."""
    wrong = firm.move("rent", "cash", 540)
    firm.correct(wrong, [Line("rent", "debit", 450), Line("cash", "credit", 450)])

    assert stands(firm) == {"rent": 450, "cash": -450}
    assert firm.sql("SELECT count(*) FROM ledger_posting") == [(3,)]


def test_the_year_closes_into_retained_earnings(firm: Book) -> None:
    firm.move("cash", "capital", 20_000, effective_at=month(1))
    firm.move("receivables", "sales", 9_000, effective_at=month(6))
    firm.move("wages", "cash", 4_000, effective_at=month(7))
    firm.move("rent", "cash", 1_000, effective_at=month(8))
    firm.move("depreciation", "depreciation_taken", 500, effective_at=month(12))

    firm.post(
        [
            Line("sales", "debit", 9_000),
            Line("wages", "credit", 4_000),
            Line("rent", "credit", 1_000),
            Line("depreciation", "credit", 500),
            Line("retained_earnings", "credit", 3_500),
        ],
        effective_at=datetime(2025, 12, 31, 23, 59, tzinfo=UTC),
        purpose="closing",
    )

    assert stands(firm) == {
        "cash": 15_000,
        "receivables": 9_000,
        "depreciation_taken": 500,
        "capital": 20_000,
        "retained_earnings": 3_500,
    }
    assert_whole(firm)
