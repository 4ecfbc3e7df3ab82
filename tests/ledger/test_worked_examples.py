"""Examples that anyone who has kept books knows, in whole units."""

import pytest

from ledger import errors, operations, queries
from ledger.types import Line
from tests.ledger.book import Book
from zentra.core import actors, clock
from zentra.core.tenancy import TenantRef, tenant_work


def pay(book: Book, intent: str, amount: int, *, settled: bool = True) -> None:
    """The documents' payment: reserve, provider success, settlement."""
    book.move("customer_balance", "reserved_balance", amount, intent_id=intent, purpose="reserve")
    book.post(
        [
            Line("reserved_balance", "debit", amount),
            Line("settlement_account", "credit", amount),
            Line("rail_receivable", "debit", amount),
            Line("customer_balance", "credit", amount),
        ],
        intent_id=intent,
        purpose="success",
    )
    if settled:
        book.move("settlement_account", "merchant_balance", amount, intent_id=intent, purpose="settle")


def flow(book: Book, intent: str, *, final: bool = False) -> dict[str, tuple[int | None, int, str | None]]:
    with tenant_work(book.workspace):
        found = queries.ledger_flow(intent_id=intent, final=final)
    assert found.balanced
    return {row.name: (row.moved_minor, row.now_minor, row.word) for row in found.rows}


def test_a_shop_for_a_week(book: Book) -> None:
    """Capital in, stock bought on credit, sold with a margin, rent paid, the supplier settled: assets = claims."""
    for code, kind in {
        "cash": "bank",
        "stock": "position",
        "rent": "fee",
        "supplier": "payable",
        "capital": "equity",
        "sales": "settlement",
    }.items():
        book.open(code, account_type=kind)

    book.move("cash", "capital", 10_000)
    book.move("stock", "supplier", 4_000)
    book.post(
        [
            Line("cash", "debit", 3_500),
            Line("sales", "credit", 1_500),
            Line("stock", "credit", 2_000),
        ]
    )
    book.move("rent", "cash", 800)
    book.move("supplier", "cash", 4_000)

    held = {
        code: book.balances(code).posted_minor for code in ("cash", "stock", "rent", "supplier", "capital", "sales")
    }
    assert held == {"cash": 8_700, "stock": 2_000, "rent": 800, "supplier": 0, "capital": 10_000, "sales": 1_500}
    assert held["cash"] + held["stock"] + held["rent"] == held["supplier"] + held["capital"] + held["sales"]


def test_a_split_payment_with_a_fee_is_one_posting(book: Book) -> None:
    customer, merchant = book.open("anna", floor=0), book.open("shop", account_type="merchant")
    book.move("bank", customer, 10_000)

    book.post(
        [
            Line(customer, "debit", 10_000),
            Line(merchant, "credit", 9_710),
            Line("fees", "credit", 290),
        ]
    )

    assert (book.net(customer), book.net(merchant), book.balances("fees").posted_minor) == (0, 9_710, -290)


def test_a_transfer_cannot_spend_what_is_not_there(book: Book) -> None:
    source, destination = book.open("source", floor=0), book.open("destination", floor=0)
    book.move("bank", source, 100)

    book.move(source, destination, 60)
    with pytest.raises(errors.InsufficientFunds):
        book.move(source, destination, 41)

    assert (book.net(source), book.net(destination)) == (40, 60)


def test_a_payment_before_settlement_shows_what_moved_and_what_is_now(book: Book) -> None:
    pay(book, "intent_042", 125_000, settled=False)

    assert flow(book, "intent_042") == {
        "Customer": (-125_000, 0, None),
        "Reserved": (125_000, 0, None),
        "Settlement": (125_000, 125_000, None),
        "Merchant": (None, 0, "pending"),
        "Payout": (None, 0, "open"),
    }


