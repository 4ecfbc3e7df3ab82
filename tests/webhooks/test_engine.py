"""The engine as it runs in a worker process: many at once, several processes, killed and kept waiting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.webhooks.servers import Answer, Endpoint, raw_endpoint, scripted_endpoint
from tests.webhooks.work import an_event, deliveries, event_rows, later, only_delivery, publish, run_due, subscribe
from webhooks.operations import rotate_secret
from webhooks.outbound.engine.loop import Engine, deliver_due
from webhooks.queries import get_endpoint
from webhooks.types import Header
from zentra.core.actors import EVENTS
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running_engine() -> Iterator[Engine]:
    """The engine on a thread of this process, woken as Redis would wake it."""
    engine, ended = Engine(), threading.Event()

    def wake() -> None:
        while not ended.wait(0.02):
            engine.wake()

    waker = threading.Thread(target=wake, daemon=True)
    waker.start()
    try:
        yield engine
    finally:
        ended.set()
        waker.join()
        engine.stop(seconds=5)


@contextmanager
def engine_process() -> Iterator[subprocess.Popen[bytes]]:
    """The engine in a process of its own; killed at the end."""
    program = (
        "import django; django.setup()\n"
        "import time\n"
        "from webhooks.tasks import delivery_engine\n"
        "while True: delivery_engine().wake(); time.sleep(0.02)\n"
    )
    environment = {**os.environ, "ZENTRA_ALLOW_LOCAL_WEBHOOKS": "true"}
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def received(endpoint: Endpoint) -> Counter[str]:
    return Counter(headers["webhook-id"] for headers, _ in endpoint.requests)


def all_resolved(ws: TenantRef) -> bool:
    return all(each.state == "resolved" for each in deliveries(ws))


def test_the_engine_delivers_everything_once(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint, running_engine():
        subscribe(workspace, endpoint.url)
        ids = publish(workspace, *(an_event(number) for number in range(40)))
        wait_for(lambda: all_resolved(workspace))

        assert received(endpoint) == Counter(ids)
    assert len(event_rows(workspace, "webhook.delivered")) == 40


def test_two_processes_share_the_work_and_double_nothing(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        subscribe(workspace, endpoint.url, max_in_flight=4)
        ids = publish(workspace, *(an_event(number) for number in range(120)))
        with engine_process(), engine_process():
            wait_for(lambda: all_resolved(workspace), seconds=60)

        assert received(endpoint) == Counter(ids)


def test_a_black_hole_and_a_slow_endpoint_do_not_delay_the_others(workspace: TenantRef, local_webhooks: None) -> None:
    hang_up = threading.Event()

    def swallow(connected: socket.socket) -> None:
        connected.recv(65536)
        hang_up.wait(30)

    with (
        raw_endpoint(swallow) as hole,
        scripted_endpoint(lambda _: Answer(204)) as fine,
    ):
        subscribe(workspace, hole, "account.*")
        good = subscribe(workspace, fine.url, "account.*")
        publish(workspace, *(an_event(number) for number in range(60)))
        with running_engine():
            wait_for(lambda: len(fine.requests) == 60, seconds=8)  # the hole holds each of its calls for ten
            waiting = [each for each in deliveries(workspace) if each.endpoint_id != good.endpoint.id]
            assert {each.state for each in waiting} == {"queued"}
            hang_up.set()


def test_the_engine_outlives_its_database_connection(workspace: TenantRef, local_webhooks: None) -> None:
    called, answer_now = threading.Event(), threading.Event()

    def answer(_: int) -> Answer:
        called.set()
        answer_now.wait(10)
        return Answer(204)

    with scripted_endpoint(answer) as endpoint, running_engine():
        subscribe(workspace, endpoint.url)
        publish(workspace)
        assert called.wait(10)
        with connection.cursor() as cursor:  # as when PostgreSQL is restarted while the call is under way
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
            )
        answer_now.set()
        wait_for(lambda: all_resolved(workspace))

    assert len(endpoint.requests) == 1
    assert [attempt.error_class for attempt in only_delivery(workspace).attempts] == [None]


def test_what_a_killed_engine_was_sending_is_sent_again(workspace: TenantRef, local_webhooks: None) -> None:
    called, hang_up = threading.Event(), threading.Event()

    def answer(number: int) -> Answer:
        called.set()
        if number <= 3:
            hang_up.wait(20)
        return Answer(204)

    with scripted_endpoint(answer) as endpoint:
        subscribe(workspace, endpoint.url, max_in_flight=3)
        ids = publish(workspace, *(an_event(number) for number in range(5)))
        with engine_process() as process:
            wait_for(lambda: len(endpoint.requests) == 3)
            os.kill(process.pid, signal.SIGKILL)
        hang_up.set()
        with later(90):  # leases and claims have ended
            run_due()

    assert set(received(endpoint)) == set(ids)
    assert all_resolved(workspace)
    assert received(endpoint).total() == 8  # three of them twice, under the same id


def test_an_endpoint_that_keeps_failing_is_left_alone_and_then_tried_one_at_a_time(
    workspace: TenantRef, local_webhooks: None
) -> None:
    is_up = threading.Event()
    with scripted_endpoint(lambda _: Answer(204 if is_up.is_set() else 503)) as endpoint, ExitStack() as stack:
        created = subscribe(workspace, endpoint.url, schedule=[0] * 20)
        publish(workspace, *(an_event(number) for number in range(30)))
        deliver_due()
        assert len(endpoint.requests) == 10  # its room; all of them failed
        assert deliver_due() == 0
        with tenant_work(workspace):
            assert get_endpoint(endpoint_id=created.endpoint.id).breaker == "open"
        waiting = [each for each in deliveries(workspace) if each.attempts == 0]
        assert len(waiting) == 20  # being left alone is no attempt

        stack.enter_context(later(2))
        assert deliver_due() == 1
        assert deliver_due() == 0
        is_up.set()
        stack.enter_context(later(10))
        assert deliver_due() == 1  # the probe
        run_due()

        with tenant_work(workspace):
            assert get_endpoint(endpoint_id=created.endpoint.id).breaker == "closed"
        assert all_resolved(workspace)


def test_a_delivery_in_flight_is_signed_with_every_secret_that_is_valid(
    workspace: TenantRef, local_webhooks: None
) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        created = subscribe(workspace, endpoint.url)
        with tenant_work(workspace):
            rotate_secret(endpoint_id=created.endpoint.id, actor=EVENTS, now=now())
            rotate_secret(endpoint_id=created.endpoint.id, kind="ed25519", actor=EVENTS, now=now())
        publish(workspace)
        run_due()

    [(headers, _), *_] = [each for each in endpoint.requests if each[0]["zentra-attempt"] == "1"]
    schemes = [part.partition(",")[0] for part in headers["webhook-signature"].split(" ")]
    assert Counter(schemes) == {"v1": 2, "v1a": 2}


def test_custom_headers_go_out_and_sensitive_ones_are_not_kept(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        headers = [
            Header(name="X-Team", value="payments", is_sensitive=False),
            Header(name="Authorization", value="Bearer s3cret-token", is_sensitive=True),
        ]
        subscribe(workspace, endpoint.url, headers=headers)
        publish(workspace)
        run_due()

    sent = endpoint.requests[0][0]
    assert (sent["x-team"], sent["authorization"]) == ("payments", "Bearer s3cret-token")
    [attempt] = only_delivery(workspace).attempts
    assert attempt.request_headers["x-team"] == "payments"
    assert attempt.request_headers["authorization"] == "•••"


def test_an_endpoint_has_its_own_schedule(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(500)) as endpoint:
        subscribe(workspace, endpoint.url, schedule=[0, 1000])
        publish(workspace)
        run_due()
        waiting = only_delivery(workspace).delivery
        assert waiting.next_attempt_at is not None
        assert 790 < (waiting.next_attempt_at - now()).total_seconds() < 1210
        with later(1300):
            run_due()

    assert only_delivery(workspace).delivery.state == "exhausted"


@pytest.mark.parametrize("lost", ["item", "claim"])
def test_a_delivery_without_an_item_is_found_again(workspace: TenantRef, local_webhooks: None, lost: str) -> None:
    from webhooks.tasks import sweep

    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        subscribe(workspace, endpoint.url)
        publish(workspace)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM work_item WHERE workspace_id = %s AND lane <> ''", [workspace.id])
        if lost == "claim":
            with tenant_work(workspace), connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE webhooks_delivery SET claim_id = gen_random_uuid(), claimed_at = now(),"
                    " claimed_until = now() + interval '30 seconds', attempts = 1"
                )
        with later(120):
            sweep(workspace)
            run_due()

    assert all_resolved(workspace)
