"""Sustained failure: warnings first, then an automatic disable, probes, and recovery. Days pass in a second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.evidence.sealing import sequence
from tests.ledger.book import at_once
from tests.webhooks.servers import Answer, Endpoint, scripted_endpoint
from tests.webhooks.work import (
    SUPPORT,
    an_event,
    deliveries,
    entered,
    event_rows,
    later,
    only_delivery,
    publish,
    run_due,
    subscribe,
)
from webhooks.operations import change_endpoint, disable_endpoint, enable_endpoint, remove_endpoint
from webhooks.outbound import failing
from webhooks.queries import get_endpoint
from webhooks.types import EndpointRecord
from zentra.core import clock, ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

URL = "https://consumer.example.com/hooks"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Fails:
    """An endpoint of a workspace, and the outcomes that are noted for it at chosen moments after a start."""

    def __init__(self, ws: TenantRef) -> None:
        self.ws = ws
        self.id = subscribe(ws, URL).endpoint.id
        self.start = now()

    def note(self, at: timedelta, *, failed: int = 0, succeeded: int = 0, error: str = "answered 503") -> None:
        with tenant_work(self.ws):
            failing.note_outcomes(
                endpoint_id=self.id, succeeded=succeeded, failed=failed, last_error=error, now=self.start + at
            )

    def probe(self, at: timedelta) -> list[str]:
        with tenant_work(self.ws):
            return failing.send_due_probes(now=self.start + at)

    @property
    def record(self) -> EndpointRecord:
        with tenant_work(self.ws):
            return get_endpoint(endpoint_id=self.id)

    def is_enabled(self) -> bool:
        return self.record.state == "enabled"

    def told(self, name: str) -> list[dict[str, object]]:
        return [row["data"] for row in event_rows(self.ws, f"endpoint.{name}")]

    def disable(self) -> None:
        """Have it disabled for failing."""
        period = failing.DISABLE_AFTER[self.ws.mode]
        self.note(timedelta(0), failed=5)
        self.note(period * 0.6, failed=1)
        self.note(period, failed=1)
        assert self.record.disabled_by == "failing"


@pytest.fixture
def live(live_workspace: TenantRef) -> Fails:
    return Fails(live_workspace)


@pytest.fixture
def sandbox(workspace: TenantRef) -> Fails:
    return Fails(workspace)


# -- Counting ----------------------------------------------------------------------------------------------------------


def test_failures_in_a_row_are_counted_from_the_first(live: Fails) -> None:
    live.note(HOUR, failed=1)
    live.note(2 * HOUR, failed=2)
    assert (live.record.consecutive_failures, live.record.failing_since) == (3, live.start + HOUR)

    live.note(3 * HOUR, failed=4, succeeded=1)  # one batch: something arrived, so it is not failing
    assert (live.record.consecutive_failures, live.record.failing_since) == (0, None)


def test_a_success_after_a_success_writes_nothing(live: Fails) -> None:
    with tenant_work(live.ws), entered(), CaptureQueriesContext(connection) as queries:
        failing.note_outcomes(endpoint_id=live.id, succeeded=3, failed=0, last_error="", now=now())
    assert len(queries) == 1
    assert not [each for each in queries if "UPDATE" in each["sql"].replace("FOR UPDATE", "")]


def test_outcomes_at_once_are_all_counted(live: Fails) -> None:
    at_once([lambda: live.note(HOUR, failed=1)] * 8, threads=8)
    assert live.record.consecutive_failures == 8
    assert [data["warning"] for data in live.told("failing")] == [1]


# -- Warnings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "period"), [("live", 5 * DAY), ("sandbox", HOUR)])
def test_warnings_come_at_the_third_failure_a_fifth_and_half_of_the_time(
    mode: str, period: timedelta, request: pytest.FixtureRequest
) -> None:
    fails: Fails = request.getfixturevalue(mode)
    told = []
    for step in range(10):  # every tenth of the time until it is disabled
        fails.note(period * step / 10, failed=1)
        told.append(len(fails.told("failing")))

    assert told == [0, 0, 1, 1, 1, 2, 2, 2, 2, 2]  # the third failure is a fifth of the time after the first
    assert [data["warning"] for data in fails.told("failing")] == [2, 3]
    last = fails.told("failing")[-1]
    assert last == {
        "endpoint_id": fails.id,
        "failing_since": clock.iso(fails.start),
        "consecutive_failures": 6,
        "warning": 3,
        "disables_at": clock.iso(fails.start + period),
        "last_error": "answered 503",
    }
    assert fails.record.state == "enabled"


def test_the_third_failure_in_a_row_warns_at_once(live: Fails) -> None:
    for _ in range(4):
        live.note(timedelta(seconds=1), failed=1)
    [warning] = live.told("failing")
    assert (warning["warning"], warning["consecutive_failures"]) == (1, 3)


def test_an_error_is_told_in_one_line(live: Fails) -> None:
    live.note(HOUR, failed=3, error="bad\x00 \r\nanswer " + "x" * 900)
    [warning] = live.told("failing")
    assert str(warning["last_error"]).startswith("bad answer xxx")
    assert len(str(warning["last_error"])) == 200


def test_a_success_ends_the_warnings_and_is_told(live: Fails) -> None:
    live.note(HOUR, failed=3)
    live.note(2 * HOUR, succeeded=1)
    live.note(3 * HOUR, succeeded=1)

    [recovered] = live.told("recovered")
    assert recovered == {
        "endpoint_id": live.id,
        "failing_since": clock.iso(live.start + HOUR),
        "was_disabled": False,
        "missed": 0,
    }
    live.note(4 * HOUR, failed=3)
    assert [data["warning"] for data in live.told("failing")] == [1, 1]  # from the start again


def test_two_failures_are_nobodys_business(live: Fails) -> None:
    live.note(HOUR, failed=2)
    live.note(2 * HOUR, succeeded=1)
    assert live.told("failing") == live.told("recovered") == []


# -- Disabling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "period"), [("live", 5 * DAY), ("sandbox", HOUR)])
def test_nothing_but_failures_for_long_enough_disables(
    mode: str, period: timedelta, request: pytest.FixtureRequest
) -> None:
    fails: Fails = request.getfixturevalue(mode)
    for step in range(10):
        fails.note(period * step / 10, failed=1)
    fails.note(period - timedelta(seconds=1), failed=1)
    assert fails.record.state == "enabled"

    fails.note(period, failed=1)

    record = fails.record
    assert (record.state, record.disabled_by) == ("disabled", "failing")
    assert record.probe_at == fails.start + period + failing.PROBE_EVERY[fails.ws.mode]
    assert "12 in a row: answered 503" in record.disabled_reason
    [told] = fails.told("disabled")
    assert (told["disabled_by"], told["reason"]) == ("failing", record.disabled_reason)


def test_a_success_in_between_starts_the_time_anew(live: Fails) -> None:
    for day in range(12):
        live.note(day * DAY, failed=10)
        if day % 4 == 3:
            live.note(day * DAY + HOUR, succeeded=1)
    assert live.record.state == "enabled"


def test_fewer_than_five_failures_never_disable(live: Fails) -> None:
    for day in (0, 2, 4, 30):
        live.note(day * DAY, failed=1)
    assert live.is_enabled()
    live.note(31 * DAY, failed=1)
    assert not live.is_enabled()


def test_nobody_is_disabled_without_the_last_warning_before(live: Fails) -> None:
    """Nothing was sent for a week: the next failure warns, and the one after it disables."""
    live.note(timedelta(0), failed=5)
    live.note(7 * DAY, failed=50)
    assert live.is_enabled()
    assert [data["warning"] for data in live.told("failing")] == [1, 3]
    live.note(7 * DAY + HOUR, failed=1)
    assert not live.is_enabled()


def test_it_is_disabled_once_by_many_at_once(live: Fails) -> None:
    live.note(timedelta(0), failed=5)
    live.note(3 * DAY, failed=1)
    results = at_once([lambda: live.note(5 * DAY, failed=1)] * 6, threads=6)
    assert results == [None] * 6
    assert len(live.told("disabled")) == 1


def test_failures_of_a_disabled_endpoint_count_nothing(live: Fails) -> None:
    live.note(HOUR, failed=2)
    with tenant_work(live.ws):
        disable_endpoint(endpoint_id=live.id, reason="", actor=SUPPORT, now=now())
    live.note(9 * DAY, failed=50)
    assert live.record.consecutive_failures == 2
    assert live.told("failing") == []


def test_410_disables_at_once_and_is_not_probed(live: Fails) -> None:
    for _ in range(2):
        with tenant_work(live.ws):
            failing.disable_gone(endpoint_id=live.id, now=live.start)
    assert (live.record.disabled_by, live.record.probe_at) == ("gone", None)
    assert len(live.told("disabled")) == 1
    live.note(HOUR, succeeded=1)  # another delivery that was in flight
    assert live.record.disabled_by == "gone"


# -- Probing and recovery ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "every"), [("live", HOUR), ("sandbox", timedelta(minutes=1))])
def test_a_failing_endpoint_is_probed_at_its_interval(
    mode: str, every: timedelta, request: pytest.FixtureRequest
) -> None:
    fails: Fails = request.getfixturevalue(mode)
    fails.disable()
    disabled = failing.DISABLE_AFTER[fails.ws.mode]

    assert fails.probe(disabled + every * 0.9) == []
    assert fails.probe(disabled + every) == [fails.id]
    assert fails.probe(disabled + every) == []
    assert fails.probe(disabled + every * 2) == [fails.id]
    assert fails.told("test") == [{"endpoint_id": fails.id, "probe": True}] * 2


def test_two_workers_send_one_probe(live: Fails) -> None:
    live.disable()
    sent = at_once([lambda: live.probe(6 * DAY)] * 4, threads=4)
    assert sorted(sent, key=str, reverse=True) == [[], [], [], [live.id]]
    assert len(live.told("test")) == 1


def test_only_what_failed_is_probed(live: Fails) -> None:
    live.disable()
    with tenant_work(live.ws):
        disable_endpoint(endpoint_id=live.id, reason="we know", actor=SUPPORT, now=now())
    assert live.probe(9 * DAY) == []


def test_a_removed_endpoint_is_not_probed(live: Fails) -> None:
    live.disable()
    with tenant_work(live.ws):
        remove_endpoint(endpoint_id=live.id, reason="", actor=SUPPORT, now=now())
    assert live.probe(9 * DAY) == []


def test_another_url_is_probed_at_once(live: Fails) -> None:
    live.disable()
    with tenant_work(live.ws):
        change_endpoint(endpoint_id=live.id, version=None, url=f"{URL}/new", actor=SUPPORT, now=live.start + 5 * DAY)
    assert live.probe(5 * DAY + timedelta(seconds=1)) == [live.id]


def test_a_success_while_disabled_for_failing_enables_again(live: Fails) -> None:
    live.disable()
    live.note(6 * DAY, succeeded=1)

    record = live.record
    assert (record.state, record.disabled_by, record.probe_at, record.failing_since) == ("enabled", "", None, None)
    [row] = event_rows(live.ws, "endpoint.recovered")
    assert row["data"]["was_disabled"] is True
    assert row["data"]["announced_as"] == ["endpoint.enabled"]
    assert live.told("enabled") == []  # one fact, one leaf


def test_two_successes_at_once_recover_once(live: Fails) -> None:
    live.disable()
    at_once([lambda: live.note(6 * DAY, succeeded=1)] * 4, threads=4)
    assert len(live.told("recovered")) == 1


def test_a_success_does_not_overrule_a_person(live: Fails) -> None:
    with tenant_work(live.ws):
        disable_endpoint(endpoint_id=live.id, reason="maintenance", actor=SUPPORT, now=now())
    live.note(HOUR, succeeded=1)
    assert live.record.disabled_by == "person"


def test_a_person_may_enable_it_before_a_probe_does(live: Fails) -> None:
    live.disable()
    with tenant_work(live.ws):
        enable_endpoint(endpoint_id=live.id, reason="fixed", actor=SUPPORT, now=now())
    assert live.probe(9 * DAY) == []
    live.note(9 * DAY, failed=3)
    assert live.told("failing")[-1]["warning"] == 1


# -- All of it, with a real endpoint -----------------------------------------------------------------------------------


@pytest.fixture
def healing(local_webhooks: None) -> Iterator[tuple[Endpoint, Answer]]:
    """An endpoint that answers 503 until its answer's status is changed."""
    answer = Answer(503)
    with scripted_endpoint(lambda _: answer) as endpoint:
        yield endpoint, answer


