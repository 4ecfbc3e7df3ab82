"""The watch as a process: it works while everything else is dead, and a kill at any moment loses nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from tests.alarms.desk import Post, alarms, hook_to, mail_to, notices
from tests.evidence.sealing import record, some_events
from tests.webhooks.servers import Answer, Endpoint, scripted_endpoint
from zentra.core import schema
from zentra.core.clock import now
from zentra.core.queue.queries import heartbeats
from zentra.core.tenancy import TenantRef

ROOT = Path(__file__).resolve().parents[2]
QUICK = {
    "ZENTRA_ALARM_RAISE_SECONDS": "1",
    "ZENTRA_ALARM_CLEAR_SECONDS": "2",
    "ZENTRA_ALARM_SEALING_LAG_SECONDS": "1",
    "ZENTRA_ALLOW_LOCAL_WEBHOOKS": "1",
}


@contextmanager
def watching(post: Post, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One ``manage.py run_watch``; killed at the end if it still runs."""
    env = os.environ | QUICK | {"ZENTRA_EMAIL_URL": f"smtp://127.0.0.1:{post.port}?tls=none"} | more
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_watch"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with scripted_endpoint(lambda _: Answer(200)) as endpoint:
        yield endpoint


def wait_until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def of_lag(ws: TenantRef) -> list[str]:
    return [each.state for each in alarms(ws) if each.kind == "sealing_lag"]


def test_two_of_them_tell_once_with_every_other_process_dead(
    workspace: TenantRef, post: Post, endpoint: Endpoint, local_webhooks: None
) -> None:
    mail_to(workspace, kinds=("sealing_lag",))
    hook_to(workspace, endpoint.url, kinds=("sealing_lag",))
    record(workspace, *some_events(1))

    away = {"ZENTRA_REDIS_URL": "redis://127.0.0.1:1/0"}
    with ExitStack() as stack:
        both = [stack.enter_context(watching(post, **away)) for _ in range(2)]
        wait_until(lambda: [each.state for each in notices(workspace)] == ["sent", "sent"])
        time.sleep(3)
        for process in both:
            process.terminate()
        assert [process.wait(30) for process in both] == [0, 0]

    assert of_lag(workspace) == ["raised"]
    assert len(post.mails) == 1
    assert len(endpoint.requests) == 1
    assert (now() - heartbeats()["watch"][0]).total_seconds() < 60


def test_killed_again_and_again_it_still_tells_each_thing_once(
    workspace: TenantRef, post: Post, endpoint: Endpoint, local_webhooks: None
) -> None:
    hook_to(workspace, endpoint.url, kinds=("sealing_lag",))
    record(workspace, *some_events(1))

    for pause in (2.0, 3.0, 4.0):
        with watching(post):
            time.sleep(pause)
    with watching(post):
        wait_until(lambda: "sent" in [each.state for each in notices(workspace)], seconds=150)

    assert of_lag(workspace) == ["raised"]
    assert len(notices(workspace)) == 1
    # At least once: killed between sending and writing it down, it sends again under the same id.
    assert len({headers["webhook-id"] for headers, _ in endpoint.requests}) == 1


def test_it_survives_the_loss_of_its_connections(workspace: TenantRef, post: Post) -> None:
    mail_to(workspace, kinds=("sealing_lag",))
    role = django_settings.ZENTRA_APP_ROLE
    with watching(post) as process:
        started = now()
        wait_until(lambda: "watch" in heartbeats() and heartbeats()["watch"][0] > started)
        for _ in range(5):
            with schema.connect_as_owner() as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND backend_start > %s",
                    [role, started],
                )
            time.sleep(0.3)
        record(workspace, *some_events(1))
        wait_until(lambda: [each.state for each in notices(workspace)] == ["sent"])
        assert process.poll() is None


def test_one_round_by_hand(workspace: TenantRef) -> None:
    call_command("run_watch", once=True)

    assert (now() - heartbeats()["watch"][0]).total_seconds() < 30
