"""The decision page: every rule's tree with what it saw and came to, limits as bars, and nothing that was not kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.test import Client

from console.presenters.decisions import limit_bar, rule_trace
from policy.decisions.queries import find_decision
from tests.console.test_pages import make
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person


def page_of(person: Person, workspace: TenantRef, intent_id: str) -> str:
    with tenant_work(workspace):
        decision = find_decision(intent_id=intent_id)
    assert decision is not None
    answer = person.sign_in(Client()).get(f"/w/{workspace.slug}/decisions/{decision.id}/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_held_intent_is_explained_rule_by_rule(workspace: TenantRef, auditor: Person, developer: Person) -> None:
    make(workspace, developer, "intent_over", amount_minor=4_300_000, currency="USD")
    text = page_of(auditor, workspace, "intent_over")
    assert "Held for review by limit.single_intent" in text
    assert "43,000.00 USD" in text  # what it saw, in the currency of the intent
    assert "hold for review" in text
    assert "the account belongs to no customer" in text  # of the limits by customer
    assert "Its case" in text
    assert text.index("limit.single_intent") < text.index("Rules that passed")


def test_an_accepted_intent_shows_that_every_rule_was_asked(
    workspace: TenantRef, auditor: Person, developer: Person
) -> None:
    make(workspace, developer, "intent_small")
    text = page_of(auditor, workspace, "intent_small")
    assert "Accepted: of" in text
    assert "None. Every rule was asked" in text


def test_a_decision_that_is_not_there_says_so(workspace: TenantRef, auditor: Person) -> None:
    client = auditor.sign_in(Client())
    for name in ("dec_01m80467e9e00bhffbdw682k2j", "nonsense"):
        assert client.get(f"/w/{workspace.slug}/decisions/{name}/").status_code == 404


def test_each_node_says_what_it_saw_and_came_to() -> None:
    rule = {
        "name": "r",
        "action": "block_and_review",
        "when": {
            "op": "all",
            "of": [
                {"op": "gt", "field": "amount_minor", "value": {"by_currency": {"USD": 100}, "otherwise": 1}},
                {"op": "in_list", "field": "counterparty", "list": "denied"},
                {"op": "is_missing", "field": "card"},
                {"op": "eq", "field": "currency", "value": "EUR"},
            ],
        },
    }
    values = [False, 250, {"value": "payee_1", "is_listed": False}, {"missing": True}, None]
    result = {"rule": "r", "outcome": "passed", "reason": "not the case", "us": 12, "values": values}
    trace = rule_trace(result, rule, currency="USD")
    assert [node.state for node in trace.nodes] == ["false", "true", "false", "true", ""]
    assert [node.saw for node in trace.nodes] == ["", "2.50 USD", "payee_1, not on the list", "not known", ""]
    assert [node.depth for node in trace.nodes] == [0, 1, 1, 1, 1]


def test_what_could_not_be_answered_is_said() -> None:
    result = {
        "rule": "r",
        "outcome": "review",
        "reason": "could not be answered: card is missing",
        "why": "missing",
        "values": [{"missing": True}],
        "us": 3,
    }
    trace = rule_trace(result, {"when": {"op": "eq", "field": "card", "value": "x"}}, currency="USD")
    assert trace.nodes[0].state == "missing"
    assert "nothing passes unseen" in trace.notes[0]


def test_a_limit_over_its_cap_is_told_beyond_a_hundred_percent() -> None:
    limit = {"measure": "count", "by": "customer", "window": {"rolling_seconds": 86_400}, "limit": 200}
    bar = limit_bar(
        {"rule": "velocity", "outcome": "review", "reason": "too many", "values": [300, 200], "us": 1},
        limit,
        currency="USD",
    )
    assert (bar.figure, bar.percent, bar.used, bar.cap) == ("150 %", 100, "300", "200 intents")
