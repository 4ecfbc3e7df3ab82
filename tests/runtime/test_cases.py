"""What should have ended by itself and has not: a hold past its expiry or held for long, an outcome nobody knows."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ledger.operations import place_hold, release_hold
from policy.reviews.operations import MakerCannotDecide, claim_next, resolve_case
from policy.reviews.queries import alerts_of, find_open_case
from policy.reviews.types import ReviewRecord
from tests.api.oauth import make_client
from tests.ledger.book import at_once
from tests.people import Person, join
from tests.runtime.story import KEY, Story
from zentra.core import actors, clock, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import tenant_work
from zentra.runtime.operations import sweep_holds, sweep_unknown
from zentra.tenants.services.operations.clients import add_client_secret

HOUR = timedelta(hours=1)


def sweep(story: Story, work: Any, *, at: datetime | None = None) -> int:
    with tenant_work(story.ws):
        return int(work(now=at or clock.now()))


def case(story: Story, kind: str, subject: str) -> ReviewRecord | None:
    with tenant_work(story.ws):
        return find_open_case(kind=kind, subject=subject)


def hold(story: Story, *, expires_at: datetime | None = None) -> str:
    account = story.wallet(f"wallet_{ids.new_id('req')[-8:]}", holds=5000)
    with tenant_work(story.ws):
        change = place_hold(
            account=account, amount_minor=1200, currency="USD", reference=ids.new_id("req"), source="test",
            release_condition="on request", expires_at=expires_at, actor=KEY, now=clock.now(),
            correlation_id="req_1",
        )  # fmt: skip
    return change.hold.id


def test_a_hold_past_its_expiry_is_a_case_once_and_ends_with_the_hold(story: Story) -> None:
    now = clock.now()
    held = hold(story, expires_at=now + HOUR)
    fresh = hold(story)
    assert sweep(story, sweep_holds, at=now + HOUR) == 0

    late = now + HOUR + timedelta(minutes=6)
    counts = at_once([lambda: sweep(story, sweep_holds, at=late)] * 4, threads=4)

    assert [count for count in counts if isinstance(count, Exception)] == []
    opened = case(story, "hold", held)
    assert opened is not None
    assert (opened.rule, opened.amount_minor, opened.currency, opened.maker) == (
        "hold.past_expiry",
        1200,
        "USD",
        KEY.id,
    )
    assert opened.owner
    assert case(story, "hold", fresh) is None
    with tenant_work(story.ws):
        assert len(alerts_of(review_id=opened.id)) == 1
        release_hold(hold_id=held, reason="gone", actor=actors.LEDGER, now=clock.now(), correlation_id="req_2")
    assert sweep(story, sweep_holds, at=late) == 1
    assert case(story, "hold", held) is None
    assert sweep(story, sweep_holds, at=late) == 0


def test_an_old_hold_is_a_case_and_not_again_for_a_day_after_a_person_ended_it(story: Story, operator: Person) -> None:
    held, later = hold(story), clock.now() + 25 * HOUR
    assert sweep(story, sweep_holds, at=later) == 1
    opened = case(story, "hold", held)
    assert opened is not None
    assert opened.rule == "hold.long_pending"
    with tenant_work(story.ws):
        resolve_case(
            review_id=opened.id, actor=operator.actor(), outcome_code="handled", reason_code="no_action", note="",
            now=later,
        )  # fmt: skip

    assert sweep(story, sweep_holds, at=later + 23 * HOUR) == 0
    assert sweep(story, sweep_holds, at=later + 25 * HOUR) == 1
    again = case(story, "hold", held)
    assert again is not None
    assert again.id != opened.id


@pytest.fixture
def lost(sent: Story) -> Story:
    """An intent that was sent, and whose outcome nobody knows."""
    sent.routed()
    sent.sql("UPDATE runtime_intent SET is_outcome_unknown = true")
    return sent


def test_an_outcome_that_nobody_knows_for_long_is_a_case_until_it_is_known(lost: Story) -> None:
    assert sweep(lost, sweep_unknown) == 0
    late = clock.now() + timedelta(minutes=16)

    assert [sweep(lost, sweep_unknown, at=late) for _ in range(2)] == [1, 0]

    opened = case(lost, "outcome_unknown", "intent_042")
    assert opened is not None
    assert (opened.intent_id, opened.amount_minor, opened.rule) == ("intent_042", 125_000, "outcome.unknown")
    lost.hear("succeeded")
    assert sweep(lost, sweep_unknown, at=late) == 1
    assert case(lost, "outcome_unknown", "intent_042") is None
    assert "review.resolved" in lost.events()


@pytest.mark.parametrize("kind", ["client", "end_user"])
def test_nobody_decides_what_a_client_made_of_which_they_made_a_secret(sent: Story, kind: Any) -> None:
    """Whoever has a secret can send with it, so all who made one are its makers, whoever made the client."""
    ann, bob, carol = (join(sent.ws, role=role) for role in ("developer", "admin", "admin"))
    client = make_client(sent.ws, person=ann)
    with tenant_work(sent.ws):
        add_client_secret(
            workspace=sent.ws, client_id=client.client_id, overlap=None, issuer=bob.member, now=clock.now()
        )
    who = client.client_id if kind == "client" else ids.new_id("eut")
    sent.routed(actor=Actor(kind, who, "developer", client.client_id, bob.id))
    sent.sql("UPDATE runtime_intent SET is_outcome_unknown = true")
    late = clock.now() + timedelta(minutes=16)
    assert sweep(sent, sweep_unknown, at=late) == 1
    opened = case(sent, "outcome_unknown", "intent_042")
    assert opened is not None
    assert opened.maker == client.client_id

    decision: Any = {"review_id": opened.id, "outcome_code": "handled", "reason_code": "no_action", "note": ""}
    with tenant_work(sent.ws):
        assert claim_next(actor=bob.actor(), now=late) is None
        with pytest.raises(MakerCannotDecide):
            resolve_case(actor=bob.actor(), now=late, **decision)
    with tenant_work(sent.ws):
        taken = claim_next(actor=carol.actor(), now=late)
        assert taken is not None
        assert taken.id == opened.id
        assert resolve_case(actor=carol.actor(), now=late, **decision).state == "resolved"
