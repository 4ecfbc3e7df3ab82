"""Turns the tree of a rule into closures, one a node, for one currency.

A node answers true, false, None (a field is missing) or ``ERROR``, by the strong three-valued logic of Kleene: ``all``
is false as soon as one is, ``any`` true as soon as one is, whatever the others could not say, so that the order of
branches never changes an answer. Where it stays open, an error outweighs what is missing.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from policy.rules import nodes
from policy.rules.facts import FAILED, LISTED, Facts
from policy.rules.nodes import Amount, Node
from policy.rules.types import Meter

Truth = bool | None | Literal["error"]
Trace = list[Any]
Evaluate = Callable[[Facts, Trace], Truth]
Test = Callable[[Any], bool]
ERROR: Final = "error"
MISSING_MARK: Final = {"missing": True}
ERROR_MARK: Final = {"error": True}
# partial(lt, limit)(value) is limit < value: the value stands on the right.
_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.lt,
    "gte": operator.le,
    "lt": operator.gt,
    "lte": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}


@dataclass(slots=True)
class Compiler:
    """Compiles trees for one currency; collects the meters and lists that they ask."""

    currency: str
    meters: dict[Meter, str] = field(default_factory=dict)
    """Each meter that a window asks, and the slot of its total in the facts."""
    listed: set[tuple[str, str]] = field(default_factory=set)
    """Each (list, field) that is asked."""
    fields: set[str] = field(default_factory=set)
    size: int = 0

    def tree(self, node: Node) -> tuple[Evaluate, int]:
        """A whole tree: its closure and how many nodes it has."""
        self.size = 0
        return self.node(node), self.size

    def node(self, node: Node) -> Evaluate:
        """One node and all under it, numbered in preorder."""
        place, self.size = self.size, self.size + 1
        if isinstance(node, nodes.Group):
            return _group([self.node(child) for child in node.of], place, decisive=node.op == "any")
        if isinstance(node, nodes.Not):
            return _opposite(self.node(node.of), place)
        if isinstance(node, nodes.Presence):
            self.fields.add(node.field)
            return _presence(node.field, place, is_missing=node.is_missing)
        if isinstance(node, nodes.Listed):
            self.fields.add(node.field)
            self.listed.add((node.list, node.field))
            return _listed(node.list, node.field, place, is_in=node.is_in)
        slot, test = self.leaf(node)
        return _leaf(slot, test, place)

    def leaf(
        self, node: nodes.Compare | nodes.Between | nodes.Among | nodes.Text | nodes.Total | nodes.Structuring
    ) -> tuple[str, Test]:
        """What a leaf looks at, and its test of the value there."""
        if isinstance(node, nodes.Total):
            return self.slot(self.meter(node)), partial(_TESTS[node.compare], self.value(node.value))
        if isinstance(node, nodes.Structuring):
            return self.slot(self.meter(node)) + OWN, partial(operator.le, node.at_least)
        self.fields.add(node.field)
        return node.field, self.test(node)

    def test(self, node: nodes.Compare | nodes.Between | nodes.Among | nodes.Text) -> Test:
        """The test of a field's value."""
        if isinstance(node, nodes.Compare):
            return partial(_TESTS[node.op], self.value(node.value))
        if isinstance(node, nodes.Between):
            low, high = self.value(node.low), self.value(node.high)
            return lambda value: bool(low <= value <= high)
        if isinstance(node, nodes.Among):
            values = frozenset(node.values)
            return values.__contains__ if node.is_in else lambda value: value not in values
        return _TEXTS[node.op](node.text)

    def meter(self, node: nodes.Total | nodes.Structuring | nodes.Limit) -> Meter:
        """What is counted, in this currency."""
        measure = "count" if isinstance(node, nodes.Structuring) else node.measure
        counts = node.counts
        low, high = (
            None if bound is None else bound.of(self.currency) for bound in (counts.from_minor, counts.below_minor)
        )
        return Meter(node.by, measure, node.window, counts.kinds, low, high)

    def slot(self, meter: Meter) -> str:
        """Where the total of a meter stands in the facts."""
        return self.meters.setdefault(meter, f"window {meter.key}")

    def value(self, value: Amount | int | str | bool) -> Any:
        """A value in this currency."""
        return value.of(self.currency) if isinstance(value, Amount) else value


OWN: Final = " own"
"""Added to the slot of a meter: its total when this intent is one of what it counts, else 0."""
_TEXTS: Final[dict[str, Callable[[str], Test]]] = {
    "starts_with": lambda text: lambda value: value.startswith(text),
    "ends_with": lambda text: lambda value: value.endswith(text),
    "contains": lambda text: lambda value: text in value,
    "equals_ignoring_case": lambda text: partial(_same_ignoring_case, text.casefold()),
}


def _same_ignoring_case(folded: str, value: str) -> bool:
    return value.casefold() == folded


def _leaf(slot: str, test: Test, place: int) -> Evaluate:
    def evaluate(facts: Facts, trace: Trace) -> Truth:
        try:
            value = facts[slot]
            if value is None:
                trace[place] = MISSING_MARK
                return None
            if value is FAILED:
                trace[place] = ERROR_MARK
                return ERROR
            trace[place] = value
            return test(value)
        except Exception:  # noqa: BLE001  # an error of any kind is an answer here, and never lets an intent pass
            trace[place] = ERROR_MARK
            return ERROR

    return evaluate


def _presence(name: str, place: int, *, is_missing: bool) -> Evaluate:
    def evaluate(facts: Facts, trace: Trace) -> Truth:
        value = facts.get(name, FAILED)
        if value is FAILED:
            trace[place] = ERROR_MARK
            return ERROR
        trace[place] = MISSING_MARK if value is None else value
        return (value is None) is is_missing

    return evaluate


def _listed(name: str, field_name: str, place: int, *, is_in: bool) -> Evaluate:
    def evaluate(facts: Facts, trace: Trace) -> Truth:
        try:
            value = facts[field_name]
            if value is None:
                trace[place] = MISSING_MARK
                return None
            if value is FAILED:
                trace[place] = ERROR_MARK
                return ERROR
            found = (name, value) in facts[LISTED]
        except Exception:  # noqa: BLE001  # as for every leaf
            trace[place] = ERROR_MARK
            return ERROR
        trace[place] = {"value": value, "is_listed": found}
        return found is is_in

    return evaluate


def _opposite(of: Evaluate, place: int) -> Evaluate:
    def evaluate(facts: Facts, trace: Trace) -> Truth:
        truth = of(facts, trace)
        if truth is None or truth is ERROR:
            trace[place] = MISSING_MARK if truth is None else ERROR_MARK
            return truth
        trace[place] = not truth
        return not truth

    return evaluate


def _group(of: list[Evaluate], place: int, *, decisive: bool) -> Evaluate:
    """``all`` (one false decides) and ``any`` (one true decides)."""

    def evaluate(facts: Facts, trace: Trace) -> Truth:
        truth: Truth = not decisive
        for child in of:
            answer = child(facts, trace)
            if answer is decisive:
                trace[place] = decisive
                return decisive
            if answer is ERROR or (answer is None and truth is not ERROR):
                truth = answer
        trace[place] = MISSING_MARK if truth is None else ERROR_MARK if truth is ERROR else truth
        return truth

    return evaluate
