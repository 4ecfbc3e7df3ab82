"""From what was typed to the document, or to what is wrong and where.

Only what a form can get wrong is judged here: text that is no number, an amount with too many decimals, a condition
without a field. Whether the rule makes sense is judged by the rule set itself, whose errors point into the same tree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from console.builder import words
from console.builder.amounts import close_amount, whole
from console.builder.opening import Types
from console.builder.typed import Parts, Path, Problem, TypedNode, TypedRule, pointer_of
from zentra.core.money import MINUS

_YES: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Closed:
    """The document, as far as it could be made, and what is wrong."""

    document: dict[str, Any]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Desk:
    """What a walk through the tree carries."""

    types: Types
    root: TypedNode
    problems: list[Problem] = field(default_factory=list)


def close_rule(rule: TypedRule, types: Types) -> Closed:
    """The rule's document."""
    problems: list[Problem] = []
    document = _around(rule, problems)
    if rule.when is not None:
        document["when"] = _node(rule.when, (), _Desk(types, rule.when, problems))
    return Closed(document, tuple(problems))


def close_limit(limit: TypedRule) -> Closed:
    """The limit's document."""
    problems: list[Problem] = []
    parts = limit.parts
    document = _around(limit, problems)
    document |= {"measure": limit.first("measure"), "by": limit.first("by")}
    document["window"] = _window(parts, "/window", problems)
    if kinds := _ticked(parts, "counts.kinds"):
        document["counts"] = {"kinds": kinds}
    document["limit"] = _measured(parts, limit.first("measure"), "limit", "/limit", problems)
    return Closed(document, tuple(problems))


