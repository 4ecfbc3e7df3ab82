"""Which endpoint gets a delivery of what, and that a batch costs few statements."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.evidence.sealing import record, sequence
from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.work import (
    SUPPORT,
    an_event,
    deliveries,
    entered,
    event_rows,
    only_delivery,
    publish,
    run_due,
    subscribe,
)
from webhooks.operations import disable_endpoint, fan_out, remove_endpoint, send_test_event
from webhooks.outbound.directory import EndpointNotFound, settings_of
from webhooks.outbound.endpoints import EndpointRemoved
from webhooks.types import Header
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

URL = "https://consumer.example.com/hooks"


def follow(ws: TenantRef) -> None:
    sequence(ws)
    run_due(kinds=("webhooks.fan_out",))


def send_test(ws: TenantRef, endpoint_id: str) -> str:
    with tenant_work(ws):
        event_id = send_test_event(endpoint_id=endpoint_id, actor=SUPPORT, now=now())
    follow(ws)
    return event_id


def disable(ws: TenantRef, endpoint_id: str) -> None:
    with tenant_work(ws):
        disable_endpoint(endpoint_id=endpoint_id, reason="", actor=SUPPORT, now=now())


def lanes_of_open_items(ws: TenantRef) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lane FROM public.work_item WHERE workspace_id = %s AND kind = 'webhooks.deliver'"
            " AND done_at IS NULL",
            [ws.id],
        )
        return sorted(row[0] for row in cursor.fetchall())


def test_a_test_event_goes_to_its_endpoint_alone_whatever_the_filters(workspace: TenantRef) -> None:
    tried = subscribe(workspace, URL, "hold.*").endpoint.id
    subscribe(workspace, URL, "*")
    follow(workspace)

    event_id = send_test(workspace, tried)

    [delivery] = deliveries(workspace, event_type="endpoint.test")
    assert (delivery.endpoint_id, delivery.event_id) == (tried, event_id)
    assert (delivery.purpose, delivery.state, delivery.is_awaited) == ("test", "queued", False)
    [event] = event_rows(workspace, "endpoint.test")
    assert event["data"] == {"endpoint_id": tried, "probe": False}
    assert event["actor"]["id"] == SUPPORT.id


def test_a_test_event_reaches_a_disabled_endpoint_once(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(500)) as endpoint:
        endpoint_id = subscribe(workspace, endpoint.url, "hold.*").endpoint.id
        disable(workspace, endpoint_id)
        send_test(workspace, endpoint_id)
        run_due()

    detail = only_delivery(workspace)
    assert len(endpoint.requests) == 1
    assert (detail.delivery.state, detail.delivery.next_attempt_at) == ("exhausted", None)


def test_disabling_does_not_hold_back_a_test_that_waits(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL, "hold.*").endpoint.id
    send_test(workspace, endpoint_id)
    disable(workspace, endpoint_id)
    assert only_delivery(workspace).delivery.state == "queued"
    with tenant_work(workspace):
        remove_endpoint(endpoint_id=endpoint_id, reason="", actor=SUPPORT, now=now())
    assert only_delivery(workspace).delivery.state == "retained"


def test_a_removed_or_unknown_endpoint_is_not_tried_out(workspace: TenantRef, other_workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    for unknown in (ids.new_id("whe"), subscribe(other_workspace, URL).endpoint.id):
        with pytest.raises(EndpointNotFound):
            send_test(workspace, unknown)
    with tenant_work(workspace):
        remove_endpoint(endpoint_id=endpoint_id, reason="", actor=SUPPORT, now=now())
    with pytest.raises(EndpointRemoved):
        send_test(workspace, endpoint_id)
    assert event_rows(workspace, "endpoint.test") == []


def test_a_test_of_an_endpoint_that_is_removed_meanwhile_goes_nowhere(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL, "hold.*").endpoint.id
    with tenant_work(workspace):
        send_test_event(endpoint_id=endpoint_id, actor=SUPPORT, now=now())
        remove_endpoint(endpoint_id=endpoint_id, reason="", actor=SUPPORT, now=now())
    follow(workspace)
    assert deliveries(workspace) == []


def test_an_endpoint_is_not_told_of_its_own_making_and_another_is(workspace: TenantRef) -> None:
    watching = subscribe(workspace, URL, "endpoint.*").endpoint.id
    made = subscribe(workspace, URL, "endpoint.*").endpoint.id
    follow(workspace)
    assert [each.endpoint_id for each in deliveries(workspace, event_type="endpoint.created")] == [watching]
    disable(workspace, made)
    follow(workspace)
    told = {each.endpoint_id: each.state for each in deliveries(workspace, event_type="endpoint.disabled")}
    assert told == {watching: "queued", made: "retained"}


def test_enabled_disabled_and_removed_endpoints(workspace: TenantRef) -> None:
    enabled, disabled, removed = (subscribe(workspace, URL, "account.*").endpoint.id for _ in range(3))
    disable(workspace, disabled)
    with tenant_work(workspace):
        remove_endpoint(endpoint_id=removed, reason="", actor=SUPPORT, now=now())

    publish(workspace)

    found = {each.endpoint_id: each for each in deliveries(workspace)}
    assert {key: (each.state, each.is_awaited) for key, each in found.items()} == {
        enabled: ("queued", True),
        disabled: ("retained", False),
    }
    assert found[disabled].first_due_at is None
    assert lanes_of_open_items(workspace) == [enabled]


def test_a_batch_is_a_handful_of_statements_whatever_its_size(workspace: TenantRef) -> None:
    for _ in range(4):
        subscribe(workspace, URL, "account.*")
    follow(workspace)
    counts = []
    for size in (1, 40):
        record(workspace, *(an_event(number) for number in range(size)))
        sequence(workspace)
        with tenant_work(workspace), entered(), CaptureQueriesContext(connection) as queries:
            assert fan_out(now=now()).deliveries == 4 * size
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14
    assert len(lanes_of_open_items(workspace)) == 4 * 41


def test_settings_of_many_endpoints_cost_three_queries(workspace: TenantRef) -> None:
    made = [
        subscribe(workspace, f"{URL}/{number}", headers=[Header("x-team", str(number))], schedule=[0, number])
        for number in range(12)
    ]
    with tenant_work(workspace), entered(), CaptureQueriesContext(connection) as queries:
        found = settings_of(endpoint_ids=[*(each.endpoint.id for each in made), ids.new_id("whe")], now=now())

    assert len(queries) == 3
    assert len(found) == 12
    for number, each in enumerate(made):
        settings = found[each.endpoint.id]
        assert (settings.url, settings.schedule, settings.timeout_seconds) == (f"{URL}/{number}", (0, number), 10)
        assert (settings.enabled, settings.removed, settings.api_version) == (True, False, "v2026.04")
        assert settings.headers == (("x-team", str(number)),)
        assert settings.keys.secrets == (each.secret,)
        assert settings.keys.public_keys == (each.endpoint.public_key,)
