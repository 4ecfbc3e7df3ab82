"""Rules, decisions, limits, lists and cases over the API: what is read, what may be proposed, and who may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.answered import assert_shape
from tests.api.test_webhook_endpoints import refused
from zentra.api.v1.policy_answers import (
    DecisionAnswer,
    DecisionPage,
    DraftAnswer,
    DraftPage,
    LimitUsagePage,
    RuleSetAnswer,
    RuleSetDiffAnswer,
    RuleSetPage,
    RuleTestAnswer,
)
from zentra.api.v1.policy_lists import AddedAnswer, ItemAnswer, ItemPage, ListAnswer, ListPage
from zentra.api.v1.reviews import ReviewAnswer, ReviewPage
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.operations import issue_key

Connect = Callable[..., httpx.Client]
NO_DECISION, NO_DRAFT, NO_REVIEW, NO_LIST = (f"{prefix}_" + "0" * 26 for prefix in ("dec", "rsd", "rev", "lst"))
RULE = {
    "name": "payee.new", "action": "review", "score": 20, "reason": "a first payment to this payee",
    "when": {"op": "gt", "field": "amount_minor", "value": 1_000},
}  # fmt: skip


def intend(http: httpx.Client, intent_id: str, amount_minor: int) -> dict[str, Any]:
    body = {"intent_id": intent_id, "kind": "payment", "amount_minor": amount_minor, "currency": "USD"}
    answer = http.post("/runtime/intents", json=body)
    assert answer.status_code in (200, 201, 202), answer.text
    return dict(answer.json())


def draft(http: httpx.Client, *rules: dict[str, Any]) -> dict[str, Any]:
    """A draft of the live rules with more."""
    document = http.get("/rule-sets/live").json()["document"]
    body = {"name": "more care", "document": document | {"rules": [*document["rules"], *rules]}}
    return assert_shape(http.post("/rule-set-drafts", json=body).json(), DraftAnswer)


def test_the_rules_in_force_are_listed_and_read(http: httpx.Client) -> None:
    page = assert_shape(http.get("/rule-sets").json(), RuleSetPage)
    live = assert_shape(http.get("/rule-sets/live").json(), RuleSetAnswer)

    assert [(each["version"], each["status"]) for each in page["data"]] == [(live["version"], "live")]
    assert "limit.single_intent" in {rule["name"] for rule in live["document"]["rules"]}
    assert http.get(f"/rule-sets/{live['version']}").json() == live
    for version in ("7", "-1", "1.0", "9" * 30):
        refused(http.get(f"/rule-sets/{version}"), 404, "rule_set_not_found")


def test_a_draft_is_written_checked_and_tried_but_no_key_publishes_it(http: httpx.Client) -> None:
    intend(http, "past_1", 50_000)
    made = draft(http, RULE)
    assert (made["status"], made["version"], made["based_on"]) == ("draft", 1, 1)

    tried = assert_shape(
        http.post(f"/rule-set-drafts/{made['id']}/test", json={"intent_id": "past_1"}).json(), RuleTestAnswer
    )
    assert (tried["was"], tried["outcome"], tried["gate"]) == ("accepted", "review", "payee.new")
    [rule] = [each for each in tried["rules"] if each["rule"] == "payee.new"]
    assert (rule["outcome"], rule["nodes"][0]["holds"]) == ("review", True)

    checked = assert_shape(http.post(f"/rule-set-drafts/{made['id']}/validate", json={}).json(), DraftAnswer)
    assert checked["status"] == "validated"
    assert http.post(f"/rule-set-drafts/{made['id']}/publish", json={}).status_code == 404
    assert http.get("/rule-sets/live").json()["version"] == 1
    page = assert_shape(http.get("/rule-set-drafts?state=open").json(), DraftPage)
    assert [each["id"] for each in page["data"]] == [made["id"]]


def test_what_is_wrong_is_said_with_its_place(http: httpx.Client) -> None:
    wrong = RULE | {"when": {"op": "all", "of": [{"op": "gt", "field": "amount_minor", "value": 1.5}]}}
    made = draft(http, {**RULE, "name": "fine"})

    kept = http.put(f"/rule-set-drafts/{made['id']}", json={"version": 1, "document": {"schema": 2, "rules": [wrong]}})
    refused(kept, 422, "invalid_rule_set")

    wrong["when"] = {"op": "all", "of": [{"op": "gt", "field": "weather", "value": 1}]}
    http.put(f"/rule-set-drafts/{made['id']}", json={"version": 1, "document": {"schema": 2, "rules": [wrong]}})
    answer = http.post(f"/rule-set-drafts/{made['id']}/validate", json={})

    refused(answer, 422, "invalid_rule_set")
    assert "/rules/0/when/of/0/field" in {each["pointer"] for each in answer.json()["errors"]}


def test_a_change_names_the_version_that_it_saw(http: httpx.Client) -> None:
    made = draft(http, RULE)
    document = made["document"]
    http.put(f"/rule-set-drafts/{made['id']}", json={"version": 1, "document": document, "name": "first"})

    late = http.put(f"/rule-set-drafts/{made['id']}", json={"version": 1, "document": document, "name": "second"})

    refused(late, 409, "stale_draft")
    assert http.get(f"/rule-set-drafts/{made['id']}").json()["name"] == "first"
    gone = assert_shape(http.post(f"/rule-set-drafts/{made['id']}/discard", json={}).json(), DraftAnswer)
    assert gone["status"] == "discarded"
    refused(http.post(f"/rule-set-drafts/{made['id']}/validate", json={}), 409, "rule_draft_ended")


def test_versions_are_compared(http: httpx.Client) -> None:
    same = assert_shape(http.get("/rule-sets/1/diff").json(), RuleSetDiffAnswer)

    assert (same["added"], same["removed"], same["changed"]) == ([], [], [])
    refused(http.get("/rule-sets/1/diff?against=2"), 404, "rule_set_not_found")


def test_decisions_are_listed_by_what_came_of_them_and_explained(http: httpx.Client) -> None:
    for number, amount in enumerate((10_000, 4_000_001, 60_000_000)):
        intend(http, f"told_{number}", amount)

    page = assert_shape(http.get("/decisions?limit=2").json(), DecisionPage)
    rest = http.get(f"/decisions?limit=2&cursor={page['next_cursor']}").json()
    outcomes = [(each["intent_id"], each["outcome"]) for each in (*page["data"], *rest["data"])]
    assert outcomes == [("told_2", "declined"), ("told_1", "review"), ("told_0", "accepted")]
    [held] = http.get("/decisions?gate=limit.single_intent").json()["data"]
    whole = assert_shape(http.get(f"/decisions/{held['id']}").json(), DecisionAnswer)
    [rule] = [each for each in whole["rules"] if each["rule"] == "limit.single_intent"]
    assert (rule["outcome"], rule["input_minor"], rule["limit_minor"]) == ("review", 4_000_001, 4_000_000)
    assert rule["nodes"]
    refused(http.get(f"/decisions/{NO_DECISION}"), 404, "decision_not_found")


def test_usage_of_limits_is_shown(http: httpx.Client) -> None:
    wallet = {
        "customer": "cust_usage", "currency": "USD", "account_type": "customer", "idempotency_key": "wallet",
    }  # fmt: skip
    account = http.post("/accounts", json=wallet).json()["evidence"]["account_id"]
    body = {"kind": "payment", "amount_minor": 250_000, "currency": "USD", "debit_account": account}
    assert http.post("/runtime/intents", json=body | {"intent_id": "used_1"}).status_code < 300

    page = assert_shape(http.get("/limits?name=limit.outgoing_24h").json(), LimitUsagePage)

    [usage] = page["data"]
    assert (usage["subject"], usage["used"], usage["cap"], usage["percent"]) == ("cust_usage", 250_000, 20_000_000, 1)


def test_a_list_is_made_filled_asked_and_emptied(http: httpx.Client) -> None:
    body = {"name": "no_go", "kind": "deny", "description": "nothing moves there"}
    made = assert_shape(http.post("/policy-lists", json=body).json(), ListAnswer)
    refused(http.post("/policy-lists", json=body | {"idempotency_key": "again"}), 409, "policy_list_exists")
    refused(http.post("/policy-lists", json=body | {"name": "No Go"}), 422, "invalid_policy_list")

    values = {"values": ["payee_1", "payee_2", "PAYEE_1"], "note": "chargebacks", "expires_at": "2090-01-01T00:00:00Z"}
    added = assert_shape(http.post("/policy-lists/no_go/items", json=values).json(), AddedAnswer)
    again = http.post(f"/policy-lists/{made['id']}/items", json=values | {"idempotency_key": "2"}).json()
    assert (added["added"], again["added"]) == (2, 0)

    page = assert_shape(http.get("/policy-lists/no_go/items?prefix=payee_2").json(), ItemPage)
    [item] = page["data"]
    gone = assert_shape(http.post(f"/policy-list-items/{item['id']}/remove", json={}).json(), ItemAnswer)
    assert gone["status"] == "removed"
    lists = assert_shape(http.get("/policy-lists").json(), ListPage)["data"]
    assert {each["name"]: each["item_count"] for each in lists} == {"denied": 0, "no_go": 1, "watched": 0}
    refused(http.get(f"/policy-lists/{NO_LIST}"), 404, "policy_list_not_found")


def test_whoever_is_denied_is_declined(http: httpx.Client) -> None:
    http.post("/policy-lists/denied/items", json={"values": ["payee_bad"], "note": "court order"})

    body = {"kind": "payment", "amount_minor": 100, "currency": "USD", "payee": "payee_bad", "intent_id": "bad_1"}
    assert http.post("/runtime/intents", json=body).json()["status"] == "declined"
    [decision] = http.get("/decisions?intent_id=bad_1").json()["data"]
    assert (decision["outcome"], decision["gate"]) == ("declined", "list.denied")


def test_cases_are_read_and_not_decided(http: httpx.Client) -> None:
    intend(http, "held_1", 4_000_001)

    [case] = assert_shape(http.get("/reviews").json(), ReviewPage)["data"]
    whole = assert_shape(http.get(f"/reviews/{case['id']}").json(), ReviewAnswer)

    assert (case["intent_id"], case["rule"], case["status"]) == ("held_1", "limit.single_intent", "open")
    assert "limit.single_intent" in {alert["name"] for alert in whole["alerts"]}
    assert http.get("/reviews?state=closed").json()["data"] == []
    assert http.get("/reviews?queue=compliance").json()["data"] == []
    refused(http.get(f"/reviews/{NO_REVIEW}"), 404, "review_not_found")
    assert http.post(f"/reviews/{case['id']}/approve", json={}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/rule-sets", None),
        ("GET", "/decisions", None),
        ("GET", "/reviews", None),
        ("GET", "/policy-lists", None),
        ("POST", "/rule-set-drafts", {"name": "x"}),
        ("POST", "/policy-lists", {"name": "x", "kind": "deny"}),
    ],
)
def test_a_key_without_the_scope_is_refused(
    method: str, path: str, body: Any, connect: Connect, workspace: TenantRef
) -> None:
    narrow = connect(
        issue_key(workspace=workspace, name="n", now=clock.now(), scopes=frozenset({"intents.read"})).token
    )

    refused(narrow.request(method, path, json=body), 403, "permission_denied")


def test_nothing_of_another_workspace_is_found(http: httpx.Client, connect: Connect, other_api_key: str) -> None:
    intend(http, "held_1", 4_000_001)
    [case] = http.get("/reviews").json()["data"]
    made = draft(http, RULE)
    other = connect(other_api_key)

    refused(other.get(f"/reviews/{case['id']}"), 404, "review_not_found")
    refused(other.get(f"/decisions/{case['decision_id']}"), 404, "decision_not_found")
    refused(other.get(f"/rule-set-drafts/{made['id']}"), 404, "rule_draft_not_found")
    assert other.get("/decisions").json()["data"] == []
