"""Limits of one intent per currency, and which rule's word counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.rules import (
    DEFAULT_RULES,
    SEVERITY,
    RuleOutcome,
    RuleResult,
    gate_of,
    outcome_of,
)
from tests.policy.desk import CAP, Desk

SINGLE = next(rule for rule in DEFAULT_RULES["rules"] if rule["name"] == "limit.single_intent")["when"]["value"]


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "JPY", "BHD", "CHF"])
def test_the_limit_of_one_intent_is_that_of_its_currency_and_not_a_unit_less(currency: str, desk: Desk) -> None:
    limit = SINGLE["by_currency"].get(currency, SINGLE["otherwise"])

    assert desk.decide(limit, currency=currency).outcome == "accepted"
    over = desk.decide(limit + 1, currency=currency)

    assert over.outcome == "review"
    assert over.gate is not None
    assert (over.gate.rule, over.gate.input_minor, over.gate.limit_minor) == ("limit.single_intent", limit + 1, limit)


def test_above_the_hard_cap_is_declined_whatever_else_says_review(desk: Desk) -> None:
    decision = desk.decide(50_000_001, customer="cust_1")

    assert decision.outcome == "declined"
    assert decision.gate is not None
    assert decision.gate.rule == "limit.hard_cap"
    assert {r.outcome for r in decision.results} == {"declined", "review", "noted", "passed"}


def test_a_large_amount_is_noted_and_accepted_in_lane_b(desk: Desk) -> None:
    quiet, noted = desk.decide(2_000_000), desk.decide(2_000_001)

    assert (quiet.outcome, quiet.lane, quiet.has_rule_fired) == ("accepted", "A", False)
    assert (noted.outcome, noted.lane, noted.has_rule_fired) == ("accepted", "B", True)
    assert noted.gate is None


def result(outcome: RuleOutcome, name: str = "r") -> RuleResult:
    return RuleResult(name, outcome, 1, 1, "")


@given(outcomes=st.lists(st.sampled_from(sorted(SEVERITY))))
def test_the_most_severe_outcome_decides_in_whatever_order(outcomes: list[RuleOutcome]) -> None:
    results = [result(outcome) for outcome in outcomes]
    worst = max((SEVERITY[outcome] for outcome in outcomes), default=0)

    assert outcome_of(results) == ("declined" if worst == 5 else "review" if worst in (3, 4) else "accepted")
    assert (gate_of(results) is None) == (worst < 3)


def test_among_equals_the_first_rule_of_the_set_is_the_gate() -> None:
    gate = gate_of([result("noted", "a"), result("review", "b"), result("review", "c")])

    assert gate is not None
    assert gate.rule == "b"


def test_the_chart_s_own_accounts_count_for_nobody(desk: Desk) -> None:
    decision = desk.decide(CAP)

    limit = next(r for r in decision.results if r.rule == "limit.outgoing_24h")
    assert (limit.outcome, limit.reason) == ("not_applicable", "the account belongs to no customer")


def test_a_decision_keeps_every_rule_with_its_input_limit_and_outcome(desk: Desk) -> None:
    made = desk.decide(4_000_001, customer="cust_1")

    kept = desk.stored(made.intent_id)

    assert [(r["rule"], r["outcome"], r["input_minor"], r["limit_minor"]) for r in kept.rules] == [
        ("limit.hard_cap", "passed", 4_000_001, 50_000_000),
        ("limit.single_intent", "review", 4_000_001, 4_000_000),
        ("watch.large_amount", "noted", 4_000_001, 2_000_000),
        ("sanctions.confirmed", "passed", None, None),
        ("sanctions.unresolved", "passed", None, None),
        ("kyc.expired", "passed", None, None),
        ("list.denied", "passed", None, None),
        ("list.watched", "passed", None, None),
        ("structuring.outgoing", "passed", None, None),
        ("limit.outgoing_24h", "passed", 4_000_001, 20_000_000),
        ("velocity.outgoing_24h", "passed", None, None),
    ]
    assert all(r["reason"] for r in kept.rules)
    assert (kept.id, kept.rule_set, kept.outcome, kept.lane) == (made.id, 1, "review", "B")
    assert kept.actor["id"] == "svc_policy"
