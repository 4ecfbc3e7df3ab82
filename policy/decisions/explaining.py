"""A kept decision joined with the rules that made it: every node in words, with what it saw and whether it held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.rules import nodes
from policy.rules.compiling import Compiler
from policy.rules.documents import read_document
from policy.rules.nodes import Node, RuleSetSpec
from policy.rules.words import leaf_words, limit_words, rule_words, value_words
from policy.rulesets.queries import rule_set_document
from policy.types import StoredDecision


@dataclass(frozen=True, slots=True)
class ExplainedNode:
    """One node of a rule's tree. ``depth`` is 0 at the root. ``holds`` is None where it was not asked or not answered;
    ``saw`` is "" for nodes that join others and for those that were not asked."""

    depth: int
    words: str
    saw: str
    holds: bool | None
    was_asked: bool


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    """A rule or limit with what came of it. ``us`` is how long it took, in microseconds."""

    name: str
    is_limit: bool
    action: str
    outcome: str
    score: int
    reason: str
    us: int
    words: str
    input_minor: int | None
    limit_minor: int | None
    why: str
    nodes: tuple[ExplainedNode, ...]


def explain_decision(*, decision: StoredDecision) -> tuple[ExplainedRule, ...]:
    """Every rule of the version that decided, in its order. Decisions by the first rules kept no traces: no nodes."""
    spec = read_document(rule_set_document(version=decision.rule_set).document).spec
    currency = str(decision.facts.get("fields", {}).get("currency", ""))
    return explain(spec=spec, results=decision.rules, currency=currency)


def explain(
    *, spec: RuleSetSpec | None, results: Sequence[Mapping[str, Any]], currency: str
) -> tuple[ExplainedRule, ...]:
    """Join results, as ``RuleResult.as_trace`` wrote them, with the rules of their set."""
    rules = {rule.common.name: rule for rule in spec.rules} if spec else {}
    limits = {limit.common.name: limit for limit in spec.limits} if spec else {}
    return tuple(
        _explained(result, rules.get(result["rule"]), limits.get(result["rule"]), currency) for result in results
    )


def _explained(
    result: Mapping[str, Any], rule: nodes.Rule | None, limit: nodes.Limit | None, currency: str
) -> ExplainedRule:
    words = rule_words(rule, currency) if rule else limit_words(limit, currency) if limit else ""
    item = rule or limit
    values = result.get("values") or []
    shown = (
        _nodes(rule.when, values, currency) if rule and values else _of_limit(limit, values) if limit and values else ()
    )
    return ExplainedRule(
        result["rule"], limit is not None, item.common.action if item else "", result["outcome"],
        result.get("score", 0), result["reason"], result.get("us", 0), words, result.get("input_minor"),
        result.get("limit_minor"), result.get("why", ""), tuple(shown),
    )  # fmt: skip


def _of_limit(limit: nodes.Limit, values: Sequence[Any]) -> tuple[ExplainedNode, ...]:
    total, cap = values
    saw = f"{total:,} of {cap:,}" + (" minor units" if limit.measure == "sum" else "")
    return (ExplainedNode(0, "this intent included", saw, total > cap, was_asked=True),)


def _nodes(root: Node, values: Sequence[Any], currency: str) -> list[ExplainedNode]:
    placed = _with_depth(root, 0)
    if len(placed) != len(values):
        return []
    return [_node(node, depth, value, currency) for (node, depth), value in zip(placed, values, strict=True)]


def _with_depth(node: Node, depth: int) -> list[tuple[Node, int]]:
    """The nodes in preorder, as traces keep them."""
    return [(node, depth), *(each for child in nodes.children(node) for each in _with_depth(child, depth + 1))]


def _node(node: Node, depth: int, value: Any, currency: str) -> ExplainedNode:
    if isinstance(node, nodes.Group | nodes.Not):
        words = "not" if isinstance(node, nodes.Not) else "all of" if node.op == "all" else "any of"
        holds = value if isinstance(value, bool) else None
        return ExplainedNode(depth, words, "", holds, value is not None)
    saw = value_words(value, node, currency)
    return ExplainedNode(depth, leaf_words(node, currency), saw, _holds(node, value, currency), value is not None)


def _holds(node: nodes.Leaf, value: Any, currency: str) -> bool | None:
    if value is None or (isinstance(value, Mapping) and "error" in value):
        return None
    is_missing = isinstance(value, Mapping) and "missing" in value
    if isinstance(node, nodes.Presence):
        return is_missing is node.is_missing
    if is_missing:
        return None
    if isinstance(node, nodes.Listed):
        return bool(value["is_listed"]) is node.is_in
    return bool(Compiler(currency).leaf(node)[1](value))
