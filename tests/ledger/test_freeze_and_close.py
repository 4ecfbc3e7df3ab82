"""Once an account is frozen nothing posts to it, also not what had begun; a closed account never has a balance."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from ledger import errors, operations
from ledger.types import AccountRecord, Posted
from tests.ledger.book import Book, at_once, pair, terms
from tests.ledger.whole import assert_whole
from zentra.core import actors, clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work

WRITERS = 8
KINDS = pytest.mark.parametrize("floor", [0, None], ids=["immediate", "deferred"])


def hammer(book: Book, call: Callable[[], object], during: Callable[[], None]) -> list[Exception]:
    """Let writers repeat a call while something else happens; what went wrong in a way that is no refusal."""
    over, wrong = threading.Event(), list[Exception]()

    def write() -> None:
        while not over.is_set():
            try:
                call()
            except (errors.AccountFrozen, errors.AccountClosed, errors.InsufficientFunds, errors.LedgerBusy):
                pass  # busy: its account changed its state meanwhile; a door asks again
            except Exception as error:  # noqa: BLE001  # the test looks at each
                wrong.append(error)
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        during()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return wrong


def entries_of(book: Book, code: str) -> int:
    (row,) = book.sql(
        "SELECT count(*) FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE a.code = %s", [code]
    )
    return int(row[0])


@KINDS
def test_nothing_commits_to_an_account_after_its_freeze_has_returned(book: Book, floor: int | None) -> None:
    account = book.open("target", floor=floor)

    def freeze_again_and_again() -> None:
        for _ in range(6):
            time.sleep(0.05)
            book.freeze(account)
            at_freeze = entries_of(book, "target")
            time.sleep(0.1)
            assert entries_of(book, "target") == at_freeze
            book.unfreeze(account)

    wrong = hammer(book, lambda: book.move("bank", "target", 1), freeze_again_and_again)

    assert wrong == []  # above all no "unbalanced" for a posting that met an account just unfrozen
    assert entries_of(book, "target") > 0
    assert_whole(book)


@KINDS
def test_a_posting_that_began_before_the_freeze_is_waited_for(book: Book, floor: int | None) -> None:
    account = book.open("target", floor=floor)
    written, go_on = threading.Event(), threading.Event()

    def begin() -> None:
        with tenant_work(book.workspace):
            operations.post_entries(lines=pair("bank", "target", 5), **terms())
            written.set()
            go_on.wait(10)
        connection.close()

    writer = threading.Thread(target=begin)
    writer.start()
    assert written.wait(10)
    freezer = threading.Thread(target=lambda: at_once([lambda: book.freeze(account)], threads=1))
    freezer.start()
    freezer.join(0.3)
    assert freezer.is_alive()
    go_on.set()
    writer.join()
    freezer.join()

    assert (book.net("target"), book.freeze(account).state) == (5, "frozen")


@KINDS
def test_a_closed_account_never_has_a_balance(book: Book, floor: int | None) -> None:
    """Writers put one in and take one out; whoever closes finds it empty under the lock, or is refused."""
    closed = 0
    for number in range(4):
        code = f"target{number}"
        account = book.open(code, floor=floor)

        def there_and_back(code: str = code) -> None:
            book.move("bank", code, 1)
            book.move(code, "bank", 1)

        def close_when_empty(account: str = account) -> None:
            nonlocal closed
            until = time.monotonic() + 1.0
            while time.monotonic() < until:
                try:
                    closed += book.close(account).state == "closed"
                except (errors.AccountNotEmpty, errors.LedgerBusy):
                    continue
                return

        assert hammer(book, there_and_back, close_when_empty) == []
    assert_whole(book)
    assert book.sql("SELECT count(*) FROM ledger_account WHERE state = 'closed'") == [(closed,)]


def test_moving_the_rest_and_closing_is_one_transaction(book: Book) -> None:
    """Many at once, as a bank that winds up: each account is emptied and closed together, nobody waits in a circle."""
    accounts = {code: book.open(code, floor=0) for code in ("a", "b", "c", "d", "e", "f")}
    for code in accounts:
        book.move("bank", code, 100)

    def wind_up(code: str) -> AccountRecord:
        with tenant_work(book.workspace):
            operations.post_entries(lines=pair(code, "bank", 100), **terms())
            return operations.close_account(
                account_id=accounts[code], reason="wound up", actor=actors.LEDGER, now=clock.now()
            )

    calls: list[Callable[[], Any]] = [lambda code=code: wind_up(code) for code in accounts]  # type: ignore[misc]
    calls += [lambda code=code: book.move("bank", code, 1) for code in accounts]  # type: ignore[misc]
    results = at_once(calls, threads=12)

    unexpected = [result for result in results if isinstance(result, Exception) and not isinstance(result, DomainError)]
    assert unexpected == []
    assert {type(result) for result in results} <= {AccountRecord, Posted, errors.AccountClosed, errors.AccountNotEmpty}
    assert_whole(book)


def test_what_is_pending_keeps_an_account_open_and_a_frozen_one_gives_back(book: Book) -> None:
    wallet, shop = book.open("wallet", floor=0), book.open("shop", floor=0)
    book.move("bank", "wallet", 100)
    hold = book.hold("wallet", 100, destination="shop")

    with pytest.raises(errors.AccountNotEmpty) as caught:
        book.close(shop)
    assert caught.value.extra["pending_credits_minor"] == 100
    book.freeze(wallet)
    with pytest.raises(errors.AccountFrozen):
        book.capture(hold.id)
    with pytest.raises(errors.AccountFrozen):
        book.increase(hold.id, 1)
    assert book.release(hold.id).state == "released"
    assert book.close(shop).state == "closed"
    for change in (book.freeze, book.unfreeze, book.close):
        with pytest.raises(errors.AccountClosed):
            change(shop)


@pytest.mark.parametrize(
    ("change", "state"), [(operations.freeze_account, "frozen"), (operations.unfreeze_account, "active")]
)
def test_who_froze_an_account_and_why_stays_until_it_is_something_else(
    book: Book, change: Callable[..., AccountRecord], state: str
) -> None:
    account = book.open("target")

    def say(of: Callable[..., AccountRecord], reason: str, user: str) -> AccountRecord:
        actor = actors.Actor("user", user, "compliance")
        with tenant_work(book.workspace):
            return of(account_id=account, reason=reason, actor=actor, now=clock.now())

    say(operations.freeze_account, "fraud", "usr_1")
    first = say(change, "cleared", "usr_2")
    second = say(change, "never mind", "usr_3")

    assert (first.state, second.state) == (state, state)
    assert first.state_changed_by is not None
    assert first.state_changed_by["id"] == ("usr_1" if state == "frozen" else "usr_2")
    assert second == first
