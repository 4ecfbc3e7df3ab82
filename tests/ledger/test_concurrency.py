"""Many connections at once: floors hold exactly, nothing deadlocks, the sum of everything is zero at every moment."""

import random
import threading

from django.db import connection

from ledger import errors
from ledger.types import Line
from tests.ledger.book import Book, at_once


def test_a_floor_is_exact_under_races(book: Book) -> None:
    account = book.open("wallet", floor=0)
    book.move("bank", account, 1000)

    results = at_once([lambda: book.move(account, "bank", 70)] * 32, threads=16)

    assert sum(not isinstance(result, Exception) for result in results) == 14
    assert all(isinstance(result, errors.InsufficientFunds) for result in results if isinstance(result, Exception))
    assert book.net(account) == 20


def test_cover_asked_for_by_postings_is_exact_among_them(book: Book) -> None:
    account = book.open("open")
    book.move("bank", account, 1000)
    covered = [Line(account, "debit", 70, floor_minor=0), Line("bank", "credit", 70)]

    results = at_once([lambda: book.post(covered)] * 24, threads=12)

    assert sum(not isinstance(result, Exception) for result in results) == 14
    assert book.net(account) == 20


def test_32_clients_on_10_accounts_never_deadlock(book: Book) -> None:
    accounts = [book.open(f"a{number}", floor=0) for number in range(10)]
    for account in accounts:
        book.move("bank", account, 10_000)
    dice = random.Random(7)

    def post() -> object:
        chosen = dice.sample(accounts, 4)
        return book.post(
            [
                Line(chosen[0], "debit", 7),
                Line(chosen[1], "debit", 5),
                Line(chosen[2], "credit", 4),
                Line(chosen[3], "credit", 8),
            ]
        )

    results = at_once([post] * 640, threads=32)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(book.net(account) for account in accounts) == 100_000
    assert book.diverging() == 0


def test_versions_of_an_account_have_no_gaps(book: Book) -> None:
    locked, hot = book.open("wallet", floor=0), book.open("hot")

    at_once([lambda: book.move("bank", locked, 3)] * 40 + [lambda: book.move("bank", hot, 3)] * 40, threads=8)
    while book.sequence(limit=17):
        pass

    for account in (locked, hot):
        assert book.balances(account).version == 40
        rows = book.sql(
            "SELECT count(*), min(version), max(version), max(balance_after_minor) FROM ledger_entry_position p"
            " JOIN ledger_account a ON a.id = p.account_id WHERE a.code = %s",
            ["wallet" if account == locked else "hot"],
        )
        assert rows == [(40, 1, 40, 120)]


def test_every_snapshot_adds_up_to_zero_while_writers_and_sequencers_run(book: Book) -> None:
    wallets = [book.open(f"w{number}", floor=-1_000_000) for number in range(3)]
    hot = [book.open(f"h{number}") for number in range(3)]
    dice, done, snapshots = random.Random(3), threading.Event(), list[dict[str, int]]()

    def watch() -> None:
        while not done.is_set():
            snapshots.append(book.drift())
        connection.close()

    def sequence() -> None:
        while not done.is_set():
            book.sequence(limit=50)
        connection.close()

    helpers = [threading.Thread(target=watch), threading.Thread(target=sequence), threading.Thread(target=sequence)]
    for helper in helpers:
        helper.start()
    try:
        results = at_once(
            [lambda: book.move(dice.choice(wallets), dice.choice(hot), dice.randint(1, 99))] * 400, threads=4
        )
    finally:
        done.set()
        for helper in helpers:
            helper.join()

    assert [result for result in results if isinstance(result, Exception)] == []
    assert len(snapshots) > 10
    assert {each["USD"] for each in snapshots} == {0}
    while book.sequence():
        pass
    assert book.diverging() == 0


def test_an_account_that_somebody_holds_is_left_for_the_next_round(book: Book) -> None:
    hot = book.open("hot")
    book.move("bank", hot, 5)
    book.sequence()
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        from ledger import operations
        from tests.ledger.book import terms
        from zentra.core.tenancy import tenant_work

        with tenant_work(book.workspace):
            operations.post_entries(lines=[Line(hot, "debit", 1, 0), Line("bank", "credit", 1)], **terms())
            held.set()
            release.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        book.move("suspense", hot, 5)
        placed = book.sequence()
    finally:
        release.set()
        holder.join()

    assert placed == 1  # suspense, but not the held account
    assert book.net(hot) == 9
    assert book.sequence() == 2
