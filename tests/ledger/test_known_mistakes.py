"""The mistakes that ledgers are known for. Each test bears the name of one and shows that it cannot happen here."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection

from ledger import errors, operations
from ledger.types import HoldChange, Line, Posted
from tests.ledger.book import Book, at_once, pair, terms
from zentra.core import clock, ids, schema
from zentra.core.idempotency.operations import Answer, IdempotencyKeyReused, fingerprint, run_once
from zentra.core.money import InvalidAmount
from zentra.core.tenancy import tenant_work


@pytest.fixture
def wallet(book: Book) -> str:
    """A customer's account that holds 1,000 and may not be overdrawn."""
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 1000)
    return "wallet"


def test_what_is_held_still_counts_as_available(book: Book, wallet: str) -> None:
    book.hold(wallet, 700)

    assert book.balances(wallet).available_minor == 300
    with pytest.raises(errors.InsufficientFunds):
        book.move(wallet, "bank", 301)
    with pytest.raises(errors.InsufficientFunds):
        book.hold(wallet, 301)
    with pytest.raises(errors.InsufficientFunds):
        book.two_phase(pair(wallet, "bank", 301))


def test_what_is_pending_in_can_be_spent(book: Book, wallet: str) -> None:
    receiver = book.open("receiver", floor=0)
    book.hold(wallet, 700, destination="receiver")

    assert book.balances(receiver).available_minor == 0
    with pytest.raises(errors.InsufficientFunds):
        book.move("receiver", "bank", 1)


def test_two_captures_of_one_hold_at_once_both_move_money(book: Book, wallet: str) -> None:
    hold = book.hold(wallet, 300)

    whole = at_once([lambda: book.capture(hold.id)] * 6, threads=6)
    parts_of = book.hold(wallet, 300)
    parts = at_once([lambda: book.capture(parts_of.id, 200)] * 6, threads=6)

    assert sum(isinstance(result, HoldChange) for result in whole) == 1
    assert sum(isinstance(result, HoldChange) for result in parts) == 1
    assert {type(result) for result in parts if isinstance(result, Exception)} == {errors.OverCapture}
    assert book.balances(wallet).posted_minor == 500


def test_a_capture_and_a_release_at_once_both_happen(book: Book, wallet: str) -> None:
    for _ in range(5):
        hold = book.hold(wallet, 100)
        calls: list[Any] = [lambda: book.capture(hold.id), lambda: book.release(hold.id)]  # noqa: B023  # run at once
        at_once(calls, threads=2)
        ended = book.find_hold(hold.id)
        assert ended.captured_minor + ended.released_minor == 100
        assert (ended.state, max(ended.captured_minor, ended.released_minor)) in {("captured", 100), ("released", 100)}
    assert book.balances(wallet).pending_out_minor == 0


@pytest.mark.parametrize(
    "amount", [float("nan"), float("inf"), 0.1, 10.0, True, "10", "1e3", None, 0, -5, 2**53, 2**64, 10**30]
)
def test_not_a_number_a_fraction_a_truth_or_a_universe_is_an_amount(amount: Any) -> None:
    with pytest.raises(InvalidAmount):
        operations.post_entries(lines=pair("bank", "suspense", amount), **terms())
    with pytest.raises(InvalidAmount):
        operations.post_entries(
            lines=[Line("bank", "debit", amount), Line("suspense", "credit", amount)], **terms(purpose="x")
        )


def test_an_entry_can_be_deleted(book: Book, wallet: str) -> None:
    with pytest.raises(DatabaseError):
        book.sql("DELETE FROM ledger_entry")
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        for statement in ("DELETE FROM {}.ledger_entry", "UPDATE {}.ledger_entry SET amount_minor = 1"):
            with pytest.raises(psycopg.DatabaseError) as refusal:
                owner.execute(psycopg.sql.SQL(statement).format(psycopg.sql.Identifier(book.workspace.schema)))
            assert refusal.value.sqlstate == "ZL010"


def test_a_posting_without_entries_stands(book: Book) -> None:
    for lines in ([], [Line("bank", "debit", 5)]):
        with pytest.raises(errors.IncompletePosting):
            book.post(lines)


def test_a_decision_is_made_on_a_balance_that_was_read_before(book: Book, wallet: str) -> None:
    """Everybody reads 1,000 first, then acts on it: the check is made under the lock, by the posting itself."""
    seen = book.balances(wallet)
    assert seen.available_minor == 1000

    results = at_once([lambda: book.move(wallet, "bank", 400)] * 8, threads=8)
    sure = at_once([lambda: book.post(pair(wallet, "bank", 1, lock_version=seen.lock_version))] * 2, threads=2)

    assert sum(isinstance(result, Posted) for result in results) == 2
    assert {type(result) for result in sure} == {errors.StaleAccount}
    assert book.balances(wallet).available_minor == 200


