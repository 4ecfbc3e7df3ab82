"""A webhook consumer that is down: backoff, visible attempts, degraded evidence, replay, revision 2 (PRODUCT 4: 4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import read_packet_file, rehearsal
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from tests.e2e.desks import Desk
    from tests.people import Person
    from tests.webhooks.work import Subscribed
    from zentra.core.tenancy import TenantRef

pytestmark = pytest.mark.e2e


@pytest.fixture
def event_filter() -> tuple[str, ...]:
    """What the consumer wants: everything, unless a test says otherwise."""
    return ("*",)


@pytest.fixture
def subscribed(desk: Desk, workspace: TenantRef, tmp_path: Path, event_filter: tuple[str, ...]) -> Iterator[Subscribed]:
    """A real consumer in front of which the workspace has one endpoint."""
    from tests.webhooks.servers import hook_url, running_consumer
    from tests.webhooks.work import Subscribed, subscribe

    secrets: dict[str, str] = {}
    with running_consumer(tmp_path, secrets=secrets) as consumer:
        created = subscribe(workspace, hook_url(consumer, workspace.slug), *event_filter)
        secrets[workspace.slug] = created.secret
        yield Subscribed(workspace, created, consumer)


def set_sync_deadline(desk: Desk, seconds: int) -> None:
    changed = desk.books.change(
        "UPDATE public.tenants_workspace"
        " SET settings = settings || jsonb_build_object('sync_deadline_seconds', %s::int)"
        " WHERE schema_name = %s",
        seconds, desk.books.schema,
    )  # fmt: skip
    assert changed == 1


def test_a_consumer_that_works_gets_each_event_once_in_the_order_of_the_log(desk: Desk, subscribed: Subscribed) -> None:
    desk.send(rehearsal("intent_042"))

    assert desk.wait_for_end("intent_042")["intent_042"]["event_stream"] == "synchronized"
    wait_until(
        lambda: "evidence.sealed" in {message["type"] for message in subscribed.received()},
        why="the last event arrived",
    )
    wait_until(
        lambda: not desk.books.rows("SELECT 1 FROM webhooks_delivery WHERE state <> 'resolved'"), why="all is delivered"
    )
    received = [message["type"] for message in subscribed.received() if message["intent_id"] == "intent_042"]
    # Leaves are told in the order of the log, which is the order in which they were sequenced.
    assert received[0] == "ingress.accepted"
    assert received.index("provider.routed") < received.index("provider.settled") < received.index("evidence.sealed")
    assert {message["copies"] for message in subscribed.received()} == {1}
    delivered = desk.books.value("SELECT count(*) FROM webhooks_delivery")
    assert delivered == len(subscribed.received())


# Few enough to be tried several times each before the circuit breaker leaves the endpoint alone for long.
@pytest.mark.parametrize("event_filter", [("ingress.accepted", "provider.routed")])
def test_an_outage_is_retried_visibly_seals_degraded_and_a_later_delivery_revises_the_packet(
    desk: Desk, subscribed: Subscribed, support: Person, tmp_path: Path
) -> None:
    set_sync_deadline(desk, 3)
    subscribed.consumer.inbox.mode = "down"
    desk.send(rehearsal("intent_042"))

    # Backoff: each try is further from the last, and kept with why it failed.
    tries = wait_until(
        lambda: desk.books.rows("SELECT started_at, next_attempt_at, error_class FROM webhooks_attempt"
                                " WHERE delivery_id = (SELECT delivery_id FROM webhooks_attempt"
                                " WHERE number = 3 LIMIT 1)"
                                " ORDER BY number"),
        why="one delivery was tried three times",
    )  # fmt: skip
    waits = [(each["next_attempt_at"] - each["started_at"]).total_seconds() for each in tries]
    assert waits == sorted(waits), waits
    assert all(each["error_class"] for each in tries)
    page = desk.visit(support).get("webhooks/deliveries/?state=retrying")
    assert page.status_code == 200
    assert "retrying" in page.text

    degraded = desk.wait_for_end("intent_042")["intent_042"]
    assert (degraded["status"], degraded["event_stream"], degraded["packet_revision"]) == ("evidenced", "degraded", 1)
    first = desk.packet("intent_042", revision=1)
    undelivered = read_packet_file(first, "sections/webhooks.json")["undelivered"]
    assert len(undelivered) == degraded["undelivered"] > 0
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)

    # Support replays what the packet lists, once the consumer is back; the rest comes by itself.
    subscribed.consumer.inbox.mode = "up"
    said = desk.visit(support).post("webhooks/replay/", delivery=undelivered[0], reason="the consumer is back")
    assert said.status_code == 302, said.text
    wait_until(
        lambda: not desk.books.rows("SELECT 1 FROM webhooks_delivery WHERE state <> 'resolved'"),
        why="everything was delivered after all",
        told=lambda: desk.books.rows("SELECT state, attempts, last_error, next_attempt_at FROM webhooks_delivery"
                                     " WHERE state <> 'resolved'"),
    )  # fmt: skip
    wait_until(lambda: desk.books.intent("intent_042")["packet_revision"] > 1, why="the packet has a new revision")
    second = desk.packet("intent_042", revision=2)
    manifest = read_packet_file(second, "manifest.json")
    assert (manifest["revision"], manifest["previous_sha256"]) == (
        2,
        desk.books.value("SELECT sha256 FROM evidence_packet WHERE revision = 1"),
    )

    def latest_lists_nothing_undelivered() -> bool:
        return not read_packet_file(desk.packet("intent_042"), "sections/webhooks.json")["undelivered"]

    wait_until(latest_lists_nothing_undelivered, why="the latest revision says that all arrived")
    assert desk.packet("intent_042", revision=1) == first
    for packet in (first, second):
        assert "Verified" in desk.verify(packet, tmp_path)
    assert {message["type"] for message in subscribed.received()} >= {"ingress.accepted", "provider.routed"}
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)
