"""Sending one delivery or one event again, and an event to an endpoint that never had it."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connection

from evidence.queries import EventNotFound
from evidence.types import NewEvent
from tests.evidence.sealing import record
from tests.webhooks.replaying import held, make_deliveries, make_endpoint, open_refs, race
from tests.webhooks.work import (
    DEVELOPER,
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
from webhooks.operations import disable_endpoint, replay_delivery, replay_event, replay_many, send_event
from webhooks.outbound.directory import EndpointNotFound
from webhooks.outbound.queries import DeliveryNotFound
from webhooks.outbound.replays.jobs import ReplayEndpointDisabled
from webhooks.outbound.replays.requesting import ReplayReasonRequired
from webhooks.outbound.replays.sending_event import EventNotDelivered, EventNotReady
from webhooks.outbound.replays.single import DeliveryNotReplayable, TooManyDeliveries
from webhooks.queries import DeliveryFilter
from webhooks.types import DeliveryRecord
from zentra.core.actors import POLICY
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

pytestmark = pytest.mark.usefixtures("local_webhooks")
ACCOUNTS = "account.*"


@pytest.fixture
def narrow(subscribed: Subscribed) -> Subscribed:
    """The workspace's endpoint, which hears of accounts and not of endpoints."""
    with tenant_work(subscribed.ws), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET event_filter = ARRAY[%s]", [ACCOUNTS])
    return subscribed


def replay(ws: TenantRef, delivery_id: str, *, reason: str = "customer lost it") -> DeliveryRecord:
    with tenant_work(ws):
        return replay_delivery(delivery_id=delivery_id, actor=SUPPORT, reason=reason, now=now())


def send(ws: TenantRef, event_id: str, endpoint_id: str, *, reason: str = "they ask for it") -> DeliveryRecord:
    with tenant_work(ws):
        return send_event(event_id=event_id, endpoint_id=endpoint_id, actor=DEVELOPER, reason=reason, now=now())


# -- One delivery ------------------------------------------------------------------------------------------------------


def test_a_replay_of_what_arrived_keeps_id_and_state_and_says_who_and_why(narrow: Subscribed) -> None:
    [event_id] = publish(narrow.ws)
    run_due()
    delivery = only_delivery(narrow.ws).delivery

    replay(narrow.ws, delivery.id)
    run_due()

    detail = only_delivery(narrow.ws)
    assert [(each.trigger, each.response_status) for each in detail.attempts] == [("auto", 204), ("manual", 204)]
    assert {each.request_headers["webhook-id"] for each in detail.attempts} == {event_id}
    assert (detail.delivery.state, detail.delivery.resolved_at) == ("resolved", delivery.resolved_at)
    assert [(each["webhook_id"], each["copies"]) for each in narrow.received()] == [(event_id, 2)]
    [said] = event_rows(narrow.ws, "webhook.replayed")
    assert (said["actor"]["id"], said["data"]["reason"]) == (SUPPORT.id, "customer lost it")
    assert (said["data"]["trigger"], said["data"]["replay_id"]) == ("manual", None)


def test_a_failed_replay_of_what_arrived_takes_nothing_back(narrow: Subscribed) -> None:
    publish(narrow.ws)
    run_due()
    narrow.consumer.inbox.mode = "reject"
    replay(narrow.ws, only_delivery(narrow.ws).delivery.id)
    run_due()

    after = only_delivery(narrow.ws)

    assert (after.delivery.state, after.delivery.next_attempt_at) == ("resolved", None)
    assert [each.response_status for each in after.attempts] == [204, 503]


def test_a_replay_of_what_waits_brings_it_forward(narrow: Subscribed) -> None:
    narrow.consumer.inbox.mode = "reject"
    publish(narrow.ws)
    run_due()
    waiting = only_delivery(narrow.ws).delivery
    assert waiting.next_attempt_at is not None
    narrow.consumer.inbox.mode = "up"

    replay(narrow.ws, waiting.id)

    [(ref, due_at)] = open_refs(narrow.ws)
    assert (ref, due_at <= now()) == (waiting.id, True)
    run_due()
    assert only_delivery(narrow.ws).delivery.state == "resolved"
    assert open_refs(narrow.ws) == []


