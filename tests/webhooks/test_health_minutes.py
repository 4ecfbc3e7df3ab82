"""What happens is folded by the minute: counts of many workers add up, times are told from buckets, plots from both."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.book import at_once
from tests.webhooks.histories import in_workspace, keep_attempt, keep_delivery, rows_of
from webhooks.operations import recount_minutes
from webhooks.outbound.health import AttemptCount, count_attempts, count_first_due, fold_hours, latency
from webhooks.queries import health_points, health_sparks
from webhooks.types import HealthPoint
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

NOON = datetime(2026, 3, 4, 12, 0, 30, 250_000, tzinfo=UTC)


# -- At once -----------------------------------------------------------------------------------------------------------


def test_counts_of_many_workers_add_up(workspace: TenantRef) -> None:
    endpoints = [ids.new_id("whe") for _ in range(5)]

    def work(turn: int) -> None:
        with tenant_work(workspace):
            count_first_due(rows=[(each, NOON) for each in (endpoints, endpoints[::-1])[turn % 2]])
        with tenant_work(workspace):
            count_attempts(
                rows=[AttemptCount(each, succeeded=turn % 3 > 0, duration_ms=turn) for each in endpoints],
                resolved=[(each, NOON) for each in endpoints[::-1]],
                now=NOON,
            )

    done = at_once([lambda turn=turn: work(turn) for turn in range(30)], threads=6)  # type: ignore[misc]  # its own turn

    assert [each for each in done if each is not None] == []
    assert (
        in_workspace(
            workspace, "SELECT first_due, resolved, attempts, failures FROM webhooks_health_minute ORDER BY endpoint_id"
        )
        == [(30, 30, 30, 10)] * 5
    )
    [(counts,)] = in_workspace(workspace, "SELECT DISTINCT latency FROM webhooks_health_minute")
    assert counts == latency.fold(range(30))


def test_counting_again_waits_for_open_work_and_forgets_none_of_it(workspace: TenantRef) -> None:
    endpoint_id, counted, ended = ids.new_id("whe"), threading.Event(), threading.Event()

    def work() -> None:
        with tenant_work(workspace):
            keep_delivery(NOON, endpoint_id=endpoint_id)
            count_first_due(rows=[(endpoint_id, NOON)])
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")  # what was put off goes out
            counted.set()
            ended.wait(1)
        connection.close()

    with tenant_work(workspace):
        keep_delivery(NOON, endpoint_id=endpoint_id)
        count_first_due(rows=[(endpoint_id, NOON)])
    worker = threading.Thread(target=work)
    worker.start()
    counted.wait(5)
    [corrected] = at_once([lambda: recount(workspace)], threads=1)
    ended.set()
    worker.join()

    assert corrected == 0
    assert in_workspace(workspace, "SELECT first_due FROM webhooks_health_minute") == [(2,)]


def recount(ws: TenantRef) -> int:
    with tenant_work(ws):
        return recount_minutes(since=NOON - timedelta(hours=1), until=NOON + timedelta(hours=1))


def test_minutes_that_were_not_counted_are_put_right(workspace: TenantRef) -> None:
    endpoint_id = ids.new_id("whe")
    with tenant_work(workspace):
        for state in ("resolved", "retrying"):
            keep_delivery(NOON, endpoint_id=endpoint_id, state=state)
        keep_attempt(NOON, endpoint_id=endpoint_id, duration_ms=30)
        keep_attempt(NOON, endpoint_id=endpoint_id, succeeded=False, duration_ms=300)

    assert recount(workspace) == 1
    assert recount(workspace) == 0

    [row] = in_workspace(
        workspace, "SELECT first_due, resolved, attempts, failures, latency FROM webhooks_health_minute"
    )
    assert row == (2, 1, 2, 1, latency.fold([30, 300]))


# -- Time in buckets ---------------------------------------------------------------------------------------------------


def test_every_bucket_is_within_ten_per_cent_and_short_times_are_exact() -> None:
    for duration in range(1, latency.BOUNDS[-1] + 1):
        told = latency.quantile(latency.fold([duration]), 0.5)
        assert told is not None
        assert abs(told - duration) <= latency.RELATIVE_ERROR * duration
        assert duration >= 20 or told == duration


@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.01, 1.0]))
def test_a_quantile_is_the_true_one_within_ten_per_cent(durations: list[int], share: float) -> None:
    rank = max(-(-len(durations) * round(share * 100) // 100), 1)
    true = max(sorted(durations)[rank - 1], 1)

    told = latency.quantile(latency.fold(durations), share)

    assert told is not None
    assert abs(told - true) <= latency.RELATIVE_ERROR * true


# -- Plots -------------------------------------------------------------------------------------------------------------


def plot(ws: TenantRef, endpoint_id: str | None, hours: int = 2, points: int = 4) -> list[HealthPoint]:
    with tenant_work(ws):
        return health_points(endpoint_id=endpoint_id, since=NOON, until=NOON + timedelta(hours=hours), points=points)


def test_points_add_up_to_what_happened_and_times_are_of_their_own_stretch(workspace: TenantRef) -> None:
    one, other = ids.new_id("whe"), ids.new_id("whe")
    with tenant_work(workspace):
        for minutes, endpoint_id, succeeded, took in ((0, one, True, 10), (29, one, False, 400), (31, other, True, 10)):
            at = NOON + timedelta(minutes=minutes)
            count_first_due(rows=[(endpoint_id, at)])
            count_attempts(
                rows=[AttemptCount(endpoint_id, succeeded=succeeded, duration_ms=took)],
                resolved=[(endpoint_id, at)] if succeeded else [],
                now=at,
            )

    mine, everybody_s = plot(workspace, one), plot(workspace, None)

    assert [point.attempts for point in mine] == [2, 0, 0, 0]
    assert [point.attempts for point in everybody_s] == [2, 1, 0, 0]
    first, second = everybody_s[:2]
    assert first.at == NOON.replace(second=0, microsecond=0)
    assert second.at - first.at == timedelta(minutes=31)
    assert (first.failures, first.success_share, first.first_due, first.resolved) == (1, 50.0, 2, 1)
    assert (first.p50_ms, second.p95_ms, everybody_s[2].p95_ms) == (10, 10, None)
    assert first.p95_ms is not None
    assert abs(first.p95_ms - 400) <= 40
    assert (everybody_s[2].success_share, everybody_s[2].attempts) == (None, 0)


def test_sparks_are_the_same_points_for_each_endpoint(workspace: TenantRef) -> None:
    endpoints = [ids.new_id("whe") for _ in range(3)]
    with tenant_work(workspace):
        count_attempts(
            rows=[AttemptCount(endpoints[0], succeeded=True, duration_ms=1)] * 2
            + [AttemptCount(endpoints[1], succeeded=False, duration_ms=1)],
            resolved=[],
            now=NOON,
        )
        sparks = health_sparks(endpoint_ids=endpoints, since=NOON, until=NOON + timedelta(hours=2), points=4)

    assert list(sparks) == endpoints
    assert all(sparks[each] == plot(workspace, each) for each in endpoints)
    assert [sum(point.attempts for point in sparks[each]) for each in endpoints] == [2, 1, 0]


@pytest.mark.parametrize(("hours", "points"), [(0, 4), (-1, 4), (1, 0), (1, 1001)])
def test_a_plot_of_nothing_is_refused(hours: int, points: int, workspace: TenantRef) -> None:
    with pytest.raises(ValueError, match="No plot"):
        plot(workspace, None, hours, points)


@pytest.mark.parametrize("points", [1, 7, 24, 96, 1000])
def test_any_number_of_points_covers_the_span_in_equal_steps(points: int, workspace: TenantRef) -> None:
    found = plot(workspace, None, hours=24, points=points)

    steps = {after.at - before.at for before, after in pairwise(found)}
    assert len(found) <= points
    assert len(steps) <= 1
    assert found[-1].at + (steps.pop() if steps else timedelta(hours=25)) >= NOON + timedelta(hours=24)


def test_old_minutes_are_kept_by_the_hour_and_a_plot_of_hours_stays_the_same(workspace: TenantRef) -> None:
    endpoints, noon = [ids.new_id("whe") for _ in range(2)], NOON.replace(second=0, microsecond=0)
    with tenant_work(workspace):
        for minutes in (0, 1, 59, 60, 61, 119, 120, 150):
            at = noon + timedelta(minutes=minutes)
            count_first_due(rows=[(each, at) for each in endpoints])
            for each in endpoints:
                taken = [AttemptCount(each, succeeded=minutes % 2 == 0, duration_ms=3 * minutes)]
                count_attempts(rows=taken, resolved=[(each, at)], now=at)
        span: dict[str, Any] = {"since": noon, "until": noon + timedelta(hours=3), "points": 3}
        before = health_points(endpoint_id=None, **span), health_sparks(endpoint_ids=endpoints, **span)

        assert fold_hours(before=noon + timedelta(hours=2, minutes=59)) == 8
        assert fold_hours(before=noon + timedelta(hours=2, minutes=59)) == 0
        assert (health_points(endpoint_id=None, **span), health_sparks(endpoint_ids=endpoints, **span)) == before

        count_attempts(rows=[], resolved=[(endpoints[0], noon + timedelta(minutes=7))], now=now())  # arrives late
        assert fold_hours(before=noon + timedelta(hours=2)) == 1
        [first, *_] = health_points(endpoint_id=None, **span)
    assert (first.first_due, first.resolved, first.attempts, first.failures) == (6, 7, 6, 4)
    assert rows_of(workspace, "webhooks_health_minute") == 8  # two endpoints: two hours, and two minutes of the third
