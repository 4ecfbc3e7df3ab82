"""Importing accounts and the balances that they come with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger import queries
from tests.ledger.book import Book
from tests.ledger.filing import (
    balances_of,
    codes,
    counts,
    csv_of,
    events_of,
    refusals,
    run,
)
from zentra.core.tenancy import tenant_work

ACCOUNTS = (
    "code,name,account_type,currency,customer,external_id,floor_minor,ceiling_minor,opening_balance_minor,opening_at"
)


pytestmark = pytest.mark.usefixtures("a_and_b")


def test_accounts_come_with_their_opening_balances(book: Book) -> None:
    lines = (
        "cash,Cash,bank,USD,,B-1,,,125000,2026-01-01",
        "alice,Alice,customer,USD,cust-1,A-1,0,500000,25000,2026-01-01T00:00:00Z",
        "bob,Bob,customer,USD,cust-2,,none,,-300,",
        "empty,Empty,merchant,USD,,,,,,",
    )
    record = run(book.workspace, csv_of(*lines, header=ACCOUNTS), kind="accounts")

    assert codes(book.workspace, record) == []
    assert counts(record) == ("done", 4, 4, 0, 0)
    assert book.balances("cash").posted_minor == 125_000
    assert book.balances("alice").available_minor == 25_000
    assert book.net("bob") == -300
    assert set(book.drift().values()) == {0}
    with tenant_work(book.workspace):
        alice = queries.find_account(ref="alice")
        (opening,) = [each for each in queries.list_postings(limit=50) if each.facts.external_reference == "A-1"]
    assert (alice.customer, alice.floor_minor, alice.ceiling_minor, alice.name) == ("cust-1", 0, 500_000, "Alice")
    assert opening.posted.purpose == "opening.import"
    assert opening.posted.effective_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert len(events_of(book.workspace, "account.created")) >= 4


def test_accounts_imported_again_are_repeated_and_others_words_refused(book: Book) -> None:
    header = "code,account_type,currency,opening_balance_minor"
    run(book.workspace, csv_of("cash,bank,USD,1000", "till,bank,USD,5", header=header), kind="accounts")
    again = run(book.workspace, csv_of("cash,bank,USD,1000", "till,bank,USD,6", header=header), kind="accounts")

    assert counts(again) == ("done", 2, 0, 1, 1)
    assert codes(book.workspace, again) == [(3, "import_row_conflict")]
    assert book.balances("cash").posted_minor == 1000


def test_an_account_that_exists_takes_its_opening_balance_once(book: Book) -> None:
    header = "code,account_type,currency,opening_balance_minor"
    content = csv_of("a,customer,USD,77", "b,customer,USD,", header=header)

    assert counts(run(book.workspace, content, kind="accounts")) == ("done", 2, 1, 1, 0)
    assert counts(run(book.workspace, content, kind="accounts")) == ("done", 2, 0, 2, 0)
    assert book.net("a") == 77


def test_an_account_that_exists_as_something_else_is_refused(book: Book) -> None:
    header = "code,account_type,currency,name"
    record = run(book.workspace, csv_of("a,merchant,USD,Another", header=header), kind="accounts")

    (refusal,) = refusals(book.workspace, record)
    assert refusal.code == "account_exists"
    assert refusal.extra["stands"] == {"account_type": "customer", "name": "a"}


def test_an_account_whose_opening_balance_is_refused_is_not_opened(book: Book) -> None:
    header = "code,account_type,currency,floor_minor,opening_balance_minor"
    lines = ("fine,customer,USD,0,10", "short,customer,USD,0,-10", "fine2,customer,USD,0,20")
    record = run(book.workspace, csv_of(*lines, header=header), kind="accounts")

    assert counts(record) == ("done", 3, 2, 0, 1)
    assert codes(book.workspace, record) == [(3, "insufficient_funds")]
    with tenant_work(book.workspace):
        assert "short" not in {account.code for account in queries.list_accounts(limit=100)}


def test_opening_equity_of_another_currency_is_opened_with_it(book: Book) -> None:
    header = "code,account_type,currency,opening_balance_minor"
    record = run(book.workspace, csv_of("yen,bank,JPY,5000", header=header), kind="accounts")

    assert codes(book.workspace, record) == []
    assert book.drift()["JPY"] == 0
    assert balances_of(book.workspace)["opening_equity", "JPY"] == 5000


def test_opening_equity_has_no_opening_balance_itself(book: Book) -> None:
    header = "code,account_type,currency,opening_balance_minor"
    record = run(book.workspace, csv_of("opening_equity,equity,USD,5", header=header), kind="accounts")

    assert codes(book.workspace, record) == [(2, "import_value_invalid")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x y,bank,USD,", "invalid_account"),
        ("x,nothing,USD,", "unknown_account_type"),
        ("x,bank,XXX,", "unknown_currency"),
        ("x,bank,USD,1.50", "import_number_invalid"),
        (",bank,USD,", "import_value_missing"),
    ],
)
def test_a_malformed_account_is_refused(book: Book, line: str, code: str) -> None:
    header = "code,account_type,currency,opening_balance_minor"
    record = run(book.workspace, csv_of(line, "fine,bank,USD,1", header=header), kind="accounts")

    assert codes(book.workspace, record) == [(2, code)]
    assert record.rows_written == 1