def keep_unchanged(made: dict[str, Any], *, original: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """The same document with what nobody changed as it was written.

    ``baseline`` is what the form makes of the original untouched. So defaults that were spelled out, and keys that the
    form does not know, are neither lost nor shown as changes.
    """
    kept = {key: value for key, value in original.items() if baseline.get(key) == made.get(key)}
    return {**kept, **{key: value for key, value in made.items() if value != baseline.get(key)}}


def lines(texts: Iterable[str]) -> list[str]:
    """The lines of text areas, trimmed, empty ones left out."""
    return [line.strip() for text in texts for line in text.splitlines() if line.strip()]


def signed(text: str) -> int | None:
    """A whole number that may be negative; None of anything else."""
    bare = text.strip().replace(MINUS, "-")
    found = whole(bare.removeprefix("-"))
    return -found if found is not None and bare.startswith("-") else found


def number(parts: Parts, name: str, pointer: str, what: str, problems: list[Problem]) -> int | None:
    """A whole number that is needed."""
    said = (parts.get(name) or ("",))[0]
    found = signed(said)
    if found is None:
        problems.append(Problem(pointer, f"{what} is a whole number, not “{said.strip()[:24]}”." if said.strip() else
                                f"{what} is missing."))  # fmt: skip
    return found


def _around(rule: TypedRule, problems: list[Problem]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": rule.first("name"),
        "action": rule.first("action"),
        "score": number(rule.parts, "score", "/score", "The score", problems),
        "reason": rule.first("reason"),
    }
    document |= {name: said for name in ("lane", "on_missing") if (said := rule.first(name))}
    if scope := _scope(rule.parts):
        document["scope"] = scope
    if tags := lines(rule.parts.get("tags", ())):
        document["tags"] = tags
    if "yes" in rule.parts.get("four_eyes", ()):
        document["four_eyes"] = True
    if "yes" not in rule.parts.get("is_enabled", ()):
        document["is_enabled"] = False
    return document


def _ticked(parts: Parts, name: str) -> list[str]:
    return [each for each in parts.get(name, ()) if each]


def _scope(parts: Parts) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    if kinds := _ticked(parts, "kinds"):
        scope["kinds"] = kinds
    ends = [parts.get(f"corridor.{end}", ()) for end in words.CORRIDOR]
    corridors = [
        dict(zip(words.CORRIDOR, (each.strip() or "*" for each in line), strict=True))
        for line in zip(*ends, strict=False)
        if any(each.strip() for each in line)
    ]
    if corridors:
        scope["corridors"] = corridors
    for name in ("accounts", "segments"):
        if found := lines(parts.get(name, ())):
            scope[name] = found
    return scope


def _node(node: TypedNode, path: Path, desk: _Desk) -> dict[str, Any]:
    if node.is_group:
        return _group(node, path, desk)
    pointer = pointer_of(desk.root, path)
    if node.kind == "window":
        return _close_window(node, pointer, desk)
    if node.kind == "structuring":
        return _close_structuring(node, pointer, desk)
    return _condition(node, pointer, desk)


def _group(node: TypedNode, path: Path, desk: _Desk) -> dict[str, Any]:
    members = [_node(each, (*path, position), desk) for position, each in enumerate(node.of)]
    if not members:
        pointer = pointer_of(desk.root, path)
        desk.problems.append(Problem(f"{pointer}/of", "This group is empty: add a condition, or remove it."))
    if node.kind != "not":
        return {"op": node.kind, "of": members}
    alone = len(members) == 1
    return {"op": "not", "of": members[0] if alone else {"op": "any", "of": members}}


def _condition(node: TypedNode, pointer: str, desk: _Desk) -> dict[str, Any]:
    name, op = node.first("field"), node.first("op")
    kind = desk.types.get(name)
    if kind is None:
        desk.problems.append(Problem(f"{pointer}/field", "Choose what is compared."))
        return {"op": op, "field": name}
    if op not in words.COMPARISONS[kind]:
        desk.problems.append(Problem(f"{pointer}/op", "Choose a comparison that fits this field."))
        return {"op": op, "field": name}
    made: dict[str, Any] = {"op": op, "field": name}
    if op == "between":
        made |= {end: _value(node, end, kind, f"{pointer}/{end}", desk.problems) for end in ("min", "max")}
    elif op in words.ONE_VALUE:
        made["value"] = _value(node, "value", kind, f"{pointer}/value", desk.problems)
    elif op in words.MANY_VALUES:
        made["values"] = _values(node, kind, f"{pointer}/values", desk.problems)
    elif op in words.LISTS:
        made["list"] = _needed(node, "list", f"{pointer}/list", "Choose a list.", desk.problems)
    elif op in words.TEXTS:
        made["text"] = _needed(node, "text", f"{pointer}/text", "Say with which text.", desk.problems)
    return made


def _value(node: TypedNode, name: str, kind: str, pointer: str, problems: list[Problem]) -> object:
    if kind == "amount":
        return _amount(node.parts, name, pointer, problems)
    if kind == "integer":
        return number(node.parts, name, pointer, "The value", problems)
    said = _needed(node, name, pointer, "Say with what it is compared.", problems)
    if kind == "boolean":
        return _YES.get(said, said)
    return said.upper() if kind in {"country", "currency"} else said


def _values(node: TypedNode, kind: str, pointer: str, problems: list[Problem]) -> list[object]:
    said = lines(node.parts.get("values", ()))
    if not said:
        problems.append(Problem(pointer, "Give at least one value, one a line."))
    if kind in {"country", "currency"}:
        return [each.upper() for each in said]
    if kind != "integer":
        return list(said)
    wrong = next((each for each in said if signed(each) is None), None)
    if wrong is not None:
        problems.append(Problem(pointer, f"“{wrong[:24]}” is no whole number."))
    return [signed(each) for each in said]


def _needed(node: TypedNode, name: str, pointer: str, message: str, problems: list[Problem]) -> str:
    said = node.first(name)
    if not said:
        problems.append(Problem(pointer, message))
    return said


def _amount(parts: Parts, name: str, pointer: str, problems: list[Problem]) -> object:
    before = len(problems)
    found = close_amount(parts, name, pointer, problems)
    if found is None and len(problems) == before:
        problems.append(Problem(pointer, "Say how much."))
    return found


def _measured(parts: Parts, measure: str, name: str, pointer: str, problems: list[Problem]) -> object:
    """What a sum, or a number of things, is compared with."""
    if measure == "sum":
        return _amount(parts, name, pointer, problems)
    return number(parts, f"{name}.otherwise", pointer, "The number", problems)


def _close_window(node: TypedNode, pointer: str, desk: _Desk) -> dict[str, Any]:
    parts, problems = node.parts, desk.problems
    measure = node.first("measure")
    counts: dict[str, Any] = {}
    if kinds := _ticked(parts, "counts.kinds"):
        counts["kinds"] = kinds
    for name, key in (("from", "from_minor"), ("below", "below_minor")):
        found = close_amount(parts, name, f"{pointer}/counts/{key}", problems)
        if found is not None:
            counts[key] = found
    made = {
        "op": "window",
        "measure": measure,
        "by": node.first("by"),
        "window": _window(parts, f"{pointer}/window", problems),
    }
    if counts:
        made["counts"] = counts
    value = _measured(parts, measure, "value", f"{pointer}/value", problems)
    return {**made, "compare": node.first("compare"), "value": value}


def _close_structuring(node: TypedNode, pointer: str, desk: _Desk) -> dict[str, Any]:
    parts, problems = node.parts, desk.problems
    return {
        "op": "structuring",
        "by": node.first("by"),
        "window": _window(parts, f"{pointer}/window", problems),
        "limit": _amount(parts, "limit", f"{pointer}/limit", problems),
        "within_percent": number(parts, "within_percent", f"{pointer}/within_percent", "The percentage", problems),
        "at_least": number(parts, "at_least", f"{pointer}/at_least", "How many", problems),
    }


def _window(parts: Mapping[str, tuple[str, ...]], pointer: str, problems: list[Problem]) -> dict[str, Any]:
    span = (parts.get("span") or ("rolling",))[0]
    if span in words.CALENDARS:
        return {"calendar": span}
    length = number(parts, "length", f"{pointer}/rolling_seconds", "The window's length", problems)
    unit = words.UNITS.get((parts.get("unit") or ("",))[0], 3_600)
    return {"rolling_seconds": None if length is None else length * unit}
