"""Statements: a period's opening, its lines with the balance after each, and its closing, page by page or at once."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import queries
from ledger.errors import AccountNotFound, InvalidPeriod
from ledger.queries import Statement, StatementLine
from tests.ledger.book import Book
from tests.ledger.planted import fold, today
from zentra.core import ids
from zentra.core.tenancy import tenant_work

DAY = timedelta(days=1)


def test_a_statement_opens_runs_and_closes_in_the_order_in_which_entries_count(book: Book) -> None:
    book.open("till", account_type="suspense")
    noon = today() - 10 * DAY + timedelta(hours=12)
    book.move("bank", "till", 500, effective_at=noon - 3 * DAY, description="before")
    book.move("bank", "till", 70, effective_at=noon + DAY, description="second")
    book.move("till", "bank", 20, effective_at=noon + 2 * DAY, description="third")
    book.move("bank", "till", 5, effective_at=noon, description="first, written last")
    book.move("bank", "till", 1_000, effective_at=noon + 5 * DAY, description="after")

    page = read(book, "till", noon - DAY, noon + 3 * DAY)

    assert (page.opening_minor, page.closing_minor) == (500, 555)
    assert [line.description for line in page.entries] == ["first, written last", "second", "third"]
    assert [line.balance_after_minor for line in page.entries] == [505, 575, 555]
    assert (page.debits, page.credits, page.entry_count) == (20, 75, 3)
    assert page.is_tied_out
    assert page.next_after is None


def test_a_debit_normal_account_counts_its_own_way(book: Book) -> None:
    start = today() - DAY
    [opening] = [read(book, "bank", start, today() + DAY).closing_minor]
    book.move("bank", "suspense", 30)

    page = read(book, "bank", start, today() + DAY)

    assert page.closing_minor == opening + 30
    assert page.entries[-1].balance_after_minor == page.closing_minor
    assert (page.entries[-1].debit_minor, page.entries[-1].credit_minor) == (30, None)


def test_the_start_is_in_and_the_end_is_out(book: Book) -> None:
    book.open("edge", account_type="suspense")
    start, end = today() - 3 * DAY, today() - 2 * DAY
    instant = timedelta(microseconds=1)
    for amount, at in ((1, start - instant), (10, start), (100, end - instant), (1_000, end)):
        book.move("bank", "edge", amount, effective_at=at)

    page = read(book, "edge", start, end)

    assert (page.opening_minor, page.closing_minor) == (1, 111)
    assert [line.amount_minor for line in page.entries] == [10, 100]


def test_a_quiet_period_says_its_balance_and_nothing_else(book: Book) -> None:
    book.open("quiet", account_type="suspense")
    book.move("bank", "quiet", 9, effective_at=today() - 5 * DAY)

    page = read(book, "quiet", today() - 2 * DAY, today() - DAY)

    assert (page.opening_minor, page.closing_minor, page.entries, page.next_after) == (9, 9, (), None)


def test_a_late_entry_changes_what_a_past_period_says(book: Book) -> None:
    book.open("late", account_type="suspense")
    start, end = today() - 9 * DAY, today() - 8 * DAY
    before = read(book, "late", start, end)

    book.move("bank", "late", 44, effective_at=start + timedelta(hours=1))

    assert (before.closing_minor, read(book, "late", start, end).closing_minor) == (0, 44)


def test_a_statement_asks_for_a_known_account_and_a_period_that_runs_forward(book: Book) -> None:
    account_id = book.open("any")
    with tenant_work(book.workspace):
        with pytest.raises(InvalidPeriod):
            queries.statement(account_id=account_id, start=today(), end=today(), limit=5)
        with pytest.raises(AccountNotFound):
            queries.statement(account_id=ids.new_id("acct"), start=today() - DAY, end=today(), limit=5)
        with pytest.raises(AccountNotFound):
            open_stream(ids.new_id("acct"))


def test_a_stream_that_nobody_reads_to_its_end_breaks_nothing_later(book: Book) -> None:
    account_id = book.open("forgotten", account_type="suspense")
    book.move("bank", account_id, 1)
    with tenant_work(book.workspace):
        forgotten = open_stream(account_id)

    with tenant_work(book.workspace):
        del forgotten
        gc.collect()
        assert queries.get_balances(account=account_id).posted_minor == 1


# Many entries of one instant: a page may end among them.
postings = st.lists(
    st.tuples(st.integers(-3, 3).filter(bool), st.integers(0, 4), st.booleans()), min_size=1, max_size=12
)


@given(postings=postings, limit=st.integers(1, 5), folded=st.booleans())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_are_the_one_long_statement_cut_up(
    book: Book, postings: list[tuple[int, int, bool]], limit: int, folded: bool
) -> None:
    account_id = book.open(f"paged.{ids.new_uuid().hex}", account_type="suspense")
    start = datetime(2026, 5, 1, tzinfo=UTC)
    for amount, hours, is_sequenced in postings:
        debit, credit = ("bank", account_id) if amount > 0 else (account_id, "bank")
        book.move(debit, credit, abs(amount), effective_at=start + timedelta(hours=hours))
        if is_sequenced:
            book.sequence()
    if folded:
        fold(book, account_id, 7)

    whole = read(book, account_id, start, start + DAY)
    paged = read_pages(book, account_id, start, start + DAY, limit)
    period = {"start": start, "end": start + DAY}
    with (
        tenant_work(book.workspace),
        queries.statement_lines_stream(account_id=account_id, **period) as (summary, lines),
    ):
        streamed = list(lines)

    assert paged == list(whole.entries) == streamed
    assert len(streamed) == len(postings) == summary.entry_count
    assert summary.is_tied_out
    assert streamed[-1].balance_after_minor == summary.closing_minor == sum(amount for amount, _, _ in postings)


def open_stream(account_id: str) -> ExitStack:
    """A stream that was begun."""
    stack = ExitStack()
    stack.enter_context(queries.statement_lines_stream(account_id=account_id, start=today() - DAY, end=today() + DAY))
    return stack.pop_all()


def read(book: Book, account: str, start: datetime, end: datetime, limit: int = 1_000) -> Statement:
    """A statement of an account by id or code."""
    with tenant_work(book.workspace):
        account_id = queries.find_account(ref=account, currency="USD").id
        return queries.statement(account_id=account_id, start=start, end=end, limit=limit)


def read_pages(book: Book, account_id: str, start: datetime, end: datetime, limit: int) -> list[StatementLine]:
    """All lines, read in pages."""
    lines: list[StatementLine] = []
    after = None
    while True:
        with tenant_work(book.workspace):
            page = queries.statement(account_id=account_id, start=start, end=end, limit=limit, after=after)
        assert len(page.entries) <= limit
        assert page.is_tied_out
        lines.extend(page.entries)
        after = page.next_after
        if after is None:
            return lines
