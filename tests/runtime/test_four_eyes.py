"""A held intent that two people approve, facts that change while it is held, and a process that dies in between."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from policy.reviews.operations import AlreadyApproved, MakerCannotDecide, resolve_alert
from policy.reviews.queries import alerts_of, approvals_of, find_review
from policy.reviews.types import ReviewAlert, ReviewRecord
from policy.rules.defaults import DEFAULT_RULES
from tests.ledger.book import at_once
from tests.people import Person, join
from tests.runtime.story import Story
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.runtime.operations.reviews import FactsChanged
from zentra.runtime.types import IntentRecord

OVER = 4_000_001


def needs_two(story: Story) -> None:
    """Let the open case need two approvals, as a rule of the set may."""
    story.sql("UPDATE policy_review SET approvals_needed = 2")


def publish(story: Story, *rules: dict[str, Any], version: int = 2) -> None:
    """Put a rule set in force, as of now."""
    rule = {"type": "amount_over", "limits_minor": {}, "default_limit_minor": 1_000_000, "reason": "more than we like"}
    story.sql(
        "INSERT INTO policy_rule_set (version, rules, published_at, published_by) VALUES (%s, %s, now(), 'usr_admin')",
        [version, json.dumps({"rules": [rule | each for each in rules]})],
    )


def case(story: Story) -> ReviewRecord:
    with tenant_work(story.ws):
        found = find_review(intent_id="intent_042")
    assert found is not None
    return found


def alerts(story: Story) -> list[ReviewAlert]:
    with tenant_work(story.ws):
        return alerts_of(review_id=case(story).id)


def clear(story: Story, alert: ReviewAlert, person: Person) -> None:
    with tenant_work(story.ws):
        resolve_alert(alert_id=alert.id, state="cleared", note="read it", actor=person.actor(), now=clock.now())


def assert_nothing_decided(story: Story) -> None:
    assert story.get().status == "review"
    assert story.entries() == []
    assert case(story).state == "open"
    assert story.work("runtime.route") == 0


def test_the_first_of_two_posts_nothing_and_the_second_does(story: Story, operator: Person, operator2: Person) -> None:
    story.create(amount_minor=OVER)
    needs_two(story)

    assert story.approve(operator.actor()).status == "review"
    assert_nothing_decided(story)
    with pytest.raises(AlreadyApproved):
        story.approve(operator.actor())
    intent = story.approve(operator2.actor(), reason_code="known_pattern", reason="")

    assert (intent.status, intent.reviewed_by) == ("ledgered", operator2.id)
    assert len(story.entries()) == 2
    assert story.events()[-4:] == ["review.approval_given", "review.approved", "ledger.entry.posted", "ledger.posted"]
    said = story.event("review.approved")
    assert [(each["place"], each["by"], each["role"]) for each in said["approvals"]] == [
        (1, operator.id, "operator"),
        (2, operator2.id, "operator"),
    ]
    assert (said["reason_code"], said["stepped_up"]) == ("known_pattern", False)


def test_the_packet_tells_who_approved_by_ids_and_roles_only(story: Story, operator: Person, operator2: Person) -> None:
    from policy.packet import PolicySection

    story.create(amount_minor=OVER)
    needs_two(story)
    story.approve(operator.actor(), reason="Jane Roe called")
    story.approve(operator2.actor(), reason="and came by")

    with tenant_work(story.ws):
        section = PolicySection().build(intent_id="intent_042")

    assert section is not None
    review: Any = section["review"]
    assert [(each["by"], each["role"]) for each in review["approvals"]] == [
        (operator.id, "operator"),
        (operator2.id, "operator"),
    ]
    assert (review["approvals_needed"], review["outcome_code"]) == (2, "approved")
    assert "Jane" not in json.dumps(section)


def test_of_those_who_race_two_approve_and_money_moves_once(story: Story) -> None:
    story.create(amount_minor=OVER)
    needs_two(story)
    people = [join(story.ws, role="operator") for _ in range(8)]

    results = at_once([lambda p=p: story.approve(p.actor()) for p in people], threads=8)  # type: ignore[misc]  # bound at once

    statuses = sorted(str(r.status) for r in results if isinstance(r, IntentRecord))
    assert statuses == ["ledgered", "review"]
    with tenant_work(story.ws):
        assert len({each.by_user for each in approvals_of(review_id=case(story).id)}) == 2
    assert [entry[3] for entry in story.entries()] == [OVER, OVER]


def test_the_maker_is_not_the_second_either(story: Story, operator: Person, operator2: Person) -> None:
    story.create(amount_minor=OVER, actor=operator.actor())
    needs_two(story)
    story.approve(operator2.actor())

    with pytest.raises(MakerCannotDecide):
        story.approve(operator.actor())

    assert_nothing_decided(story)


def test_an_approval_after_facts_changed_is_refused_and_leaves_what_changed_as_an_alert(
    story: Story, operator: Person, operator2: Person
) -> None:
    story.create(amount_minor=OVER)
    publish(story, {"name": "limit.single_intent", "action": "review"}, {"name": "limit.new", "action": "review"})

    with pytest.raises(FactsChanged) as refused:
        story.approve(operator.actor())

    assert refused.value.extra["rules"] == [{"rule": "limit.new", "outcome": "review"}]
    assert_nothing_decided(story)
    with tenant_work(story.ws):
        assert approvals_of(review_id=case(story).id) == []
    [_, added] = alerts(story)
    assert (added.name, added.reference, added.state) == ("limit.new", "now_review", "open")
    assert story.events()[-1] == "review.alert_raised"

    with pytest.raises(FactsChanged):
        story.approve(operator2.actor())
    assert len(alerts(story)) == 2
    clear(story, added, operator)
    assert story.approve(operator2.actor()).status == "ledgered"


def test_what_the_rules_would_decline_by_now_cannot_be_approved_at_all(story: Story, operator: Person) -> None:
    story.create(amount_minor=OVER)
    publish(story, {"name": "limit.single_intent", "action": "declined"})
    with pytest.raises(FactsChanged):
        story.approve(operator.actor())
    [_, added] = alerts(story)
    clear(story, added, operator)

    with pytest.raises(FactsChanged):
        story.approve(operator.actor())

    assert_nothing_decided(story)
    assert story.decline(operator.actor(), reason_code="limit_policy", reason="").status == "declined"


def test_rules_that_ask_for_two_by_now_have_two_approve(story: Story, operator: Person, operator2: Person) -> None:
    story.create(amount_minor=OVER)
    stricter = json.loads(json.dumps(DEFAULT_RULES))
    stricter["settings"]["four_eyes"]["amount_minor"] = {"by_currency": {}, "otherwise": OVER}
    story.sql(
        "INSERT INTO policy_rule_set (version, rules, published_at, published_by) VALUES (2, %s, now(), 'usr_admin')",
        [json.dumps(stricter)],
    )

    with pytest.raises(FactsChanged):
        story.approve(operator.actor())

    assert_nothing_decided(story)
    assert (case(story).approvals_needed, alerts(story)[-1].name) == (2, "policy.four_eyes")
    assert story.approve(operator.actor()).status == "review"
    assert story.approve(operator2.actor()).status == "ledgered"


KILLED = """
import os, signal, sys, uuid, django
django.setup()
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.tenancy import tenant_work
from zentra.runtime.operations import approve_intent, reviews
post = reviews.ledgered_events
def die(*args, **words):
    post(*args, **words)
    os.kill(os.getpid(), signal.SIGKILL)
reviews.ledgered_events = die
with tenant_work(uuid.UUID(sys.argv[1])):
    approve_intent(intent_id="intent_042", actor=Actor("user", sys.argv[2], "operator"), reason="seen", now=clock.now())
"""


def test_a_process_that_is_killed_while_it_approves_leaves_nothing_half(
    story: Story, operator: Person, operator2: Person
) -> None:
    story.create(amount_minor=OVER)
    needs_two(story)
    story.approve(operator.actor())

    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(story.ws.id), operator2.id], env=os.environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert_nothing_decided(story)
    with tenant_work(story.ws):
        assert [each.by_user for each in approvals_of(review_id=case(story).id)] == [operator.id]
    assert story.approve(operator2.actor()).status == "ledgered"
    assert len(story.entries()) == 2
