"""When an intent is synchronized: its events up to provider.routed arrived, or cannot be waited for any longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import override_settings

from evidence.operations import read_packet
from tests.evidence.sealing import sequence
from tests.webhooks.intents import RoutedIntent, accepting_rail, routed_intent
from tests.webhooks.work import (
    SUPPORT,
    Subscribed,
    deliveries,
    event_rows,
    later,
    run_due,
    run_everything,
)
from webhooks.operations import check_stream, disable_endpoint, replay_many
from webhooks.outbound.packet import DeliverySection
from webhooks.queries import DeliveryFilter
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.queries import get_intent
from zentra.tenants.configuration.table import BY_NAME

CHECK = "webhooks.check_stream"


@pytest.fixture
def intent(subscribed: Subscribed) -> Iterator[RoutedIntent]:
    with accepting_rail(subscribed.ws):
        yield routed_intent(subscribed.ws)


def stream_of(intent: RoutedIntent) -> tuple[str, int]:
    """The stream's state and the undelivered count that were announced with it."""
    said = event_rows(intent.ws, "money_runtime.synchronized")
    return (str(said[0]["data"]["event_stream"]), int(said[0]["data"]["undelivered"])) if said else ("syncing", 0)


def test_without_any_endpoint_the_stream_counts_as_met(workspace: TenantRef) -> None:
    with accepting_rail(workspace):
        intent = routed_intent(workspace)
    intent.tell("settled")
    run_everything(workspace)

    assert stream_of(intent) == ("synchronized", 0)


def test_nothing_is_decided_before_the_log_was_followed(intent: RoutedIntent) -> None:
    intent.tell("settled")

    with tenant_work(intent.ws):
        again_at = check_stream(intent_id=intent.intent_id, now=now())
    assert again_at is not None
    sequence(intent.ws)
    with tenant_work(intent.ws):
        assert check_stream(intent_id=intent.intent_id, now=now()) is not None  # sequenced, not fanned out

    assert stream_of(intent) == ("syncing", 0)


def test_when_all_awaited_deliveries_resolved_it_is_synchronized_and_then_evidenced(intent: RoutedIntent) -> None:
    intent.tell("settled")
    run_everything(intent.ws)
    with later(2):
        run_everything(intent.ws)

    assert stream_of(intent) == ("synchronized", 0)
    assert intent.now().status == "evidenced"
    assert {each.state for each in deliveries(intent.ws, intent_id=intent.intent_id)} == {"resolved"}


def test_while_one_is_retried_it_is_syncing_and_healing_decides_at_once(
    intent: RoutedIntent, subscribed: Subscribed
) -> None:
    subscribed.consumer.inbox.mode = "down"
    intent.tell("settled")
    sequence(intent.ws)
    run_due()
    assert stream_of(intent) == ("syncing", 0)

    subscribed.consumer.inbox.mode = "up"
    with later(4):
        run_due()
        assert stream_of(intent) == ("synchronized", 0)


def test_events_after_provider_routed_are_not_waited_for(intent: RoutedIntent, subscribed: Subscribed) -> None:
    run_everything(intent.ws)  # everything up to provider.routed arrives
    subscribed.consumer.inbox.mode = "down"
    intent.tell("settled")
    sequence(intent.ws)
    run_due()

    assert stream_of(intent) == ("synchronized", 0)
    assert "retrying" in {each.state for each in deliveries(intent.ws)}


def test_after_the_deadline_it_is_degraded(intent: RoutedIntent, subscribed: Subscribed) -> None:
    subscribed.consumer.inbox.mode = "down"
    intent.tell("settled")
    sequence(intent.ws)
    run_due()
    awaited = len(deliveries(intent.ws, states=("retrying",)))
    with tenant_work(intent.ws):
        last = check_stream(intent_id=intent.intent_id, now=now())
    assert last is not None  # it will be asked again by itself

    with later(BY_NAME["sync_deadline_seconds"].default + 1), tenant_work(intent.ws):
        assert check_stream(intent_id=intent.intent_id, now=now()) is None

    state, undelivered = stream_of(intent)
    assert state == "degraded"
    assert 0 < undelivered <= awaited