def _probe(ws: TenantRef, moment: datetime) -> None:
    with tenant_work(ws):
        assert failing.send_due_probes(now=moment)
    sequence(ws)
    run_due(kinds=("webhooks.fan_out",))
    run_due()


def test_a_disabled_endpoint_heals_by_itself_and_keeps_what_it_missed(
    workspace: TenantRef, healing: tuple[Endpoint, Answer]
) -> None:
    endpoint, answer = healing
    endpoint_id = subscribe(workspace, endpoint.url, "account.*").endpoint.id
    publish(workspace)
    with tenant_work(workspace), connection.cursor() as cursor:  # an hour of failures lies behind it
        cursor.execute(
            "UPDATE webhooks_endpoint SET failing_since = %s, consecutive_failures = 9, warnings = 3 WHERE id = %s",
            [now() - HOUR, ids.to_uuid(endpoint_id, prefix="whe")],
        )
    run_due()
    assert only_delivery(workspace).delivery.state == "retained"
    publish(workspace, an_event(2))
    assert {each.state for each in deliveries(workspace)} == {"retained"}

    with later(61) as moment:
        _probe(workspace, moment)
        with tenant_work(workspace):
            assert get_endpoint(endpoint_id=endpoint_id).state == "disabled"  # 503 to the probe too
    answer.status = 204
    with later(125) as moment:
        _probe(workspace, moment)
        with tenant_work(workspace):
            assert get_endpoint(endpoint_id=endpoint_id).state == "enabled"

    probes = deliveries(workspace, event_type="endpoint.test")
    assert sorted(each.state for each in probes) == ["exhausted", "resolved"]
    assert {(each.purpose, each.attempts, each.is_awaited) for each in probes} == {("probe", 1, False)}
    assert {each.state for each in deliveries(workspace, event_type="account.created")} == {"retained"}
    [recovered] = event_rows(workspace, "endpoint.recovered")
    assert recovered["data"]["missed"] == 2
