"""A posting is taken back whole or in parts, and never by more than it moved, whoever races."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger import errors
from ledger.types import Bound, Line, Posted
from tests.ledger.book import Book, at_once, pair
from zentra.core import ids


@pytest.fixture
def sale(book: Book) -> Posted:
    """A split payment: 1,000 from a wallet, 950 to the shop, 50 fee."""
    book.open("wallet", floor=0)
    book.open("shop", floor=0, account_type="merchant")
    book.open("commission", account_type="income")
    book.move("bank", "wallet", 1000)
    return book.post([Line("wallet", "debit", 1000), Line("shop", "credit", 950), Line("commission", "credit", 50)])


def nets(book: Book) -> tuple[int, int, int]:
    return book.net("wallet"), book.net("shop"), book.net("commission")


def test_parts_add_up_to_the_whole_and_no_further(book: Book, sale: Posted) -> None:
    refund = [Line("shop", "debit", 190), Line("commission", "debit", 10), Line("wallet", "credit", 200)]

    first = book.reverse(sale, lines=refund)
    rest = book.reverse(sale)

    assert (first.reverses_id, rest.reverses_id) == (sale.posting_id, sale.posting_id)
    assert {entry.account_code: entry.signed_minor for entry in rest.entries} == {
        "wallet": 800,
        "shop": -760,
        "commission": -40,
    }
    assert nets(book) == (1000, 0, 0)
    with pytest.raises(errors.AlreadyReversed) as caught:
        book.reverse(sale)
    assert caught.value.extra["reversal_ids"] == [first.posting_id, rest.posting_id]


def test_a_part_goes_back_the_way_it_came(book: Book, sale: Posted) -> None:
    before = book.contents()
    cases = [
        ([Line("shop", "debit", 951), Line("wallet", "credit", 951)], 950),  # more than the shop got
        ([Line("bank", "debit", 1), Line("wallet", "credit", 1)], 0),  # an account that it never touched
        ([Line("wallet", "debit", 10), Line("shop", "credit", 10)], 0),  # the same way again
        ([Line("shop", "debit", 5), Line("shop", "credit", 5)], 0),
    ]

    for lines, remaining in cases:
        with pytest.raises(errors.OverReversal) as caught:
            book.reverse(sale, lines=lines)
        assert caught.value.extra["remaining_minor"] == remaining
        assert book.contents() == before


def test_one_amount_is_enough_for_two_entries_only(book: Book, sale: Posted) -> None:
    with pytest.raises(errors.InvalidPosting):
        book.reverse(sale, amount_minor=10)

    plain = book.move("bank", "wallet", 100)
    book.reverse(plain, amount_minor=60)
    with pytest.raises(errors.OverReversal) as caught:
        book.reverse(plain, amount_minor=41)
    assert (caught.value.extra["remaining_minor"], caught.value.extra["asked_minor"]) == (40, 41)
    assert book.reverse(plain).amount_minor == 40


def test_a_reversal_is_not_reversed_and_what_is_pending_neither(book: Book, sale: Posted) -> None:
    reversal = book.reverse(sale)
    with pytest.raises(errors.ReversalOfReversal):
        book.reverse(reversal)

    book.two_phase(pair("wallet", "shop", 10))
    (pending,) = book.sql("SELECT id FROM ledger_posting WHERE state = 'pending'")[0]
    waiting = replace(sale, posting_id=ids.to_public("posting", pending))
    with pytest.raises(errors.PostingNotPosted):
        book.reverse(waiting)


def test_reversals_at_once_never_take_back_more_than_was_moved(book: Book, sale: Posted) -> None:
    """Parts, wholes and parts with a condition, which lock their accounts first: nobody waits in a circle."""

    def part(**more: object) -> list[Line]:
        return [Line("shop", "debit", 300, **more), Line("wallet", "credit", 300)]  # type: ignore[arg-type]  # bounds

    results = at_once(
        [
            *[lambda: book.reverse(sale, lines=part())] * 8,
            *[lambda: book.reverse(sale, lines=part(bounds=(Bound("available", at_least_minor=0),)))] * 8,
        ],
        threads=16,
    )

    stands = [result for result in results if isinstance(result, Posted)]
    codes = {getattr(result, "code", type(result).__name__) for result in results if isinstance(result, Exception)}
    assert len(stands) == 3
    assert codes == {"over_reversal"}
    assert book.net("shop") == 50
    assert book.diverging() == 0


def test_the_same_reversal_asked_again_is_the_same_and_another_one_is_not(book: Book, sale: Posted) -> None:
    other, reversal_id = book.move("bank", "wallet", 100), ids.new_id("posting")
    first = book.reverse(other, amount_minor=30, reversal_id=reversal_id)

    assert book.reverse(other, amount_minor=30, reversal_id=reversal_id).replayed
    others: list[Callable[[], Posted]] = [
        lambda: book.reverse(other, amount_minor=40, reversal_id=reversal_id),
        lambda: book.reverse(book.move("bank", "wallet", 30), reversal_id=reversal_id),
    ]
    for call in others:
        with pytest.raises(errors.PostingConflict) as caught:
            call()
        assert caught.value.extra["posting_id"] == first.posting_id


def test_a_correction_is_one_call_and_asked_again_the_same(book: Book, sale: Posted) -> None:
    wrong = book.move("bank", "wallet", 540)
    names = {"reversal_id": ids.new_id("posting"), "correction_id": ids.new_id("posting")}

    reversal, correction = book.correct(wrong, pair("bank", "wallet", 450), **names)
    again = book.correct(wrong, pair("bank", "wallet", 450), **names)

    assert (reversal.reverses_id, correction.corrects_id) == (wrong.posting_id, wrong.posting_id)
    assert correction.effective_at == wrong.effective_at
    assert [each.replayed for each in again] == [True, True]
    assert book.net("wallet") == 450


def test_a_correction_that_is_refused_reverses_nothing(book: Book, sale: Posted) -> None:
    wrong = book.move("bank", "wallet", 1)
    before = book.contents()

    with pytest.raises(errors.InsufficientFunds):
        book.correct(wrong, pair("wallet", "bank", 5_000))

    assert book.contents() == before


def test_a_reversal_is_held_to_limits_like_any_posting(book: Book, sale: Posted) -> None:
    book.move("shop", "bank", 950)

    with pytest.raises(errors.InsufficientFunds) as caught:
        book.reverse(sale)
    assert caught.value.extra["account"] == "shop"
