"""From a sequenced event to a resolved delivery, through a real queue, a real consumer and the sealer's own role."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
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
from webhooks.outbound.delivering import Claim, Wait, claim_delivery, finish_attempt, send_claimed
from webhooks.outbound.endpoints import StaleEndpoint
from webhooks.outbound.fan_out import fan_out
from webhooks.outbound.inflight import InFlight
from webhooks.outbound.queries import DeliveryNotFound, get_delivery
from webhooks.outbound.replay import DeliveryNotReplayable, ReplayReasonRequired, TooManyDeliveries
from webhooks.queries import DeliveryFilter, endpoint_health, health_24h, list_deliveries
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

ROOT = Path(__file__).resolve().parents[2]
SECOND_DELIVERY = """
INSERT INTO webhooks_delivery SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).*
FROM webhooks_delivery d
"""


def claim_now(ws: TenantRef, delivery_id: str) -> Claim:
    with tenant_work(ws):
        claim = claim_delivery(delivery_id=delivery_id, now=now())
    assert isinstance(claim, Claim)
    return claim


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

    found = deliveries(ws)

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
    assert len(event_rows(workspace, "webhook.endpoint_disabled")) == 1


def test_a_busy_endpoint_defers_and_that_is_no_attempt(subscribed: Subscribed, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = InFlight(healthy_cap=1)
    monkeypatch.setattr("webhooks.tasks.in_flight", lambda: calls)
    publish(subscribed.ws)
    with ExitStack() as held:
        held.enter_context(calls.slot(subscribed.endpoint_id))
        run_due(rounds=1)
    assert only_delivery(subscribed.ws).delivery.attempts == 0

    with later(1):
        run_due()
    assert only_delivery(subscribed.ws).delivery.state == "resolved"


# -- Two workers, dead workers, altered bytes --------------------------------------------------------------------------


def test_of_two_workers_one_gets_the_claim(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    delivery = only_delivery(subscribed.ws).delivery
    claim = claim_now(subscribed.ws, delivery.id)

    with tenant_work(subscribed.ws):
        second = claim_delivery(delivery_id=delivery.id, now=now())

    assert second == Wait(claim.claimed_until, "another worker is sending it")


def test_two_workers_at_the_same_moment_claim_once(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    delivery = only_delivery(subscribed.ws).delivery
    start = threading.Barrier(4)
    results: list[object] = []

    def race() -> None:
        start.wait()
        with tenant_work(subscribed.ws):
            results.append(claim_delivery(delivery_id=delivery.id, now=now()))
        connection.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(result, Claim) for result in results) == 1
    assert sum(isinstance(result, Wait) for result in results) == 3


def test_a_stale_worker_cannot_finish_the_work_of_another(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    delivery = only_delivery(subscribed.ws).delivery
    stale = claim_now(subscribed.ws, delivery.id)
    subscribed.consumer.inbox.mode = "reject"
    slow_answer = send_claimed(claim=stale, now=now())
    subscribed.consumer.inbox.mode = "up"
    with later(60):
        fresh = claim_now(subscribed.ws, delivery.id)
        sent = send_claimed(claim=fresh, now=now())
        with tenant_work(subscribed.ws):
            assert finish_attempt(claim=fresh, sent=sent, now=now()).state == "resolved"
        with tenant_work(subscribed.ws):
            assert finish_attempt(claim=stale, sent=slow_answer, now=now()).is_superseded

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
        "import django; django.setup()\n"
        "from zentra.core.clock import now\n"
        "from zentra.core.queue.operations import claim\n"
        "from zentra.core.queue.worker import run_item\n"
        "for item in claim(limit=5, now=now()): run_item(item)\n"
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


# -- Replay, disabling ------------------------------------------------------------------------------------------------


def test_a_replay_of_what_arrived_keeps_id_and_state_and_says_who_and_why(subscribed: Subscribed) -> None:
    [event_id] = publish(subscribed.ws)
    run_due()
    delivery = only_delivery(subscribed.ws).delivery
    with tenant_work(subscribed.ws):
        replay_delivery(delivery_id=delivery.id, actor=SUPPORT, reason="customer lost it", now=now())
    run_due()

    detail = only_delivery(subscribed.ws)

    assert [(each.trigger, each.response_status) for each in detail.attempts] == [("auto", 204), ("replay", 204)]
    assert (detail.delivery.state, detail.delivery.resolved_at) == ("resolved", delivery.resolved_at)
    assert [(each["webhook_id"], each["copies"]) for each in subscribed.received()] == [(event_id, 2)]
    [said] = event_rows(subscribed.ws, "webhook.replayed")
    assert (said["actor"]["id"], said["data"]["reason"]) == (SUPPORT.id, "customer lost it")


def test_a_failed_replay_of_what_arrived_takes_nothing_back(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    run_due()
    delivery = only_delivery(subscribed.ws).delivery
    subscribed.consumer.inbox.mode = "reject"
    with tenant_work(subscribed.ws):
        replay_delivery(delivery_id=delivery.id, actor=SUPPORT, reason="again", now=now())
    run_due()

    after = only_delivery(subscribed.ws)

    assert (after.delivery.state, after.delivery.next_attempt_at) == ("resolved", None)
    assert [each.response_status for each in after.attempts] == [204, 503]


def test_everything_that_failed_is_replayed_at_once(subscribed: Subscribed) -> None:
    subscribed.consumer.inbox.mode = "down"
    with override_settings(ZENTRA_SANDBOX_WEBHOOK_SCHEDULE=[0]):
        publish(subscribed.ws, *(an_event(number) for number in range(5)))
        run_due()
    subscribed.consumer.inbox.mode = "up"
    with tenant_work(subscribed.ws):
        replay = replay_many(
            where=DeliveryFilter(states=("exhausted",)), actor=SUPPORT, reason="consumer is back", now=now()
        )
    run_due()

    assert (replay.matched, len(replay.requested), replay.skipped) == (5, 5, 0)
    assert {each.state for each in deliveries(subscribed.ws)} == {"resolved"}
    assert len(subscribed.received()) == 5


def test_a_replay_is_refused_without_reason_in_flight_and_for_a_disabled_endpoint(subscribed: Subscribed) -> None:
    publish(subscribed.ws)
    delivery = only_delivery(subscribed.ws).delivery
    with tenant_work(subscribed.ws), pytest.raises(ReplayReasonRequired):
        replay_delivery(delivery_id=delivery.id, actor=SUPPORT, reason="  ", now=now())
    with tenant_work(subscribed.ws), pytest.raises(TooManyDeliveries):
        replay_many(delivery_ids=[delivery.id] * 501, actor=SUPPORT, reason="all", now=now())
    claim_now(subscribed.ws, delivery.id)
    with tenant_work(subscribed.ws), pytest.raises(DeliveryNotReplayable):
        replay_delivery(delivery_id=delivery.id, actor=SUPPORT, reason="now", now=now())
    with later(60), tenant_work(subscribed.ws):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="maintenance", now=now())
        with pytest.raises(DeliveryNotReplayable):
            replay_delivery(delivery_id=delivery.id, actor=SUPPORT, reason="now", now=now())

    assert event_rows(subscribed.ws, "webhook.replayed") == []


def test_a_disabled_endpoint_keeps_its_rows_for_a_replay(subscribed: Subscribed) -> None:
    ws = subscribed.ws
    publish(ws, an_event(1))
    with tenant_work(ws):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="maintenance", now=now())
    publish(ws, an_event(2))
    run_due()
    assert [(each.state, each.is_awaited) for each in deliveries(ws)] == [("retained", False), ("retained", True)]

    with tenant_work(ws), pytest.raises(StaleEndpoint):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="again", now=now())
    with tenant_work(ws):
        enable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="done", now=now())
        replay_many(where=DeliveryFilter(states=("retained",)), actor=SUPPORT, reason="catch up", now=now())
    run_due()

    assert {each.state for each in deliveries(ws)} == {"resolved"}
    assert len(subscribed.received()) == 2


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