@override_settings(ZENTRA_SANDBOX_WEBHOOK_SCHEDULE=[0])
def test_exhaustion_degrades_at_once_and_a_later_delivery_revises_the_packet(
    intent: RoutedIntent, subscribed: Subscribed
) -> None:
    subscribed.consumer.inbox.mode = "reject"
    intent.tell("settled")
    run_everything(intent.ws)
    with later(2):
        run_everything(intent.ws)
    assert stream_of(intent)[0] == "degraded"
    assert intent.now().status == "evidenced"
    with tenant_work(intent.ws):
        first = read_packet(intent_id=intent.intent_id)
        section = DeliverySection().build(intent_id=intent.intent_id)
    assert section is not None
    assert section["undelivered"]

    subscribed.consumer.inbox.mode = "up"
    with later(4):
        with tenant_work(intent.ws):
            replay_many(where=DeliveryFilter(states=("exhausted",)), actor=SUPPORT, reason="back again", now=now())
        run_everything(intent.ws)
    with later(10):  # the breaker lets them through
        run_everything(intent.ws)
    with later(15):  # what arrived together is gathered into one revision
        run_everything(intent.ws)

    with tenant_work(intent.ws):
        second = read_packet(intent_id=intent.intent_id)
        section = DeliverySection().build(intent_id=intent.intent_id)
    assert (first.revision, second.revision, second.previous_sha256) == (1, 2, first.sha256)
    assert section is not None
    assert section["undelivered"] == []


def test_disabling_the_endpoint_degrades(intent: RoutedIntent, subscribed: Subscribed) -> None:
    subscribed.consumer.inbox.mode = "down"
    intent.tell("settled")
    sequence(intent.ws)
    run_due()
    with tenant_work(intent.ws):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="gone for good", now=now())
    with later(1):
        run_due(kinds=(CHECK,))

    assert stream_of(intent)[0] == "degraded"


def test_an_endpoint_that_goes_while_money_moves_does_not_leave_the_intent_behind(
    intent: RoutedIntent, subscribed: Subscribed
) -> None:
    subscribed.consumer.inbox.mode = "down"
    sequence(intent.ws)
    run_due()
    with tenant_work(intent.ws):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="gone for good", now=now())
    with later(1):
        run_due(kinds=(CHECK,))
    intent.tell("settled")
    with later(2):
        run_everything(intent.ws)

    assert stream_of(intent)[0] == "degraded"
    with tenant_work(intent.ws):
        assert get_intent(intent_id=intent.intent_id).event_stream == "degraded"


def test_an_endpoint_that_was_disabled_before_is_not_waited_for(workspace: TenantRef, subscribed: Subscribed) -> None:
    with tenant_work(workspace):
        disable_endpoint(endpoint_id=subscribed.endpoint_id, actor=SUPPORT, reason="maintenance", now=now())
    with accepting_rail(workspace):
        intent = routed_intent(workspace)
    intent.tell("settled")
    run_everything(workspace)

    assert stream_of(intent) == ("synchronized", 0)


def test_asking_twice_decides_once(intent: RoutedIntent) -> None:
    intent.tell("settled")
    run_everything(intent.ws)
    for _ in range(3):
        with tenant_work(intent.ws):
            assert check_stream(intent_id=intent.intent_id, now=now()) is None

    assert len(event_rows(intent.ws, "money_runtime.synchronized")) == 1


def test_the_packet_section_lists_callbacks_and_attempts(intent: RoutedIntent) -> None:
    intent.tell("settled")
    intent.tell("settled")
    run_everything(intent.ws)
    with tenant_work(intent.ws):
        section = DeliverySection().build(intent_id=intent.intent_id)
        assert DeliverySection().build(intent_id="intent_nobody") is None

    assert section is not None
    callbacks, delivered = section["callbacks"], section["deliveries"]
    assert isinstance(callbacks, list)
    assert isinstance(delivered, list)
    assert [(each["state"], each["arrival"]) for each in callbacks] == [("applied", 1), ("duplicate", 2)]
    assert all(each["attempts"][0]["signature_verified"] for each in delivered)
