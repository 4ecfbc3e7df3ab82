"""Holds: what is reserved is not available, is captured or given back once, and stays visible until then."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger import errors, operations, queries
from ledger.types import HoldChange, Line
from tests.ledger.book import Book, at_once
from zentra.core import actors, clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work

STEP: dict[str, Any] = {"actor": actors.LEDGER, "correlation_id": "req_test"}


def place(book: Book, amount: int, *, account: str = "wallet", **more: Any) -> HoldChange:
    """A hold on an account, in the workspace's own transaction."""
    with tenant_work(book.workspace):
        return operations.place_hold(
            account=account,
            amount_minor=amount,
            reference="order 1",
            source="req_test",
            now=clock.now(),
            **STEP,
            **more,
        )


def capture(book: Book, hold_id: str, amount: int | None = None, **more: Any) -> HoldChange:
    """A capture of a hold."""
    with tenant_work(book.workspace):
        return operations.capture_hold(hold_id=hold_id, amount_minor=amount, now=clock.now(), **STEP, **more)


def release(book: Book, hold_id: str, amount: int | None = None) -> HoldChange:
    """A release of a hold."""
    with tenant_work(book.workspace):
        return operations.release_hold(hold_id=hold_id, amount_minor=amount, reason="test", now=clock.now(), **STEP)


@pytest.fixture
def wallet(book: Book) -> str:
    """A customer's account that holds 1,000 and may not be overdrawn."""
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 1000)
    return "wallet"


def test_what_is_held_is_not_available_and_stays_posted(book: Book, wallet: str) -> None:
    hold = place(book, 300).hold

    held = book.balances(wallet)
    assert (held.posted_minor, held.pending_out_minor, held.available_minor) == (1000, 300, 700)
    assert book.balances("reserved_balance").pending_in_minor == 300
    assert (hold.state, hold.amount_minor, hold.remaining_minor) == ("held", 300, 300)


def test_a_capture_moves_a_part_and_the_rest_stays_held(book: Book, wallet: str) -> None:
    hold_id = place(book, 300).hold.id

    change = capture(book, hold_id, 120)

    assert (change.hold.state, change.hold.captured_minor, change.hold.remaining_minor) == ("held", 120, 180)
    held = book.balances(wallet)
    assert (held.posted_minor, held.pending_out_minor, held.available_minor) == (880, 180, 700)
    assert book.balances("reserved_balance").posted_minor == 120


def test_the_last_capture_may_give_the_rest_back(book: Book, wallet: str) -> None:
    hold_id = place(book, 300).hold.id

    change = capture(book, hold_id, 120, release_rest=True, destination="merchant_balance")

    assert (change.hold.state, change.hold.captured_minor, change.hold.released_minor) == ("captured", 120, 180)
    assert book.balances(wallet).available_minor == 880
    assert change.hold.release_posting_id == change.postings[0].posting_id
    assert book.balances("reserved_balance").pending_minor == 0


def test_more_than_is_held_is_never_captured(book: Book, wallet: str) -> None:
    hold_id = place(book, 300).hold.id
    before = book.contents()

    with pytest.raises(errors.OverCapture) as caught:
        capture(book, hold_id, 301)

    assert caught.value.extra["remaining_minor"] == 300
    assert book.contents() == before


def test_what_ended_does_not_end_again(book: Book, wallet: str) -> None:
    hold_id = place(book, 300).hold.id
    release(book, hold_id)

    for again in (release, capture):
        with pytest.raises(errors.HoldClosed) as caught:
            again(book, hold_id)
        assert caught.value.extra["state"] == "released"


def test_two_captures_at_once_take_the_money_once(book: Book, wallet: str) -> None:
    hold_id = place(book, 300).hold.id

    results = at_once([lambda: capture(book, hold_id)] * 8, threads=8)

    assert sorted(type(result).__name__ for result in results) == ["HoldChange", *["HoldClosed"] * 7]
    assert book.balances(wallet).posted_minor == 700


def test_a_hold_never_draws_overdraft(book: Book) -> None:
    book.open("credit", floor=-500)
    book.move("bank", "credit", 100)

    with pytest.raises(errors.InsufficientFunds):
        place(book, 101, account="credit")
    assert place(book, 100, account="credit").hold.remaining_minor == 100


def test_held_funds_cannot_be_spent_twice(book: Book, wallet: str) -> None:
    place(book, 800)

    with pytest.raises(errors.InsufficientFunds) as caught:
        book.move(wallet, "bank", 201)
    assert caught.value.extra["available_minor"] == 200


