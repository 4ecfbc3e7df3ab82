"""An account's own limits: least available, highest balance; what is pending counts, and holds never draw overdraft."""

import pytest

from ledger import errors, operations
from ledger.types import NO_FLOOR, Line
from tests.ledger.book import Book, at_once, pair
from zentra.core import actors, clock
from zentra.core.tenancy import tenant_work


def test_no_overdraft_by_default_for_what_customers_own(book: Book) -> None:
    with tenant_work(book.workspace):
        for kind in ("customer", "operating"):
            opened = operations.open_account(
                code=kind, account_type=kind, currency="USD", actor=actors.LEDGER, now=clock.now()
            )
            assert (opened.floor_minor, opened.sequencing) == (0, "immediate")
    with pytest.raises(errors.InsufficientFunds) as caught:
        book.move("customer", "bank", 1)
    assert caught.value.extra == {
        "account": "customer",
        "currency": "USD",
        "available_minor": 0,
        "required_minor": 1,
        "floor_minor": 0,
        "missing_minor": 1,
    }


def test_an_agreed_overdraft_is_for_postings_and_never_for_holds(book: Book) -> None:
    wallet = book.open("wallet", floor=-500)
    book.move("bank", "wallet", 100)

    for call in (
        lambda: book.hold("wallet", 101),
        lambda: book.two_phase(pair("wallet", "bank", 101)),
        lambda: book.two_phase(pair("wallet", "bank", 101, floor_minor=NO_FLOOR)),
        lambda: book.move("wallet", "bank", 601),
    ):
        with pytest.raises(errors.InsufficientFunds):
            call()
    hold = book.hold("wallet", 60)
    with pytest.raises(errors.InsufficientFunds):
        book.increase(hold.id, 41)
    book.move("wallet", "bank", 540)

    assert book.balances(wallet).available_minor == -500
    assert book.capture(hold.id).hold.state == "captured"  # what is held was covered, so a capture always passes
    assert book.balances(wallet).posted_minor == -500


def test_a_hold_on_an_account_without_a_floor_needs_the_funds_too(book: Book) -> None:
    book.open("hot")
    book.move("bank", "hot", 100)

    with pytest.raises(errors.InsufficientFunds):
        book.hold("hot", 101)
    book.hold("hot", 100)
    with pytest.raises(errors.InsufficientFunds):
        book.hold("hot", 1)


def test_the_highest_balance_counts_what_is_pending_in(book: Book) -> None:
    wallet = book.open("wallet", floor=0)
    book.limit(wallet, floor=0, ceiling=1000)
    book.open("payer", floor=0)
    book.move("bank", "payer", 5000)
    book.move("bank", "wallet", 600)
    hold = book.hold("payer", 300, destination="wallet")

    with pytest.raises(errors.BalanceLimitExceeded) as caught:
        book.move("bank", "wallet", 101)
    assert (caught.value.extra["balance_minor"], caught.value.extra["beyond_minor"]) == (900, 1)
    book.move("bank", "wallet", 100)
    book.capture(hold.id)
    assert book.balances(wallet).posted_minor == 1000
    with pytest.raises(errors.BalanceLimitExceeded):
        book.hold("payer", 1, destination="wallet")
    book.move("wallet", "bank", 400)
    assert book.balances(wallet).available_minor == 600


def test_a_posting_that_passes_through_is_counted_by_what_it_leaves(book: Book) -> None:
    wallet = book.open("wallet", floor=0)
    book.limit(wallet, floor=0, ceiling=10)
    through = [
        Line("bank", "debit", 1000),
        Line("wallet", "credit", 1000),
        Line("wallet", "debit", 1000),
        Line("suspense", "credit", 1000),
    ]

    book.post(through)

    assert book.net(wallet) == 0


def test_limits_that_a_balance_is_beyond_already_let_it_only_move_towards_them(book: Book) -> None:
    wallet = book.open("wallet", floor=-1000)
    book.move("wallet", "bank", 300)
    book.limit(wallet, floor=0, ceiling=500)

    with pytest.raises(errors.InsufficientFunds):
        book.move("wallet", "bank", 1)
    book.move("bank", "wallet", 100)
    assert book.net(wallet) == -200
    book.move("bank", "wallet", 700)
    book.limit(wallet, floor=0, ceiling=100)
    with pytest.raises(errors.BalanceLimitExceeded):
        book.move("bank", "wallet", 1)
    book.move("wallet", "bank", 100)


def test_a_limit_that_is_set_in_a_race_holds_for_all_that_follows(book: Book) -> None:
    with tenant_work(book.workspace):
        wallet = operations.open_account(
            code="limited", account_type="customer", currency="USD", sequencing="immediate", floor_minor=None,
            actor=actors.LEDGER, now=clock.now(),
        ).id  # fmt: skip
    calls = [lambda: book.move("limited", "bank", 10)] * 30
    calls.insert(15, lambda: book.limit(wallet, floor=0))  # type: ignore[arg-type,return-value]  # another kind of call

    results = at_once(calls, threads=8)

    refused = [result for result in results if isinstance(result, Exception)]
    assert all(isinstance(each, errors.InsufficientFunds) for each in refused)
    with pytest.raises(errors.InsufficientFunds):
        book.move("limited", "bank", 1)
    assert book.net(wallet) == -10 * (30 - len(refused))


def test_limits_that_no_balance_can_meet_are_refused(book: Book) -> None:
    wallet = book.open("wallet", floor=0)

    for floor, ceiling in ((5, 4), (2**53, None), (None, -(2**53))):
        with pytest.raises(errors.InvalidAccount):
            book.limit(wallet, floor=floor, ceiling=ceiling)


def test_an_account_that_is_numbered_after_the_fact_has_no_limits(book: Book) -> None:
    hot = book.open("hot")

    with pytest.raises(errors.LimitsNotAllowed):
        book.limit(hot, floor=0)


def test_who_changed_the_limits_and_why_stays_with_the_account(book: Book) -> None:
    account = book.open("wallet", floor=0)
    with tenant_work(book.workspace):
        changed = operations.set_limits(
            account_id=account,
            floor_minor=-100,
            ceiling_minor=500,
            reason="a credit line",
            actor=actors.LEDGER,
            now=clock.now(),
        )

    assert (changed.limits_reason, changed.limits_changed_by) == ("a credit line", actors.LEDGER.as_dict())
