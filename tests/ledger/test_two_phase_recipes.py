"""Recipes that users of ledgers know, worked through in whole units of a currency."""

from datetime import timedelta

import pytest

from ledger import errors, operations, queries
from ledger.types import NO_FLOOR, Bound, Line
from tests.ledger.book import Book, pair, terms
from tests.ledger.whole import assert_whole
from zentra.core import actors, clock
from zentra.core.tenancy import tenant_work


@pytest.fixture
def rider(book: Book) -> str:
    """Somebody with 100 in their wallet."""
    book.open("rider", floor=0)
    book.move("bank", "rider", 100)
    return "rider"


def test_a_ride_reserves_the_estimate_grows_on_the_way_and_captures_the_fare(book: Book, rider: str) -> None:
    book.open("driver", account_type="merchant")
    book.open("commission", account_type="income")
    ride = book.hold(rider, 30, destination="driver")
    book.increase(ride.id, 12)  # a detour

    book.capture(ride.id, 8, destination="commission")
    fare = book.capture(ride.id, 27, release_rest=True)

    assert fare.hold.state == "captured"
    assert (fare.hold.captured_minor, fare.hold.released_minor) == (35, 7)
    assert (book.balances(rider).available_minor, book.net("driver"), book.net("commission")) == (65, 27, 8)
    assert_whole(book)


def test_a_hotel_deposit_that_nobody_settles_comes_back_by_itself(book: Book, rider: str) -> None:
    noon = clock.now()
    deposit = book.hold(rider, 50, expires_at=noon + timedelta(days=7), release_condition="check-out", now=noon)
    book.extend(deposit.id, noon + timedelta(days=9), now=noon)

    assert book.expire(now=noon + timedelta(days=8)) == 0
    assert book.expire(now=noon + timedelta(days=9)) == 1
    assert (book.find_hold(deposit.id).state, book.balances(rider).available_minor) == ("expired", 100)


def test_a_marketplace_splits_a_sale_between_seller_platform_and_tax(book: Book, rider: str) -> None:
    for code, kind in {"seller": "merchant", "commission": "income", "tax": "payable"}.items():
        book.open(code, account_type=kind)

    sale = book.post(
        [
            Line(rider, "debit", 100),
            Line("seller", "credit", 81),
            Line("commission", "credit", 10),
            Line("tax", "credit", 9),
        ]
    )
    book.reverse(
        sale,
        lines=[
            Line(rider, "credit", 50),
            Line("seller", "debit", 41),
            Line("commission", "debit", 5),
            Line("tax", "debit", 4),
        ],
    )

    held = {code: book.net(code) for code in (rider, "seller", "commission", "tax")}
    assert held == {rider: 50, "seller": 40, "commission": 5, "tax": 5}


def test_escrow_waits_for_both_sides_and_pays_one_of_them(book: Book, rider: str) -> None:
    book.open("seller", account_type="merchant")
    agreed = book.two_phase(pair(rider, "seller", 60))
    refused = book.two_phase(pair(rider, "seller", 40))

    assert book.balances("seller").available_minor == 0
    assert book.balances(rider).available_minor == 0
    book.capture(agreed.id)
    book.release(refused.id)

    assert (book.net("seller"), book.balances(rider).available_minor) == (60, 40)
    assert_whole(book)


def test_a_chargeback_takes_the_money_back_even_below_zero_and_the_fee_with_it(book: Book, rider: str) -> None:
    book.open("shop", floor=0, account_type="merchant")
    book.open("chargeback_fees", account_type="income")
    book.move(rider, "shop", 80)
    book.move("shop", "bank", 80)  # paid out already

    with pytest.raises(errors.InsufficientFunds):
        book.move("shop", rider, 80)
    book.post(
        [
            Line("shop", "debit", 95, floor_minor=NO_FLOOR),
            Line(rider, "credit", 80),
            Line("chargeback_fees", "credit", 15),
        ],
        external_reference="dispute-7",
    )

    assert book.net("shop") == -95
    book.move("bank", "shop", 95)  # the shop owes it, and pays
    assert book.net("shop") == 0


def test_linked_postings_fail_together_when_one_would_overdraw(book: Book, rider: str) -> None:
    book.open("saver", floor=0)
    before = book.contents()

    with pytest.raises(errors.InsufficientFunds):
        book.post([*pair(rider, "saver", 60), *pair(rider, "bank", 60)])
    assert book.contents() == before
    book.post([*pair(rider, "saver", 60), *pair("saver", "bank", 60)])  # passes through
    assert (book.net(rider), book.net("saver")) == (40, 0)


def test_sweep_what_is_above_a_threshold_decided_on_the_version_that_was_read(book: Book, rider: str) -> None:
    seen = book.balances(rider)
    sweep = [
        Line(rider, "debit", 75, lock_version=seen.lock_version, bounds=(Bound("available", 25, 25),)),
        Line("bank", "credit", 75),
    ]

    book.post(sweep)
    with pytest.raises(errors.StaleAccount):
        book.post(sweep)
    assert book.net(rider) == 25


def test_an_account_is_closed_by_moving_the_rest_in_the_same_transaction(book: Book, rider: str) -> None:
    account = book.balances(rider).account_id

    with tenant_work(book.workspace):
        rest = queries.get_balances(account=rider)
        operations.post_entries(lines=pair(rider, "bank", rest.available_minor), **terms(purpose="close.payout"))
        closed = operations.close_account(account_id=account, reason="asked for", actor=actors.LEDGER, now=clock.now())

    assert (closed.state, book.net(rider)) == ("closed", 0)
    with pytest.raises(errors.AccountClosed):
        book.move("bank", rider, 1)


def test_authorize_then_clear_for_more_is_an_increase_first(book: Book, rider: str) -> None:
    """A card's clearing may exceed its authorization: over-capture is refused, the rest is asked for."""
    authorized = book.hold(rider, 40)

    with pytest.raises(errors.OverCapture) as caught:
        book.capture(authorized.id, 46)
    book.increase(authorized.id, 46 - caught.value.extra["remaining_minor"])

    assert book.capture(authorized.id, 46).hold.state == "captured"
    assert book.net(rider) == 54
