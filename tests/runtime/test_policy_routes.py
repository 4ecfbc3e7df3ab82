"""What policy says to routing: a tag of a rule that fired rules a rail out, or names the only one."""

from __future__ import annotations

import json

import pytest

from policy.rules import DEFAULT_RULES
from tests.runtime.story import Story
from zentra.core.tenancy import tenant_work
from zentra.routing.queries import list_rails
from zentra.runtime.states import Status


def rails(story: Story) -> list[str]:
    with tenant_work(story.ws):
        return [rail.name for rail in list_rails()]


def publish(story: Story, *tags: str) -> None:
    """Rules with one more: every payment carries these tags."""
    rule = {
        "name": "route.tagged", "action": "accept_with_note", "reason": "an odd corridor", "tags": list(tags),
        "when": {"op": "eq", "field": "kind", "value": "payment"}, "lane": "B",
    }  # fmt: skip
    document = {**DEFAULT_RULES, "rules": [*DEFAULT_RULES["rules"], rule]}
    story.sql(
        "INSERT INTO policy_rule_set (version, rules, published_at, published_by)"
        " SELECT max(version) + 1, %s, now(), 'usr_checker' FROM policy_rule_set",
        [json.dumps(document)],
    )


@pytest.mark.parametrize(("word", "chosen"), [("avoid", 1), ("only", 0)])
def test_a_tag_decides_which_rail_may_take_it(word: str, chosen: int, sent: Story) -> None:
    first, second = sorted(rails(sent))
    publish(sent, f"{word}:{first}")

    sent.routed()

    told = sent.event("provider.routed")
    assert told["rail"] == [first, second][chosen]
    assert {each["rail"]: each["filtered_by"] for each in told["candidates"]}[[second, first][chosen]] == "not_eligible"
    assert (told["lane"], told["tags"]) == ("B", [f"{word}:{first}"])


def test_without_any_rail_that_policy_allows_nothing_is_sent(sent: Story) -> None:
    publish(sent, *(f"avoid:{rail}" for rail in rails(sent)))

    sent.routed()

    assert sent.get().status is Status.FAILED
    assert "provider.routed" not in sent.events()
