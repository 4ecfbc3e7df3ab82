"""From a rule set's document to what its form holds."""

from collections.abc import Mapping
from typing import Any, Final, cast

from console.builder import words
from console.builder.amounts import open_amount
from console.builder.typed import Kind, TypedNode, TypedRule

Document = Mapping[str, Any]
Types = Mapping[str, str]
"""The type of each field by its name."""

_TEXT_PARTS: Final = ("name", "action", "reason", "lane", "on_missing")


def open_rule(rule: Document, types: Types) -> TypedRule:
    """A rule of the document as its form holds it."""
    return TypedRule(_around(rule), open_node(rule["when"], types))


def open_limit(limit: Document) -> TypedRule:
    """A limit of the document as its form holds it."""
    parts = _around(limit)
    parts |= {"measure": (str(limit["measure"]),), "by": (str(limit["by"]),), **_window(limit["window"])}
    kinds = tuple((limit.get("counts") or {}).get("kinds") or ())
    return TypedRule({**parts, "counts.kinds": kinds, **open_amount(limit["limit"], "limit")})


def open_node(node: Document, types: Types) -> TypedNode:
    """A node and all under it."""
    op = str(node["op"])
    if op in {"all", "any"}:
        return TypedNode(cast("Kind", op), {}, tuple(open_node(each, types) for each in node["of"]))
    if op == "not":
        return TypedNode("not", {}, (open_node(node["of"], types),))
    if op == "window":
        return TypedNode("window", _open_window(node))
    if op == "structuring":
        return TypedNode("structuring", _open_structuring(node))
    return TypedNode("condition", _open_condition(node, types))


def _around(rule: Document) -> dict[str, tuple[str, ...]]:
    scope = rule.get("scope") or {}
    corridors = scope.get("corridors") or ()
    return {
        **{name: (str(rule.get(name) or ""),) for name in _TEXT_PARTS},
        "score": (str(rule.get("score", 0)),),
        "tags": ("\n".join(rule.get("tags") or ()),),
        "four_eyes": ("yes",) if rule.get("four_eyes") else (),
        "is_enabled": ("yes",) if rule.get("is_enabled", True) else (),
        "kinds": tuple(scope.get("kinds") or ()),
        "accounts": ("\n".join(scope.get("accounts") or ()),),
        "segments": ("\n".join(scope.get("segments") or ()),),
        **{f"corridor.{end}": tuple(str(each.get(end, "*")) for each in corridors) for end in words.CORRIDOR},
    }


def _open_condition(node: Document, types: Types) -> dict[str, tuple[str, ...]]:
    op, field = str(node["op"]), str(node["field"])
    parts: dict[str, tuple[str, ...]] = {"field": (field,), "op": (op,)}
    is_amount = types.get(field) == "amount"
    if op == "between":
        for end in ("min", "max"):
            parts |= open_amount(node[end], end) if is_amount else {end: (_plain(node[end]),)}
    elif op in words.ONE_VALUE:
        parts |= open_amount(node["value"], "value") if is_amount else {"value": (_plain(node["value"]),)}
    elif op in words.MANY_VALUES:
        parts["values"] = ("\n".join(_plain(each) for each in node["values"]),)
    elif op in words.LISTS:
        parts["list"] = (str(node["list"]),)
    elif op in words.TEXTS:
        parts["text"] = (str(node["text"]),)
    return parts


def _plain(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _open_window(node: Document) -> dict[str, tuple[str, ...]]:
    counts = node.get("counts") or {}
    return {
        "measure": (str(node["measure"]),),
        "by": (str(node["by"]),),
        **_window(node["window"]),
        "counts.kinds": tuple(counts.get("kinds") or ()),
        **open_amount(counts.get("from_minor"), "from"),
        **open_amount(counts.get("below_minor"), "below"),
        "compare": (str(node["compare"]),),
        **open_amount(node["value"], "value"),
    }


def _open_structuring(node: Document) -> dict[str, tuple[str, ...]]:
    return {
        "by": (str(node["by"]),),
        **_window(node["window"]),
        **open_amount(node["limit"], "limit"),
        "within_percent": (str(node["within_percent"]),),
        "at_least": (str(node["at_least"]),),
    }


def _window(window: Document) -> dict[str, tuple[str, ...]]:
    """A rolling window in the largest unit that says it in whole numbers, or a calendar's."""
    if window.get("calendar"):
        return {"span": (str(window["calendar"]),), "length": ("",), "unit": ("hours",)}
    seconds = int(window["rolling_seconds"])
    unit = next(name for name, size in words.UNITS.items() if seconds % size == 0)
    if unit == "days" and seconds == words.UNITS["days"]:
        unit = "hours"  # people say 24 hours, and mean no calendar's day
    return {"span": ("rolling",), "length": (str(seconds // words.UNITS[unit]),), "unit": (unit,)}
