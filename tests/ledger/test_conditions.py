"""What a call asks of balances: the version before it, bounds after it, and a look at what would be."""

import pytest

from ledger import errors, operations
from ledger.types import Bound, Line
from tests.ledger.book import Book, at_once, item, pair
from zentra.core.tenancy import tenant_work


@pytest.fixture
def wallet(book: Book) -> str:
    """A customer's account that holds 100 and may not be overdrawn."""
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 100)
    return "wallet"


def test_of_writers_that_decided_on_the_same_version_one_is_first(book: Book, wallet: str) -> None:
    version = book.balances(wallet).lock_version

    results = at_once([lambda: book.post(pair(wallet, "bank", 10, lock_version=version))] * 8, threads=8)

    assert sorted(getattr(result, "code", "posted") for result in results) == ["posted"] + ["stale_account_version"] * 7
    assert book.net(wallet) == 90
    stale = next(result for result in results if isinstance(result, errors.StaleAccount))
    assert stale.extra == {"account": wallet, "lock_version": version, "version": version + 1}


def test_a_version_counts_entries_that_wait_for_the_sequencer(book: Book) -> None:
    book.open("hot")
    book.move("bank", "hot", 1)
    book.move("bank", "hot", 1)
    book.sequence(limit=1)

    with pytest.raises(errors.StaleAccount):
        book.post(pair("hot", "bank", 1, lock_version=1))
    book.post(pair("hot", "bank", 1, lock_version=2))
    assert book.net("hot") == 1


def test_bounds_are_of_the_balance_after_the_posting(book: Book) -> None:
    """100 posted, 30 of it held; 40 go."""
    cases = [
        (Bound("posted", at_least_minor=60), True),
        (Bound("posted", at_least_minor=61), False),
        (Bound("posted", at_most_minor=60), True),
        (Bound("posted", at_most_minor=59), False),
        (Bound("available", 30, 30), True),
        (Bound("available", at_least_minor=31), False),
        (Bound("pending", -30, -30), True),
        (Bound("pending", at_least_minor=-29), False),
    ]
    for number, (bound, holds) in enumerate(cases):
        code = f"wallet{number}"
        book.open(code, floor=0)
        book.move("bank", code, 100)
        book.hold(code, 30)
        lines = [Line(code, "debit", 40, bounds=(bound,)), Line("bank", "credit", 40)]
        before = book.contents()

        if holds:
            assert book.post(lines).amount_minor == 40
            continue
        with pytest.raises(errors.ConditionFailed) as caught:
            book.post(lines)
        assert caught.value.extra["metric"] == bound.metric
        assert book.contents() == before


def test_a_bound_counts_in_the_normal_direction_of_its_account(book: Book) -> None:
    book.open("till", account_type="bank")

    with pytest.raises(errors.ConditionFailed) as caught:
        book.post([Line("till", "debit", 5, bounds=(Bound("posted", at_most_minor=4),)), Line("suspense", "credit", 5)])
    assert caught.value.extra["balance_minor"] == 5


def test_a_step_that_stands_is_replayed_whatever_the_account_did_since(book: Book, wallet: str) -> None:
    """The retry after a lost answer: its version is stale by its own first try."""
    version = book.balances(wallet).lock_version
    lines = pair(wallet, "bank", 100, lock_version=version, bounds=(Bound("available", 0, 0),))
    first = book.post(lines, intent_id="i1", purpose="reserve")
    book.move("bank", wallet, 55)

    again = book.post(lines, intent_id="i1", purpose="reserve")

    assert (again.replayed, again.posting_id) == (True, first.posting_id)
    assert book.net(wallet) == 55


def test_a_preview_says_what_would_be_and_writes_nothing(book: Book, wallet: str) -> None:
    before = book.contents()

    with tenant_work(book.workspace):
        preview = operations.preview_posting(item=item(pair(wallet, "bank", 70)))
    balances = {each.account_code: each.posted_minor for each in preview.balances.values()}
    assert balances["wallet"] == 30
    with pytest.raises(errors.InsufficientFunds), tenant_work(book.workspace):
        operations.preview_posting(item=item(pair(wallet, "bank", 101)))

    assert book.contents() == before
    assert book.post(pair(wallet, "bank", 70), posting_id=preview.posted.posting_id).replayed is False
