"""A simulated rail executes once per key and forgets nothing, whoever repeats and whatever dies."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.routing.processes import ROOT, CallbackReceiver, SimulatorProcess, wait_until


def test_fifty_twins_execute_once(simulator: SimulatorProcess) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: simulator.pay("twin.1"), range(50)))

    assert sorted(a.status_code for a in answers) == [200] * 49 + [202]
    assert len({a.json()["provider_reference"] for a in answers}) == 1
    assert [(p["key"], p["replays"]) for p in simulator.ledger()] == [("twin.1", 49)]


def test_the_same_key_on_the_other_rail_is_another_payment(simulator: SimulatorProcess) -> None:
    simulator.pay("both.1")
    simulator.pay("both.1", rail="rail_b")

    assert [len(simulator.ledger(rail)) for rail in ("rail_a", "rail_b")] == [1, 1]


def test_the_same_key_with_other_words_is_refused_and_changes_nothing(simulator: SimulatorProcess) -> None:
    simulator.pay("words.1")

    assert simulator.pay("words.1", amount_minor=1).status_code == 422
    assert [p["amount_minor"] for p in simulator.ledger()] == [125000]


def test_a_canceled_key_is_never_executed(simulator: SimulatorProcess) -> None:
    assert simulator.post("/rail_a/payments/cancel.1/cancel", {}).json()["state"] == "canceled"

    answer = simulator.pay("cancel.1")

    assert (answer.status_code, answer.json()["executed"]) == (410, False)
    assert simulator.get("/rail_a/payments/cancel.1").status_code == 404
    assert simulator.ledger() == []


def test_an_executed_key_cannot_be_canceled(simulator: SimulatorProcess) -> None:
    simulator.pay("cancel.2")

    answer = simulator.post("/rail_a/payments/cancel.2/cancel", {})

    assert (answer.status_code, answer.json()["executed"]) == (409, True)


def test_after_kill_9_nothing_is_executed_twice_and_callbacks_resume(
    simulator: SimulatorProcess, receiver: CallbackReceiver
) -> None:
    receiver.status = 503
    before = simulator.pay("killed.1").json()
    wait_until(lambda: len(receiver.received) >= 1)
    simulator.kill()
    receiver.status = 200
    receiver.received.clear()

    simulator.start()

    again = simulator.pay("killed.1")
    assert (again.status_code, again.json()["provider_reference"]) == (200, before["provider_reference"])
    assert [p["key"] for p in simulator.ledger()] == ["killed.1"]
    wait_until(lambda: sorted(receiver.types("killed.1")) == ["payment.settled", "payment.succeeded"])


def test_everything_answered_before_kill_9_under_load_is_in_the_ledger_after_it(simulator: SimulatorProcess) -> None:
    answered: list[str] = []

    def pay(n: int) -> None:
        try:
            if simulator.pay(f"load.{n}").status_code == 202:
                answered.append(f"load.{n}")
        except httpx.TransportError:
            return

    with ThreadPoolExecutor(8) as pool:
        for n in range(120):
            pool.submit(pay, n)
        wait_until(lambda: len(answered) >= 20)
        simulator.kill()
    simulator.start()

    keys = [p["key"] for p in simulator.ledger()]
    assert len(keys) == len(set(keys))
    assert set(answered) <= set(keys)


def test_it_stops_cleanly_when_asked(simulator: SimulatorProcess) -> None:
    assert simulator.stop() == 0


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"amount_minor": 12.5}, 400),
        ({"amount_minor": True}, 400),
        ({"amount_minor": 0}, 400),
        ({"amount_minor": "125000"}, 400),
        ({"amount_minor": 2**53}, 400),
        ({"currency": "usd"}, 400),
        ({"scenario": "no_such"}, 400),
        ({"reference": None}, 400),
        ({"connection_id": "rail_unknown"}, 424),
    ],
)
def test_words_that_it_does_not_understand_are_refused_before_executing(
    simulator: SimulatorProcess, changes: dict[str, Any], status: int
) -> None:
    answer = simulator.pay("bad.1", **changes)

    assert (answer.status_code, answer.json()["executed"]) == (status, False)
    assert simulator.ledger() == []


@pytest.mark.parametrize("content", [b"{", b"[]", b"[" * 50_000, b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(simulator: SimulatorProcess, content: bytes) -> None:
    url = f"{simulator.url}/rail_a/payments"
    answer = httpx.post(url, content=content, headers={"Idempotency-Key": "bad.2"}, trust_env=False)

    assert answer.status_code == 400


def test_it_imports_nothing_of_django() -> None:
    words = (
        "import sys, zentra.routing.sandbox.__main__; sys.exit(any(m.split('.')[0] == 'django' for m in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", words], cwd=ROOT, check=False).returncode == 0
