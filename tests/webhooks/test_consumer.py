"""The demo consumer: it verifies, keeps each event once, makes the same of any order, and survives being killed."""

from __future__ import annotations

import json
import os
import random
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
    body = changes.get("body", json.dumps(an_event(identity)).encode())
    signed_at = datetime.now(UTC) - changes.get("age", timedelta())
    headers = signing.sign(message_id=identity, signed_at=signed_at, body=body, secrets=[changes.get("secret", SECRET)])
    headers |= {"zentra-sequence": str(sequence)} | changes.get("headers", {})
    return httpx.post(url, content=body, headers=headers, timeout=changes.get("timeout", 5))


def an_event(event_id: str, **changes: Any) -> dict[str, Any]:
    return {"id": event_id, "type": "ledger.posted", "intent_id": None, "data": {}} | changes


def received(consumer: Consumer, **query: Any) -> dict[str, Any]:
    base = f"http://127.0.0.1:{consumer.server_port}"
    answer: dict[str, Any] = httpx.get(f"{base}/received", params=query).raise_for_status().json()
    return answer


def read(consumer: Consumer, what: str) -> Any:
    url = f"http://127.0.0.1:{consumer.server_port}/{what}"
    return httpx.get(url, params={"workspace": "acme"}).raise_for_status().json()[what]


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


def test_a_black_hole_accepts_and_never_answers_until_it_is_up_again(consumer: Consumer) -> None:
    url = hook_url(consumer, "acme")
    control(consumer, "blackhole")
    with pytest.raises(httpx.ReadTimeout):
        deliver(url, sequence=1, timeout=0.3)
    assert received(consumer)["messages"] == 0

    control(consumer, "up")
    assert deliver(url, sequence=1).status_code == 204


def test_a_black_hole_may_be_one_for_some_intents_only(consumer: Consumer) -> None:
    base, url = f"http://127.0.0.1:{consumer.server_port}", hook_url(consumer, "acme")
    httpx.post(f"{base}/control", json={"mode": "blackhole", "intents": ["away"]})

    with pytest.raises(httpx.ReadTimeout):
        deliver(url, sequence=1, timeout=0.3, body=json.dumps(an_event("evt_1", intent_id="away")).encode())
    assert deliver(url, sequence=2).status_code == 204


def test_a_flaky_consumer_takes_every_event_in_the_end(consumer: Consumer) -> None:
    control(consumer, "flaky")
    failures = 0
    for sequence in range(12):
        for attempt in range(1, 30):
            headers = {"zentra-attempt": str(attempt)}
            try:
                status = deliver(hook_url(consumer, "acme"), sequence=sequence, headers=headers).status_code
            except httpx.TransportError:
                status = 0
            if status == 204:
                break
            failures += 1

    assert received(consumer)["messages"] == 12
    assert failures > 3


def posting(number: int, amount_minor: int, *, debit: str, credit: str) -> dict[str, Any]:
    sides = (("debit", debit), ("credit", credit))
    entries = [{"account_id": a, "direction": d, "amount_minor": amount_minor} for d, a in sides]
    data = {"currency": "USD", "entries": entries}
    return an_event(f"evt_{number}", type="ledger.entry.posted", intent_id="intent_1", data=data)


def account(number: int, kind: str, state: str) -> dict[str, Any]:
    return an_event(f"evt_{number}", type=kind, data={"account_id": "a", "currency": "USD", "state": state})


def stage(number: int, kind: str) -> dict[str, Any]:
    return an_event(f"evt_{number}", type=kind, intent_id="intent_1")


STORY = [
    account(0, "account.created", "active"),
    stage(1, "ingress.accepted"),
    stage(2, "policy.accepted"),
    posting(3, 500, debit="a", credit="b"),
    stage(4, "ledger.posted"),
    account(5, "account.frozen", "frozen"),
    account(6, "account.unfrozen", "active"),
    account(7, "account.frozen", "frozen"),
    posting(8, 200, debit="b", credit="a"),
    stage(9, "evidence.sealed"),
]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_order_and_the_repeats_it_comes_to_the_same(consumer: Consumer, seed: int) -> None:
    arrivals = [*range(len(STORY)), *range(0, len(STORY), 2)]
    random.Random(seed).shuffle(arrivals)
    for place in arrivals:
        body = json.dumps(STORY[place]).encode()
        deliver(hook_url(consumer, "acme"), sequence=place, event_id=f"evt_{place}", body=body)

    assert received(consumer)["repeats"] == 5
    assert read(consumer, "accounts") == [
        {"account_id": "a", "currency": "USD", "balance_minor": -300, "entries": 2, "state": "frozen"},
        {"account_id": "b", "currency": "USD", "balance_minor": 300, "entries": 2, "state": "active"},
    ]
    assert read(consumer, "intents") == [{"intent_id": "intent_1", "stage": "evidenced", "sequence": 9, "events": 6}]
    assert read(consumer, "gaps") == []


def test_gaps_are_kept_until_they_are_filled(consumer: Consumer) -> None:
    url = hook_url(consumer, "acme")
    for sequence in (3, 9, 4, 6):
        deliver(url, sequence=sequence)
    assert read(consumer, "gaps") == [[5, 5], [7, 8]]

    deliver(url, sequence=5)
    assert read(consumer, "gaps") == [[7, 8]]


def test_an_event_without_a_place_in_the_log_yet_is_kept_too(consumer: Consumer) -> None:
    assert deliver(hook_url(consumer, "acme"), headers={"zentra-sequence": "soon"}).status_code == 204
    assert received(consumer)["received"][0]["sequence"] is None


def test_a_challenge_is_answered_to_who_proves_to_be_zentra(consumer: Consumer) -> None:
    asked = {"zentra-challenge": "a1B2"}
    good = deliver(hook_url(consumer, "acme"), headers=asked)
    forged = deliver(hook_url(consumer, "acme"), headers=asked, secret=signing.new_secret())

    assert (good.headers["zentra-challenge"], forged.headers.get("zentra-challenge")) == ("a1B2", None)


def test_both_secrets_are_good_while_they_rotate(tmp_path: Path) -> None:
    old, new = signing.new_secret(), signing.new_secret()
    with running_consumer(tmp_path, secrets={"acme": [old, new]}) as server:
        assert deliver(hook_url(server, "acme"), sequence=1, secret=old).status_code == 204
        assert deliver(hook_url(server, "acme"), sequence=2, secret=new).status_code == 204


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
