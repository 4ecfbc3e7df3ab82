"""The engine when something fails beside it: a lock that is held, a database that goes away between two statements."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.test_engine import all_resolved, received, running_engine, wait_for
from tests.webhooks.work import an_event, deliveries, only_delivery, publish, run_due, subscribe
from webhooks.outbound.engine import loop
from webhooks.outbound.engine.calling import Sent
from webhooks.outbound.engine.claiming import claim_deliveries
from webhooks.outbound.engine.finishing import Outcome, finish_attempts
from webhooks.outbound.engine.loop import deliver_due
from webhooks.outbound.sending import SendResult
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.queue import operations, queries
from zentra.core.tenancy import TenantRef, tenant_work


def failing_times(count: int, work: Any) -> Any:
    """`work`, which fails so many times first as it does while PostgreSQL restarts."""
    left = [count]

    def run(*args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("the database system is shutting down")
        return work(*args, **kwargs)

    return run


@contextmanager
def locked_endpoint(ws: TenantRef, endpoint_id: str) -> Iterator[None]:
    """Somebody is changing an endpoint, and takes their time."""
    is_held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with tenant_work(ws), connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM webhooks_endpoint WHERE id = %s FOR UPDATE", [ids.to_uuid(endpoint_id, prefix="whe")]
            )
            is_held.set()
            let_go.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert is_held.wait(10)
        yield
    finally:
        let_go.set()
        holder.join()


def test_an_endpoint_that_is_being_changed_holds_only_its_own_answers(
    workspace: TenantRef, local_webhooks: None
) -> None:
    with (
        scripted_endpoint(lambda _: Answer(503)) as bad,
        scripted_endpoint(lambda _: Answer(204)) as good,
        running_engine(),
    ):
        failing = subscribe(workspace, bad.url, "account.*", schedule=[0, 600])
        fine = subscribe(workspace, good.url, "account.*")
        with locked_endpoint(workspace, failing.endpoint.id):
            publish(workspace, *(an_event(number) for number in range(5)))
            wait_for(lambda: len(bad.requests) == 5)
            began = time.monotonic()
            for number in range(10):  # batch after batch, while those answers cannot be written
                publish(workspace, an_event(100 + number))
                wait_for(lambda: _is_resolved(workspace, fine.endpoint.id), seconds=5)
            assert time.monotonic() - began < 10
        wait_for(lambda: all(each.attempts == 1 for each in _of(workspace, failing.endpoint.id)))
        wait_for(lambda: {each.state for each in _of(workspace, failing.endpoint.id)} == {"retrying"})

    assert len(bad.requests) == 15


def _of(ws: TenantRef, endpoint_id: str) -> list[Any]:
    return [each for each in deliveries(ws) if each.endpoint_id == endpoint_id]


def _is_resolved(ws: TenantRef, endpoint_id: str) -> bool:
    return all(each.state == "resolved" for each in _of(ws, endpoint_id))


def test_an_attempt_and_its_work_item_are_written_together_or_not_at_all(
    workspace: TenantRef, local_webhooks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "defer_many", failing_times(1, operations.defer_many))
    with scripted_endpoint(lambda _: Answer(503)) as endpoint, running_engine():
        subscribe(workspace, endpoint.url, schedule=[0, 600])
        publish(workspace)
        wait_for(lambda: only_delivery(workspace).delivery.state == "retrying")
        time.sleep(0.2)

    shown = only_delivery(workspace)
    assert [attempt.is_superseded for attempt in shown.attempts] == [False]
    [(_, due_at, _, _)] = queries.open_items(
        workspace_id=workspace.id, ref=f"{shown.delivery.endpoint_id}/{shown.delivery.id}"
    )
    assert due_at == shown.delivery.next_attempt_at


def test_a_database_that_goes_away_between_two_statements_does_not_end_the_engine(
    workspace: TenantRef, local_webhooks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "claim_deliveries", failing_times(1, claim_deliveries))
    monkeypatch.setattr(operations, "fail", failing_times(1, operations.fail))
    monkeypatch.setattr("zentra.core.queue.lanes.LEASE", operations.LEASE / 45)
    with scripted_endpoint(lambda _: Answer(204)) as endpoint, running_engine() as engine:
        wait_for(lambda: engine._thread is not None)
        first = engine._thread
        subscribe(workspace, endpoint.url)
        [event_id] = publish(workspace)
        with connection.cursor() as cursor:
            wait_for(lambda: _hasten_leases(cursor, workspace))
        wait_for(lambda: all_resolved(workspace))

        assert engine._thread is first
        assert received(endpoint) == {event_id: 1}


def _hasten_leases(cursor: Any, ws: TenantRef) -> bool:
    """Let the lease of what nobody does run out now."""
    cursor.execute(
        "UPDATE public.work_item SET leased_until = now(), due_at = now() WHERE workspace_id = %s AND lane <> ''"
        " AND claim_id IS NOT NULL AND done_at IS NULL",
        [ws.id],
    )
    return bool(cursor.rowcount)


def test_a_late_attempt_in_one_batch_with_the_one_that_took_over_decides_nothing(
    workspace: TenantRef, local_webhooks: None
) -> None:
    subscribe(workspace, "http://127.0.0.1:9/hook", schedule=[0, 600])
    publish(workspace)
    delivery_id = only_delivery(workspace).delivery.id
    with tenant_work(workspace):
        [first] = claim_deliveries(delivery_ids=[delivery_id], now=now()).claims
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET claimed_until = now() - interval '1 second'")
    with tenant_work(workspace):
        [second] = claim_deliveries(delivery_ids=[delivery_id], now=now()).claims
    refused = Sent({}, SendResult(started_at=now(), duration_ms=1, status=500, error_class="server_error"), True)
    arrived = replace(refused, result=SendResult(started_at=now(), duration_ms=1, status=204))

    with tenant_work(workspace):
        became = finish_attempts(outcomes=[Outcome(second, arrived), Outcome(first, refused)], now=now())

    assert became[delivery_id, 1].is_superseded
    assert not became[delivery_id, 2].is_superseded
    shown = only_delivery(workspace)
    assert shown.delivery.state == "resolved"
    run_due()
    assert deliver_due() == 0
