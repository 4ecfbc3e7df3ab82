"""What was seen at the time is what is told of it later: postings, holds, captures, releases, by the operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import queries
from ledger.types import Balances
from tests.ledger.book import Book
from tests.ledger.planted import fold
from zentra.core import clock, ids
from zentra.core.tenancy import tenant_work

actions = st.lists(
    st.tuples(
        st.sampled_from(["pay in", "late", "hold", "capture", "release", "sequence", "fold"]), st.integers(1, 400)
    ),
    min_size=3,
    max_size=12,
)


@given(actions=actions)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_recorded_moment_is_what_was_seen_then(book: Book, actions: list[tuple[str, int]]) -> None:
    account = book.open(f"wallet.{ids.new_uuid().hex}", floor=0)
    reserved = find(book, "reserved_balance")
    book.move("bank", account, 1_000)
    seen: list[tuple[datetime, list[Balances]]] = []
    holds: list[str] = []
    for action, amount in actions:
        act(book, account, holds, action, amount)
        seen.append((clock.now(), held(book, account, reserved)))

    for at, expected in seen:
        with tenant_work(book.workspace):
            told = queries.balances_as_of(account_ids=[account, reserved], at=at, basis="recorded")
        assert [facts(told[each]) for each in (account, reserved)] == [facts(each) for each in expected]
    with tenant_work(book.workspace):
        last = queries.balances_as_of(account_ids=[account, reserved], at=clock.now())
    assert [facts(last[each]) for each in (account, reserved)] == [facts(each) for each in seen[-1][1]]


def act(book: Book, account: str, holds: list[str], action: str, amount: int) -> None:
    open_holds = [each for each in holds if book.find_hold(each).state == "held"]
    if action == "pay in":
        book.move("bank", account, amount)
    elif action == "late":
        book.move("bank", account, amount, effective_at=clock.now() - timedelta(days=amount))
    elif action == "hold" and book.balances(account).available_minor >= amount:
        holds.append(book.hold(account, amount).id)
    elif action == "capture" and open_holds:
        book.capture(open_holds[0], min(amount, book.find_hold(open_holds[0]).remaining_minor))
    elif action == "release" and open_holds:
        book.release(open_holds[-1], min(amount, book.find_hold(open_holds[-1]).remaining_minor))
    elif action == "sequence":
        book.sequence()
    elif action == "fold":
        for each in (account, find(book, "reserved_balance")):
            fold(book, each, amount % 7 + 1)


def find(book: Book, code: str) -> str:
    with tenant_work(book.workspace):
        return queries.find_account(ref=code, currency="USD").id


def held(book: Book, *accounts: str) -> list[Balances]:
    with tenant_work(book.workspace):
        found = queries.list_balances(account_ids=list(accounts))
    return [found[each] for each in accounts]


def facts(balances: object) -> tuple[int, ...]:
    """Posted, pending and available, of balances of now or of a moment."""
    names = ("net_minor", "pending_debits", "pending_credits", "posted_minor", "available_minor")
    return tuple(getattr(balances, name) for name in names)


def test_a_hold_and_its_capture_are_in_the_statement_of_the_day_and_what_is_held_is_beside_it(book: Book) -> None:
    account = book.open("held", floor=0)
    book.move("bank", account, 1_000)
    hold = book.hold(account, 300)
    book.capture(hold.id, 100)

    start = datetime.now(UTC) - timedelta(days=1)
    with tenant_work(book.workspace):
        page = queries.statement(account_id=account, start=start, end=start + timedelta(days=2), limit=10)

    assert [line.amount_minor for line in page.entries] == [1_000, 100]
    assert (page.closing_minor, page.pending_in_minor, page.pending_out_minor) == (900, 0, 200)
    assert page.is_tied_out
