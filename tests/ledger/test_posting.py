"""One posting: what it writes, what it answers, what is refused and then leaves everything as it was."""

from datetime import timedelta
from uuid import uuid4

import pytest

from ledger import errors, operations, queries
from ledger.types import NO_FLOOR, Line, NewPosting, Posted, PostingFacts
from tests.ledger.book import Book
from zentra.core import actors, clock, ids
from zentra.core.errors import DomainError
from zentra.core.money import InvalidAmount, UnknownCurrency
from zentra.core.tenancy import tenant_work


def two(debit: str, credit: str, amount: int) -> list[Line]:
    return [Line(debit, "debit", amount), Line(credit, "credit", amount)]


def test_a_posting_answers_its_entries_in_the_order_of_its_lines(book: Book) -> None:
    posted = book.move("customer_balance", "reserved_balance", 125_000)

    assert [(entry.account_code, entry.direction, entry.amount_minor) for entry in posted.entries] == [
        ("customer_balance", "debit", 125_000),
        ("reserved_balance", "credit", 125_000),
    ]
    assert sum(entry.signed_minor for entry in posted.entries) == 0
    assert not posted.replayed


def test_balances_count_entries_at_once_and_the_same_after_sequencing(book: Book) -> None:
    account = book.open("hot")
    book.move("bank", account, 700)
    book.move(account, "bank", 200)
    before = book.balances(account)

    book.sequence()
    after = book.balances(account)

    assert (before.posted_minor, before.available_minor, before.unsequenced) == (500, 500, 2)
    assert (after.posted_minor, after.available_minor, after.unsequenced, after.version) == (500, 500, 0, 2)


def test_a_debit_normal_account_that_holds_money_is_positive(book: Book) -> None:
    before = book.balances("bank")

    book.move("bank", "suspense", 300)

    assert book.balances("bank").posted_minor == before.posted_minor + 300
    assert book.balances("bank").net_minor == before.net_minor - 300


def test_an_account_with_a_floor_is_numbered_in_the_call(book: Book) -> None:
    account = book.open("wallet", floor=0)
    book.move("bank", account, 1000)
    book.move(account, "bank", 400)

    with tenant_work(book.workspace):
        history = queries.account_history(account_id=account, limit=10)

    assert [(entry.version, entry.balance_after_minor) for entry in history] == [(2, 600), (1, 1000)]


def test_accounts_are_named_by_id_or_code_and_the_hash_is_of_those_words(book: Book) -> None:
    by_id = book.open("wallet", floor=0)

    posted = book.post([Line("bank", "debit", 5), Line(by_id, "credit", 5)])

    assert [entry.account_code for entry in posted.entries] == ["bank", "wallet"]
    with tenant_work(book.workspace):
        assert queries.verify_entry_hash(posting_id=posted.posting_id)


def test_the_floor_says_what_was_available_and_what_was_needed(book: Book) -> None:
    account = book.open("wallet", floor=-50)
    book.move("bank", account, 100)

    with pytest.raises(errors.InsufficientFunds) as refused:
        book.move(account, "bank", 151)

    assert refused.value.extra == {
        "account": "wallet",
        "currency": "USD",
        "available_minor": 100,
        "required_minor": 151,
        "floor_minor": -50,
        "missing_minor": 1,
    }
    assert book.move(account, "bank", 150).amount_minor == 150


def test_money_may_always_come_in_below_the_floor(book: Book) -> None:
    account = book.open("wallet", floor=0)
    book.post([Line(account, "debit", 100, NO_FLOOR), Line("bank", "credit", 100)])

    book.move("bank", account, 10)

    assert book.net(account) == -90


def test_a_posting_may_ask_for_cover_on_an_account_without_a_floor(book: Book) -> None:
    account = book.open("open")
    book.move("bank", account, 100)

    with pytest.raises(errors.InsufficientFunds) as refused:
        book.post([Line(account, "debit", 101, floor_minor=0), Line("bank", "credit", 101)])
    book.post([Line(account, "debit", 100, floor_minor=0), Line("bank", "credit", 100)])

    assert refused.value.extra["available_minor"] == 100  # the entry that waits for the sequencer counts
    assert book.net(account) == 0


