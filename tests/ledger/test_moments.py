"""Balances as of a moment: what counted by then, and what anybody could have known by then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ledger import queries
from ledger.errors import AccountNotFound, InvalidPeriod
from tests.ledger.book import Book
from tests.ledger.planted import Planted, fold, plant
from zentra.core import clock, ids
from zentra.core.tenancy import tenant_work

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_late_entry_changes_the_past_as_of_effective_and_not_as_of_recorded(book: Book) -> None:
    account_id = book.open("late", account_type="suspense")
    book.move("bank", account_id, 100, effective_at=NOON)
    seen = clock.now()

    book.move("bank", account_id, 30, effective_at=NOON + DAY)

    with tenant_work(book.workspace):
        assert queries.balance_as_of(account_id=account_id, effective_at=NOON + 2 * DAY).posted_minor == 130
        assert queries.balance_as_of(account_id=account_id, recorded_at=seen).posted_minor == 100
        assert queries.balance_as_of(account_id=account_id, recorded_at=clock.now()).posted_minor == 130


def test_the_moment_itself_is_in(book: Book) -> None:
    account_id = book.open("edge", account_type="suspense")
    book.move("bank", account_id, 7, effective_at=NOON)

    with tenant_work(book.workspace):
        assert queries.balance_as_of(account_id=account_id, effective_at=NOON).posted_minor == 7
        just_before = NOON - timedelta(microseconds=1)
        assert queries.balance_as_of(account_id=account_id, effective_at=just_before).posted_minor == 0


def test_entries_that_wait_for_their_number_count(book: Book) -> None:
    account_id = book.open("hot", account_type="suspense")
    for day in range(5):
        book.move("bank", account_id, 1, effective_at=NOON + DAY * day)
        if day == 2:
            book.sequence()

    with tenant_work(book.workspace):
        assert queries.get_balances(account=account_id).unsequenced == 2
        held = [
            queries.balance_as_of(account_id=account_id, effective_at=NOON + DAY * day).posted_minor for day in range(5)
        ]
    assert held == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("is_folded", [False, True])
def test_pending_and_available_are_those_of_the_moment(book: Book, is_folded: bool) -> None:
    account_id = plant(
        book,
        [
            Planted("credit", 1_000, "posted", NOON, NOON),
            Planted("debit", 300, "pending", NOON + DAY, NOON + DAY),
            Planted("credit", 50, "pending", NOON + 2 * DAY, NOON + 2 * DAY),
            Planted("credit", 300, "released", NOON + 3 * DAY, NOON + 3 * DAY),
            Planted("debit", 250, "posted", NOON + 3 * DAY, NOON + 3 * DAY),
        ],
    )
    if is_folded:
        fold(book, account_id, 10)

    with tenant_work(book.workspace):
        days = [queries.balance_as_of(account_id=account_id, effective_at=NOON + DAY * day) for day in range(4)]

    assert [
        (day.posted_minor, day.pending_in_minor, day.pending_out_minor, day.available_minor, day.entries)
        for day in days
    ] == [(1_000, 0, 0, 1_000, 1), (1_000, 0, 300, 700, 1), (1_000, 50, 300, 700, 1), (750, 50, 0, 750, 2)]


def test_any_zones_midnight_is_a_moment_like_another(book: Book) -> None:
    account_id = book.open("zones", account_type="suspense")
    for hour in range(48):
        book.move("bank", account_id, 1, effective_at=NOON + timedelta(hours=hour))
    book.sequence()
    fold(book, account_id, 40)

    zones = (("Asia/Kathmandu", 18 - 11), ("America/St_Johns", 26 - 11), ("UTC", 24 - 11), ("Asia/Tokyo", 15 - 11))
    for name, expected in zones:
        midnight = datetime(2026, 3, 11, tzinfo=ZoneInfo(name))
        with tenant_work(book.workspace):
            assert queries.balance_as_of(account_id=account_id, effective_at=midnight).posted_minor == expected, name


def test_all_accounts_of_a_currency_add_up_to_zero_at_every_moment(book: Book) -> None:
    book.open("a", account_type="suspense")
    for day in range(6):
        book.move("bank", "a", 10 + day, effective_at=NOON + DAY * day)
        book.sequence()

    for at in (NOON - DAY, NOON, NOON + 3 * DAY, clock.now()):
        with tenant_work(book.workspace):
            held = queries.balances_as_of(at=at, currency="USD")
        assert sum(moment.net_minor for moment in held.values()) == 0
        assert len(held) == len({moment.account_code for moment in held.values()}) > 10


def test_several_accounts_come_in_one_answer_and_unknown_ones_are_left_out(book: Book) -> None:
    first, second = book.open("first", account_type="suspense"), book.open("second", account_type="suspense")
    book.move("bank", first, 3, effective_at=NOON)

    with tenant_work(book.workspace):
        held = queries.balances_as_of(account_ids=[first, second, ids.new_id("acct")], at=NOON)

    assert {moment.account_code: moment.posted_minor for moment in held.values()} == {"first": 3, "second": 0}


def test_what_is_asked_must_make_sense(book: Book) -> None:
    account_id = book.open("any")
    with tenant_work(book.workspace):
        with pytest.raises(AccountNotFound):
            queries.balance_as_of(account_id=ids.new_id("acct"), effective_at=NOON)
        with pytest.raises(AccountNotFound):
            queries.balance_history(account_id=ids.new_id("acct"), start=NOON, end=NOON + DAY, points=5)
        with pytest.raises(InvalidPeriod):
            queries.balance_history(account_id=account_id, start=NOON, end=NOON, points=5)
        with pytest.raises(TypeError):
            queries.balance_as_of(account_id=account_id)
        with pytest.raises(TypeError):
            queries.balances_as_of(at=NOON)
        with pytest.raises(ValueError, match="time zone"):
            queries.balance_as_of(account_id=account_id, effective_at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_end_of_time_is_now(book: Book) -> None:
    account_id = book.open("forever", account_type="suspense")
    book.move("bank", account_id, 3)

    with tenant_work(book.workspace):
        last = datetime.max.replace(tzinfo=UTC)
        assert queries.balance_as_of(account_id=account_id, effective_at=last).posted_minor == 3


def test_ten_years_are_as_many_points_as_asked_on_whole_days(book: Book) -> None:
    account_id = plant(book, [Planted("credit", 1, "posted", NOON - DAY * day, NOON) for day in range(3650)])
    fold(book, account_id, 3_000)

    with tenant_work(book.workspace):
        course = queries.balance_history(account_id=account_id, start=NOON - 3650 * DAY, end=NOON + DAY, points=366)

    assert len(course) == 366
    assert course[-1].posted_minor == 3650
    assert all(earlier.posted_minor <= later.posted_minor for earlier, later in pairwise(course))
    assert {point.at.time() for point in course[:-1]} == {datetime.min.time()}
    assert {later.at - earlier.at for earlier, later in pairwise(course[:-1])} <= {10 * DAY, 11 * DAY}
