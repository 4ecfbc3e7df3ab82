"""Rule trees, facts and documents that hypothesis makes up, and a plain model of what a tree says."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from policy.rules.facts import ACCOUNT_ID, FAILED, LISTED, Facts
from policy.subjects import FIELDS, KINDS

COUNTRIES = ("US", "DE", "GB")
TEXTS = ("acme", "ACME", "bolt", "x")
CURRENCIES = ("USD", "EUR", "JPY")
LISTS = ("denied", "watched")
AMOUNTS = st.integers(0, 60)
ORDERED = ("gt", "gte", "lt", "lte", "eq", "ne")
USABLE = [field for field in FIELDS.values() if set(KINDS) <= set(field.kinds)]
TEXTUAL = [field for field in USABLE if field.type == "text"]
LISTABLE = [field for field in USABLE if field.is_known_before and field.type in ("text", "country", "currency")]


def values(field: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    if field.choices:
        return st.sampled_from(field.choices)
    return {
        "amount": AMOUNTS,
        "integer": st.integers(-3, 30),
        "boolean": st.booleans(),
        "country": st.sampled_from(COUNTRIES),
        "currency": st.sampled_from(CURRENCIES),
        "text": st.sampled_from(TEXTS),
    }[field.type]


def amounts() -> st.SearchStrategy[Any]:
    """An amount, plain or by currency."""
    by_currency = st.dictionaries(st.sampled_from(CURRENCIES), AMOUNTS, max_size=2)
    return AMOUNTS | st.fixed_dictionaries({"by_currency": by_currency, "otherwise": AMOUNTS})


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    """One test of a field."""
    form = draw(st.sampled_from(("compare", "between", "among", "listed", "text", "presence")))
    if form == "compare":
        field = draw(st.sampled_from(USABLE))
        op = draw(st.sampled_from(ORDERED if field.type in ("amount", "integer") else ("eq", "ne")))
        return {"op": op, "field": field.name, "value": draw(amounts() if field.type == "amount" else values(field))}
    if form == "between":
        low, high = sorted((draw(AMOUNTS), draw(AMOUNTS)))
        name = draw(st.sampled_from(("amount_minor", "hour_utc")))
        return {"op": "between", "field": name, "min": low, "max": high}
    if form == "among":
        field = draw(st.sampled_from([field for field in USABLE if field.type not in ("amount", "boolean")]))
        of = draw(st.lists(values(field), min_size=1, max_size=3))
        return {"op": draw(st.sampled_from(("in", "not_in"))), "field": field.name, "values": of}
    if form == "listed":
        op, field = draw(st.sampled_from(("in_list", "not_in_list"))), draw(st.sampled_from(LISTABLE))
        return {"op": op, "field": field.name, "list": draw(st.sampled_from(LISTS))}
    if form == "text":
        op = draw(st.sampled_from(("starts_with", "ends_with", "contains", "equals_ignoring_case")))
        return {
            "op": op,
            "field": draw(st.sampled_from(TEXTUAL)).name,
            "text": draw(st.sampled_from((*TEXTS, "a", "M"))),
        }
    field = draw(st.sampled_from(USABLE))
    return {"op": draw(st.sampled_from(("is_missing", "is_present"))), "field": field.name}


def _joined(under: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    groups = st.fixed_dictionaries(
        {"op": st.sampled_from(("all", "any")), "of": st.lists(under, min_size=1, max_size=4)}
    )
    return groups | st.fixed_dictionaries({"op": st.just("not"), "of": under})


TREES = st.recursive(leaves(), _joined, max_leaves=12).filter(lambda tree: depth(tree) <= 8)


def depth(tree: dict[str, Any]) -> int:
    """How many levels a tree has."""
    under = tree.get("of", [])
    return 1 + max(map(depth, under if isinstance(under, list) else [under]), default=0)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Facts in which anything may be missing, or not have been read."""
    found: Facts = {ACCOUNT_ID: None}
    for field in FIELDS.values():
        found[field.name] = draw(st.none() | st.just(FAILED) | values(field) | values(field))
    found["currency"] = draw(st.sampled_from(CURRENCIES))
    pairs = st.tuples(st.sampled_from(LISTS), st.sampled_from((*TEXTS, *COUNTRIES, *CURRENCIES, *KINDS)))
    found[LISTED] = draw(st.frozensets(pairs, max_size=6))
    return found


def model(tree: dict[str, Any], known: Facts) -> bool | str | None:
    """What a tree says, the slow and plain way: every node is asked, and Kleene's tables are written out."""
    op: str = tree["op"]
    if op == "not":
        said = model(tree["of"], known)
        return not said if isinstance(said, bool) else said
    if op in ("all", "any"):
        answers = [model(child, known) for child in tree["of"]]
        deciding = op == "any"
        if any(answer is deciding for answer in answers):
            return deciding
        return "error" if "error" in answers else None if None in answers else not deciding
    value = known[tree["field"]]
    if value is FAILED:
        return "error"
    if op in ("is_missing", "is_present"):
        return bool((value is None) == (op == "is_missing"))
    return None if value is None else _tested(op, tree, value, known)


def _tested(op: str, tree: dict[str, Any], value: Any, known: Facts) -> bool:
    def amount(of: Any) -> Any:
        return of["by_currency"].get(known["currency"], of["otherwise"]) if isinstance(of, dict) else of

    if op in ORDERED:
        other = amount(tree["value"])
        if op in ("eq", "ne"):
            return bool((value == other) == (op == "eq"))
        return bool({"gt": value > other, "gte": value >= other, "lt": value < other, "lte": value <= other}[op])
    if op == "between":
        return bool(tree["min"] <= value <= tree["max"])
    if op in ("in", "not_in"):
        return bool((value in tree["values"]) == (op == "in"))
    if op in ("in_list", "not_in_list"):
        return bool(((tree["list"], value) in known[LISTED]) == (op == "in_list"))
    text = tree["text"]
    return bool(
        {
            "starts_with": value.startswith(text),
            "ends_with": value.endswith(text),
            "contains": text in value,
            "equals_ignoring_case": value.lower() == text.lower(),
        }[op]
    )