def test_a_floor_is_checked_after_each_posting_of_a_call_not_after_each_entry(book: Book) -> None:
    account = book.open("wallet", floor=0)

    book.post(
        [Line(account, "debit", 5), Line("bank", "credit", 5), Line(account, "credit", 5), Line("bank", "debit", 5)]
    )

    assert book.balances(account).version == 2


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        ([], errors.IncompletePosting),
        ([Line("bank", "debit", 5)], errors.IncompletePosting),
        ([Line("bank", "debit", 5), Line("suspense", "credit", 6)], errors.UnbalancedPosting),
        ([Line("bank", "debit", 5), Line("suspense", "debit", 5)], errors.UnbalancedPosting),
        (two("bank", "suspense", 0), InvalidAmount),
        (two("bank", "suspense", -5), InvalidAmount),
        (two("bank", "suspense", 2**53), InvalidAmount),
        (two("bank", "suspense", True), InvalidAmount),
        (two("bank", "suspense", 5.0), InvalidAmount),  # type: ignore[arg-type]  # what a careless caller sends
        (two("bank", "suspense", "5"), InvalidAmount),  # type: ignore[arg-type]
        (two("nobody", "suspense", 5), errors.UnknownAccount),
        ([Line(uuid4(), "debit", 5), Line("bank", "credit", 5)], errors.UnknownAccount),
        ([Line("bank", "up", 5), Line("bank", "credit", 5)], errors.InvalidPosting),  # type: ignore[arg-type]
    ],
)
def test_a_malformed_posting_is_refused_and_leaves_no_trace(
    book: Book, lines: list[Line], refusal: type[DomainError]
) -> None:
    before = book.contents()

    with pytest.raises(refusal):
        book.post(lines)

    assert book.contents() == before


def test_a_refused_posting_leaves_every_balance_and_version_as_it_was(book: Book) -> None:
    account = book.open("wallet", floor=0)
    book.move("bank", account, 10)
    before = book.contents()

    with pytest.raises(errors.InsufficientFunds):
        book.move(account, "bank", 11)

    assert book.contents() == before


def test_an_account_of_another_currency_is_refused(book: Book) -> None:
    yen = book.open("yen", currency="JPY")

    with pytest.raises(errors.CurrencyMismatch) as refused:
        book.move("bank", yen, 5)

    assert refused.value.extra == {"account": "yen", "account_currency": "JPY", "currency": "USD"}


def test_an_unknown_currency_is_refused(book: Book) -> None:
    with pytest.raises(UnknownCurrency):
        book.move("bank", "suspense", 5, currency="XXX")


def test_a_frozen_account_takes_nothing_until_it_is_active_again(book: Book) -> None:
    account = book.open("wallet", floor=0)
    with tenant_work(book.workspace):
        operations.freeze_account(account_id=account, reason="investigation", actor=actors.LEDGER, now=clock.now())

    with pytest.raises(errors.AccountFrozen):
        book.move("bank", account, 5)
    with tenant_work(book.workspace):
        operations.unfreeze_account(account_id=account, reason="cleared", actor=actors.LEDGER, now=clock.now())

    assert book.move("bank", account, 5).amount_minor == 5


def test_a_closed_account_is_refused_by_its_own_code(book: Book) -> None:
    account = book.open("wallet", floor=0)
    with tenant_work(book.workspace):
        operations.close_account(account_id=account, reason="moved away", actor=actors.LEDGER, now=clock.now())

    with pytest.raises(errors.AccountClosed):
        book.move("bank", account, 5)


def test_the_future_is_refused(book: Book) -> None:
    now = clock.now()

    with pytest.raises(errors.FutureEffectiveDate):
        book.move("bank", "suspense", 5, at=now, effective_at=now + timedelta(seconds=1))


def test_a_balance_beyond_what_json_can_say_is_refused(book: Book) -> None:
    account = book.open("vast", floor=0)
    book.move("suspense", account, 2**53 - 1)
    book.sequence()

    with pytest.raises(errors.BalanceOverflow):
        book.move("bank", account, 1)
    with pytest.raises(errors.BalanceOverflow):
        book.move("suspense", "bank", 1)


def test_several_postings_of_one_call_happen_in_their_order(book: Book) -> None:
    account = book.open("wallet", floor=0)
    in_, out = two("bank", account, 100), two(account, "bank", 100)

    posted = post_steps(book, "i1", [("in", in_), ("out", out)])

    assert [each.purpose for each in posted] == ["in", "out"]
    assert book.balances(account).version == 2
    with pytest.raises(errors.InsufficientFunds):
        post_steps(book, "i2", [("out", out), ("in", in_)])


def post_steps(book: Book, intent_id: str, steps: list[tuple[str, list[Line]]]) -> list[Posted]:
    now = clock.now()
    facts = PostingFacts(actor=actors.LEDGER, recorded_at=now, correlation_id="req_test", intent_id=intent_id)
    postings = [NewPosting(ids.new_id("posting"), purpose, tuple(lines), "USD", now) for purpose, lines in steps]
    with tenant_work(book.workspace):
        return operations.post_postings(postings=postings, facts=facts)


def test_what_waits_for_the_sequencer_counts_towards_the_largest_balance(book: Book) -> None:
    """Two postings of the largest amount to an account that nobody locks: the second is refused all the same."""
    most = 2**53 - 1
    book.open("sink", account_type="settlement")
    book.open("source", account_type="settlement")
    book.move("source", "sink", most)

    with pytest.raises(errors.BalanceOverflow):
        book.move("source", "sink", most)
    assert book.net("sink") == most
