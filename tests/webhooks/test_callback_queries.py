"""What rooms and the API read of callbacks: narrowed, page by page, counted for a plot, and what was refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.webhooks import signed_callbacks as sign
from tests.webhooks.intents import RoutedIntent, accepting_rail, routed_intent, with_key
from webhooks.queries import (
    CallbackFilter,
    CallbackNotFound,
    callbacks_by_outcome,
    get_callback,
    list_callbacks,
    list_quarantine,
    list_refusals,
    poll_states,
    repeats_of,
)
from zentra.core.clock import now
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work


@pytest.fixture
def told(workspace: TenantRef) -> RoutedIntent:
    """An intent of which the rail said a good deal: applied, repeated, unmatched, quarantined, refused."""
    with accepting_rail(workspace):
        intent = routed_intent(workspace)
    intent.tell("succeeded")
    intent.tell("succeeded")
    intent.tell("settled")
    with_key(intent, "rail_elsewhere.x.1").tell("settled", id="pev_stray")
    intent.receive(intent.headers("pev_poison", b"{"), b"{")
    event_id, body = intent.event("failed")
    intent.receive(intent.headers(event_id, body, secret=sign.FORGED), body)
    return intent


def states(told: RoutedIntent, **where: object) -> list[str]:
    with tenant_work(told.ws):
        page = list_callbacks(where=CallbackFilter(**where))  # type: ignore[arg-type]  # words of the test
    return [row.state for row in page.rows]


def test_callbacks_are_narrowed_by_everything_that_is_known_of_them(told: RoutedIntent) -> None:
    assert states(told) == ["quarantined", "unmatched", "applied", "duplicate", "applied"]
    assert states(told, states=("applied",)) == ["applied", "applied"]
    assert states(told, intent_id="intent_042") == ["applied", "duplicate", "applied"]
    assert states(told, provider_event_id="pev_stray") == ["unmatched"]
    assert len(states(told, rail_id=told.rail_id)) == 5
    assert states(told, rail_id=new_id("rail")) == []
    assert states(told, sources=("poll", "repair")) == []
    assert states(told, text="ELSEWHERE") == ["unmatched"]
    assert states(told, text="strict JSON") == ["quarantined"]
    assert states(told, text="100%_\x00") == []
    assert states(told, since=now()) == []
    assert len(states(told, until=now(), since=now() - timedelta(minutes=1))) == 5


def test_pages_follow_each_other_without_gap_or_repeat(told: RoutedIntent) -> None:
    with tenant_work(told.ws):
        everything = [row.id for row in list_callbacks().rows]
        found: list[str] = []
        page = list_callbacks(limit=2)
        while True:
            found += [row.id for row in page.rows]
            if page.next_key is None:
                break
            page = list_callbacks(limit=2, before=page.next_key)
    assert found == everything


def test_outcomes_are_counted_into_equal_parts_of_a_span(told: RoutedIntent) -> None:
    until = now() + timedelta(seconds=1)
    since = until - timedelta(hours=1)
    with tenant_work(told.ws):
        points = callbacks_by_outcome(since=since, until=until, points=6)
        nobody = callbacks_by_outcome(since=since, until=until, points=6, rail_id=new_id("rail"))
        past = callbacks_by_outcome(since=since - timedelta(days=1), until=since, points=3)
    assert [point.at for point in points] == [since + n * timedelta(minutes=10) for n in range(6)]
    assert [dict(point.counts) for point in points[:5]] == [{}] * 5
    assert points[5].counts == {"applied": 2, "duplicate": 1, "unmatched": 1, "quarantined": 1}
    assert all(not point.counts for point in [*nobody, *past])


def test_a_refusal_is_listed_by_rail_with_its_reason(told: RoutedIntent, other_workspace: TenantRef) -> None:
    with tenant_work(told.ws):
        page = list_refusals(rail_id=told.rail_id)
        assert list_refusals(rail_id=new_id("rail")).rows == ()
        assert list_refusals(since=now()).rows == ()
        assert [row.reason for row in list_refusals(limit=1).rows] == ["invalid_signature"]
    with tenant_work(other_workspace):
        assert list_refusals().rows == ()
    assert [(row.reason, row.cause) for row in page.rows] == [
        ("invalid_signature", "no_match"),
        ("malformed_callback", ""),
    ]
    forged, malformed = page.rows
    # Only what was signed is kept.
    assert forged.callback_id is None
    assert malformed.callback_id is not None


def test_a_callback_is_found_with_everything_that_followed(told: RoutedIntent, other_workspace: TenantRef) -> None:
    with tenant_work(told.ws):
        newest = list_callbacks(where=CallbackFilter(states=("duplicate",))).rows[0]
        detail = get_callback(callback_id=newest.id)
        assert [row.id for row in repeats_of(callback_id=newest.id)] == [row.id for row in detail.repeats]
    assert (detail.now_state, detail.arrivals, len(detail.repeats)) == ("applied", 2, 2)
    assert (detail.callback.first_id, detail.callback.source) == (detail.repeats[0].id, "callback")
    assert detail.body_text is not None
    assert "webhook-signature" in detail.headers
    with tenant_work(other_workspace):
        with pytest.raises(CallbackNotFound):
            get_callback(callback_id=newest.id)
        assert repeats_of(callback_id=newest.id) == []
        assert list_quarantine().rows == ()


def test_every_rail_has_a_poll_state_before_it_was_asked(told: RoutedIntent) -> None:
    with tenant_work(told.ws):
        found = poll_states()
    assert [(each.rail, each.asked_at, each.found) for each in found] == [("rail_a", None, 0), ("rail_b", None, 0)]
