"""The figures of health agree with the rows to the delivery, at any moment, and cost the same after years."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evidence.sealing import as_role
from tests.ledger.book import at_once
from tests.webhooks.histories import in_workspace, keep_attempt, keep_delivery, rows_of, uuid_of
from tests.webhooks.work import DEVELOPER, SUPPORT, Subscribed, an_event, later, publish, run_due, subscribe
from webhooks.models import Delivery
from webhooks.operations import (
    disable_endpoint,
    enable_endpoint,
    recount_minutes,
    replay_delivery,
    send_test_event,
)
from webhooks.outbound.health import AttemptCount, count_attempts, count_first_due, fold_hours, latency
from webhooks.queries import (
    endpoint_health,
    endpoint_health_of,
    health_24h,
    health_points,
    health_sparks,
    list_deliveries,
)
from webhooks.types import COUNTED_TO, EndpointHealth, HealthPoint
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

NOON = datetime(2026, 3, 4, 12, 0, 30, 250_000, tzinfo=UTC)
URL = "https://consumer.example/hooks"


class _Undone(Exception):
    """Ends a unit of work so that it leaves nothing."""


@contextmanager
def undone(ws: TenantRef) -> Iterator[None]:
    """Work in a workspace that is rolled back, so that one workspace serves many examples."""
    try:
        with tenant_work(ws):
            yield
            raise _Undone
    except _Undone:
        pass


def plain_count(at: datetime, endpoint_id: str | None = None) -> tuple[int, int]:
    """(resolved, first due) of the 24 hours before a moment, counted from the rows one by one."""
    window = Delivery.objects.filter(first_due_at__gt=at - timedelta(hours=24), first_due_at__lte=at, purpose="event")
    if endpoint_id is not None:
        window = window.filter(endpoint_id=endpoint_id)
    return window.filter(state="resolved").count(), window.count()


def figures(at: datetime) -> tuple[int, int]:
    found = health_24h(now=at)
    return found.resolved, found.first_due


# -- Random histories --------------------------------------------------------------------------------------------------


@dataclass
class World:
    """Deliveries as the fan-out, the engine and replays leave them, through the same two doors of the fold."""

    endpoints: list[str]
    waiting: list[tuple[str, str, datetime, str]] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)

    def fan_out(self, at: datetime, many: int, purpose: str) -> None:
        for endpoint_id in self.endpoints:
            for _ in range(many):
                key = keep_delivery(at, endpoint_id=endpoint_id, purpose=purpose)
                self.waiting.append((key, endpoint_id, at, purpose))
        if purpose == "event":
            count_first_due(rows=[(each, at) for each in self.endpoints for _ in range(many)])

    def miss(self, at: datetime) -> None:
        """The endpoint is disabled: the delivery is kept and was never due."""
        self.kept.append((keep_delivery(at, endpoint_id=self.endpoints[0], state="retained", is_due=False),
                          self.endpoints[0]))  # fmt: skip

    def attempt(self, at: datetime, succeeded: bool, many: int) -> None:
        taken, self.waiting = self.waiting[:many], self.waiting[many:]
        if succeeded:
            Delivery.objects.filter(id__in=[key for key, *_ in taken]).update(
                state="resolved", resolved_at=at, next_attempt_at=None
            )
            self.done += [(key, endpoint_id) for key, endpoint_id, *_ in taken]
        else:
            self.waiting += taken
        self._keep([endpoint_id for _, endpoint_id, *_ in taken], succeeded, at)
        count_attempts(
            rows=[AttemptCount(endpoint_id, succeeded=succeeded, duration_ms=9) for _, endpoint_id, *_ in taken],
            resolved=[(endpoint_id, due) for _, endpoint_id, due, purpose in taken if succeeded and purpose == "event"],
            now=at,
        )

    def replay_kept(self, at: datetime) -> None:
        """For the first time due now, however old the event."""
        for key, endpoint_id in self.kept:
            Delivery.objects.filter(id=key).update(state="retrying", next_attempt_at=at, first_due_at=at)
            self.waiting.append((key, endpoint_id, at, "event"))
        count_first_due(rows=[(endpoint_id, at) for _, endpoint_id in self.kept])
        self.kept = []

    def replay_done(self, at: datetime, succeeded: bool) -> None:
        """What had arrived stays resolved, and is not counted as resolved a second time."""
        self._keep([endpoint_id for _, endpoint_id in self.done], succeeded, at)
        count_attempts(
            rows=[AttemptCount(endpoint_id, succeeded=succeeded, duration_ms=9) for _, endpoint_id in self.done],
            resolved=[],
            now=at,
        )

    def _keep(self, endpoint_ids: list[str], succeeded: bool, at: datetime) -> None:
        for endpoint_id in endpoint_ids:
            keep_attempt(at, endpoint_id=endpoint_id, succeeded=succeeded, duration_ms=9)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fan_out", "test", "miss", "arrive", "fail", "replay_kept", "replay_done"]),
        st.one_of(
            st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=9)),
            st.sampled_from([timedelta(seconds=29, milliseconds=750), timedelta(minutes=1), timedelta(hours=24)]),
        ),
        st.integers(1, 4),
    ),
    max_size=14,
)
ASKED = st.lists(
    st.one_of(
        st.timedeltas(min_value=timedelta(hours=-2), max_value=timedelta(hours=60)),
        st.sampled_from([timedelta(hours=24), timedelta(hours=24, seconds=30), timedelta(hours=24, milliseconds=-250)]),
    ),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, asked=ASKED)
def test_health_is_what_a_plain_count_of_the_rows_says(
    steps: list[tuple[str, timedelta, int]], asked: list[timedelta], workspace: TenantRef
) -> None:
    with undone(workspace):
        world, at = World([ids.new_id("whe") for _ in range(2)]), NOON
        for what, wait, many in steps:
            at += wait
            if what in ("fan_out", "test"):
                world.fan_out(at, many, "test" if what == "test" else "event")
            elif what == "miss":
                world.miss(at)
            elif what in ("arrive", "fail"):
                world.attempt(at, what == "arrive", many)
            elif what == "replay_kept":
                world.replay_kept(at)
            else:
                world.replay_done(at, many > 2)
            assert figures(at) == plain_count(at)
        for after in asked:
            assert figures(NOON + after) == plain_count(NOON + after)
        # Counted again from the rows, not one minute was wrong.
        assert recount_minutes(since=NOON, until=at + timedelta(minutes=1)) == 0


@pytest.mark.parametrize("seconds", [0, 0.25, 29.75, 30, 59.999, 60, 86399, 86400, 86400.001, 86430, 86459, 86460])
def test_a_delivery_counts_for_24_hours_to_the_microsecond(seconds: float, workspace: TenantRef) -> None:
    with undone(workspace):
        World([ids.new_id("whe")]).fan_out(NOON, 1, "event")

        at = NOON + timedelta(seconds=seconds)

        assert figures(at) == plain_count(at) == (0, int(seconds < 86400))


def test_nothing_due_is_no_figure(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        found = health_24h(now=now())
        assert endpoint_health(now=now()) == []
        assert health_sparks(endpoint_ids=[], since=NOON, until=now(), points=3) == {}

    assert (found.percent, found.label) == (None, "—")


# -- The real way ------------------------------------------------------------------------------------------------------


def agree(ws: TenantRef, at: datetime | None = None) -> EndpointHealth:
    """The workspace's figure, the sum of its endpoints' and the rows say the same; the oldest endpoint's health."""
    moment = at or now()
    with tenant_work(ws):
        endpoints = endpoint_health(now=moment)
        assert figures(moment) == plain_count(moment)
        for each in endpoints:
            assert (each.resolved, each.first_due) == plain_count(moment, each.endpoint.id)
            assert endpoint_health_of(endpoint_id=each.endpoint.id, now=moment) == each
        assert recount_minutes(since=moment - timedelta(hours=26), until=moment + timedelta(hours=1)) == 0
    return endpoints[0]


