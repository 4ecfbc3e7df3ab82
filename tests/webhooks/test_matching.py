"""Callbacks that came before their attempt: kept, and applied as soon as there is one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.webhooks.intents import API_KEY, RoutedIntent, accepting_rail, routed_intent, with_key
from tests.webhooks.work import event_rows, run_due
from webhooks.inbound import receiving
from webhooks.operations import match_waiting
from webhooks.queries import CallbackFilter, callbacks_of_intent, get_callback, list_callbacks, list_quarantine
from webhooks.types import CallbackReceipt
from zentra.core import clock, queue
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations.attempts import attempt_key
from zentra.runtime.operations import create_intent, route_intent
from zentra.runtime.types import CreateIntent

LATER = "intent_later"


@pytest.fixture
def intent(workspace: TenantRef) -> Iterator[RoutedIntent]:
    with accepting_rail(workspace):
        yield routed_intent(workspace)


@pytest.fixture
def early(intent: RoutedIntent) -> RoutedIntent:
    """Words about an intent that is yet to be made, from the rail that will carry it."""
    return with_key(intent, attempt_key(rail_id=intent.rail_id, intent_id=LATER, number=1))


def begin_later(ws: TenantRef) -> None:
    command = CreateIntent(intent_id=LATER, amount_minor=125_000, currency="USD", idempotency_key=LATER)
    with tenant_work(ws):
        create_intent(command=command, actor=API_KEY, ws=ws, now=clock.now())
    route_intent(intent_id=LATER, ws=ws)


def say_early(early: RoutedIntent, outcome: str) -> CallbackReceipt:
    return early.tell(outcome, id=f"pev_early_{outcome}")


def sources(ws: TenantRef) -> list[tuple[str, str, str | None]]:
    with tenant_work(ws):
        rows = list_callbacks(where=CallbackFilter(text="pev_early")).rows
    return [(each.source, each.state, each.intent_id) for each in reversed(rows)]


def purposes(ws: TenantRef) -> list[str]:
    from ledger.queries import entries_of_intent

    with tenant_work(ws):
        return list(dict.fromkeys(entry.purpose for entry in entries_of_intent(intent_id=LATER)))


def test_an_attempt_that_begins_finds_what_was_said_of_it_before(early: RoutedIntent) -> None:
    receipt = say_early(early, "settled")
    assert receipt.state == "unmatched"

    begin_later(early.ws)
    run_due(kinds=("webhooks.match",))

    assert purposes(early.ws) == ["reserve", "success", "settle"]
    assert sources(early.ws) == [("callback", "unmatched", None), ("match", "applied", LATER)]
    [said] = event_rows(early.ws, "callback.matched")
    assert (said["intent_id"], said["data"]["source"], said["data"]["converged_on"]) == (
        LATER,
        "match",
        receipt.callback_id,
    )
    assert said["data"]["posting_id"] is not None
    with tenant_work(early.ws):
        detail = get_callback(callback_id=str(receipt.callback_id))
        assert [each.source for each in callbacks_of_intent(intent_id=LATER)] == ["match"]
    assert (detail.now_state, detail.arrivals) == ("applied", 1)


def test_an_attempt_of_which_nobody_spoke_makes_no_work(intent: RoutedIntent) -> None:
    begin_later(intent.ws)
    assert run_due(kinds=("webhooks.match",)) == 0


def test_out_of_order_words_converge_when_they_are_matched(early: RoutedIntent) -> None:
    say_early(early, "settled")
    say_early(early, "succeeded")

    begin_later(early.ws)
    run_due(kinds=("webhooks.match",))

    assert purposes(early.ws) == ["reserve", "success", "settle"]
    assert [state for source, state, _ in sources(early.ws) if source == "match"] == ["applied", "late"]


def test_the_periodic_look_finds_what_neither_saw_of_the_other(
    early: RoutedIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_early(early, "succeeded")
    with monkeypatch.context() as blind:
        blind.setattr(queue, "enqueue", lambda **_: None)
        begin_later(early.ws)
    assert purposes(early.ws) == ["reserve"]

    assert match_waiting(workspace=early.ws, now=clock.now()) == 1
    assert match_waiting(workspace=early.ws, now=clock.now()) == 0

    assert purposes(early.ws) == ["reserve", "success"]
    assert len(event_rows(early.ws, "callback.matched")) == 1


def test_two_who_look_at_once_apply_it_once(early: RoutedIntent, monkeypatch: pytest.MonkeyPatch) -> None:
    say_early(early, "succeeded")
    with monkeypatch.context() as blind:
        blind.setattr(queue, "enqueue", lambda **_: None)
        begin_later(early.ws)
    start, counts = threading.Barrier(3), []

    def look() -> None:
        start.wait()
        counts.append(match_waiting(workspace=early.ws, now=clock.now()))
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == 1
    assert purposes(early.ws) == ["reserve", "success"]


def test_after_the_match_the_providers_repeat_is_one(early: RoutedIntent) -> None:
    say_early(early, "succeeded")
    begin_later(early.ws)
    run_due(kinds=("webhooks.match",))

    again = say_early(early, "succeeded")

    assert (again.status, again.state, again.arrival, again.intent_id) == (200, "duplicate", 2, LATER)
    assert again.posting_id is not None


def test_a_waiting_callback_cannot_change_its_words(early: RoutedIntent) -> None:
    assert say_early(early, "succeeded").state == "unmatched"
    other = early.tell("settled", id="pev_early_succeeded")
    assert (other.status, other.refusal.code if other.refusal else "") == (400, "callback_id_reused")


def test_what_names_another_rails_attempt_waits_for_ever(intent: RoutedIntent) -> None:
    stray = with_key(intent, "rail_elsewhere.intent_042.1")
    stray.tell("succeeded", id="pev_stray")
    assert match_waiting(workspace=intent.ws, now=clock.now()) == 0
    assert match_waiting(workspace=intent.ws, now=clock.now(), reference=stray.key) == 0


def test_a_match_that_fails_is_quarantined_and_does_not_come_back_for_ever(
    early: RoutedIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_early(early, "succeeded")
    begin_later(early.ws)

    def fail(**_: Any) -> Any:
        raise ZeroDivisionError("a bug of ours")

    with monkeypatch.context() as broken:
        broken.setattr(receiving, "apply_provider_outcome", fail)
        run_due(kinds=("webhooks.match",))
        assert match_waiting(workspace=early.ws, now=clock.now()) == 0

    with tenant_work(early.ws):
        [row] = list_quarantine().rows
    assert (row.code, row.state) == ("callback_apply_failed", "open")
    assert purposes(early.ws) == ["reserve"]