def test_the_numbers_of_an_account_have_gaps(book: Book, wallet: str) -> None:
    """Rolled back, refused, repeated and previewed postings leave no hole, in either kind of account."""
    hot = book.open("hot")
    for number in range(6):
        book.move(wallet, "hot", 10)
        with pytest.raises(errors.InsufficientFunds):
            book.move(wallet, "hot", 5_000)
        with pytest.raises(RuntimeError), tenant_work(book.workspace):  # noqa: PT012  # the transaction is the point
            operations.post_entries(lines=pair(wallet, "hot", 10), **terms())
            raise RuntimeError
        if number % 2:
            book.sequence(limit=3)
    while book.sequence():
        pass

    for account in (book.balances(wallet).account_id, hot):
        rows = book.sql(
            "SELECT version, balance_after_minor, delta_minor FROM ledger_entry_position WHERE account_id = %s"
            " ORDER BY version",
            [ids.to_uuid(account, prefix="acct")],
        )
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert all(after[1] == before[1] + after[2] for before, after in pairwise(rows))


def test_two_equal_payments_are_taken_for_one(book: Book, wallet: str) -> None:
    """A key is never the payload: the same words under two keys, or under none, are two payments."""
    words: dict[str, object] = {"debit": wallet, "credit": "bank", "amount_minor": 10}

    def pay(key: str, amount: int = 10) -> Answer:
        def effect() -> Answer:
            posted = operations.post_entries(lines=pair(wallet, "bank", amount), **terms(idempotency_key=key))
            return Answer(201, posted.posting_id.encode())

        with tenant_work(book.workspace):
            return run_once(
                operation="ledger.post",
                key=key,
                fingerprint=fingerprint(method="POST", route="/x", body={**words, "amount_minor": amount}),
                now=clock.now(),
                effect=effect,
            )

    first, second, again = pay("k1"), pay("k2"), pay("k1")
    book.move(wallet, "bank", 10)
    book.move(wallet, "bank", 10)
    with pytest.raises(IdempotencyKeyReused) as caught:
        pay("k1", 11)

    assert first.body != second.body
    assert (again.body, again.replayed) == (first.body, True)
    assert set(caught.value.extra) >= {"first_fingerprint", "this_fingerprint"}
    assert book.net(wallet) == 1000 - 4 * 10


def test_one_payment_sent_many_times_at_once_is_paid_more_than_once(book: Book, wallet: str) -> None:
    posting_id = ids.new_id("posting")

    results = at_once([lambda: book.move(wallet, "bank", 10, posting_id=posting_id)] * 12, threads=12)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(not result.replayed for result in results if isinstance(result, Posted)) == 1
    assert book.net(wallet) == 990


def test_a_balance_can_be_written(book: Book, wallet: str) -> None:
    """There is no operation that sets a balance, and the role that all operations use could not."""
    with pytest.raises(DatabaseError):
        book.sql("UPDATE ledger_balance SET posted_credits = posted_credits + 1")

    assert not [
        name for name in operations.__all__ if "balance" in name and name.startswith(("set", "adjust", "update"))
    ]


def test_half_of_a_posting_is_visible(book: Book, wallet: str) -> None:
    """Whoever looks while a posting is under way sees none of it; afterwards all of it."""
    with tenant_work(book.workspace):
        operations.post_entries(lines=pair(wallet, "bank", 10), **terms())
        outside = at_once([lambda: (book.net(wallet), book.drift())], threads=1)
        assert connection.in_atomic_block
    assert outside == [(1000, {"USD": 0})]
    assert (book.net(wallet), book.drift()) == (990, {"USD": 0})


def test_money_appears_between_a_hold_and_its_capture(book: Book, wallet: str) -> None:
    """Pending and posted books each add up to zero at every step."""
    hold = book.hold(wallet, 300)
    steps: list[Callable[[], object]] = [
        lambda: book.increase(hold.id, 50),
        lambda: book.capture(hold.id, 120),
        lambda: book.release(hold.id, 30),
        lambda: book.capture(hold.id, 100, release_rest=True),
    ]
    for step in steps:
        step()
        (pending,) = book.sql(
            "SELECT sum(b.pending_debits - b.pending_credits) + coalesce((SELECT sum(pending_debits - pending_credits)"
            " FROM ledger_entry_unsequenced), 0) FROM ledger_balance b"
        )[0]
        assert (int(pending), book.drift()) == (0, {"USD": 0})
    assert book.balances(wallet).available_minor == 1000 - 220
