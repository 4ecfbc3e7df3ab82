"""32 clients on 10 accounts do everything at once: all of it ends, nothing deadlocks, and the books are whole."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from ledger import errors, operations
from ledger.types import Bound, Line
from tests.ledger.book import Book, at_once, item, pair, terms
from tests.ledger.whole import assert_whole
from zentra.core import clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work

SECONDS = 6
CLIENTS = 32


@pytest.fixture
def many_connections(book: Book) -> Iterator[None]:
    """A database connection for each client, more than a process usually keeps."""
    pool: Any = connection.pool  # type: ignore[attr-defined]  # of Django's PostgreSQL backend
    usual = pool.max_size
    pool.resize(1, CLIENTS + 4)
    yield
    pool.resize(1, usual)


def deadlocks(book: Book) -> int:
    """How many the server has ended in this database, all told."""
    with tenant_work(book.workspace), connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot(), pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


class Client:
    """Does whatever comes to its mind to the ten accounts."""

    def __init__(self, book: Book, accounts: dict[str, str], seed: int, done: Counter[str]) -> None:
        self.book, self.ids, self.dice, self.done = book, accounts, random.Random(seed), done
        self.codes = list(accounts)
        self.holds: list[str] = []
        self.written: list[Any] = []
        self.work: list[Callable[[], object]] = [
            self.post, self.post, self.post, self.post_many, self.post_on_condition, self.batch, self.place, self.place,
            self.capture, self.capture, self.release, self.grow, self.two_phase, self.reverse,
            self.reverse_on_condition, self.correct, self.expire, self.sequence, self.freeze, self.limit, self.fold,
        ]  # fmt: skip

    def run(self, until: float) -> list[Exception]:
        """Work until then; what went wrong in a way that is no refusal."""
        wrong: list[Exception] = []
        while time.monotonic() < until:
            act = self.dice.choice(self.work)
            try:
                act()
                self.done[act.__name__] += 1
            except DomainError as error:
                self.done[error.code] += 1
                if isinstance(error, errors.UnbalancedPosting):
                    wrong.append(error)
            except Exception as error:  # noqa: BLE001  # the test looks at each
                wrong.append(error)
        connection.close()
        return wrong

    def two(self) -> tuple[str, str]:
        first, second = self.dice.sample(self.codes, 2)
        return first, second

    def lines(self) -> list[Line]:
        return pair(*self.two(), self.dice.randint(1, 40))

    def hold_id(self) -> str:
        return self.dice.choice(self.holds) if self.holds else self.place()

    def post(self) -> None:
        self.written.append(self.book.post(self.lines()))

    def post_many(self) -> None:
        takers = self.dice.sample(self.codes, 4)
        self.book.post([*(Line(code, "debit", 3) for code in takers[:3]), Line(takers[3], "credit", 9)])

    def post_on_condition(self) -> None:
        debit, credit = self.two()
        self.book.post(pair(debit, credit, 5, bounds=(Bound("available", at_least_minor=self.dice.randint(-50, 400)),)))

    def batch(self) -> None:
        items = [item(self.lines()) for _ in range(self.dice.randint(2, 8))]
        self.book.batch(items, is_atomic=self.dice.random() < 0.5)

    def place(self) -> str:
        code, into = self.two()
        due = clock.now() + timedelta(milliseconds=self.dice.randint(50, 2000))
        self.holds.append(self.book.hold(code, self.dice.randint(1, 60), destination=into, expires_at=due).id)
        return self.holds[-1]

    def two_phase(self) -> None:
        self.holds.append(self.book.two_phase(self.lines()).id)

    def capture(self) -> None:
        self.book.capture(self.hold_id(), self.dice.choice([None, 5]), release_rest=self.dice.random() < 0.3)

    def release(self) -> None:
        self.book.release(self.hold_id(), self.dice.choice([None, 5]))

    def grow(self) -> None:
        self.book.increase(self.hold_id(), 5)

    def reverse(self) -> None:
        if self.written:
            self.book.reverse(self.dice.choice(self.written), amount_minor=self.dice.choice([None, 1, 5]))

    def reverse_on_condition(self) -> None:
        if self.written:
            posted = self.dice.choice(self.written)
            back = [
                Line(entry.account_code, "credit" if entry.direction == "debit" else "debit", 1,
                     bounds=(Bound("posted", at_least_minor=-(10**9)),))
                for entry in posted.entries
            ]  # fmt: skip
            self.book.reverse(posted, lines=back)

    def correct(self) -> None:
        if self.written:
            self.book.correct(self.dice.choice(self.written), self.lines())

    def expire(self) -> None:
        self.book.expire(now=clock.now())

    def sequence(self) -> None:
        self.book.sequence(limit=self.dice.choice([5, 50, 5000]))

    def fold(self) -> None:
        with tenant_work(self.book.workspace):
            operations.fold_due()

    def freeze(self) -> None:
        account = self.ids[self.dice.choice(self.codes)]
        self.book.freeze(account)
        self.book.unfreeze(account)

    def limit(self) -> None:
        code = self.dice.choice(self.codes)
        self.book.limit(self.ids[code], floor=self.dice.choice([0, -100]), ceiling=self.dice.choice([None, 5_000]))


def test_32_clients_do_everything_to_10_accounts_and_nobody_waits_in_a_circle(
    book: Book, many_connections: None
) -> None:
    accounts = {f"w{n}": book.open(f"w{n}", floor=0) for n in range(6)} | {
        f"h{n}": book.open(f"h{n}") for n in range(4)
    }
    for code in accounts:
        book.move("bank", code, 1_000)
    before, until, done = deadlocks(book), time.monotonic() + SECONDS, Counter[str]()
    shared: list[Any] = []
    clients = [Client(book, accounts, seed, done) for seed in range(CLIENTS)]
    for client in clients:
        client.holds, client.written = clients[0].holds, shared  # they meet at the same holds and postings

    results = at_once([lambda client=client: client.run(until) for client in clients], threads=CLIENTS)  # type: ignore[misc]  # its client

    assert [error for wrong in results for error in (wrong if isinstance(wrong, list) else [wrong])] == []
    for account in accounts.values():
        book.unfreeze(account)
    book.expire(now=clock.now() + timedelta(minutes=1))
    assert deadlocks(book) == before
    assert sum(done.values()) > CLIENTS
    assert_whole(book)


def test_the_same_call_twice_in_different_shapes_never_waits_in_a_circle(book: Book) -> None:
    """Batches with a refusal in them, sent twice at once, and beside them reversals with and without conditions."""
    for code in ("x", "y", "z"):
        book.open(code, floor=0)
        book.move("bank", code, 10_000)
    before = deadlocks(book)

    for _ in range(6):
        sale = book.move("x", "y", 100)
        refund = [Line("y", "debit", 10), Line("x", "credit", 10)]
        asked = [Line("y", "debit", 10, bounds=(Bound("posted", at_least_minor=0),)), Line("x", "credit", 10)]
        batch = [item(pair("z", "x", 1)), item(pair("y", "z", 1)), item(pair("x", "y", 10**6)), item(pair("x", "z", 1))]
        calls: list[Callable[[], Any]] = [
            lambda: book.batch(batch, is_atomic=False),  # noqa: B023  # run at once
            lambda: book.batch(batch, is_atomic=False),  # noqa: B023
            lambda: book.batch(batch[:2], is_atomic=True),  # noqa: B023
            lambda: book.reverse(sale, lines=refund),  # noqa: B023
            lambda: book.reverse(sale, lines=asked),  # noqa: B023
            lambda: book.reverse(sale, lines=refund),  # noqa: B023
            lambda: book.reverse(sale, lines=asked),  # noqa: B023
        ]
        results = at_once(calls, threads=len(calls))
        assert [result for result in results if isinstance(result, Exception)] == []

    assert deadlocks(book) == before
    assert_whole(book)


def test_a_wait_for_a_lock_ends_and_says_that_the_call_may_be_repeated(book: Book) -> None:
    """A client that holds an account and sleeps costs others a bounded wait, never a wrong answer."""
    hot = book.open("hot")
    book.move("bank", "hot", 5)
    began, go_on = threading.Event(), threading.Event()

    def sleeper() -> None:
        with tenant_work(book.workspace):
            operations.post_entries(lines=pair("bank", "hot", 1), **terms())
            began.set()
            go_on.wait(20)
        connection.close()

    thread = threading.Thread(target=sleeper)
    thread.start()
    assert began.wait(10)
    started = time.monotonic()
    results = at_once([lambda: book.freeze(hot)], threads=1)
    waited = time.monotonic() - started
    go_on.set()
    thread.join()

    assert isinstance(results[0], errors.LedgerBusy)
    assert results[0].retryable
    assert waited < 10
    assert book.freeze(hot).state == "frozen"
