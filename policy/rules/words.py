"""Says rules in plain English: ``the amount is more than 40,000.00 USD``."""

from collections.abc import Mapping
from typing import Any, Final

from policy.rules import nodes
from policy.rules.documents import read_document
from policy.rules.nodes import Amount, Node
from policy.rules.types import Dimension, Measure, Window
from policy.subjects import FIELDS
from zentra.core.money import format_minor

_COMPARED: Final = {
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "eq": "is",
    "ne": "is not",
}
_TESTED: Final = {
    "starts_with": "starts with",
    "ends_with": "ends with",
    "contains": "contains",
    "equals_ignoring_case": "is, in capitals or not,",
}
_ACTIONS: Final = {
    "accept_with_note": "accept with a note",
    "review": "hold for review",
    "block_and_review": "block until compliance decides",
    "decline": "decline",
}
_MEASURES: Final[dict[Measure, str]] = {
    "sum": "the sum of amounts",
    "count": "the number of intents",
    "distinct_counterparties": "the number of counterparties",
}
_WHOSE: Final[dict[Dimension, str]] = {
    "account": "of the account",
    "customer": "of the customer",
    "corridor": "over the corridor",
    "card": "of the card",
    "workspace": "of the whole workspace",
}
_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def node_words(node: Node, currency: str = "") -> str:
    """A node and all under it as part of a sentence; amounts in ``currency``, or without one as they are written."""
    if isinstance(node, nodes.Group):
        joined = f" {'and' if node.op == 'all' else 'or'} ".join(_inner(child, currency) for child in node.of)
        return joined or ("always" if node.op == "all" else "never")
    if isinstance(node, nodes.Not):
        return f"not ({node_words(node.of, currency)})"
    return leaf_words(node, currency)


def leaf_words(node: nodes.Leaf, currency: str = "") -> str:
    """One test as part of a sentence."""
    if isinstance(node, nodes.Total):
        low, high = node.counts.from_minor, node.counts.below_minor
        bounds = (f" from {amount_words(low, currency)}" if low else "") + (
            f" below {amount_words(high, currency)}" if high else ""
        )
        counted = f", amounts{bounds}," if bounds else ""
        what = f"{_MEASURES[node.measure]} {_WHOSE[node.by]} {window_words(node.window)}{_kinds(node.counts.kinds)}"
        return f"{what}{counted} {_COMPARED[node.compare]} {_value(node.value, currency)}"
    if isinstance(node, nodes.Structuring):
        return (
            f"at least {node.at_least} amounts {_WHOSE[node.by]} {window_words(node.window)} lie within"
            f" {node.within_percent} % below {amount_words(node.limit, currency)}, this one among them"
        )
    return _field_words(node, currency)


def _field_words(
    node: nodes.Compare | nodes.Between | nodes.Among | nodes.Listed | nodes.Text | nodes.Presence, currency: str
) -> str:
    name = FIELDS[node.field].words
    if isinstance(node, nodes.Compare):
        if isinstance(node.value, bool) and name.startswith("whether "):
            holds = node.value == (node.op == "eq")
            return name.removeprefix("whether ") if holds else f"not: {name.removeprefix('whether ')}"
        return f"{name} {_COMPARED[node.op]} {_value(node.value, currency)}"
    if isinstance(node, nodes.Between):
        return f"{name} is from {_value(node.low, currency)} to {_value(node.high, currency)}"
    if isinstance(node, nodes.Among):
        values = ", ".join(str(value) for value in node.values)
        one = f"one of {values}" if len(node.values) > 1 else values
        return f"{name} is {'' if node.is_in else 'not '}{one}"
    if isinstance(node, nodes.Listed):
        return f"{name} is {'' if node.is_in else 'not '}on the list “{node.list}”"
    if isinstance(node, nodes.Text):
        return f"{name} {_TESTED[node.op]} “{node.text}”"
    return f"{name} is {'missing' if node.is_missing else 'known'}"


def rule_words(rule: nodes.Rule, currency: str = "") -> str:
    """A whole rule as a sentence."""
    return f"When {node_words(rule.when, currency)}: {_ACTIONS[rule.common.action]}{_scope(rule.common.scope)}."


def limit_words(limit: nodes.Limit, currency: str = "") -> str:
    """A whole limit as a sentence."""
    most = amount_words(limit.limit, currency) if limit.measure == "sum" else f"{limit.limit.otherwise:,}"
    what = f"{_MEASURES[limit.measure]} {_WHOSE[limit.by]} {window_words(limit.window)}{_kinds(limit.counts.kinds)}"
    return f"When {what} would pass {most}: {_ACTIONS[limit.common.action]}{_scope(limit.common.scope)}."


def words_of_document(document: Any, currency: str = "") -> dict[str, str]:
    """Every rule and limit of a document as a sentence, by name; none when it cannot be read."""
    spec = read_document(document).spec
    if spec is None:
        return {}
    said = {rule.common.name: rule_words(rule, currency) for rule in spec.rules}
    return said | {limit.common.name: limit_words(limit, currency) for limit in spec.limits}


def amount_words(amount: Amount, currency: str = "") -> str:
    """``40,000.00 USD``; without a currency every amount that it names."""
    if currency:
        return f"{format_minor(amount.of(currency), currency)} {currency}"
    named = [f"{format_minor(minor, code)} {code}" for code, minor in amount.by_currency.items()]
    return ", ".join(
        [*named, f"else {amount.otherwise:,} minor units"] if named else [f"{amount.otherwise:,} minor units"]
    )


def window_words(window: Window) -> str:
    """``in 24 hours``, ``since the month began``."""
    if window.rolling_seconds is None:
        return f"since the {window.calendar} began"
    seconds = window.rolling_seconds
    if seconds == 86_400:  # a day is said in hours
        return "in 24 hours"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"in {count:,} {unit}{'' if count == 1 else 's'}"


def _inner(node: Node, currency: str) -> str:
    words = node_words(node, currency)
    return f"({words})" if isinstance(node, nodes.Group) and len(node.of) > 1 else words


def _value(value: Amount | int | str | bool, currency: str) -> str:
    if isinstance(value, Amount):
        return amount_words(value, currency)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int) else f"“{value}”"


def _kinds(kinds: tuple[str, ...]) -> str:
    return f" ({', '.join(f'{kind}s' for kind in kinds)} only)" if kinds else ""


def _scope(scope: nodes.Scope) -> str:
    parts = [
        f"{', '.join(f'{kind}s' for kind in scope.kinds)}" if scope.kinds else "",
        "corridors " + ", ".join(f"{c.source}→{c.destination} by {c.method}" for c in scope.corridors)
        if scope.corridors
        else "",
        f"accounts {', '.join(scope.accounts)}" if scope.accounts else "",
        f"segments {', '.join(scope.segments)}" if scope.segments else "",
    ]
    told = "; ".join(part for part in parts if part)
    return f" (only {told})" if told else ""


def value_words(value: Any, node: Node, currency: str) -> str:
    """A value of a trace as a page shows it: what the node saw."""
    if isinstance(value, Mapping):
        if "missing" in value:
            return "missing"
        return "an error" if "error" in value else str(value.get("value", ""))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{format_minor(value, currency)} {currency}" if is_money(node) and currency else f"{value:,}"
    return "" if value is None else str(value)


def is_money(node: Node) -> bool:
    """Whether what a node sees is an amount."""
    if isinstance(node, nodes.Total):
        return node.measure == "sum"
    field = getattr(node, "field", None)
    return field is not None and FIELDS[field].type == "amount"
