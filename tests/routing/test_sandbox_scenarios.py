"""Each scripted fault of a simulated rail, seen over real HTTP."""

from __future__ import annotations

import time

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.routing.processes import SECRET, CallbackReceiver, Received, SimulatorProcess, wait_until


def verdict(callback: Received) -> str:
    """`good`, or why the public verifier refuses it."""
    try:
        Webhook(SECRET).verify(callback.body, callback.headers)
    except (WebhookVerificationError, ValueError) as error:
        return str(error)
    return "good"


def test_a_clean_payment_is_accepted_then_told_of_twice_and_signed(
    simulator: SimulatorProcess, receiver: CallbackReceiver
) -> None:
    answer = simulator.pay("clean.1")

    assert answer.status_code == 202
    assert answer.json()["state"] == "accepted"
    wait_until(lambda: len(receiver.received) == 2)
    assert receiver.types("clean.1") == ["payment.succeeded", "payment.settled"]
    assert [verdict(callback) for callback in receiver.received] == ["good", "good"]
    body = receiver.received[1].json()
    assert body["provider_reference"] == answer.json()["provider_reference"]
    assert (body["amount_minor"], body["currency"], body["reference"]) == (125000, "USD", "clean.1")
    assert simulator.get("/rail_a/payments/clean.1").json()["state"] == "settled"


def test_a_declined_payment_says_so_at_once_and_by_callback(
    simulator: SimulatorProcess, receiver: CallbackReceiver
) -> None:
    assert simulator.pay("decline.1", scenario="decline").json()["state"] == "declined"
    wait_until(lambda: receiver.types("decline.1") == ["payment.declined"])


def test_a_failing_payment_is_accepted_and_fails_later(simulator: SimulatorProcess, receiver: CallbackReceiver) -> None:
    assert simulator.pay("fail.1", scenario="fail").json()["state"] == "accepted"
    wait_until(lambda: receiver.types("fail.1") == ["payment.failed"])
    assert simulator.get("/rail_a/payments/fail.1").json()["state"] == "failed"


def test_latency_answers_slowly_but_has_executed_before(simulator: SimulatorProcess) -> None:
    began = time.monotonic()

    answer = simulator.pay("latency.1", scenario="latency")

    assert answer.status_code == 202
    assert time.monotonic() - began >= 0.3
    assert [p["key"] for p in simulator.ledger()] == ["latency.1"]


def test_timeout_never_executes(simulator: SimulatorProcess, receiver: CallbackReceiver) -> None:
    with pytest.raises(httpx.TransportError):
        simulator.pay("timeout.1", scenario="timeout")

    assert simulator.get("/rail_a/payments/timeout.1").status_code == 404
    assert simulator.ledger() == []
    assert receiver.received == []


def test_lost_response_executes_and_can_be_asked_for(simulator: SimulatorProcess, receiver: CallbackReceiver) -> None:
    with pytest.raises(httpx.TransportError):
        simulator.pay("lost.1", scenario="lost_response")

    assert simulator.get("/rail_a/payments/lost.1").status_code == 200
    wait_until(lambda: len(receiver.received) == 3)
    assert receiver.types("lost.1") == ["payment.accepted", "payment.succeeded", "payment.settled"]


def test_a_repeat_after_a_lost_response_answers_the_first_execution(simulator: SimulatorProcess) -> None:
    with pytest.raises(httpx.TransportError):
        simulator.pay("lost.2", scenario="lost_response")

    again = simulator.pay("lost.2", scenario="lost_response")

    assert again.headers["Idempotent-Replayed"] == "true"
    assert [(p["key"], p["replays"]) for p in simulator.ledger()] == [("lost.2", 1)]


def test_duplicate_sends_each_callback_three_times_under_one_id(
    simulator: SimulatorProcess, receiver: CallbackReceiver
) -> None:
    simulator.pay("duplicate.1", scenario="duplicate")

    wait_until(lambda: len(receiver.received) == 6)
    assert sorted(receiver.types("duplicate.1")) == ["payment.settled"] * 3 + ["payment.succeeded"] * 3
    assert len({callback.headers["webhook-id"] for callback in receiver.received}) == 2


def test_late_callbacks_come_long_after_the_rail_knows(simulator: SimulatorProcess, receiver: CallbackReceiver) -> None:
    simulator.pay("late.1", scenario="late")

    wait_until(lambda: simulator.get("/rail_a/payments/late.1").json()["state"] == "settled")
    assert receiver.received == []
    wait_until(lambda: receiver.types("late.1") == ["payment.succeeded", "payment.settled"])


def test_out_of_order_tells_settled_before_succeeded(simulator: SimulatorProcess, receiver: CallbackReceiver) -> None:
    simulator.pay("order.1", scenario="out_of_order")

    wait_until(lambda: len(receiver.received) == 2)
    assert receiver.types("order.1") == ["payment.settled", "payment.succeeded"]
    settled, succeeded = (callback.json()["occurred_at"] for callback in receiver.received)
    assert succeeded < settled


def test_malformed_sends_four_hostile_callbacks_once_and_then_the_good_ones(
    simulator: SimulatorProcess, receiver: CallbackReceiver
) -> None:
    simulator.pay("malformed.1", scenario="malformed")

    wait_until(lambda: len(receiver.received) == 6)
    verdicts = [verdict(callback) for callback in receiver.received]
    assert verdicts.count("good") == 2
    assert verdicts[-1] == "good"
    assert "No matching signature found" in verdicts
    assert "Message timestamp too old" in verdicts
    assert "Missing required headers" in verdicts
    rows = simulator.get("/rail_a/callbacks", key="malformed.1").json()["data"]
    assert [row["variant"] for row in rows] == ["garbage", "forged", "stale", "unsigned", "good", "good"]


def test_unavailable_refuses_before_executing(simulator: SimulatorProcess) -> None:
    answer = simulator.pay("unavailable.1", scenario="unavailable")

    assert (answer.status_code, answer.json()["executed"]) == (503, False)
    assert simulator.ledger() == []


def test_a_rail_wide_scenario_holds_for_that_rail_alone_and_a_payment_may_name_its_own(
    simulator: SimulatorProcess,
) -> None:
    simulator.post("/rail_a/scenario", {"scenario": "unavailable"})

    assert simulator.pay("wide.1").status_code == 503
    assert simulator.pay("wide.1", rail="rail_b").status_code == 202
    assert simulator.pay("wide.2", scenario="clean").status_code == 202


def test_callbacks_are_retried_until_they_are_taken(simulator: SimulatorProcess, receiver: CallbackReceiver) -> None:
    receiver.status = 500
    simulator.pay("retry.1")
    wait_until(lambda: len(receiver.received) >= 3)

    receiver.status = 204

    def all_taken() -> bool:
        rows = simulator.get("/rail_a/callbacks", key="retry.1").json()["data"]
        return all(row["done_ms"] is not None and row["attempts"] > 1 for row in rows)

    wait_until(all_taken)
