"""A replay of a range over the real engine and queue: what the consumer gets; kill -9 loses and doubles nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.test import override_settings

from tests.webhooks.replaying import make_deliveries, make_endpoint, open_refs, race, read, start, work_off_all
from tests.webhooks.work import Subscribed, an_event, deliveries, event_rows, publish, run_due
from webhooks.outbound.engine.loop import deliver_due
from webhooks.queries import FAILED, AttemptFilter, health_24h, search_attempts
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def narrow(subscribed: Subscribed) -> Subscribed:
    """The workspace's endpoint, which hears of accounts and not of endpoints."""
    with tenant_work(subscribed.ws), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET event_filter = ARRAY['account.*']")
    return subscribed


def close_breaker() -> None:
    """As a success does after the pause."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.work_lane SET paused_until = NULL, is_probing = false")


@override_settings(ZENTRA_SANDBOX_WEBHOOK_SCHEDULE=[0])
def test_everything_that_failed_arrives_once_the_consumer_is_back(narrow: Subscribed) -> None:
    narrow.consumer.inbox.mode = "reject"
    begin = now()
    published = publish(narrow.ws, *(an_event(number) for number in range(4)))
    run_due()
    assert {each.state for each in deliveries(narrow.ws)} == {"exhausted"}
    narrow.consumer.inbox.mode = "up"
    close_breaker()

    job = start(narrow.ws, states=FAILED, since=begin)
    run_due()

    done = read(narrow.ws, job.id)
    assert (done.state, done.matched, done.requested, done.skipped) == ("done", 4, 4, 0)
    assert (done.resolved, done.failed, done.waiting, done.taken_over) == (4, 0, 0, 0)
    assert sorted(each["webhook_id"] for each in narrow.received()) == sorted(published)
    with tenant_work(narrow.ws):
        replayed = search_attempts(where=AttemptFilter(replay_id=job.id)).rows
        health = health_24h(now=now())
    assert [(each.trigger, each.response_status, each.number) for each in replayed] == [("replay", 204, 2)] * 4
    assert (health.resolved, health.first_due) == (4, 4)


@override_settings(ZENTRA_SANDBOX_WEBHOOK_SCHEDULE=[0])
def test_deliveries_are_sent_while_the_job_goes_on_each_once(narrow: Subscribed) -> None:
    narrow.consumer.inbox.mode = "reject"
    published = publish(narrow.ws, *(an_event(number) for number in range(40)))
    while deliveries(narrow.ws, states=("queued",)):
        close_breaker()
        run_due()
    narrow.consumer.inbox.mode = "up"
    close_breaker()
    job = start(narrow.ws, rate=5, states=FAILED)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set() or open_refs(narrow.ws):
            deliver_due()

    def replay() -> None:
        try:
            work_off_all(narrow.ws, job.id)
        finally:
            is_over.set()

    results = race(replay, work, work)

    assert [each for each in results if isinstance(each, Exception)] == []
    done = read(narrow.ws, job.id)
    assert (done.requested, done.resolved, done.waiting) == (40, 40, 0)
    received = {each["webhook_id"]: each["copies"] for each in narrow.received()}
    assert received == dict.fromkeys(published, 1)


@override_settings(ZENTRA_SANDBOX_WEBHOOK_SCHEDULE=[0])
def test_what_fails_again_is_counted_as_failed(narrow: Subscribed) -> None:
    narrow.consumer.inbox.mode = "reject"
    publish(narrow.ws, an_event(1), an_event(2))
    run_due()
    job = start(narrow.ws, states=FAILED)
    run_due()

    done = read(narrow.ws, job.id)

    assert (done.state, done.requested, done.resolved, done.failed, done.waiting) == ("done", 2, 0, 2, 0)


def test_a_replay_of_what_was_never_due_counts_it_as_due_now(narrow: Subscribed) -> None:
    with tenant_work(narrow.ws), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET state = 'disabled', disabled_at = now(), disabled_by = 'person'")
    publish(narrow.ws)
    with tenant_work(narrow.ws), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET state = 'enabled', disabled_at = NULL, disabled_by = ''")
    start(narrow.ws, states=("retained",))
    run_due()

    [delivery] = deliveries(narrow.ws)
    with tenant_work(narrow.ws):
        health = health_24h(now=now())

    assert (delivery.state, delivery.first_due_at is not None) == ("resolved", True)
    assert (health.resolved, health.first_due) == (1, 1)


def test_kill_minus_9_in_the_middle_loses_and_doubles_nothing(workspace: TenantRef, local_webhooks: None) -> None:
    made = make_deliveries(workspace, make_endpoint(workspace), "exhausted", 1500)
    job = start(workspace, rate=25, states=FAILED)
    for _ in range(3):
        process = _working(workspace, job.id)
        before = read(workspace, job.id).requested
        deadline = time.monotonic() + 30
        while read(workspace, job.id).requested == before and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    halfway = read(workspace, job.id)
    assert (halfway.state, 0 < halfway.requested < 1500) == ("running", True)
    assert len(open_refs(workspace)) == halfway.requested == len(deliveries_of(workspace, job.id))

    done = work_off_all(workspace, job.id)

    assert (done.state, done.requested, done.skipped) == ("done", 1500, 0)
    assert Counter(ref for ref, _ in open_refs(workspace)) == Counter(made)
    told = Counter(each["data"]["delivery_id"] for each in event_rows(workspace, "webhook.replayed"))
    assert told == Counter(made)
    assert len(event_rows(workspace, "webhook.replay_ended")) == 1


def deliveries_of(ws: TenantRef, replay_id: str) -> list[str]:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM webhooks_delivery WHERE replay_id IS NOT NULL")
        return [row[0] for row in cursor.fetchall()]


def _working(ws: TenantRef, replay_id: str) -> subprocess.Popen[bytes]:
    """A worker of its own that works the job off as fast as it can, its clock running ahead of the rate."""
    program = (
        "import django; django.setup()\n"
        "from datetime import timedelta\n"
        "from uuid import UUID\n"
        "from webhooks.outbound.replays.working import work_off_replay\n"
        "from zentra.core.clock import now\n"
        "from zentra.core.tenancy import tenant_work\n"
        "again_at = now()\n"
        "while again_at:\n"
        f"    with tenant_work(UUID('{ws.id}')):\n"
        f"        again_at = work_off_replay(replay_id='{replay_id}', now=max(again_at, now()))\n"
    )
    environment = {**os.environ, "ZENTRA_ALLOW_LOCAL_WEBHOOKS": "true"}
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)
