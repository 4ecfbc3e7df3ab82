"""The figures of health agree with the rows to the delivery, at any moment, and cost the same after years."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evidence.sealing import as_role
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
from webhooks.outbound.health import AttemptCount, count_attempts, count_first_due
from webhooks.queries import (
    endpoint_health,
    endpoint_health_of,
    health_24h,
    health_sparks,
    list_deliveries,
)
from webhooks.types import COUNTED_TO, EndpointHealth
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
    assert agree(ws).waiting == 2

    run_due()
    health = agree(ws)
    assert (health.resolved, health.first_due, health.attempts, health.failed_attempts) == (2, 2, 2, 0)
    assert (health.health, health.success_share, health.waiting, health.oldest_waiting_at) == (100.0, 100.0, 0, None)
    assert health.p50_ms is not None

    subscribed.consumer.inbox.mode = "reject"
    publish(ws, an_event(3))
    run_due()
    health = agree(ws)
    assert (health.resolved, health.first_due, health.attempts, health.failed_attempts) == (2, 3, 3, 1)
    assert (health.health, health.waiting) == (66.66, 1)
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
    assert (missed.first_due, missed.retained, missed.waiting) == (0, 2, 0)  # the other one says that it is disabled

    with tenant_work(ws):
        enable_endpoint(endpoint_id=subscribed.endpoint_id, reason="on", actor=DEVELOPER, now=now())
        [row] = [each for each in list_deliveries().rows if each.event_type == "account.created"]
        replay_delivery(delivery_id=row.id, actor=SUPPORT, reason="missed", now=now())
    assert (agree(ws).first_due, agree(ws).waiting) == (1, 1)
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
