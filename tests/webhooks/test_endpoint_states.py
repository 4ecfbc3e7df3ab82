"""Enabled, disabled, removed: what waits is retained, and each change happens once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection

from tests.ledger.book import at_once
from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.work import (
    SUPPORT,
    Subscribed,
    an_event,
    deliveries,
    event_rows,
    only_delivery,
    publish,
    run_due,
    subscribe,
)
from webhooks.operations import disable_endpoint, enable_endpoint, remove_endpoint, replay_delivery
from webhooks.outbound.directory import EndpointNotFound
from webhooks.outbound.endpoints import EndpointRemoved, StaleEndpoint
from webhooks.queries import get_endpoint, list_endpoints
from webhooks.types import EndpointRecord
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

URL = "https://consumer.example.com/hooks"
MOVES: dict[str, Callable[..., EndpointRecord]] = {
    "disable": disable_endpoint,
    "enable": enable_endpoint,
    "remove": remove_endpoint,
}


def move(ws: TenantRef, endpoint_id: str, how: str, reason: str = "they asked for it") -> EndpointRecord:
    with tenant_work(ws):
        return MOVES[how](endpoint_id=endpoint_id, reason=reason, actor=SUPPORT, now=now())


def facts(ws: TenantRef) -> list[tuple[str, dict[str, Any]]]:
    """What was told of endpoints after they were made, oldest first."""
    names = ("endpoint.disabled", "endpoint.enabled", "endpoint.removed")
    found = [(row["id"], name, row["data"]) for name in names for row in event_rows(ws, name)]
    return [(name, data) for _, name, data in sorted(found, key=lambda each: each[0])]


def has_lane(endpoint_id: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM public.work_lane WHERE lane = %s)", [endpoint_id])
        return bool(cursor.fetchone()[0])


def test_what_waits_for_a_disabled_endpoint_is_retained_and_can_be_replayed(subscribed: Subscribed) -> None:
    ws = subscribed.ws
    publish(ws)

    record = move(ws, subscribed.endpoint_id, "disable")
    publish(ws, an_event(2))
    run_due()

    assert (record.state, record.disabled_by, record.disabled_reason) == ("disabled", "person", "they asked for it")
    assert {each.state for each in deliveries(ws, event_type="account.created")} == {"retained"}
    assert subscribed.received() == []
    assert facts(ws) == [
        (
            "endpoint.disabled",
            {
                "endpoint_id": subscribed.endpoint_id,
                "disabled_by": "person",
                "reason": "they asked for it",
                "retained": 1,
            },
        )
    ]

    assert move(ws, subscribed.endpoint_id, "enable").state == "enabled"
    for each in deliveries(ws, event_type="account.created"):
        with tenant_work(ws):
            replay_delivery(delivery_id=each.id, actor=SUPPORT, reason="it is back", now=now())
    run_due()
    assert len([each for each in subscribed.received() if each["type"] == "account.created"]) == 2


def test_enabling_forgets_what_was_held_against_it(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    move(workspace, endpoint_id, "disable")
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_endpoint SET breaker = 'open', breaker_until = now(), breaker_opens = 9, warnings = 3,"
            " consecutive_failures = 70, failing_since = now() - interval '5 days'"
        )
        cursor.execute(
            "UPDATE public.work_lane SET paused_until = now() + interval '5 minutes', is_probing = true"
            " WHERE lane = %s",
            [endpoint_id],
        )

    record = move(workspace, endpoint_id, "enable")

    assert (record.breaker, record.breaker_until, record.consecutive_failures) == ("closed", None, 0)
    assert (record.failing_since, record.disabled_at, record.disabled_by) == (None, None, "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT paused_until, is_probing FROM public.work_lane WHERE lane = %s", [endpoint_id])
        assert cursor.fetchone() == (None, False)


@pytest.mark.parametrize(("first", "second"), [("disable", "disable"), (None, "enable")])
def test_a_change_to_the_state_it_is_in_is_refused(workspace: TenantRef, first: str | None, second: str) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    if first:
        move(workspace, endpoint_id, first)
    before = facts(workspace)
    with pytest.raises(StaleEndpoint):
        move(workspace, endpoint_id, second)
    assert facts(workspace) == before


@pytest.mark.parametrize("how", ["disable", "enable"])
def test_of_many_at_once_one_changes_the_state(workspace: TenantRef, how: str) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    if how == "enable":
        move(workspace, endpoint_id, "disable")
    results = at_once([lambda: move(workspace, endpoint_id, how)] * 6, threads=6)
    assert len([each for each in results if isinstance(each, EndpointRecord)]) == 1
    assert len([each for each in results if isinstance(each, StaleEndpoint)]) == 5
    assert len(event_rows(workspace, f"endpoint.{how}d")) == 1


def test_disabling_and_events_at_once_lose_nothing(workspace: TenantRef, local_webhooks: None) -> None:
    """Each delivery ends as resolved or retained; none stays on its way to a disabled endpoint."""
    with scripted_endpoint(lambda _: Answer()) as endpoint:
        endpoint_id = subscribe(workspace, endpoint.url, "account.*").endpoint.id
        publish(workspace, *(an_event(number) for number in range(12)))
        calls: list[Callable[[], object]] = [run_due, partial(move, workspace, endpoint_id, "disable"), run_due]
        at_once(calls, threads=3)
        run_due()
    states = [each.state for each in deliveries(workspace)]
    assert len(states) == 12
    assert set(states) <= {"resolved", "retained"}


def test_a_removed_endpoint_is_kept_for_its_deliveries_and_gets_nothing(subscribed: Subscribed) -> None:
    ws, endpoint_id = subscribed.ws, subscribed.endpoint_id
    publish(ws)

    record = move(ws, endpoint_id, "remove", "the consumer is gone")
    assert not has_lane(endpoint_id)
    publish(ws, an_event(2))
    run_due()

    assert record.removed_at is not None
    assert (record.state, record.disabled_by) == ("disabled", "person")
    assert only_delivery(ws).delivery.state == "retained"  # of the event before; none of the one after
    assert subscribed.received() == []
    with tenant_work(ws):
        assert list_endpoints() == []
        assert get_endpoint(endpoint_id=endpoint_id) == record
    data = {"endpoint_id": endpoint_id, "reason": "the consumer is gone", "retained": 1}
    assert facts(ws) == [("endpoint.removed", data)]


def test_removing_again_changes_nothing(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    results = at_once([lambda: move(workspace, endpoint_id, "remove")] * 5, threads=5)
    assert all(isinstance(each, EndpointRecord) and each.version == 2 for each in results)
    assert len(facts(workspace)) == 1


@pytest.mark.parametrize("how", ["disable", "enable"])
def test_a_removed_endpoint_changes_no_more(workspace: TenantRef, how: str) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    move(workspace, endpoint_id, "remove")
    with pytest.raises(EndpointRemoved):
        move(workspace, endpoint_id, how)


@pytest.mark.parametrize("how", MOVES)
def test_an_unknown_endpoint_or_another_tenants_is_not_moved(
    workspace: TenantRef, other_workspace: TenantRef, how: str
) -> None:
    theirs = subscribe(other_workspace, URL).endpoint
    for endpoint_id in (ids.new_id("whe"), theirs.id):
        with pytest.raises(EndpointNotFound):
            move(workspace, endpoint_id, how)
    with tenant_work(other_workspace):
        assert get_endpoint(endpoint_id=theirs.id) == theirs


def test_a_person_takes_over_from_an_automatic_disable(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_endpoint"
            " SET state = 'disabled', disabled_at = now(), disabled_by = 'failing', probe_at = %s",
            [now() + timedelta(minutes=1)],
        )
    record = move(workspace, endpoint_id, "disable")
    assert (record.disabled_by, record.probe_at) == ("person", None)
    with pytest.raises(StaleEndpoint):
        move(workspace, endpoint_id, "disable")


def test_reasons_are_bounded(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    assert len(move(workspace, endpoint_id, "disable", "x" * 5000).disabled_reason) == 500


@pytest.mark.parametrize(
    "change", ["disabled_at = now()", "state = 'asleep'", "disabled_by = 'mood'", "removed_at = now()"]
)
def test_the_database_holds_what_a_state_is(workspace: TenantRef, change: str) -> None:
    subscribe(workspace, URL)
    with pytest.raises(IntegrityError), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(f"UPDATE webhooks_endpoint SET {change}")
