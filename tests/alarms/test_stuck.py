"""Which intent waits for what, since when, and who can act: each reason by a real intent that is in it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests.alarms.desk import FINANCE
from tests.ledger.book import Book
from tests.people import Person
from tests.runtime.story import Story
from tests.webhooks.intents import accepting_rail
from tests.webhooks.work import subscribe
from zentra.alarms.stuck import MOVES_WITHIN, stuck_intents
from zentra.alarms.types import Stuck
from zentra.alarms.watchers.intents import see_stuck_intents
from zentra.core import clock, ids
from zentra.core.queue import enqueue
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.operations import pause_outgoing_money

OVER = 4_000_001
"""Above the limit that takes a review."""


@pytest.fixture
def story(workspace: TenantRef) -> Iterator[Story]:
    """Intents over two rails that accept everything and say no more."""
    with accepting_rail(workspace):
        yield Story(workspace)


def stuck(ws: TenantRef, *, seconds_later: float = 60, limit: int = 100) -> list[Stuck]:
    with tenant_work(ws):
        return stuck_intents(now=clock.now() + timedelta(seconds=seconds_later), limit=limit)


def only(ws: TenantRef) -> Stuck:
    [found] = stuck(ws)
    return found


def change(ws: TenantRef, statement: str, *values: Any) -> None:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_nothing_waits_in_a_new_workspace(workspace: TenantRef) -> None:
    assert stuck(workspace) == []


def test_what_moves_is_not_stuck(story: Story) -> None:
    story.routed()

    assert stuck(story.ws, seconds_later=MOVES_WITHIN.total_seconds() / 2) == []


def test_an_intent_that_its_owner_has_not_decided(story: Story, operator: Person) -> None:
    intent = story.create(amount_minor=OVER)
    assert intent.status == "review"

    found = only(story.ws)

    assert (found.intent_id, found.waits_for, found.who_can_act, found.door) == (
        "intent_042", "review", operator.id, "reviews/",
    )  # fmt: skip


def test_an_intent_without_a_rail(story: Story) -> None:
    story.create()

    found = only(story.ws)

    assert (found.waits_for, found.words, found.who_can_act) == ("route", "posted; waits for a rail", "operations")
    assert found.door == "intents/intent_042/"


def test_an_intent_held_by_a_pause(story: Story) -> None:
    story.create()
    with tenant_work(story.ws):
        pause_outgoing_money(rail=None, reason="the bank called", actor=FINANCE, now=clock.now())

    found = only(story.ws)

    assert (found.waits_for, found.door) == ("resume", "outgoing/")
    assert "the bank called" in found.words
    assert FINANCE.id in found.who_can_act


def test_an_intent_whose_rail_says_nothing(story: Story) -> None:
    rail = story.routed().rail

    found = only(story.ws)
    assert (found.waits_for, found.who_can_act, found.since) == ("rail", rail, story.get().updated_at)

    story.hear("succeeded")
    assert "confirm settlement" in only(story.ws).words


def test_an_intent_whose_outcome_nobody_knows(story: Story) -> None:
    rail = story.routed().rail
    change(story.ws, "UPDATE runtime_intent SET is_outcome_unknown = true")

    found = only(story.ws)

    assert (found.waits_for, found.who_can_act) == ("outcome", rail)
    assert "outcome unknown" in found.words


def test_an_intent_whose_stream_an_endpoint_holds(story: Story, local_webhooks: None) -> None:
    endpoint = subscribe(story.ws, "http://127.0.0.1:9/hook").endpoint
    story.routed()
    story.hear("succeeded")
    story.hear("settled")
    assert only(story.ws).words == "settled; waits for the check of its event stream"
    change(
        story.ws,
        "INSERT INTO webhooks_delivery (id, recorded_at, event_id, event_recorded_at, event_type, leaf_index,"
        " leaf_hash, endpoint_id, intent_id, state, is_awaited, attempts, failures, next_attempt_at,"
        " trigger, purpose, last_error)"
        " SELECT gen_random_uuid(), now(), gen_random_uuid(), now(), 'ingress.accepted', n, '', %s, 'intent_042',"
        " 'retrying', true, 3, 3, now(), 'auto', 'event', 'answered 500' FROM generate_series(1, 4) n",
        ids.to_uuid(endpoint.id, prefix="whe"),
    )

    found = only(story.ws)

    assert (found.waits_for, found.who_can_act) == ("endpoint", endpoint.id)
    assert found.words == f"settled; {endpoint.id} has not taken 4 of its events (retrying: answered 500)"
    assert found.door == f"webhooks/endpoints/{endpoint.id}/"


def test_an_intent_that_is_not_sealed_yet(story: Story) -> None:
    story.routed()
    story.hear("succeeded")
    story.hear("settled")
    story.synchronize()

    assert only(story.ws).waits_for == "seal"


def test_work_that_fails_again_and_again_says_why(story: Story) -> None:
    story.routed()
    enqueue(workspace_id=story.ws.id, kind="runtime.close", ref="intent_042", due_at=clock.now())
    change(
        story.ws,
        "UPDATE public.work_item SET attempts = 7, last_error = 'NotReconciled: 5 is not 7'"
        " WHERE workspace_id = %s AND kind = 'runtime.close'",
        story.ws.id,
    )

    found = only(story.ws)

    assert (found.waits_for, found.who_can_act) == ("work", "operations")
    assert found.words == "runtime.close failed 7 times: NotReconciled: 5 is not 7"


def test_work_about_an_intent_at_its_end_is_told_too(workspace: TenantRef) -> None:
    enqueue(workspace_id=workspace.id, kind="runtime.seal", ref="declined_1", due_at=clock.now())
    change(
        workspace,
        "UPDATE public.work_item SET attempts = 3, last_error = 'LogDamaged' WHERE workspace_id = %s",
        workspace.id,
    )

    assert only(workspace).intent_id == "declined_1"


def test_a_hold_past_its_expiry(workspace: TenantRef) -> None:
    book = Book(workspace)
    book.open("acme", floor=0)
    book.move("bank", "acme", 1000)
    hold = book.hold("acme", 100, expires_at=clock.now() + timedelta(seconds=5))

    found = only(workspace)

    assert (found.intent_id, found.waits_for, found.since, found.door) == (
        None, "hold", hold.expires_at, f"holds/{hold.id}/",
    )  # fmt: skip


def test_the_longest_waiting_come_first_and_no_more_than_asked(story: Story, operator: Person) -> None:
    for number in range(6):
        story.create(f"intent_{number}", amount_minor=OVER if number % 2 else 1000)

    assert [each.intent_id for each in stuck(story.ws)] == [f"intent_{number}" for number in range(6)]
    assert [each.intent_id for each in stuck(story.ws, limit=2)] == ["intent_0", "intent_1"]


def test_another_tenant_s_intents_are_not_there(story: Story, other_workspace: TenantRef) -> None:
    story.create()

    assert stuck(other_workspace) == []


def test_what_waits_for_long_rings_but_not_what_people_hold(story: Story, operator: Person) -> None:
    story.create("held", amount_minor=OVER)
    story.create("late")

    def see(*, minutes: int) -> list[str]:
        with tenant_work(story.ws):
            return [each.words for each in see_stuck_intents(clock.now() + timedelta(minutes=minutes)).findings]

    assert see(minutes=29) == []
    [words] = see(minutes=31)
    assert words.startswith("1 wait; the oldest since ")
    assert words.endswith("posted; waits for a rail")


def test_it_costs_the_same_with_many_intents_at_their_end(story: Story) -> None:
    story.create()
    story.create("ended")
    change(
        story.ws,
        "INSERT INTO runtime_intent SELECT (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(),"
        " 'intent_id', 'many_' || n, 'status', 'evidenced', 'created_at', now() - n * interval '1 second'))).*"
        " FROM runtime_intent i, generate_series(1, 30000) n WHERE i.intent_id = 'ended'",
    )
    with tenant_work(story.ws), connection.cursor() as cursor:
        cursor.execute("SELECT status, count(*) FROM runtime_intent GROUP BY status")
        assert dict(cursor.fetchall()) == {"ledgered": 2, "evidenced": 30_000}

    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip("( ").startswith("SELECT") and "set_config" not in sql:
            with connection.connection.cursor() as cursor:
                plans.extend(row[0] for row in cursor.execute(f"EXPLAIN {sql}", params).fetchall())
        return execute(sql, params, many, context)

    with tenant_work(story.ws), connection.execute_wrapper(explain):
        found = stuck_intents(now=clock.now() + timedelta(seconds=60))

    assert [each.intent_id for each in found] == ["intent_042", "ended"]
    assert [line for line in plans if "Seq Scan on runtime_intent" in line] == []
    assert [line for line in plans if "intent_by_status" in line] != []
