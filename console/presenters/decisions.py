"""A policy decision in words: each rule's tree with what it saw and came to, limits as bars, and what was known."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from console.marks import mark
from console.presenters import rules as sentences
from console.presenters.cases import reason_words
from console.presenters.words import dated, grouped
from console.types import Mark, Proof
from console.types.decisions import LimitBar, NodeView, RuleTrace
from policy.rules.types import HOLDS, SEVERITY
from policy.subjects import FIELDS
from policy.types import StoredDecision
from zentra.core.clock import iso
from zentra.core.money import format_minor

Result = Mapping[str, Any]
Document = Mapping[str, Any]

_MARKS: Final[Mapping[str, Mark]] = {
    "not_applicable": mark("not asked", says="not applicable"),
    "passed": mark("passed"),
    "noted": mark("controlled", says="noted"),
    "review": mark("review"),
    "blocked": mark("failed", says="blocked"),
    "declined": mark("declined"),
}
_ACTIONS: Final[Mapping[str, str]] = {
    "accept_with_note": "accept with a note",
    "review": "hold for review",
    "block_and_review": "block, and hold for compliance; two people approve",
    "decline": "decline",
}
_WHYS: Final[Mapping[str, str]] = {
    "missing": "Something that it asks was not known. The workspace's choice for this stood in: nothing passes unseen.",
    "error": "It could not be answered. The workspace's choice for errors stood in: nothing passes unseen.",
}
_COMPARED: Final[Mapping[str, Any]] = {
    "gt": lambda seen, value: seen > value,
    "gte": lambda seen, value: seen >= value,
    "lt": lambda seen, value: seen < value,
    "lte": lambda seen, value: seen <= value,
    "eq": lambda seen, value: seen == value,
    "ne": lambda seen, value: seen != value,
}
_TEXTS: Final[Mapping[str, Any]] = {
    "starts_with": lambda seen, text: seen.startswith(text),
    "ends_with": lambda seen, text: seen.endswith(text),
    "contains": lambda seen, text: text in seen,
    "equals_ignoring_case": lambda seen, text: seen.casefold() == text.casefold(),
}
_UNITS: Final[Mapping[str, str]] = {"count": "intents", "distinct_counterparties": "counterparties"}


def is_limit(result: Result, limits: Mapping[str, Document]) -> bool:
    """Whether a result is a limit's."""
    return str(result["rule"]) in limits


def severity(result: Result) -> int:
    """How severe a result is; the order of the page."""
    return SEVERITY.get(str(result["outcome"]), 0)


def outcome_mark(decision: StoredDecision) -> Mark:
    """The decision's outcome."""
    return {"accepted": mark("passed", says="accepted"), "review": mark("held", says="held for review")}.get(
        decision.outcome, mark("declined")
    )


def sentence(decision: StoredDecision) -> str:
    """The decision in one sentence that a compliance officer can read aloud."""
    worst = [str(each["rule"]) for each in decision.rules if severity(each) >= HOLDS]
    fired = sum(1 for each in decision.rules if severity(each) > SEVERITY["passed"])
    asked = sum(1 for each in decision.rules if severity(each) > 0)
    verb = {"accepted": "Accepted", "review": "Held for review", "declined": "Declined"}[decision.outcome]
    by = f" by {_and(worst)}" if worst else ""
    eyes = " Two people have to approve it." if decision.four_eyes and decision.outcome == "review" else ""
    return (
        f"{verb}{by}: of {len(decision.rules)} rules {asked} applied and {fired} took effect;"
        f" score {decision.score}, lane {decision.lane}.{eyes}"
    )