def test_a_hold_grows_and_is_given_back_in_parts(book: Book, wallet: str) -> None:
    hold_id = place(book, 300).hold.id

    with tenant_work(book.workspace):
        operations.increase_hold(hold_id=hold_id, amount_minor=200, reason="tip", now=clock.now(), **STEP)
    hold = release(book, hold_id, 100).hold

    assert (hold.amount_minor, hold.released_minor, hold.remaining_minor) == (500, 100, 400)
    assert book.balances(wallet).available_minor == 600


def test_what_expires_is_given_back_and_told(book: Book, wallet: str) -> None:
    soon = clock.now() + timedelta(minutes=5)
    hold_id = place(book, 300, expires_at=soon).hold.id
    place(book, 100)

    with tenant_work(book.workspace):
        assert operations.expire_holds(now=clock.now(), actor=actors.LEDGER) == 0
        assert operations.expire_holds(now=soon, actor=actors.LEDGER) == 1
        hold = queries.get_hold(hold_id=hold_id)
        steps = [step.kind for step in queries.hold_events(hold_id=hold_id)]

    assert (hold.state, hold.released_minor) == ("expired", 300)
    assert steps == ["placed", "expired"]
    assert book.balances(wallet).available_minor == 900


def test_a_frozen_account_still_gets_back_what_is_held_but_nothing_is_captured(book: Book, wallet: str) -> None:
    hold_id = place(book, 300).hold.id
    with tenant_work(book.workspace):
        account = queries.find_account(ref=wallet)
        operations.freeze_account(account_id=account.id, reason="fraud?", actor=actors.LEDGER, now=clock.now())

    with pytest.raises(errors.AccountFrozen):
        capture(book, hold_id)
    assert release(book, hold_id).hold.state == "released"


def test_a_two_phase_posting_is_pending_until_it_is_posted_whole(book: Book, wallet: str) -> None:
    lines = [Line("wallet", "debit", 500), Line("merchant_balance", "credit", 480), Line("fees", "credit", 20)]
    with tenant_work(book.workspace):
        hold_id = operations.place_posting(
            lines=lines, currency="USD", reference="order 2", source="req_test", now=clock.now(), **STEP
        ).hold.id

    with pytest.raises(errors.InvalidHold):
        capture(book, hold_id, 100)
    merchant = book.balances("merchant_balance").posted_minor
    change = capture(book, hold_id)

    assert change.hold.state == "captured"
    assert book.balances("merchant_balance").posted_minor == merchant + 480
    assert book.balances(wallet).available_minor == 500
    assert book.drift() == {"USD": 0}


def test_the_database_itself_refuses_to_release_more_than_is_held(book: Book, wallet: str) -> None:
    """Round Python: a release posting of a hold for more than it holds, and on another account."""
    hold = place(book, 300).hold
    for debit, credit, amount in (("reserved_balance", "wallet", 301), ("reserved_balance", "bank", 10)):
        with pytest.raises(DomainError) as caught:
            forge(book, hold.id, debit, credit, amount)
        assert type(caught.value) in {errors.OverRelease, errors.OverCapture}
    assert book.balances(wallet).available_minor == 700


def forge(book: Book, hold_id: str, debit: str, credit: str, amount: int) -> None:
    """A release that no operation would write."""
    from ledger.types import NewPosting, PostingFacts
    from zentra.core import ids

    now = clock.now()
    lines = (Line(debit, "debit", amount), Line(credit, "credit", amount))
    posting = NewPosting(ids.new_id("posting"), "hold.release", lines, "USD", now, state="released", hold_id=hold_id)
    with tenant_work(book.workspace):
        operations.post_postings(postings=[posting], facts=PostingFacts(actors.LEDGER, now, "req_test"))


def test_an_extended_hold_ends_later_and_never_earlier(book: Book, wallet: str) -> None:
    soon = clock.now() + timedelta(minutes=5)
    hold_id = place(book, 300, expires_at=soon).hold.id

    assert book.extend(hold_id, soon + timedelta(minutes=5), now=clock.now()).expires_at == soon + timedelta(minutes=5)
    with pytest.raises(errors.InvalidHold):
        book.extend(hold_id, soon, now=clock.now())
    assert book.extend(hold_id, None, now=clock.now()).expires_at is None


def test_telling_of_many_expiries_takes_as_many_statements_as_of_one(book: Book, wallet: str) -> None:
    """They are told while the accounts' locks are held."""
    soon = clock.now() + timedelta(minutes=5)
    told: list[int] = []
    for holds in (1, 6):
        for _ in range(holds):
            place(book, 10, expires_at=soon)
        with tenant_work(book.workspace), CaptureQueriesContext(connection) as asked:
            assert operations.expire_holds(now=soon, actor=actors.LEDGER) == holds
        texts = [query["sql"] for query in asked.captured_queries]
        posted = next(place for place, text in enumerate(texts) if "ledger_post_each" in text)
        told.append(len(texts[posted + 1 :]))

    assert told[0] == told[1]