def test_what_the_engine_does_is_counted_as_it_happens(subscribed: Subscribed) -> None:
    ws = subscribed.ws
    publish(ws, an_event(1), an_event(2))
    assert agree(ws).backlog == 2

    run_due()
    health = agree(ws)
    assert (health.resolved, health.first_due, health.attempts, health.failed_attempts) == (2, 2, 2, 0)
    assert (health.health, health.success_share, health.backlog, health.oldest_waiting_at) == (100.0, 100.0, 0, None)
    assert health.p50_ms is not None

    subscribed.consumer.inbox.mode = "reject"
    publish(ws, an_event(3))
    run_due()
    health = agree(ws)
    assert (health.resolved, health.first_due, health.attempts, health.failed_attempts) == (2, 3, 3, 1)
    assert (health.health, health.backlog) == (66.66, 1)
    assert health.oldest_waiting_at is not None

    subscribed.consumer.inbox.mode = "up"
    with later(3):
        run_due()
        assert agree(ws).health == 100.0


def test_a_replay_of_what_arrived_counts_as_attempts_only(subscribed: Subscribed) -> None:
    ws = subscribed.ws
    publish(ws)
    run_due()
    subscribed.consumer.inbox.mode = "reject"
    with tenant_work(ws):
        [row] = list_deliveries().rows
        replay_delivery(delivery_id=row.id, actor=SUPPORT, reason="again", now=now())
    run_due()

    health = agree(ws)

    assert (health.resolved, health.first_due, health.attempts, health.failed_attempts) == (1, 1, 2, 1)


