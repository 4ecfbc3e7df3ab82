"""The demo consumer: it verifies with the public package, keeps each event once, and survives being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.webhooks.servers import hook_url, running_consumer
from webhooks import signing
from zentra.demo.consumer import Consumer, Outages

SECRET = signing.new_secret()


@pytest.fixture
def consumer(tmp_path: Path) -> Iterator[Consumer]:
    with running_consumer(tmp_path, secrets={"acme": SECRET}) as server:
        yield server


def deliver(url: str, *, sequence: int = 0, event_id: str | None = None, **changes: Any) -> httpx.Response:
    """Send one signed event as Zentra does; ``changes`` replace body, secret, age or headers."""
    identity = event_id or f"evt_{sequence}"
    body = changes.get("body", json.dumps({"id": identity, "type": "ledger.posted", "intent_id": None}).encode())
    signed_at = datetime.now(UTC) - changes.get("age", timedelta())
    headers = signing.sign(message_id=identity, signed_at=signed_at, body=body, secrets=[changes.get("secret", SECRET)])
    headers |= {"zentra-sequence": str(sequence)} | changes.get("headers", {})
    return httpx.post(url, content=body, headers=headers)


def received(consumer: Consumer, **query: Any) -> dict[str, Any]:
    base = f"http://127.0.0.1:{consumer.server_port}"
    answer: dict[str, Any] = httpx.get(f"{base}/received", params=query).raise_for_status().json()
    return answer


def control(consumer: Consumer, mode: str) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{consumer.server_port}/control", json={"mode": mode})


def test_a_verified_event_is_kept_and_listed(consumer: Consumer) -> None:
    assert deliver(hook_url(consumer, "acme"), sequence=7).status_code == 204

    [message] = received(consumer)["received"]

    assert (message["workspace"], message["webhook_id"], message["sequence"]) == ("acme", "evt_7", 7)
    assert message["event"]["type"] == "ledger.posted"


def test_a_repeat_is_counted_once_and_order_is_the_logs(consumer: Consumer) -> None:
    for sequence in (3, 1, 2, 1):
        assert deliver(hook_url(consumer, "acme"), sequence=sequence).status_code == 204

    answer = received(consumer)

    assert [message["sequence"] for message in answer["received"]] == [1, 2, 3]
    assert (answer["messages"], answer["repeats"]) == (3, 1)
    assert [each["sequence"] for each in received(consumer, after=2, workspace="acme")["received"]] == [3]
    assert received(consumer, workspace="other")["received"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": signing.new_secret()},
        {"age": timedelta(minutes=10)},
        {"age": timedelta(minutes=-10)},
        {"headers": {"webhook-signature": "nonsense"}},
        {"headers": {"webhook-signature": "v1,%%%"}},
        {"headers": {"webhook-timestamp": "soon"}},
        {"body": b"\xff\xfe not UTF-8"},
    ],
)
def test_what_does_not_verify_is_401_and_not_kept(consumer: Consumer, changes: dict[str, Any]) -> None:
    assert deliver(hook_url(consumer, "acme"), **changes).status_code == 401
    assert received(consumer)["messages"] == 0


def test_an_unknown_workspace_and_an_unknown_path_are_404(consumer: Consumer) -> None:
    assert deliver(hook_url(consumer, "nobody")).status_code == 404
    assert httpx.get(f"http://127.0.0.1:{consumer.server_port}/nothing").status_code == 404


def test_down_hangs_up_and_up_takes_events_again(consumer: Consumer) -> None:
    url = hook_url(consumer, "acme")
    assert control(consumer, "down").json() == {"mode": "down", "behaviour": "down"}
    with pytest.raises(httpx.TransportError):
        deliver(url)
    control(consumer, "reject")
    assert deliver(url).status_code == 503
    assert control(consumer, "sideways").status_code == 400
    control(consumer, "up")
    assert deliver(url).status_code == 204


def test_an_outage_of_its_own_comes_at_the_end_of_each_period() -> None:
    assert not Outages(every=0).is_down()
    began = time.monotonic()
    assert not Outages(every=100, down_for=20, started=began - 10).is_down()
    assert Outages(every=100, down_for=20, started=began - 90).is_down()
    assert not Outages(every=100, down_for=20, started=began - 110).is_down()


def test_after_kill_9_it_has_what_it_had_and_its_mode(tmp_path: Path) -> None:
    secrets = {"workspaces": [{"slug": "acme", "webhook_secret": SECRET}]}
    (tmp_path / "demo.json").write_text(json.dumps(secrets))
    with consumer_process(tmp_path) as base:
        assert deliver(f"{base}/hooks/acme", sequence=1).status_code == 204
        httpx.post(f"{base}/control", json={"mode": "reject"})
    with consumer_process(tmp_path) as base:
        assert httpx.get(f"{base}/control").json()["mode"] == "reject"
        assert httpx.get(f"{base}/received").json()["messages"] == 1


@contextmanager
def consumer_process(state: Path) -> Iterator[str]:
    """The consumer as a process of its own, ended by SIGKILL; its base URL."""
    command = [sys.executable, "-m", "zentra.demo.consumer", "--port", "0", "--state-dir", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        announced = process.stdout.readline()
        try:
            yield announced.split()[2].rstrip(",")
        finally:
            os.kill(process.pid, signal.SIGKILL)
