"""Balances as of any moment against a plain sum over entries, whatever was folded, late, pending or still waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ledger import queries
from ledger.queries import Basis, Moment, Point
from ledger.types import Direction, PostingState
from tests.ledger.book import Book
from tests.ledger.planted import Planted, fold, plant
from zentra.core.tenancy import tenant_work

FROM = datetime(2026, 3, 27, 23, 50, tzinfo=UTC)  # close to an edge of a day, and to a change of summer time elsewhere
PROPERTY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# Edges of days and of five minutes, a microsecond on either side of them, and anything between.
edges = st.builds(
    lambda steps, off: FROM + timedelta(minutes=5) * steps + timedelta(microseconds=off),
    st.one_of(st.integers(0, 6), st.integers(0, 900)),
    st.sampled_from([-1, 0, 0, 1]),
)
moments = st.one_of(edges, st.integers(0, 4 * 86_400 * 10**6).map(lambda steps: FROM + timedelta(microseconds=steps)))


@st.composite
def histories(draw: st.DrawFn) -> list[Planted]:
    """Entries with any two times; what is pending is never released beyond what there is."""
    history: list[Planted] = []
    pending = [0, 0]
    for _ in range(draw(st.integers(0, 25))):
        direction: Direction = draw(st.sampled_from(["debit", "credit"]))
        taken_from = 1 if direction == "debit" else 0
        state: PostingState = draw(st.sampled_from(["posted", "posted", "pending", "released"]))
        most = pending[taken_from] if state == "released" else 1_000
        if most == 0:
            state, most = "posted", 1_000
        entry = Planted(direction, draw(st.integers(1, most)), state, draw(moments), draw(moments))
        pending = [pending[0] + entry.pending[0], pending[1] + entry.pending[1]]
        history.append(entry)
    return history


@given(
    history=histories(),
    waiting=st.integers(0, 5),
    folds=st.lists(st.integers(1, 9), max_size=4),
    at=st.lists(moments, min_size=1, max_size=6),
)
@PROPERTY
def test_a_moment_is_the_plain_sum_of_what_counts_by_then(
    book: Book, history: list[Planted], waiting: int, folds: list[int], at: list[datetime]
) -> None:
    account_id = plant(book, history, unsequenced=min(waiting, len(history)))
    for limit in folds:
        fold(book, account_id, limit)
    for moment in [*at, *(entry.effective_at for entry in history[:3]), *(entry.recorded_at for entry in history[:3])]:
        for basis in ("effective", "recorded"):
            assert totals(as_of(book, account_id, moment, basis)) == plain_sum(history, moment, basis)


@given(
    history=histories(),
    waiting=st.integers(0, 5),
    folds=st.lists(st.integers(1, 9), max_size=4),
    ends=st.tuples(moments, moments),
    points=st.integers(2, 40),
)
@PROPERTY
def test_each_point_of_a_course_is_what_was_there_when_it_came(
    book: Book,
    history: list[Planted],
    waiting: int,
    folds: list[int],
    ends: tuple[datetime, datetime],
    points: int,
) -> None:
    start, end = sorted(ends)
    assume(start < end)
    account_id = plant(book, history, unsequenced=min(waiting, len(history)))
    for limit in folds:
        fold(book, account_id, limit)
    for basis in ("effective", "recorded"):
        with tenant_work(book.workspace):
            course = queries.balance_history(account_id=account_id, start=start, end=end, points=points, basis=basis)
        assert course[-1].at == end
        assert len(course) <= points
        assert all(earlier.at < later.at for earlier, later in pairwise(course))
        assert course == [expected_point(history, point.at, basis) for point in course]


def as_of(book: Book, account_id: str, moment: datetime, basis: Basis) -> Moment:
    with tenant_work(book.workspace):
        if basis == "effective":
            return queries.balance_as_of(account_id=account_id, effective_at=moment)
        return queries.balance_as_of(account_id=account_id, recorded_at=moment)


def totals(moment: Moment) -> tuple[int, ...]:
    return moment.debits, moment.credits, moment.pending_debits, moment.pending_credits, moment.entries


def plain_sum(history: Sequence[Planted], moment: datetime, basis: Basis) -> tuple[int, ...]:
    counted = [entry for entry in history if time_of(entry, basis) <= moment]
    return (
        sum(entry.posted[0] for entry in counted),
        sum(entry.posted[1] for entry in counted),
        sum(entry.pending[0] for entry in counted),
        sum(entry.pending[1] for entry in counted),
        sum(entry.state == "posted" for entry in counted),
    )


def expected_point(history: Sequence[Planted], at: datetime, basis: Basis) -> Point:
    debits, credits_, held, _coming, _entries = plain_sum(history, at - timedelta(microseconds=1), basis)
    return Point(at, credits_ - debits, credits_ - debits - held)


def time_of(entry: Planted, basis: Basis) -> datetime:
    return entry.effective_at if basis == "effective" else entry.recorded_at