def test_a_settled_payment_moves_along_the_five_accounts(book: Book) -> None:
    pay(book, "intent_042", 125_000)

    assert flow(book, "intent_042", final=True) == {
        "Customer": (-125_000, 0, None),
        "Reserved": (125_000, 0, None),
        "Settlement": (125_000, 0, None),
        "Merchant": (125_000, 125_000, None),
        "Payout": (None, 0, "closed"),
    }


def test_a_declined_payment_gives_everything_back(book: Book) -> None:
    book.move("customer_balance", "reserved_balance", 900, intent_id="i1", purpose="reserve")
    book.move("reserved_balance", "customer_balance", 900, intent_id="i1", purpose="release")

    shown = flow(book, "i1", final=True)

    assert shown["Customer"] == (-900, 0, None)
    assert shown["Reserved"] == (900, 0, None)
    assert shown["Settlement"] == (None, 0, "pending")


def test_a_transfer_shows_its_destination_in_the_place_of_the_merchant(book: Book) -> None:
    source, destination = book.open("source", floor=0), book.open("destination", floor=0)
    book.move("bank", source, 500)
    book.move(source, "reserved_balance", 500, intent_id="t1", purpose="reserve")
    book.move("reserved_balance", "settlement_account", 500, intent_id="t1", purpose="success")
    book.move("settlement_account", destination, 500, intent_id="t1", purpose="settle")

    shown = flow(book, "t1", final=True)

    assert (shown["Customer"], shown["Merchant"]) == ((-500, -500, None), (500, 500, None))


def test_an_intent_that_posted_nothing_shows_five_waiting_rows(book: Book) -> None:
    assert [word for _, _, word in flow(book, "none").values()] == ["pending"] * 4 + ["open"]


def test_the_payout_is_shown_once_it_is_posted(book: Book) -> None:
    pay(book, "i1", 100)
    book.move("merchant_balance", "payout_account", 100, intent_id="i1", purpose="payout")

    assert flow(book, "i1")["Payout"] == (100, 100, "open")
    assert flow(book, "i1", final=True)["Payout"] == (100, 100, "closed")


def test_a_sandbox_is_born_funded_and_its_books_balance(book: Book) -> None:
    assert book.balances("customer_balance").available_minor == 10_000_000_00
    assert book.balances("merchant_balance").available_minor == 1_000_000_00
    assert book.balances("bank").posted_minor == 11_000_000_00
    assert book.balances("opening_equity").posted_minor == 0
    assert book.drift() == {"USD": 0}


def test_a_live_workspace_is_born_empty(live_workspace: TenantRef) -> None:
    book = Book(live_workspace)

    assert {book.net(code) for code in ("customer_balance", "bank", "opening_equity")} == {0}


def test_a_chart_is_made_once_per_currency_in_its_own_minor_units(book: Book) -> None:
    with tenant_work(book.workspace):
        made = operations.create_chart(currency="JPY", now=clock.now())
        again = operations.create_chart(currency="JPY", now=clock.now())
        yen = queries.get_balances(account="customer_balance", currency="JPY")

    assert (len(made), again) == (11, [])
    assert yen.available_minor == 10_000_000  # a yen has no minor unit


def test_an_account_of_the_documents_is_found_by_its_id_and_has_a_floor(book: Book) -> None:
    with tenant_work(book.workspace):
        opened = operations.open_account(
            account_type="operating", currency="USD", customer="customer_ref", actor=actors.LEDGER, now=clock.now()
        )
        found = queries.find_account(ref=opened.id)

    assert (found.code, found.customer, found.floor_minor, found.normal_balance) == (
        opened.id,
        "customer_ref",
        0,
        "credit",
    )


def test_accounts_page_newest_first(book: Book) -> None:
    for number in range(3):
        book.open(f"n{number}")
    with tenant_work(book.workspace):
        first = queries.list_accounts(limit=2)
        rest = queries.list_accounts(limit=50, before=(first[-1].created_at, first[-1].id))

    assert [account.code for account in first] == ["n2", "n1"]
    assert rest[0].code == "n0"
    assert len(rest) == 12
