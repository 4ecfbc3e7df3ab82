"""The rules that every workspace starts with, and how each is weighed. Amounts are integer minor units."""

from typing import Any, Final

from policy.rules.types import SEVERITY, Outcome, RuleOutcome, RuleResult
from policy.subjects import PartyFacts, Subject

DEFAULT_RULES: Final[dict[str, Any]] = {
    "rules": [
        {
            "name": "limit.hard_cap",
            "type": "amount_over",
            "action": "declined",
            "limits_minor": {
                "USD": 50_000_000,
                "EUR": 50_000_000,
                "GBP": 50_000_000,
                "JPY": 75_000_000,
                "BHD": 200_000_000,
            },
            "default_limit_minor": 50_000_000,
            "reason": "above what this workspace ever moves in one intent",
        },
        {
            "name": "limit.single_intent",
            "type": "amount_over",
            "action": "review",
            "limits_minor": {"USD": 4_000_000, "EUR": 4_000_000, "GBP": 4_000_000, "JPY": 6_000_000, "BHD": 20_000_000},
            "default_limit_minor": 4_000_000,
            "reason": "above the limit of a single intent",
        },
        {
            "name": "limit.outgoing_24h",
            "type": "rolling_sum",
            "action": "review",
            "window_seconds": 86_400,
            "limits_minor": {
                "USD": 20_000_000,
                "EUR": 20_000_000,
                "GBP": 20_000_000,
                "JPY": 30_000_000,
                "BHD": 80_000_000,
            },
            "default_limit_minor": 20_000_000,
            "reason": "above what one customer moves in 24 hours",
        },
        {
            "name": "watch.large_amount",
            "type": "amount_over",
            "action": "noted",
            "lane": "B",
            "limits_minor": {"USD": 2_000_000, "EUR": 2_000_000, "GBP": 2_000_000, "JPY": 3_000_000, "BHD": 8_000_000},
            "default_limit_minor": 2_000_000,
            "reason": "large enough to be watched: lane B",
        },
    ]
}


def limit_of(rule: dict[str, Any], currency: str) -> int:
    """The rule's limit in this currency, minor units."""
    limit = rule["limits_minor"].get(currency, rule["default_limit_minor"])
    return int(limit)


def weigh_amount(rule: dict[str, Any], subject: Subject) -> RuleResult:
    """``amount_over``: does this one intent exceed the limit?"""
    limit = limit_of(rule, subject.currency)
    fired = subject.amount_minor > limit
    return RuleResult(
        rule["name"],
        rule["action"] if fired else "passed",
        subject.amount_minor,
        limit,
        rule["reason"] if fired else "within the limit",
        rule.get("lane") if fired else None,
    )


def weigh_rolling(rule: dict[str, Any], subject: Subject, *, used: int | None, is_reserved: bool) -> RuleResult:
    """``rolling_sum``: the database has counted and, where there was room, reserved."""
    limit = limit_of(rule, subject.currency)
    if subject.customer is None or used is None:
        return RuleResult(rule["name"], "not_applicable", None, limit, "the account belongs to no customer")
    total = used + subject.amount_minor
    if is_reserved:
        return RuleResult(rule["name"], "passed", total, limit, "within the limit")
    return RuleResult(rule["name"], rule["action"], total, limit, rule["reason"])


def outcome_of(results: list[RuleResult]) -> Outcome:
    """The greatest severity wins."""
    worst = max((SEVERITY[result.outcome] for result in results), default=1)
    return "declined" if worst == SEVERITY["declined"] else "review" if worst >= SEVERITY["review"] else "accepted"


def gate_of(results: list[RuleResult]) -> RuleResult | None:
    """The rule that holds or declines: the most severe, the first in the set's order among equals."""
    return max((r for r in results if SEVERITY[r.outcome] >= 3), key=lambda r: SEVERITY[r.outcome], default=None)


__all__ = [
    "DEFAULT_RULES",
    "SEVERITY",
    "Outcome",
    "PartyFacts",
    "RuleOutcome",
    "RuleResult",
    "Subject",
    "gate_of",
    "limit_of",
    "outcome_of",
    "weigh_amount",
    "weigh_rolling",
]
