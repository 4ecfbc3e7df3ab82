"""Every refusal leaves every balance, version, hold and event as it was, byte for byte. One ledger, all refusals."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from ledger import errors
from ledger.types import Bound, Fx, Line
from tests.ledger.book import Book, item, pair
from zentra.core import clock, ids
from zentra.core.canonical import NotCanonical
from zentra.core.errors import DomainError
from zentra.core.money import InvalidAmount, UnknownCurrency

Refusal = tuple[type[DomainError], Callable[[], object]]


@pytest.fixture
def ledger(book: Book) -> Book:
    """A ledger in which something of everything has happened."""
    ids_of = {code: book.open(code, floor=0) for code in ("wallet", "full", "cold", "gone")}
    book.open("hot")
    book.open("euro", currency="EUR")
    for code in ("wallet", "cold", "hot"):
        book.move("bank", code, 1000)
    book.limit(ids_of["full"], floor=0, ceiling=50)
    book.freeze(ids_of["cold"])
    book.close(ids_of["gone"])
    return book


def of_postings(book: Book) -> list[Refusal]:
    def post(*lines: Line, **more: object) -> Callable[[], object]:
        return lambda: book.post(lines, **more)

    def move(debit: str, credit: str, amount: object, **more: object) -> Callable[[], object]:
        return lambda: book.move(debit, credit, amount, **more)  # type: ignore[arg-type]  # on purpose

    later, first = clock.now() + timedelta(days=1), book.move("bank", "wallet", 1, intent_id="i1", purpose="reserve")
    wallet, euro = book.balances("wallet").account_id, book.sql("SELECT id FROM ledger_account WHERE code = 'euro'")[0]
    rate = Fx("EUR", "USD", "2", "desk")
    amounts: list[object] = [0, -1, 1.5, 1.0, True, "10", None, float("nan"), float("inf"), 2**53, 2**70]
    return [
        *[(InvalidAmount, move("bank", "wallet", amount)) for amount in amounts],
        (errors.UnbalancedPosting, post(Line("bank", "debit", 5), Line("wallet", "credit", 6))),
        (errors.UnbalancedPosting, post(Line("bank", "debit", 5), Line("wallet", "debit", 5))),
        (errors.UnbalancedPosting, post(Line("bank", "debit", 5), Line("euro", "credit", 5, currency="EUR"))),
        (errors.EmptyPosting, post()),
        (errors.IncompletePosting, post(Line("bank", "debit", 5))),
        (errors.InvalidPosting, post(Line("bank", "up", 5), Line("wallet", "down", 5))),  # type: ignore[arg-type]
        (errors.InvalidPosting, move("bank", "wallet", 5, purpose="Not a step")),
        (errors.InvalidPosting, move("bank", "wallet", 5, effective_at=clock.now().replace(tzinfo=None))),
        (errors.FutureEffectiveDate, move("bank", "wallet", 5, effective_at=later)),
        (NotCanonical, move("bank", "wallet", 5, metadata={"rate": 1.5})),
        (UnknownCurrency, move("bank", "wallet", 5, currency="XXX")),
        (errors.UnknownAccount, move("bank", "nobody", 5)),
        (errors.UnknownAccount, move("bank", ids.new_id("acct"), 5)),
        (errors.UnknownAccount, move("bank", "euro", 5)),
        (errors.CurrencyMismatch, move("bank", ids.to_public("acct", euro[0]), 5)),
        (errors.AccountFrozen, move("bank", "cold", 5)),
        (errors.AccountFrozen, move("cold", "bank", 5_000)),  # told before the missing balance
        (errors.AccountClosed, move("bank", "gone", 5)),
        (errors.InsufficientFunds, move("wallet", "bank", 5_000)),
        (errors.InsufficientFunds, post(*pair("hot", "bank", 5_000, floor_minor=0))),
        (errors.BalanceLimitExceeded, move("bank", "full", 51)),
        (errors.BalanceOverflow, move("bank", "wallet", 2**53 - 1)),
        (errors.ConditionFailed, post(*pair("wallet", "bank", 5, bounds=(Bound("posted", at_least_minor=5_000),)))),
        (errors.StaleAccount, post(*pair("wallet", "bank", 5, lock_version=99))),
        (errors.InvalidRate, post(*pair("bank", "wallet", 5), fx=rate)),
        (errors.PostingConflict, move("bank", "wallet", 2, intent_id="i1", purpose="reserve")),
        (errors.PostingConflict, move("bank", "wallet", 2, posting_id=first.posting_id)),
        (
            errors.BatchRefused,
            lambda: book.batch([item(pair("bank", wallet, 5)), item(pair("x", "y", 1))], is_atomic=True),
        ),
        (errors.BatchTooLarge, lambda: book.batch([], is_atomic=True)),
    ]


def of_holds(book: Book) -> list[Refusal]:
    open_one, ended = book.hold("wallet", 300), book.hold("wallet", 10)
    whole = book.two_phase(pair("wallet", "bank", 20))
    book.release(ended.id)
    now = clock.now()
    return [
        (errors.InsufficientFunds, lambda: book.hold("wallet", 5_000)),
        (errors.InsufficientFunds, lambda: book.hold("hot", 5_000)),
        (errors.AccountFrozen, lambda: book.hold("cold", 5)),
        (errors.AccountClosed, lambda: book.hold("wallet", 5, destination="gone")),
        (errors.UnknownAccount, lambda: book.hold("nobody", 5)),
        (errors.InvalidHold, lambda: book.hold("wallet", 5, destination="wallet")),
        (errors.InvalidHold, lambda: book.hold("wallet", 5, expires_at=now - timedelta(seconds=1))),
        (InvalidAmount, lambda: book.hold("wallet", 0)),
        (InvalidAmount, lambda: book.hold("wallet", True)),
        (errors.InvalidHold, lambda: book.two_phase([Line("wallet", "debit", 5), Line("bank", "debit", 5)])),
        (errors.UnbalancedPosting, lambda: book.two_phase([Line("wallet", "debit", 5), Line("bank", "credit", 6)])),
        (errors.OverCapture, lambda: book.capture(open_one.id, 301)),
        (errors.InvalidHold, lambda: book.capture(open_one.id, destination="wallet")),
        (errors.AccountFrozen, lambda: book.capture(open_one.id, destination="cold")),
        (errors.BalanceLimitExceeded, lambda: book.capture(open_one.id, 51, destination="full")),
        (errors.OverRelease, lambda: book.release(open_one.id, 301)),
        (errors.InsufficientFunds, lambda: book.increase(open_one.id, 5_000)),
        (errors.HoldClosed, lambda: book.release(ended.id)),
        (errors.HoldClosed, lambda: book.capture(ended.id)),
        (errors.HoldClosed, lambda: book.increase(ended.id, 1)),
        (errors.HoldClosed, lambda: book.extend(ended.id, None, now=now)),
        (errors.HoldNotFound, lambda: book.capture(ids.new_id("hold"))),
        (errors.InvalidHold, lambda: book.capture(whole.id, 5)),
        (errors.InvalidHold, lambda: book.release(whole.id, 5)),
        (errors.InvalidHold, lambda: book.increase(whole.id, 5)),
        (errors.InvalidHold, lambda: book.extend(open_one.id, now, now=now)),
    ]


def of_reversals_and_accounts(book: Book) -> list[Refusal]:
    part, done = book.move("bank", "wallet", 100), book.move("bank", "wallet", 100)
    book.reverse(part, amount_minor=60)
    reversal = book.reverse(done)
    of = {code: book.balances(code).account_id for code in ("wallet", "gone", "hot")}
    return [
        (errors.OverReversal, lambda: book.reverse(part, amount_minor=41)),
        (errors.AlreadyReversed, lambda: book.reverse(done)),
        (errors.AlreadyReversed, lambda: book.reverse(done, amount_minor=1)),
        (errors.ReversalOfReversal, lambda: book.reverse(reversal)),
        (errors.ReversalOfReversal, lambda: book.reverse(reversal, amount_minor=5_000)),
        (errors.AlreadyReversed, lambda: book.correct(done, pair("bank", "wallet", 5))),
        (errors.InsufficientFunds, lambda: book.correct(part, pair("wallet", "bank", 5_000))),
        (errors.AccountNotEmpty, lambda: book.close(of["wallet"])),
        (errors.AccountNotEmpty, lambda: book.close(of["hot"])),
        (errors.AccountClosed, lambda: book.freeze(of["gone"])),
        (errors.AccountClosed, lambda: book.unfreeze(of["gone"])),
        (errors.AccountClosed, lambda: book.limit(of["gone"], floor=0)),
        (errors.LimitsNotAllowed, lambda: book.limit(of["hot"], floor=0)),
        (errors.InvalidAccount, lambda: book.limit(of["wallet"], floor=5, ceiling=4)),
        (errors.AccountNotFound, lambda: book.freeze(ids.new_id("acct"))),
        (errors.AccountExists, lambda: book.open("wallet")),
        (errors.UnknownAccountType, lambda: book.open("new", account_type="piggy")),
        (errors.InvalidAccount, lambda: book.open("not a code")),
    ]


@pytest.mark.parametrize("refusals", [of_postings, of_holds, of_reversals_and_accounts])
def test_what_is_refused_leaves_no_trace(ledger: Book, refusals: Callable[[Book], list[Refusal]]) -> None:
    asked = refusals(ledger)
    before = ledger.contents()

    for number, (refusal, call) in enumerate(asked):
        with pytest.raises(refusal) as caught:
            call()
        assert type(caught.value) is refusal, (number, refusal)
        assert ledger.contents() == before, (number, refusal)
    assert ledger.drift() == {"USD": 0, "EUR": 0}