def test_a_replay_is_refused_in_flight_when_disabled_without_reason_and_for_a_test(workspace: TenantRef) -> None:
    endpoint_id = make_endpoint(workspace)
    [busy] = make_deliveries(workspace, endpoint_id, "exhausted", 1)
    [test] = make_deliveries(workspace, endpoint_id, "exhausted", 1, purpose="test")
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET claimed_until = now() + interval '20 seconds'")

    with pytest.raises(ReplayReasonRequired):
        replay(workspace, busy, reason="  ")
    with pytest.raises(DeliveryNotReplayable) as refused:
        replay(workspace, busy)
    assert refused.value.extra == {"why": "in_flight"}
    with pytest.raises(DeliveryNotReplayable):
        replay(workspace, test)
    with later(60):
        with tenant_work(workspace):
            disable_endpoint(endpoint_id=endpoint_id, actor=SUPPORT, reason="maintenance", now=now())
        with pytest.raises(DeliveryNotReplayable) as refused:
            replay(workspace, busy)
    assert refused.value.extra == {"why": "disabled"}
    with pytest.raises(DeliveryNotFound):
        replay(workspace, "dlv_00000000000000000000000000")

    assert event_rows(workspace, "webhook.replayed") == []
    assert open_refs(workspace) == []
    assert {each.state for each in deliveries(workspace)} == {"exhausted"}


def test_two_people_at_once_make_one_item(workspace: TenantRef) -> None:
    endpoint_id = make_endpoint(workspace)
    [delivery_id] = make_deliveries(workspace, endpoint_id, "exhausted", 1)

    results = race(*[lambda: replay(workspace, delivery_id)] * 3)

    assert not [each for each in results if isinstance(each, Exception)]
    assert [ref for ref, _ in open_refs(workspace)] == [delivery_id]


def test_a_replay_waits_for_a_disable_and_then_is_refused(workspace: TenantRef) -> None:
    endpoint_id = make_endpoint(workspace)
    [delivery_id] = make_deliveries(workspace, endpoint_id, "exhausted", 1)
    disabling = "UPDATE webhooks_endpoint SET state = 'disabled', disabled_at = now(), disabled_by = 'person'"
    held_replay: list[object] = []

    with held(workspace, disabling):
        other = Thread(target=lambda: held_replay.extend(race(lambda: replay(workspace, delivery_id))))
        other.start()
        other.join(0.3)
        assert held_replay == []
    other.join()

    assert isinstance(held_replay[0], DeliveryNotReplayable)
    assert open_refs(workspace) == []


# -- Several -----------------------------------------------------------------------------------------------------------


def test_what_a_person_chose_is_sent_and_the_rest_counted(workspace: TenantRef) -> None:
    endpoint_id, disabled = make_endpoint(workspace), make_endpoint(workspace, "disabled")
    chosen = make_deliveries(workspace, endpoint_id, "exhausted", 3)
    chosen += make_deliveries(workspace, disabled, "exhausted", 2)
    with tenant_work(workspace):
        disable_endpoint(endpoint_id=disabled, actor=SUPPORT, reason="maintenance", now=now())
        done = replay_many(delivery_ids=chosen, actor=SUPPORT, reason="these", now=now())

    assert (done.matched, len(done.requested), done.skipped) == (5, 3, 2)
    assert sorted(ref for ref, _ in open_refs(workspace)) == sorted(chosen[:3])
    with tenant_work(workspace), pytest.raises(TooManyDeliveries):
        replay_many(delivery_ids=chosen * 101, actor=SUPPORT, reason="all", now=now())
    with tenant_work(workspace):
        done = replay_many(where=DeliveryFilter(endpoint_id=disabled), actor=SUPPORT, reason="those", now=now())
    assert (done.matched, done.requested) == (2, ())


