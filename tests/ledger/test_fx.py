"""Two currencies in one posting: each balances by itself through position accounts, and the rate is kept."""

import pytest

from ledger import errors, queries
from ledger.types import Fx, Line, Posted
from tests.ledger.book import Book
from zentra.core import clock
from zentra.core.tenancy import tenant_work


@pytest.fixture
def desk(book: Book) -> Book:
    """A customer with 1,000 dollars and a euro account, and a desk with a position in each currency."""
    for currency in ("USD", "EUR"):
        book.open("customer", floor=0, currency=currency)
        book.open("position", account_type="position", currency=currency)
    book.open("till", account_type="bank", currency="EUR")
    book.open("spread", account_type="income")
    book.move("bank", "customer", 1000_00)
    return book


def exchange(
    book: Book, sold: int, bought: int, *, spread: int = 0, rate: str, words: dict[str, str] | None = None
) -> Posted:
    """The customer sells dollars for euros."""
    lines = [
        Line("customer", "debit", sold + spread),
        Line("position", "credit", sold),
        Line("position", "debit", bought, currency="EUR"),
        Line("customer", "credit", bought, currency="EUR"),
    ]
    if spread:
        lines.append(Line("spread", "credit", spread))
    said = {"base": "EUR", "quote": "USD", "source": "ECB", **(words or {})}
    fx = Fx(said["base"], said["quote"], rate, said["source"], clock.now())
    return book.post(lines, fx=fx)


def held(book: Book) -> dict[tuple[str, str], int]:
    with tenant_work(book.workspace):
        return {
            (code, currency): queries.get_balances(account=code, currency=currency).net_minor
            for code in ("customer", "position")
            for currency in ("USD", "EUR")
        }


def test_each_currency_balances_by_itself_and_the_rate_is_kept(desk: Book) -> None:
    posted = exchange(desk, 110_00, 100_00, rate="1.10")

    assert held(desk) == {
        ("customer", "USD"): 890_00,
        ("customer", "EUR"): 100_00,
        ("position", "USD"): 110_00,
        ("position", "EUR"): -100_00,
    }
    assert desk.drift() == {"USD": 0, "EUR": 0}
    with tenant_work(desk.workspace):
        stored = queries.get_posting(posting_id=posted.posting_id)
        assert queries.verify_entry_hash(posting_id=posted.posting_id)
    assert stored.posted.fx is not None
    assert (stored.posted.fx.rate, stored.posted.fx.source) == ("1.10", "ECB")


def test_a_spread_is_income_beside_the_exchange(desk: Book) -> None:
    """The rate is of everything that is paid for the euros: 111.10 for 100.00, of which the desk keeps 1.10."""
    exchange(desk, 110_00, 100_00, spread=1_10, rate="1.1110")

    assert held(desk)["customer", "USD"] == 1000_00 - 111_10
    assert (held(desk)["position", "USD"], desk.net("spread")) == (110_00, 1_10)


def test_a_rate_is_exact_to_the_minor_unit(desk: Book) -> None:
    exchange(desk, 108_42, 100_00, rate="1.0842")
    for sold in (108_43, 108_41):
        with pytest.raises(errors.InvalidRate) as caught:
            exchange(desk, sold, 100_00, rate="1.0842")
        assert caught.value.extra["expected_minor"] == 108_42


def test_the_whole_exchange_goes_back_with_its_reversal(desk: Book) -> None:
    before = held(desk)

    reversal = desk.reverse(exchange(desk, 110_00, 100_00, rate="1.10"))

    assert held(desk) == before
    assert reversal.fx is not None


def test_what_is_no_rate_or_not_of_these_entries_is_refused(desk: Book) -> None:
    before = desk.contents()

    for rate in (
        "0",
        "-1",
        "NaN",
        "Infinity",
        "",
        "1,10",
        "1" * 41,
        "1e2",
        "1e999999",
        "9e99999999999999",
        "1_1",
        "١",
        "9" * 20,
    ):
        with pytest.raises(errors.InvalidRate):
            exchange(desk, 110_00, 100_00, rate=rate)
    for words in ({"base": "GBP"}, {"base": "USD"}, {"source": " "}):
        with pytest.raises(errors.InvalidRate):
            exchange(desk, 110_00, 100_00, rate="1.10", words=words)
    with pytest.raises(errors.UnbalancedPosting) as caught:
        desk.post([Line("customer", "debit", 110_00), Line("customer", "credit", 100_00, currency="EUR")])
    assert caught.value.extra["currency"] in {"USD", "EUR"}

    assert desk.contents() == before
