"""A batch is one call and one transaction: all of it or none, or each posting by itself."""

import pytest

from ledger import errors, queries
from ledger.types import Bound, Line, Posted
from tests.ledger.book import Book, at_once, item, pair
from zentra.core import ids
from zentra.core.tenancy import tenant_work


@pytest.fixture
def wallet(book: Book) -> str:
    """A customer's account that holds 100 and may not be overdrawn."""
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 100)
    return "wallet"


def test_all_or_nothing_writes_all_in_their_order(book: Book, wallet: str) -> None:
    posted = book.batch([item(pair("bank", wallet, 50)), item(pair(wallet, "bank", 140))], is_atomic=True)

    assert [each.amount_minor for each in posted if isinstance(each, Posted)] == [50, 140]
    assert book.net(wallet) == 10


def test_all_or_nothing_writes_nothing_and_names_the_first_that_is_refused(book: Book, wallet: str) -> None:
    before = book.contents()

    for place, lines, code in (
        (1, pair(wallet, "bank", 151), "insufficient_funds"),
        (2, pair("nobody", "bank", 1), "unknown_account"),
        (0, [Line(wallet, "debit", 1), Line("bank", "credit", 2)], "unbalanced_posting"),
    ):
        items = [item(pair("bank", wallet, 50)), item(pair(wallet, "bank", 1))]
        items.insert(place, item(lines))
        with pytest.raises(errors.BatchRefused) as caught:
            book.batch(items, is_atomic=True)
        assert (caught.value.extra["index"], caught.value.extra["refused_code"]) == (place, code)
        assert book.contents() == before


def test_each_by_itself_answers_for_each_in_its_place(book: Book, wallet: str) -> None:
    first = book.move("bank", wallet, 5, intent_id="i1", purpose="reserve")
    frozen = book.open("frozen")
    book.freeze(frozen)

    answers = book.batch(
        [
            item(pair(wallet, "bank", 60)),
            item(pair(wallet, "bank", 60)),
            item(pair("bank", "frozen", 1)),
            item(pair("bank", wallet, 7), intent_id="i1", purpose="reserve"),
            item(pair("bank", wallet, 5), intent_id="i1", purpose="reserve"),
            item([Line(wallet, "debit", 0), Line("bank", "credit", 0)]),
            item(pair(wallet, "bank", 45)),
        ],
        is_atomic=False,
    )

    assert [getattr(answer, "code", "posted") for answer in answers] == [
        "posted",
        "insufficient_funds",
        "account_frozen",
        "posting_conflict",
        "posted",
        "invalid_amount",
        "posted",
    ]
    replay = answers[4]
    assert isinstance(replay, Posted)
    assert (replay.replayed, replay.posting_id) == (True, first.posting_id)
    assert book.net(wallet) == 0
    assert book.diverging() == 0


def test_conditions_hold_just_before_and_just_after_their_own_posting(book: Book, wallet: str) -> None:
    version = book.balances(wallet).lock_version

    answers = book.batch(
        [
            item(pair(wallet, "bank", 10, lock_version=version, bounds=(Bound("posted", 90, 90),))),
            item(pair(wallet, "bank", 10, lock_version=version)),
            item(pair(wallet, "bank", 10, lock_version=version + 1, bounds=(Bound("posted", 80, 80),))),
            item(pair(wallet, "bank", 10, bounds=(Bound("available", at_least_minor=71),))),
        ],
        is_atomic=False,
    )

    assert [getattr(answer, "code", "posted") for answer in answers] == [
        "posted",
        "stale_account_version",
        "posted",
        "balance_condition_failed",
    ]
    assert book.net(wallet) == 80


@pytest.mark.parametrize("is_atomic", [True, False])
def test_a_condition_holds_beside_postings_that_stand_already(book: Book, wallet: str, is_atomic: bool) -> None:
    stands = item(pair("bank", wallet, 7))
    book.batch([stands], is_atomic=True)
    asks = item(pair(wallet, "bank", 1, bounds=(Bound("available", at_least_minor=1_000),)))

    if is_atomic:
        with pytest.raises(errors.BatchRefused) as caught:
            book.batch([stands, asks], is_atomic=True)
        assert caught.value.extra["refused_code"] == "balance_condition_failed"
    else:
        first, second = book.batch([stands, asks], is_atomic=False)
        assert isinstance(first, Posted)
        assert first.replayed
        assert isinstance(second, errors.ConditionFailed)
    assert book.net(wallet) == 107


def test_the_same_posting_twice_in_one_batch_is_one_posting(book: Book, wallet: str) -> None:
    posting_id = ids.new_id("posting")

    answers = book.batch(
        [item(pair("bank", wallet, 7), posting_id=posting_id), item(pair("bank", wallet, 7), posting_id=posting_id)],
        is_atomic=True,
    )

    assert [answer.replayed for answer in answers if isinstance(answer, Posted)] == [False, True]
    assert book.net(wallet) == 107


def test_a_batch_is_recorded_at_one_moment_so_that_its_hashes_are_those_of_its_rows(book: Book, wallet: str) -> None:
    answers = book.batch([item(pair("bank", wallet, 1)), item(pair("bank", wallet, 2))], is_atomic=True)

    with tenant_work(book.workspace):
        for answer in answers:
            assert isinstance(answer, Posted)
            assert queries.verify_entry_hash(posting_id=answer.posting_id)


def test_a_batch_has_a_size(book: Book) -> None:
    for size in (0, 1_001):
        with pytest.raises(errors.BatchTooLarge):
            book.batch([item(pair("bank", "suspense", 1))] * size, is_atomic=False)


def test_the_same_batches_at_once_apply_once_and_never_wait_in_a_circle(book: Book, wallet: str) -> None:
    other = book.open("other", floor=0)
    sound = [item(pair("bank", account, 3)) for account in (wallet, other, wallet, other)]
    refused = item(pair(wallet, "bank", 10_000))
    batch = [sound[0], sound[1], refused, sound[2], sound[3]]

    answers = at_once([lambda: book.batch(batch, is_atomic=False)] * 12, threads=12)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert (book.net(wallet), book.net(other)) == (106, 6)
