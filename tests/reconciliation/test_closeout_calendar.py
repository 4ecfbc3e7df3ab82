"""Months in a time zone and at a cut-off: no moment is in two of them, or in none; and the calendar that lists them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from tests.reconciliation.closing import LAST, Closing
from zentra.core import clock
from zentra.core.queue import WorkItem
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout import operations, queries, tasks
from zentra.reconciliation.closeout.calendar import business_day, end_of_day, month_of, months_between
from zentra.reconciliation.statements.models import Statement
from zentra.reconciliation.statements.types import PERIODS_WORK

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"]


@pytest.mark.parametrize(
    ("zone", "hour", "ends_at"),
    [
        ("UTC", 24, datetime(2026, 5, 1, tzinfo=UTC)),
        ("Europe/Berlin", 24, datetime(2026, 4, 30, 22, tzinfo=UTC)),
        ("America/New_York", 17, datetime(2026, 4, 30, 21, tzinfo=UTC)),
        ("Asia/Kolkata", 24, datetime(2026, 4, 30, 18, 30, tzinfo=UTC)),
    ],
)
def test_a_month_ends_at_its_cut_off(zone: str, hour: int, ends_at: datetime) -> None:
    month = month_of(day=date(2026, 4, 17), zone=zone, hour=hour)

    assert (month.starts_on, month.ends_on, month.ends_at) == (date(2026, 4, 1), date(2026, 4, 30), ends_at)


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(1, 24),
    at=st.integers(0, 10 * 366 * 86_400).map(lambda each: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=each)),
)
def test_every_moment_is_in_one_day_and_one_month(zone: str, hour: int, at: datetime) -> None:
    day = business_day(at=at, zone=zone, hour=hour)
    month = month_of(day=day, zone=zone, hour=hour)
    following = month_of(day=month.ends_on + timedelta(days=1), zone=zone, hour=hour)

    assert (
        end_of_day(day=day - timedelta(days=1), zone=zone, hour=hour) <= at < end_of_day(day=day, zone=zone, hour=hour)
    )
    assert month.starts_at <= at < month.ends_at == following.starts_at


def test_months_between_two_days() -> None:
    assert list(months_between(first=date(2025, 12, 31), last=date(2026, 2, 1))) == [
        date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1),
    ]  # fmt: skip


def counted(closing: Closing, *, limit: int) -> int:
    with tenant_work(closing.ws), CaptureQueriesContext(connection) as seen:
        assert len(queries.list_overviews(limit=limit, now=clock.now())) == limit
    return len(seen.captured_queries)


def test_the_calendar_asks_no_more_for_many_months_than_for_one(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.close()
    closing.bank.state({"amount": 1, "reference": "OLD", "on": LAST - timedelta(days=150)},
                       ends_on=LAST - timedelta(days=150))  # fmt: skip
    closing.do(operations.ensure_periods, now=clock.now())

    assert counted(closing, limit=1) == counted(closing, limit=6)
    listed = closing.do(queries.list_overviews, limit=6, now=clock.now())
    for each in closing.do(queries.list_periods)[:6]:
        alone = closing.do(queries.get_overview, period_id=each.id, now=clock.now())
        assert listed[each.id] == replace(alone, in_flight=0, late=0)


def test_a_complete_statement_makes_its_month_at_once(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.state((1_000, "R1"))
    with tenant_work(closing.ws):
        statement = Statement.objects.get().id
    assert closing.do(queries.list_periods) == []
    item = WorkItem(closing.ws.id, closing.ws.id, PERIODS_WORK, statement, clock.now(), 1, closing.ws.id)
    tasks.make_periods_of(item, closing.ws)

    assert f"{LAST:%Y-%m}" in [each.month for each in closing.do(queries.list_periods)]
    tasks.make_periods_of(item, closing.ws)
