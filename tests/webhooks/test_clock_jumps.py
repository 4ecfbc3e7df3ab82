"""The clock jumps, forward and back, amid everything: nothing is lost, waits for days, or is sent in a loop."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from django.db import connection

from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.test_engine import all_resolved, received
from tests.webhooks.work import DEVELOPER, an_event, deliveries, later, only_delivery, publish, run_due, subscribe
from webhooks.models import Delivery
from webhooks.operations import disable_endpoint
from webhooks.outbound.engine import loop
from webhooks.outbound.engine.breaker import Breaker, advance
from webhooks.outbound.engine.loop import deliver_due
from webhooks.queries import get_endpoint
from webhooks.tasks import catch_up, sweep
from zentra.core.clock import now
from zentra.core.queue import lanes
from zentra.core.queue.tasks import free_leases_ahead
from zentra.core.tenancy import TenantRef, tenant_work

A_DAY = 86_400.0
JUMPS = (3600.0, A_DAY, 30 * A_DAY)


def settle(ws: TenantRef) -> int:
    """What a worker does every thirty seconds, and then what is due; how much ran."""
    sweep(ws)
    free_leases_ahead(ws)
    return run_due()


@pytest.mark.parametrize("ahead", JUMPS)
def test_what_was_made_while_the_clock_was_ahead_is_sent_when_it_is_right_again(
    workspace: TenantRef, local_webhooks: None, ahead: float
) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        with later(ahead):
            subscribe(workspace, endpoint.url)
        with later(ahead + 1):
            ids = publish(workspace)
        ids += publish(workspace)  # after the endpoint was made, whatever the clock said then
        settle(workspace)

        assert all_resolved(workspace)
        assert set(received(endpoint)) >= set(ids)
        assert {count for event, count in received(endpoint).items() if event in ids} == {1}


@pytest.mark.parametrize("ahead", [A_DAY, 30 * A_DAY])
def test_a_retry_that_was_planned_while_the_clock_was_ahead_is_not_waited_for_that_long(
    workspace: TenantRef, local_webhooks: None, ahead: float
) -> None:
    with scripted_endpoint(lambda number: Answer(503 if number == 1 else 204)) as endpoint:
        subscribe(workspace, endpoint.url, "account.*")
        with later(ahead):
            publish(workspace)
            deliver_due()
        assert only_delivery(workspace).delivery.state == "retrying"
        settle(workspace)

        assert only_delivery(workspace).delivery.state == "resolved"
        assert len(endpoint.requests) == 2


def test_what_a_worker_claimed_while_the_clock_was_ahead_and_never_finished_is_sent_again(
    workspace: TenantRef, local_webhooks: None
) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        subscribe(workspace, endpoint.url, "account.*")
        [event_id] = publish(workspace)
        with later(A_DAY):
            [item] = lanes.claim(limit=10, now=now()).items
            assert len(loop._open(workspace.id, [item])) == 1  # and here it died
        assert deliver_due() == 0
        settle(workspace)

        assert received(endpoint) == {event_id: 1}
    assert [attempt.error_class for attempt in only_delivery(workspace).attempts] == ["worker_lost", None]


def test_a_breaker_that_opened_while_the_clock_was_ahead_pauses_no_longer_than_any(
    workspace: TenantRef, local_webhooks: None
) -> None:
    with scripted_endpoint(lambda number: Answer(503 if number <= 5 else 204)) as endpoint:
        made = subscribe(workspace, endpoint.url, "account.*", schedule=[0, 1, 1])
        publish(workspace, *(an_event(number) for number in range(5)))
        with later(A_DAY):
            deliver_due()
            with tenant_work(workspace):
                assert get_endpoint(endpoint_id=made.endpoint.id).breaker == "open"
        settle(workspace)
        with later(60):
            settle(workspace)

        assert all_resolved(workspace)
        with tenant_work(workspace):
            assert get_endpoint(endpoint_id=made.endpoint.id).breaker == "closed"


def test_a_failing_endpoint_is_not_called_in_a_loop_after_the_clock_went_back(
    workspace: TenantRef, local_webhooks: None
) -> None:
    with scripted_endpoint(lambda _: Answer(503)) as endpoint:
        subscribe(workspace, endpoint.url, "account.*", schedule=[0] * 20)
        publish(workspace, *(an_event(number) for number in range(5)))
        with later(A_DAY):
            deliver_due()
        called = len(endpoint.requests)
        with later(0):
            for _ in range(20):
                settle(workspace)
        assert len(endpoint.requests) <= called + 2


@pytest.mark.parametrize("ahead", JUMPS)
def test_a_jump_forward_sends_nothing_twice_that_was_not_on_its_way(
    workspace: TenantRef, local_webhooks: None, ahead: float
) -> None:
    with scripted_endpoint(lambda number: Answer(503 if number == 1 else 204)) as endpoint:
        subscribe(workspace, endpoint.url, "account.*")
        publish(workspace, *(an_event(number) for number in range(3)))
        deliver_due()
        with later(ahead):
            for _ in range(5):
                settle(workspace)
                catch_up(workspace)

        assert len(endpoint.requests) == 4
        assert {each.state for each in deliveries(workspace, event_type="account.created")} == {"resolved"}


def test_a_pause_of_the_future_is_over_and_the_next_one_begins_now() -> None:
    present = datetime.fromisoformat("2026-04-01T00:00:00Z")
    ahead = Breaker("open", present + timedelta(days=1), 3)

    after = advance(ahead, succeeded=False, failures=9, mode="live", now=present)

    assert after.until is not None
    assert present < after.until <= present + timedelta(minutes=5)


def test_a_worker_that_comes_back_from_the_future_finishes_its_own_attempt(
    workspace: TenantRef, local_webhooks: None
) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        subscribe(workspace, endpoint.url, "account.*")
        publish(workspace)
        with later(A_DAY):
            items = lanes.claim(limit=10, now=now()).items
            [(item, claim)] = loop._open(workspace.id, items)
        [sent] = asyncio.run(loop._send_all([(item, claim)]))
        loop.finish_items(workspace.id, [sent])

        assert len(endpoint.requests) == 1
    assert only_delivery(workspace).delivery.state == "resolved"
    assert settle(workspace) == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM work_item WHERE workspace_id = %s AND lane <> '' AND done_at IS NULL", [workspace.id]
        )
        assert cursor.fetchone()[0] == 0


@pytest.mark.parametrize("days", [1, 40, 4000])
def test_a_dead_workers_deliveries_are_sent_however_long_everything_stood_still(
    workspace: TenantRef, local_webhooks: None, days: int
) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        subscribe(workspace, endpoint.url, "account.*")
        [event_id] = publish(workspace)
        assert len(loop._open(workspace.id, lanes.claim(limit=10, now=now()).items)) == 1
        with later(days * A_DAY):
            settle(workspace)

        assert received(endpoint) == {event_id: 1}
    [lost, arrived] = only_delivery(workspace).attempts
    assert (lost.error_class, arrived.error_class) == ("worker_lost", None)
    assert lost.duration_ms == 30_000  # until its claim ended: nobody knows more


def test_the_claim_of_a_dead_worker_ends_although_the_endpoint_was_disabled_meanwhile(
    workspace: TenantRef, local_webhooks: None
) -> None:
    made = subscribe(workspace, "http://127.0.0.1:9/hook", "account.*")
    publish(workspace)
    assert len(loop._open(workspace.id, lanes.claim(limit=10, now=now()).items)) == 1
    with tenant_work(workspace):
        disable_endpoint(endpoint_id=made.endpoint.id, reason="it is moving", actor=DEVELOPER, now=now())
    with later(90):
        settle(workspace)

    shown = only_delivery(workspace)
    assert shown.delivery.state == "retained"
    assert [(attempt.error_class, attempt.next_attempt_at) for attempt in shown.attempts] == [("worker_lost", None)]
    with tenant_work(workspace):
        assert not Delivery.objects.exclude(claim_id=None).exists()
