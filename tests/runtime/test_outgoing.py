"""Outgoing money can be stopped at once; what waits is put off, not failed."""

import pytest

from tests.people import Person
from tests.runtime.story import Story
from zentra.core import clock
from zentra.core.queue import Defer
from zentra.core.tenancy import tenant_work
from zentra.routing.operations.pauses import PausedBySamePerson
from zentra.runtime.operations import pause_outgoing_money, resume_outgoing_money


def test_while_money_is_paused_routing_is_put_off_and_goes_on_after(
    sent: Story, finance: Person, admin: Person
) -> None:
    sent.create()
    with tenant_work(sent.ws):
        pause_outgoing_money(rail=None, reason="a rail pays twice", actor=finance.actor(), now=clock.now())

    with pytest.raises(Defer, match=r".+"):
        sent.route()

    assert sent.get().status == "ledgered"
    assert sent.sql("SELECT count(*) FROM routing_attempt") == [(0,)]
    with tenant_work(sent.ws), pytest.raises(PausedBySamePerson):
        resume_outgoing_money(rail=None, actor=finance.actor(), now=clock.now())
    with tenant_work(sent.ws):
        resume_outgoing_money(rail=None, actor=admin.actor(), now=clock.now())
    sent.route()
    assert sent.get().status == "routed"


def test_without_any_rail_the_intent_fails_and_its_reserve_goes_back(story: Story) -> None:
    story.create()
    with tenant_work(story.ws):
        story.sql("DELETE FROM routing_corridor_rail")

    story.route()

    intent = story.get()
    assert (intent.status, intent.failure) == ("failed", "no route available")
    assert {entry[0] for entry in story.entries()} == {"reserve", "release"}
    assert set(story.drift().values()) == {0}


def test_a_repeat_of_routing_asks_and_never_sends_again(sent: Story) -> None:
    sent.routed()
    attempts = sent.sql("SELECT id, key FROM routing_attempt")

    sent.route()

    assert sent.sql("SELECT id, key FROM routing_attempt") == attempts
    assert sent.path() == ["accepted", "controlled", "ledgered", "routed"]
