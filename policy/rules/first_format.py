"""The first format of rule sets, ``{"rules": [{"type": "amount_over"|"rolling_sum", …}]}``, as the second.

Rule sets are never changed, so the versions that were published in it stand as they are and are read through this.
"""

from typing import Any, Final

from policy.rules.nodes import Settings

_ACTIONS: Final = {"noted": "accept_with_note", "review": "review", "declined": "decline"}
_TYPES: Final = frozenset(("amount_over", "rolling_sum"))


def is_first_format(document: object) -> bool:
    """Whether a document is of the first format: it names no schema, and its rules have types."""
    if not isinstance(document, dict) or "schema" in document or set(document) != {"rules"}:
        return False
    rules = document["rules"]
    return isinstance(rules, list) and all(isinstance(rule, dict) and rule.get("type") in _TYPES for rule in rules)


def as_second_format(document: Any) -> Any:
    """The document in the second format, whichever it is in."""
    return convert(document) if is_first_format(document) else document


def convert(document: Any) -> dict[str, Any]:
    """The same rules in the second format, under the same names; what is malformed stays so and is refused there."""
    rules: list[Any] = document["rules"]
    return {
        "schema": 2,
        "settings": {"lanes": _lanes(rules)},
        "rules": [_rule(rule) for rule in rules if rule["type"] == "amount_over"],
        "limits": [_limit(rule) for rule in rules if rule["type"] == "rolling_sum"],
    }


def _lanes(rules: list[Any]) -> list[dict[str, Any]]:
    """The first rules had no score: lanes are those that a rule names, and A."""
    usual = [{"lane": lane.lane, "from_score": lane.from_score} for lane in Settings().lanes]
    known = {lane["lane"] for lane in usual}
    named = {rule["lane"] for rule in rules if isinstance(rule.get("lane"), str)}
    return usual + [{"lane": lane, "from_score": 61 + place} for place, lane in enumerate(sorted(named - known)[:7])]


def _common(rule: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: rule[key] for key in ("name", "reason", "lane") if key in rule}
    return {**kept, "action": _ACTIONS.get(str(rule.get("action")), rule.get("action"))}


def _amount(rule: dict[str, Any]) -> dict[str, Any]:
    return {"by_currency": rule.get("limits_minor", {}), "otherwise": rule.get("default_limit_minor")}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {**_common(rule), "when": {"op": "gt", "field": "amount_minor", "value": _amount(rule)}}


def _limit(rule: dict[str, Any]) -> dict[str, Any]:
    return {
        **_common(rule),
        "measure": "sum",
        "by": "customer",
        "window": {"rolling_seconds": rule.get("window_seconds")},
        "limit": _amount(rule),
    }