def test_what_a_disabled_endpoint_missed_counts_from_its_replay_on(subscribed: Subscribed) -> None:
    ws = subscribed.ws
    with tenant_work(ws):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, reason="pause", actor=DEVELOPER, now=now())
    publish(ws)
    run_due()
    missed = agree(ws)
    assert (missed.first_due, missed.retained, missed.backlog) == (0, 2, 0)  # the other one says that it is disabled

    with tenant_work(ws):
        enable_endpoint(endpoint_id=subscribed.endpoint_id, reason="on", actor=DEVELOPER, now=now())
        [row] = [each for each in list_deliveries().rows if each.event_type == "account.created"]
        replay_delivery(delivery_id=row.id, actor=SUPPORT, reason="missed", now=now())
    assert (agree(ws).first_due, agree(ws).backlog) == (1, 1)
    run_due()

    assert agree(ws).health == 100.0


def test_a_test_event_is_an_attempt_and_no_delivery_that_counts(subscribed: Subscribed) -> None:
    ws = subscribed.ws
    with tenant_work(ws):
        send_test_event(endpoint_id=subscribed.endpoint_id, actor=DEVELOPER, now=now())
    publish(ws)
    run_due()

    health = agree(ws)

    assert (health.attempts, health.first_due, health.resolved) == (2, 1, 1)


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


@given(st.lists(st.integers(0, 100_000)), st.lists(st.integers(0, 100_000)))
def test_folding_together_is_folding_apart_and_adding(one: list[int], other: list[int]) -> None:
    assert latency.add(latency.fold(one), latency.fold(other)) == latency.fold(one + other)


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


# -- Cost --------------------------------------------------------------------------------------------------------------


def rows_read(plan: dict[str, object]) -> int:
    """How many rows the scans of a plan looked at."""
    own = 0
    if "Scan" in str(plan["Node Type"]) and "Relation Name" in plan:
        looked = float(str(plan["Actual Rows"])) + float(str(plan.get("Rows Removed by Filter", 0)))
        own = round(looked * float(str(plan["Actual Loops"])))
    children = plan.get("Plans", [])
    assert isinstance(children, list)
    return own + sum(rows_read(child) for child in children)


def test_a_year_of_history_is_not_read_for_the_figures_of_a_day(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    key = uuid_of(created.endpoint.id)
    fill = """
        INSERT INTO webhooks_delivery (id, recorded_at, event_id, event_recorded_at, event_type, leaf_index, leaf_hash,
            endpoint_id, state, is_awaited, attempts, failures, first_due_at, resolved_at, trigger, purpose, last_error)
        SELECT gen_random_uuid(), t, gen_random_uuid(), t, 'account.created', 0, '', %s, 'resolved', true, 1, 0, t, t,
               'auto', 'event', '' FROM generate_series(%s::timestamptz, %s, %s) AS t
    """
    moment = now()
    with as_role("ZENTRA_OWNER_DATABASE_URL"):
        day, year = [moment - timedelta(hours=23), moment - timedelta(hours=1)], [moment - timedelta(days=365), moment]
        in_workspace(workspace, fill, [key, *day, timedelta(minutes=10)])
        in_workspace(workspace, fill, [key, *year, timedelta(minutes=20)])
        with tenant_work(workspace):
            recount_minutes(since=moment - timedelta(days=366), until=moment + timedelta(minutes=1))
        in_workspace(workspace, "ANALYZE webhooks_delivery")
        in_workspace(workspace, "ANALYZE webhooks_health_minute")
    assert rows_of(workspace, "webhooks_delivery") > 26_000

    read = 0
    with tenant_work(workspace):
        assert figures(moment) == plain_count(moment)
        statements = said_by(lambda: (health_24h(now=moment), endpoint_health(now=moment)))
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
                read += rows_read(cursor.fetchone()[0][0]["Plan"])

    assert len(statements) > 4
    # About 210 minutes have rows in the last day, and each of four statements may read them once.
    assert read < 2_000


def said_by(call: object) -> list[str]:
    """The statements that a call sent."""
    said: list[str] = []

    def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def]  # Django's own shape
        said.append(context["cursor"].mogrify(sql, params) if params else sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        call()  # type: ignore[operator]
    return [each for each in said if "webhooks_" in each]


def test_what_a_dead_endpoint_keeps_is_counted_to_an_end(workspace: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    created = subscribe(workspace, URL)
    monkeypatch.setattr("webhooks.outbound.health.reading.COUNTED_TO", 5)
    with tenant_work(workspace):
        for state in ("queued", "retrying", "exhausted", "retained"):
            for minutes in range(7):
                keep_delivery(NOON - timedelta(minutes=minutes), endpoint_id=created.endpoint.id, state=state)
        [health] = endpoint_health(now=NOON)

    assert (health.waiting, health.exhausted, health.retained) == (5, 5, 5)
    assert health.oldest_waiting_at == NOON - timedelta(minutes=6)
    assert COUNTED_TO == 10_000
