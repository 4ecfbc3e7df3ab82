"""From a sequenced event to a resolved delivery, through a real queue, a real consumer and the sealer's own role."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.test import override_settings

from evidence.queries import find_event
from tests.evidence.sealing import record
from tests.webhooks.servers import Answer, raw_endpoint, scripted_endpoint
from tests.webhooks.work import (
    SUPPORT,
    Subscribed,
    an_event,
    deliveries,
    event_rows,
    later,
    only_delivery,
    publish,
    run_due,
    subscribe,
)
from webhooks.operations import disable_endpoint, enable_endpoint, replay_delivery, replay_many
from webhooks.outbound.endpoints import StaleEndpoint
from webhooks.outbound.engine.calling import Sent, call
from webhooks.outbound.engine.claiming import Claim, ClaimedBatch, Wait, claim_deliveries
from webhooks.outbound.engine.finishing import Finished, Outcome, finish_attempts
from webhooks.outbound.fan_out import fan_out
from webhooks.outbound.queries import DeliveryNotFound, get_delivery
from webhooks.outbound.sending import make_caller
from webhooks.queries import DeliveryFilter, endpoint_health, health_24h, list_deliveries
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

ROOT = Path(__file__).resolve().parents[2]
SECOND_DELIVERY = """
INSERT INTO webhooks_delivery SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).*
FROM webhooks_delivery d
"""


def claim_one(ws: TenantRef, delivery_id: str) -> ClaimedBatch:
    with tenant_work(ws):
        return claim_deliveries(delivery_ids=[delivery_id], now=now())


def claim_now(ws: TenantRef, delivery_id: str) -> Claim:
    [claim] = claim_one(ws, delivery_id).claims
    return claim


def send_claimed(claim: Claim) -> Sent:
    async def send() -> Sent:
        async with make_caller() as caller:
            return await call(caller, claim, now=now())

    return asyncio.run(send())


def finish(ws: TenantRef, claim: Claim, sent: Sent) -> Finished:
    with tenant_work(ws):
        return finish_attempts(outcomes=[Outcome(claim, sent)], now=now())[claim.delivery_id, claim.number]


# -- The way there -----------------------------------------------------------------------------------------------------


def test_an_event_arrives_signed_once_and_byte_for_byte(subscribed: Subscribed) -> None:
    [event_id] = publish(subscribed.ws)
    run_due()

    [message] = subscribed.received()  # the consumer verified it with the public package
    detail = only_delivery(subscribed.ws)
    with tenant_work(subscribed.ws):
        stored = find_event(event_id=event_id)

    assert message["webhook_id"] == event_id
    assert message["sequence"] == stored.index == detail.delivery.leaf_index
    assert (detail.delivery.state, detail.delivery.attempts) == ("resolved", 1)
    [attempt] = detail.attempts
    assert (attempt.response_status, attempt.trigger, attempt.is_signature_verified) == (204, "auto", True)
    assert attempt.request_headers["webhook-id"] == event_id
    assert subscribed.created.secret not in str(attempt.request_headers)


def test_queued_and_delivered_are_recorded_and_not_delivered_themselves(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    run_due()
    publish(subscribed.ws)  # sequences what the first delivery recorded, too
    run_due()

    assert len(event_rows(subscribed.ws, "webhook.queued")) == 2
    assert len(event_rows(subscribed.ws, "webhook.delivered")) == 2
    assert {message["type"] for message in subscribed.received()} == {"account.created"}


def test_only_endpoints_that_existed_and_asked_for_it_get_an_event(subscribed: Subscribed) -> None:
    ws, url = subscribed.ws, subscribed.created.endpoint.url
    subscribe(ws, url, "hold.*")
    record(ws, an_event())
    late = subscribe(ws, url)
    publish(ws, an_event(2))

    found = deliveries(ws, event_type="account.created")

    assert len([each for each in found if each.endpoint_id == subscribed.endpoint_id]) == 2
    assert len([each for each in found if each.endpoint_id == late.endpoint.id]) == 1
    assert len(found) == 3


def test_following_the_log_twice_makes_no_second_delivery(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    with tenant_work(subscribed.ws), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_cursor SET next_index = 0")
    with tenant_work(subscribed.ws):
        assert fan_out(now=now()).deliveries == 0

    assert len(deliveries(subscribed.ws)) == 1


def test_one_follower_at_a_time(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    busy: list[bool] = []

    def follow() -> None:
        with tenant_work(subscribed.ws):
            busy.append(fan_out(now=now()).is_busy)
        connection.close()

    with tenant_work(subscribed.ws):
        fan_out(now=now())
        other = threading.Thread(target=follow)
        other.start()
        other.join()

    assert busy == [True]


# -- Failing and healing -----------------------------------------------------------------------------------------------


def test_a_failed_delivery_keeps_its_attempts_and_heals_under_the_same_id(subscribed: Subscribed) -> None:
    subscribed.consumer.inbox.mode = "reject"
    [event_id] = publish(subscribed.ws)
    run_due()
    waiting = only_delivery(subscribed.ws).delivery
    assert (waiting.state, waiting.attempts, waiting.last_status) == ("retrying", 1, 503)
    assert waiting.next_attempt_at is not None
    assert run_due() == 0  # not before it is due

    subscribed.consumer.inbox.mode = "up"
    with later(3):
        run_due()

    healed = only_delivery(subscribed.ws)
    assert (healed.delivery.state, healed.delivery.attempts) == ("resolved", 2)
    assert [attempt.response_status for attempt in healed.attempts] == [503, 204]
    assert {attempt.request_headers["webhook-id"] for attempt in healed.attempts} == {event_id}
    assert len(event_rows(subscribed.ws, "webhook.retrying")) == 1


def test_a_consumer_that_is_down_is_tried_until_the_schedule_is_used_up(subscribed: Subscribed) -> None:
    subscribed.consumer.inbox.mode = "down"
    with override_settings(ZENTRA_SANDBOX_WEBHOOK_SCHEDULE=[0, 0, 0]):
        publish(subscribed.ws)
        run_due()

    detail = only_delivery(subscribed.ws)

    assert (detail.delivery.state, detail.delivery.attempts) == ("exhausted", 3)
    assert {attempt.error_class for attempt in detail.attempts} == {"connection_lost"}
    assert len(event_rows(subscribed.ws, "webhook.exhausted")) == 1
    assert run_due() == 0


def test_retry_after_is_honoured(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(429, {"Retry-After": "40"})) as endpoint:
        subscribe(workspace, endpoint.url)
        publish(workspace)
        run_due()

    waiting = only_delivery(workspace).delivery
    assert waiting.next_attempt_at is not None
    assert 38 <= (waiting.next_attempt_at - now()).total_seconds() <= 40


def test_410_disables_the_endpoint_and_retains_what_waits_for_it(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(410)) as endpoint:
        subscribe(workspace, endpoint.url)
        publish(workspace, an_event(1), an_event(2))
        run_due()

    assert {each.state for each in deliveries(workspace)} == {"retained"}
    with tenant_work(workspace):
        [health] = endpoint_health(now=now())
    assert (health.endpoint.state, health.retained) == ("disabled", 2)
    assert len(event_rows(workspace, "endpoint.disabled")) == 1


# -- Two workers, dead workers, altered bytes --------------------------------------------------------------------------


def test_of_two_workers_one_gets_the_claim(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    delivery = only_delivery(subscribed.ws).delivery
    claim = claim_now(subscribed.ws, delivery.id)

    second = claim_one(subscribed.ws, delivery.id)

    assert second.claims == ()
    assert second.waits == {delivery.id: Wait(claim.claimed_until, "another worker is sending it")}


def test_two_workers_at_the_same_moment_claim_once(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    delivery = only_delivery(subscribed.ws).delivery
    start = threading.Barrier(4)
    results: list[ClaimedBatch] = []

    def race() -> None:
        start.wait()
        results.append(claim_one(subscribed.ws, delivery.id))
        connection.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(len(result.claims) for result in results) == 1
    assert sum(delivery.id in result.waits for result in results) == 3


def test_a_stale_worker_cannot_finish_the_work_of_another(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    delivery = only_delivery(subscribed.ws).delivery
    stale = claim_now(subscribed.ws, delivery.id)
    subscribed.consumer.inbox.mode = "reject"
    slow_answer = send_claimed(stale)
    subscribed.consumer.inbox.mode = "up"
    with later(60):
        fresh = claim_now(subscribed.ws, delivery.id)
        sent = send_claimed(fresh)
        assert finish(subscribed.ws, fresh, sent).state == "resolved"
        assert finish(subscribed.ws, stale, slow_answer).is_superseded

    detail = only_delivery(subscribed.ws)

    assert detail.delivery.state == "resolved"
    assert [(each.number, each.error_class, each.is_superseded) for each in detail.attempts] == [
        (1, "worker_lost", False),
        (1, "server_error", True),
        (2, None, False),
    ]
    assert event_rows(subscribed.ws, "webhook.retrying") == []


def test_what_a_killed_worker_was_sending_is_sent_again_under_the_same_id(
    workspace: TenantRef, local_webhooks: None
) -> None:
    seen: list[bytes] = []
    called = threading.Event()
    hang_up = threading.Event()

    def talk(connected: socket.socket) -> None:
        seen.append(connected.recv(65536))
        called.set()
        if len(seen) == 1:
            hang_up.wait(20)  # the first worker is killed while it waits for this answer
        else:
            connected.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with raw_endpoint(talk) as url:
        subscribe(workspace, url)
        [event_id] = publish(workspace)
        with _worker_process() as process:
            assert called.wait(30)
            os.kill(process.pid, signal.SIGKILL)
        hang_up.set()
        assert only_delivery(workspace).delivery.state == "queued"
        with later(90):  # both the work item's lease and the delivery's claim have ended
            run_due()

    detail = only_delivery(workspace)
    assert (detail.delivery.state, detail.delivery.attempts) == ("resolved", 2)
    assert [attempt.error_class for attempt in detail.attempts] == ["worker_lost", None]
    assert all(f"webhook-id: {event_id}".encode() in request.lower() for request in seen)
    assert len(seen) == 2


def _worker_process() -> subprocess.Popen[bytes]:
    """A worker of its own, which claims what is due and runs it."""
    program = (
        "import django; django.setup()\nfrom webhooks.outbound.engine.loop import deliver_due\ndeliver_due(limit=5)\n"
    )
    environment = {**os.environ, "ZENTRA_ALLOW_LOCAL_WEBHOOKS": "true"}
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)


def test_bytes_that_are_not_what_was_sealed_do_not_leave(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    with tenant_work(subscribed.ws), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET leaf_hash = sha256('something else')")
    run_due()

    detail = only_delivery(subscribed.ws)

    assert subscribed.received() == []
    assert detail.delivery.state == "retained"
    assert [(each.error_class, each.is_signature_verified) for each in detail.attempts] == [("tampered", False)]


# -- Disabling --------------------------------------------------------------------------------------------------------


def test_a_disabled_endpoint_keeps_its_rows_for_a_replay(subscribed: Subscribed) -> None:
    ws = subscribed.ws
    publish(ws, an_event(1))
    with tenant_work(ws):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="maintenance", now=now())
    publish(ws, an_event(2))
    run_due()
    assert [(each.state, each.is_awaited) for each in deliveries(ws, event_type="account.created")] == [
        ("retained", False),
        ("retained", True),
    ]

    with tenant_work(ws), pytest.raises(StaleEndpoint):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="again", now=now())
    with tenant_work(ws):
        enable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="done", now=now())
        replay_many(where=DeliveryFilter(states=("retained",)), actor=SUPPORT, reason="catch up", now=now())
    run_due()

    assert {each.state for each in deliveries(ws)} == {"resolved"}
    types = [message["type"] for message in subscribed.received()]
    assert sorted(types) == ["account.created", "account.created", "endpoint.disabled"]


# -- Reading -----------------------------------------------------------------------------------------------------------


def test_health_is_what_resolved_of_what_was_first_due(subscribed: Subscribed) -> None:
    with tenant_work(subscribed.ws):
        nothing = health_24h(now=now())
    assert (nothing.percent, nothing.label) == (None, "—")

    publish(subscribed.ws, an_event(1), an_event(2))
    run_due()
    subscribed.consumer.inbox.mode = "reject"
    publish(subscribed.ws, an_event(3))
    run_due()

    with tenant_work(subscribed.ws):
        health = health_24h(now=now())
        [endpoint] = endpoint_health(now=now())
    assert (health.resolved, health.first_due, health.retrying, health.label) == (2, 3, 1, "66.66%")
    assert (endpoint.health, endpoint.attempts, endpoint.failed_attempts, endpoint.waiting) == (66.66, 3, 1, 1)


def test_pages_go_on_where_they_ended(subscribed: Subscribed) -> None:
    publish(subscribed.ws, *(an_event(number) for number in range(5)))
    seen: list[str] = []
    with tenant_work(subscribed.ws):
        page = list_deliveries(limit=2)
        while True:
            seen += [row.id for row in page.rows]
            if page.next_key is None:
                break
            page = list_deliveries(limit=2, before=page.next_key)
        newest_first = sorted((row.id for row in list_deliveries().rows), reverse=True)

    assert seen == newest_first
    assert len(seen) == 5


def test_another_workspace_sees_nothing(subscribed: Subscribed, other_workspace: TenantRef) -> None:
    publish(subscribed.ws)
    delivery = only_delivery(subscribed.ws).delivery

    assert deliveries(other_workspace) == []
    with tenant_work(other_workspace), pytest.raises(DeliveryNotFound):
        get_delivery(delivery_id=delivery.id)
    with tenant_work(other_workspace), pytest.raises(DeliveryNotFound):
        replay_delivery(delivery_id=delivery.id, actor=SUPPORT, reason="mine?", now=now())


# -- Round Python ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE webhooks_attempt SET response_status = 200", DatabaseError),
        ("DELETE FROM webhooks_attempt", DatabaseError),
        ("UPDATE webhooks_delivery SET state = 'lost'", IntegrityError),
        ("UPDATE webhooks_delivery SET state = 'resolved', resolved_at = NULL", IntegrityError),
        ("UPDATE webhooks_delivery SET state = 'retrying', resolved_at = NULL, next_attempt_at = NULL", IntegrityError),
        ("UPDATE webhooks_endpoint SET state = 'disabled'", IntegrityError),
        ("UPDATE webhooks_endpoint SET timeout_seconds = 3600", IntegrityError),
        (SECOND_DELIVERY, IntegrityError),
    ],
)
def test_the_database_refuses_what_must_not_be(
    subscribed: Subscribed, statement: str, refusal: type[Exception]
) -> None:
    publish(subscribed.ws)
    run_due()

    with pytest.raises(refusal), tenant_work(subscribed.ws), connection.cursor() as cursor:
        cursor.execute(statement)
