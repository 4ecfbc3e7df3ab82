"""A step of an intent posts once; a posting is undone once, by a linked one."""

import pytest

from ledger import errors, queries
from ledger.types import Line
from tests.ledger.book import Book, at_once
from zentra.core import ids
from zentra.core.tenancy import tenant_work


def test_a_repeated_step_answers_the_first_posting_and_writes_nothing(book: Book) -> None:
    first = book.move("customer_balance", "reserved_balance", 500, intent_id="i1", purpose="reserve")
    before = book.contents()

    again = book.move("customer_balance", "reserved_balance", 500, intent_id="i1", purpose="reserve")

    assert again.replayed
    assert (again.posting_id, again.entries, again.entry_hash) == (first.posting_id, first.entries, first.entry_hash)
    assert book.contents() == before


def test_a_repeated_step_is_answered_even_when_the_money_is_gone_since(book: Book) -> None:
    account = book.open("wallet", floor=0)
    book.move("bank", account, 100)
    first = book.move(account, "bank", 100, intent_id="i1", purpose="reserve")

    again = book.move(account, "bank", 100, intent_id="i1", purpose="reserve")

    assert (again.replayed, again.posting_id) == (True, first.posting_id)


def test_the_same_posting_id_is_a_retry(book: Book) -> None:
    posting_id = ids.new_id("posting")
    first = book.move("bank", "suspense", 500, posting_id=posting_id)

    again = book.move("bank", "suspense", 500, posting_id=posting_id)

    assert (first.replayed, again.replayed) == (False, True)
    assert again.entries == first.entries


def test_a_step_that_stands_with_other_entries_is_a_conflict(book: Book) -> None:
    book.move("customer_balance", "reserved_balance", 500, intent_id="i1", purpose="reserve")

    with pytest.raises(errors.PostingConflict) as refused:
        book.move("customer_balance", "reserved_balance", 501, intent_id="i1", purpose="reserve")

    assert refused.value.extra["amount_minor"] == 500


def test_two_equal_postings_without_an_intent_are_two_postings(book: Book) -> None:
    before = book.net("suspense")

    book.move("bank", "suspense", 5)
    book.move("bank", "suspense", 5)

    assert book.net("suspense") == before + 10


def test_one_step_from_many_threads_posts_once(book: Book) -> None:
    account = book.open("wallet", floor=0)
    book.move("bank", account, 1000)

    results = at_once(
        [lambda: book.move(account, "bank", 100, intent_id="i1", purpose="reserve")] * 24,
        threads=8,
    )

    posted = [result for result in results if not isinstance(result, Exception)]
    assert len(posted) == 24
    assert {each.posting_id for each in posted} == {posted[0].posting_id}
    assert sum(not each.replayed for each in posted) == 1
    assert book.net(account) == 900


def test_a_reversal_turns_every_entry_round_and_names_what_it_undoes(book: Book) -> None:
    before = book.net("suspense")
    posted = book.move("bank", "suspense", 500)

    reversal = book.reverse(posted)

    assert reversal.reverses_id == posted.posting_id
    assert [(entry.account_code, entry.direction) for entry in reversal.entries] == [
        ("bank", "credit"),
        ("suspense", "debit"),
    ]
    assert book.net("suspense") == before
    with tenant_work(book.workspace):
        assert queries.verify_entry_hash(posting_id=reversal.posting_id)


def test_a_posting_is_reversed_once(book: Book) -> None:
    posted = book.move("bank", "suspense", 500, intent_id="i1", purpose="reserve")
    reversal = book.reverse(posted)

    with pytest.raises(errors.AlreadyReversed) as refused:
        book.reverse(posted)

    assert refused.value.extra["reversal_id"] == reversal.posting_id


def test_two_reversals_at_once_leave_one(book: Book) -> None:
    posted = book.move("bank", "suspense", 500)
    before = book.net("suspense")

    results = at_once([lambda: book.reverse(posted)] * 8, threads=8)

    assert sum(isinstance(result, errors.AlreadyReversed) for result in results) == 7
    assert book.net("suspense") == before - 500


def test_a_reversal_is_not_reversed(book: Book) -> None:
    reversal = book.reverse(book.move("bank", "suspense", 500))

    with pytest.raises(errors.ReversalOfReversal):
        book.reverse(reversal)


def test_reversing_what_does_not_exist_is_said(book: Book) -> None:
    posted = book.move("bank", "suspense", 5)
    nowhere = type(posted)(**{**{f: getattr(posted, f) for f in posted.__slots__}, "posting_id": ids.new_id("posting")})

    with pytest.raises(errors.PostingNotFound):
        book.reverse(nowhere)


def test_a_reversal_may_not_draw_below_a_floor(book: Book) -> None:
    account = book.open("wallet", floor=0)
    paid_in = book.move("bank", account, 100)
    book.post([Line(account, "debit", 60), Line("bank", "credit", 60)])

    with pytest.raises(errors.InsufficientFunds):
        book.reverse(paid_in)