def _and(names: Sequence[str]) -> str:
    shown = list(names[:4]) + ([f"{len(names) - 4} more"] if len(names) > 4 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def facts(decision: StoredDecision, *, who: str) -> tuple[Proof, ...]:
    """Which decision this is, by which rules, when."""
    return (
        Proof("decision", decision.id, decision.id),
        Proof("rule set", f"version {decision.rule_set}"),
        Proof("decided", f"{dated(decision.decided_at)} UTC", iso(decision.decided_at)),
        Proof("by", who),
        Proof("score", f"{decision.score} of 100"),
        Proof("lane", decision.lane or "—"),
        Proof("gate", decision.gate or "none"),
        Proof("four eyes", "two people approve" if decision.four_eyes else "not asked for"),
        Proof("took", took(decision.duration_us)),
    )


def took(microseconds: object) -> str:
    """ "41 µs", "1.2 ms"; a dash when it was not kept."""
    if not isinstance(microseconds, int):
        return "—"
    return f"{microseconds} µs" if microseconds < 1000 else f"{microseconds / 1000:.1f} ms"


def saw(decision: StoredDecision, *, currency: str) -> tuple[Proof, ...]:
    """Every fact that was known, in the words of the fields."""
    known = decision.facts.get("fields", {})
    rows = []
    for name, value in known.items():
        field = FIELDS.get(name)
        if field is None:
            continue
        said = str(value)
        if isinstance(value, bool):
            said = "yes" if value else "no"
        elif field.type == "amount" and isinstance(value, int):
            said = f"{format_minor(value, currency)} {currency}"
        elif isinstance(value, int):
            said = grouped(value)
        rows.append(Proof(name.replace("_", " "), said))
    rows += [Proof(f"on list {name}", str(value)) for name, value in decision.facts.get("listed", [])]
    return tuple(rows)


# --- rules -----------------------------------------------------------------------------------------------------------


def rule_trace(result: Result, rule: Document | None, *, currency: str) -> RuleTrace:
    """One rule with its tree, what each node saw and came to. Without its document only the result is told."""
    outcome = str(result["outcome"])
    score = result.get("score")
    why = str(result.get("why", ""))
    return RuleTrace(
        name=str(result["rule"]),
        mark=_MARKS.get(outcome, mark("not asked")),
        reason=str(result.get("reason", "")),
        action=_action(rule) if rule else _seen_of_limit(result, currency),
        score=f"+{score}" if isinstance(score, int) and score and severity(result) > SEVERITY["passed"] else "",
        took=took(result.get("us")),
        scope=sentences.scope_words(rule.get("scope")) if rule and rule.get("scope") else "",
        nodes=_nodes(result, rule, currency) if rule and rule.get("when") else (),
        fired=severity(result) > SEVERITY["passed"],
        tags=tuple(str(tag) for tag in (rule or {}).get("tags") or ()),
        notes=(_WHYS[why],) if why in _WHYS else (),
    )


def _action(rule: Document) -> str:
    action = str(rule.get("action", ""))
    told = f"If it holds: {_ACTIONS.get(action, reason_words(action))}"
    return f"{told}; two people approve" if rule.get("four_eyes") and action != "block_and_review" else told


def _seen_of_limit(result: Result, currency: str) -> str:
    seen, limit = result.get("input_minor"), result.get("limit_minor")
    if isinstance(seen, int) and isinstance(limit, int) and currency:
        return f"It saw {format_minor(seen, currency)} of {format_minor(limit, currency)} {currency}."
    return ""


def _nodes(result: Result, rule: Document, currency: str) -> tuple[NodeView, ...]:
    values = list(result.get("values") or ())
    was_asked = bool(values) and severity(result) > 0
    lines = sentences.tree_lines(rule["when"], values, currency=currency)
    nodes = [node for _, _, node in sentences.preorder(rule["when"])]
    shown = []
    for place, (line, node) in enumerate(zip(lines, nodes, strict=True)):
        value = values[place] if was_asked and place < len(values) else None
        truth = _truth(node, value, currency)
        seen = "" if line.is_group or value is None else _seen(value, node, currency)
        shown.append(NodeView(line.depth, line.text, seen, truth, _TRUTHS.get(truth), line.is_group))
    return tuple(shown)


_TRUTHS: Final[Mapping[str, Mark]] = {
    "true": mark("passed", says="holds"),
    "false": mark("not asked", says="does not hold"),
    "missing": mark("unknown", says="not known"),
    "error": mark("failed", says="error"),
}


def _seen(value: object, node: Document, currency: str) -> str:
    if isinstance(value, Mapping) and "is_listed" in value:
        return f"{value.get('value')}, {'on the list' if value['is_listed'] else 'not on the list'}"
    return sentences.seen_words(value, node, currency)


def _truth(node: Document, value: object, currency: str) -> str:
    """What a node came to, from what it saw: "true", "false", "missing", "error", or "" when it was not looked at."""
    if value is None:
        return ""
    op = str(node.get("op"))
    if isinstance(value, Mapping):
        if "is_listed" in value:
            return _said(value["is_listed"] is (op == "in_list"))
        if op in {"is_missing", "is_present"} and value.get("missing"):
            return _said(op == "is_missing")
        return "missing" if value.get("missing") else "error"
    if op in {"all", "any", "not"}:
        return _said(value is True)
    try:
        return _said(_leaf_holds(op, node, value, currency))
    except (TypeError, ValueError, KeyError):
        return ""


def _leaf_holds(op: str, node: Document, value: Any, currency: str) -> bool:
    if op in _COMPARED:
        return bool(_COMPARED[op](value, _amount(node["value"], currency)))
    if op == "window":
        return bool(_COMPARED[str(node["compare"])](value, _amount(node["value"], currency)))
    if op == "structuring":
        return bool(value >= node["at_least"])
    if op == "between":
        return bool(_amount(node["min"], currency) <= value <= _amount(node["max"], currency))
    if op in {"in", "not_in"}:
        return (value in node["values"]) is (op == "in")
    if op in {"is_missing", "is_present"}:
        return op == "is_present"
    return bool(_TEXTS[op](value, node["text"]))


def _amount(value: Any, currency: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    return value.get("by_currency", {}).get(currency, value["otherwise"])


def _said(truth: bool) -> str:  # the one thing that it says
    return "true" if truth else "false"


# --- limits ----------------------------------------------------------------------------------------------------------


def limit_bar(result: Result, limit: Document, *, currency: str) -> LimitBar:
    """A limit with what it came to, this intent included."""
    values = list(result.get("values") or ())
    measure = str(limit.get("measure"))
    used, cap = _used_and_cap(result, limit, values, currency)
    if used is None or not cap:
        percent, figure = 0, ""
    else:
        percent, figure = min(100, used * 100 // cap), f"{used * 100 // cap} %"
    return LimitBar(
        name=str(result["rule"]),
        mark=_MARKS.get(str(result["outcome"]), mark("not asked")),
        words=str(result.get("reason", "")) if used is None or severity(result) > 1 else "",
        used=_count(used, measure, currency),
        cap=f"{_count(cap, measure, currency)} {_UNITS.get(measure, currency)}",
        percent=percent,
        figure=figure,
        window=sentences.limit_sentence(limit),
        took=took(result.get("us")) if result.get("us") else "",
        fired=severity(result) > SEVERITY["passed"],
        applies=used is not None,
    )


def _used_and_cap(
    result: Result, limit: Document, values: Sequence[Any], currency: str
) -> tuple[int | None, int | None]:
    if len(values) == 2 and all(isinstance(each, int) for each in values):
        return int(values[0]), int(values[1])
    seen, cap = result.get("input_minor"), result.get("limit_minor")
    if not isinstance(cap, int):
        cap = _amount(limit.get("limit"), currency)
    return (seen if isinstance(seen, int) else None), (cap if isinstance(cap, int) else None)


def _count(number: int | None, measure: str, currency: str) -> str:
    if number is None:
        return "—"
    return format_minor(number, currency) if measure == "sum" and currency else grouped(number)