def test_an_event_goes_again_to_every_endpoint_that_it_went_to_or_to_one(narrow: Subscribed) -> None:
    url = narrow.created.endpoint.url
    second = subscribe(narrow.ws, url, ACCOUNTS, secret=narrow.created.secret).endpoint.id
    subscribe(narrow.ws, url, "hold.*")
    [event_id] = publish(narrow.ws)
    run_due()

    with tenant_work(narrow.ws):
        everywhere = replay_event(event_id=event_id, actor=SUPPORT, reason="both", now=now())
    run_due()
    with tenant_work(narrow.ws):
        one = replay_event(event_id=event_id, endpoint_ids=[second], actor=SUPPORT, reason="one", now=now())
    run_due()

    assert (everywhere.matched, len(everywhere.requested)) == (2, 2)
    assert (one.matched, len(one.requested)) == (1, 1)
    assert {each.endpoint_id: each.attempts for each in deliveries(narrow.ws, event_id=event_id)} == {
        narrow.endpoint_id: 2,
        second: 3,
    }
    with tenant_work(narrow.ws), pytest.raises(EventNotFound):
        replay_event(event_id="evt_00000000000000000000000000", actor=SUPPORT, reason="which?", now=now())
    with tenant_work(narrow.ws), pytest.raises(ReplayReasonRequired):
        replay_event(event_id=event_id, actor=SUPPORT, reason="", now=now())


# -- To an endpoint that never had it ----------------------------------------------------------------------------------


def test_an_event_is_sent_to_an_endpoint_that_is_newer_and_did_not_ask_for_it(narrow: Subscribed) -> None:
    [event_id] = publish(narrow.ws)
    run_due()
    newer = subscribe(narrow.ws, narrow.created.endpoint.url, "hold.*", secret=narrow.created.secret).endpoint.id

    sent = send(narrow.ws, event_id, newer)
    run_due()

    assert (sent.endpoint_id, sent.state, sent.is_awaited) == (newer, "queued", False)
    detail = only_delivery(narrow.ws, endpoint_id=newer)
    assert detail.delivery.state == "resolved"
    assert [(each.trigger, each.request_headers["webhook-id"]) for each in detail.attempts] == [("manual", event_id)]
    [said] = event_rows(narrow.ws, "webhook.replayed")
    assert (said["actor"]["id"], said["data"]["endpoint_id"]) == (DEVELOPER.id, newer)
    assert said["data"]["reason"] == "they ask for it"
    queued = [each["data"]["delivery_id"] for each in event_rows(narrow.ws, "webhook.queued")]
    assert detail.delivery.id in queued


def test_sending_an_event_twice_at_once_makes_one_delivery(narrow: Subscribed) -> None:
    [event_id] = publish(narrow.ws)
    newer = subscribe(narrow.ws, narrow.created.endpoint.url, "hold.*").endpoint.id

    results = race(*[lambda: send(narrow.ws, event_id, newer)] * 3)

    assert {each.id for each in results if isinstance(each, DeliveryRecord)} == {
        each.id for each in deliveries(narrow.ws, endpoint_id=newer)
    }
    assert all(isinstance(each, DeliveryRecord) for each in results)
    assert len([ref for ref, _ in open_refs(narrow.ws) if ref == deliveries(narrow.ws, endpoint_id=newer)[0].id]) == 1


def test_an_event_is_not_sent_where_it_cannot_go(narrow: Subscribed, other_workspace: TenantRef) -> None:
    ws, endpoint_id = narrow.ws, narrow.endpoint_id
    denied, tested = record(
        ws,
        NewEvent(type="access.denied", actor=POLICY, data={"action": "read"}),
        NewEvent(type="endpoint.test", actor=DEVELOPER, data={"endpoint_id": endpoint_id, "probe": False}),
    )
    [fresh] = record(ws, an_event())

    for event_id, refusal in ((denied, EventNotDelivered), (tested, EventNotDelivered), (fresh, EventNotReady)):
        with pytest.raises(refusal):
            send(ws, event_id, endpoint_id)
    with pytest.raises(ReplayReasonRequired):
        send(ws, fresh, endpoint_id, reason="")
    with pytest.raises(EventNotFound):
        send(other_workspace, fresh, endpoint_id)
    with pytest.raises(EndpointNotFound):
        send(ws, fresh, "whe_00000000000000000000000000")
    with tenant_work(ws):
        disable_endpoint(endpoint_id=endpoint_id, actor=SUPPORT, reason="maintenance", now=now())
    with pytest.raises(ReplayEndpointDisabled):
        send(ws, fresh, endpoint_id)

    assert deliveries(ws) == []
    assert event_rows(ws, "webhook.replayed") == []
