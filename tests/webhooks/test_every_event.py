"""Every event that a workspace records on its way through all of Zentra is what the catalogue says of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.evidence.conforming import assert_conforming
from tests.ledger.book import Book, pair
from tests.people import Person
from tests.runtime.story import Story
from tests.webhooks.intents import accepting_rail, routed_intent
from tests.webhooks.replaying import make_deliveries, start, work_off_all
from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.work import DEVELOPER, SUPPORT, Subscribed, later, run_due, run_everything, subscribe
from webhooks import operations
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import rotate_rail_secret

OVER_THE_LIMIT = 4_000_001
OVER_THE_CAP = 400_000_000_000


def test_an_intent_from_the_first_request_to_its_packet(subscribed: Subscribed) -> None:
    with accepting_rail(subscribed.ws):
        intent = routed_intent(subscribed.ws)
        for outcome in ("accepted", "succeeded", "succeeded", "settled", "accepted"):
            intent.tell(outcome)
        run_everything(subscribed.ws)

    assert assert_conforming(subscribed.ws) >= {
        "ingress.accepted", "limit.accepted", "policy.accepted", "ledger.entry.posted", "ledger.entry.created",
        "ledger.balance.updated", "posting.committed", "ledger.reserved", "ledger.posted", "provider.routed",
        "provider.succeeded", "provider.settled", "callback.applied", "callback.replayed", "webhook.queued",
        "webhook.delivered", "money_runtime.synchronized", "review.closed", "ledger.export.ready", "evidence.sealed",
        "endpoint.created",
    }  # fmt: skip


def test_intents_that_end_otherwise(story: Story, operator: Person) -> None:
    with accepting_rail(story.ws):
        story.create("approved", amount_minor=OVER_THE_LIMIT)
        story.approve(operator.actor(), "approved")
        story.create("declined", amount_minor=OVER_THE_LIMIT)
        story.decline(operator.actor(), "declined")
        story.create("capped", amount_minor=OVER_THE_CAP)
        story.routed("refused")
        story.hear("declined", "refused")
        story.routed("broken")
        story.hear("succeeded", "broken", amount_minor=1)
        story.hear("failed", "broken")

    assert assert_conforming(story.ws) >= {
        "policy.review", "review.assigned", "review.approved", "review.declined", "policy.declined",
        "provider.declined", "provider.mismatch", "provider.failed",
    }  # fmt: skip


def test_accounts_holds_and_postings(workspace: TenantRef) -> None:
    book = Book(workspace)
    a = book.open("a", floor=0)
    posted = book.post(pair("bank", "a", 700))
    book.post(pair("bank", "a", 2_000))
    book.reverse(posted)
    hold = book.hold("a", 500)
    book.increase(hold.id, 100)
    book.extend(hold.id, clock.now() + timedelta(days=2), now=clock.now())
    book.capture(hold.id, 200)
    book.release(hold.id, 100)
    with later(86_400 * 3) as moment:
        book.expire(now=moment)
    for change in (book.freeze, book.unfreeze):
        change(a)
    book.limit(a, floor=0, ceiling=5_000)
    book.limit(a, floor=0)
    book.close(book.open("b"))

    assert assert_conforming(workspace) >= {
        "hold.placed", "hold.increased", "hold.extended", "hold.captured", "hold.released", "hold.expired",
        "account.frozen", "account.unfrozen", "account.limits_changed", "account.closed",
    }  # fmt: skip


def test_callbacks_that_are_not_simply_applied(workspace: TenantRef) -> None:
    with accepting_rail(workspace):
        intent = routed_intent(workspace)
        poison = b'{"id": "pev_1", "amount_minor": "1250.00"}'
        kept = intent.receive(intent.headers("pev_1", poison), poison)
        intent.receive(intent.headers("pev_2", poison, secret="whsec_" + "A" * 43 + "="), poison)
        intent.tell("settled")
        intent.tell("succeeded")
        other = intent.receive(intent.headers("pev_3", b"{"), b"{")
        with tenant_work(workspace):
            assert kept.callback_id is not None
            assert other.callback_id is not None
            operations.repair_callback(
                callback_id=kept.callback_id,
                body=intent.event("succeeded", id="pev_1")[1],
                actor=SUPPORT,
                note="the amount was a text",
                now=clock.now(),
            )
            operations.dismiss_callback(callback_id=other.callback_id, actor=SUPPORT, note="a test", now=clock.now())
            rotate_rail_secret(rail_id=intent.rail_id, actor=DEVELOPER, now=clock.now())

    assert assert_conforming(workspace) >= {
        "callback.refused", "callback.quarantined", "callback.repaired", "callback.dismissed", "callback.late",
        "callback.applied", "rail.secret_rotated",
    }  # fmt: skip


def test_endpoints_deliveries_and_replays(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda number: Answer(503 if number <= 3 else 204)) as server:
        endpoint_id = subscribe(workspace, server.url, "endpoint.*").endpoint.id
        with tenant_work(workspace):
            operations.change_endpoint(
                endpoint_id=endpoint_id, version=None, description="ours", actor=DEVELOPER, now=clock.now()
            )
            operations.rotate_secret(endpoint_id=endpoint_id, actor=DEVELOPER, now=clock.now())
            operations.send_test_event(endpoint_id=endpoint_id, actor=DEVELOPER, now=clock.now())
        run_everything(workspace)
        with later(60):
            run_due()
        make_deliveries(workspace, endpoint_id, "exhausted", 2)
        work_off_all(workspace, start(workspace, endpoint_id=endpoint_id).id)
        with tenant_work(workspace):
            for change in (operations.disable_endpoint, operations.enable_endpoint, operations.remove_endpoint):
                change(endpoint_id=endpoint_id, reason="a test", actor=DEVELOPER, now=clock.now())

    assert assert_conforming(workspace) >= {
        "endpoint.created", "endpoint.changed", "endpoint.secret_rotated", "endpoint.test", "endpoint.disabled",
        "endpoint.enabled", "endpoint.removed", "webhook.queued", "webhook.retrying", "webhook.delivered",
        "webhook.replay_started", "webhook.replay_ended",
    }  # fmt: skip


@pytest.fixture
def story(workspace: TenantRef) -> Story:
    return Story(workspace)
