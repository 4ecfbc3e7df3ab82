"""A held intent: approval posts and goes on, decline ends it, and it is one person's word."""

import pytest

from ledger.errors import InsufficientFunds
from policy.operations import MakerCannotDecide, NoSuchReview, ReasonRequired, ReviewAlreadyDecided
from tests.ledger.book import at_once
from tests.people import Person
from tests.runtime.story import Story
from zentra.runtime.types import IntentRecord

OVER = 4_000_001


def test_approval_posts_and_goes_on(story: Story, operator: Person) -> None:
    story.create(amount_minor=OVER)

    intent = story.approve(operator.actor())

    assert (intent.status, intent.reviewed_by, intent.mutations) == ("ledgered", operator.id, 1)
    assert [(e[0], e[3]) for e in story.entries()] == [("reserve", OVER), ("reserve", OVER)]
    assert story.path() == ["accepted", "review", "controlled", "ledgered"]
    assert story.work("runtime.route") == 1
    assert story.events()[-3:] == ["review.approved", "ledger.entry.posted", "ledger.posted"]
    assert story.event("review.approved")["decided_by"] == operator.id


def test_decline_ends_it_and_nothing_ever_posted(story: Story, operator: Person) -> None:
    wallet = story.wallet("wallet")
    story.create(amount_minor=OVER, debit_account=wallet)

    intent = story.decline(operator.actor(), reason="not known to us")

    assert (intent.status, intent.reviewed_by, intent.final_state) == ("declined", operator.id, "declined")
    assert story.entries() == []
    assert story.path() == ["accepted", "review", "declined"]
    assert story.history()[-1].reason == "not known to us"
    assert story.sql("SELECT count(*) FROM policy_movement WHERE state IN ('reserved', 'confirmed')") == [(0,)]
    story.close()
    assert story.event("review.closed")["closed_by"] == operator.id


def test_the_reason_is_not_in_the_evidence_which_is_for_ever(story: Story, operator: Person) -> None:
    story.create(amount_minor=OVER)

    story.approve(operator.actor(), reason="Jane Roe of 1 Main Street called")

    assert "Jane" not in str(story.event("review.approved"))
    assert story.history()[-2].reason == "Jane Roe of 1 Main Street called"


def test_of_operators_who_race_one_decides_and_money_moves_once_or_not_at_all(
    story: Story, operator: Person, operator2: Person
) -> None:
    story.create(amount_minor=OVER)

    results = at_once(
        [lambda: story.approve(operator.actor()), lambda: story.decline(operator2.actor())] * 4, threads=8
    )

    [decided] = [r for r in results if isinstance(r, IntentRecord)]
    assert {type(r) for r in results if isinstance(r, Exception)} == {ReviewAlreadyDecided}
    assert len(story.entries()) == (2 if decided.status == "ledgered" else 0)
    assert story.get().status == decided.status


def test_whoever_made_it_cannot_let_it_go(story: Story, operator: Person) -> None:
    story.create(amount_minor=OVER, actor=operator.actor())

    for word in (story.approve, story.decline):
        with pytest.raises(MakerCannotDecide):
            word(operator.actor())

    assert story.get().status == "review"
    assert story.entries() == []


def test_without_a_reason_nothing_is_decided(story: Story, operator: Person) -> None:
    story.create(amount_minor=OVER)

    with pytest.raises(ReasonRequired):
        story.approve(operator.actor(), reason=" ")

    assert story.get().status == "review"


def test_approval_of_money_that_is_not_there_decides_nothing(story: Story, operator: Person) -> None:
    story.create(kind="transfer", amount_minor=OVER, debit_account=story.wallet("poor", holds=OVER - 1))

    with pytest.raises(InsufficientFunds):
        story.approve(operator.actor())

    assert story.get().status == "review"
    assert story.sql("SELECT state FROM policy_review") == [("open",)]
    assert story.entries() == []


def test_what_is_not_held_has_no_review(story: Story, operator: Person) -> None:
    story.create()

    for word in (story.approve, story.decline):
        with pytest.raises(NoSuchReview):
            word(operator.actor())
