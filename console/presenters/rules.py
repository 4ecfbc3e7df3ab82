"""Rules as sentences: a tree of conditions, a limit, a scope, and what each node of a tree saw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console.builder import words
from console.builder.amounts import ordered
from console.presenters.words import NONE, grouped
from policy.subjects import FIELDS
from zentra.core.money import format_minor

Document = Mapping[str, Any]

GROUP_WORDS: Final = {"all": "all of these hold", "any": "one of these holds", "not": "this does not hold"}
_SPANS: Final = ((86_400 * 7, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_THINGS: Final = {"sum": "sum", "count": "number", "distinct_counterparties": "number of different counterparties"}


@dataclass(frozen=True, slots=True)
class TreeLine:
    """A node as a line of an indented list. ``seen`` is what it saw in one decision, "" without one."""

    depth: int
    text: str
    seen: str = ""
    is_group: bool = False
    pointer: str = ""


# --- amounts, windows ------------------------------------------------------------------------------------------------


def amount_words(amount: object) -> str:
    """ "40,000.00 USD, EUR · 60,000 JPY · else 4,000,000 minor units"."""
    if not isinstance(amount, dict):
        return f"{grouped(amount)} minor units" if isinstance(amount, int) else NONE
    same: dict[str, list[str]] = {}
    for code, minor in ordered(amount.get("by_currency") or {}):
        same.setdefault(format_minor(minor, code), []).append(code)
    told = [f"{major} {', '.join(codes)}" for major, codes in same.items()]
    otherwise = amount.get("otherwise")
    return " · ".join([*told, f"else {grouped(otherwise)} minor units"] if isinstance(otherwise, int) else told)


def window_words(window: Document) -> str:
    """ "in 24 hours", "this month"."""
    if window.get("calendar"):
        return words.CALENDARS.get(str(window["calendar"]), str(window["calendar"]))
    seconds = window.get("rolling_seconds")
    if not isinstance(seconds, int) or seconds <= 0:
        return "in a window"
    if seconds == 86_400:
        return "in 24 hours"
    size, unit = next((size, unit) for size, unit in _SPANS if seconds % size == 0)
    many = seconds // size
    return f"in {grouped(many)} {unit}s" if many > 1 else f"in one {unit}"


def scope_words(scope: Document | None) -> str:
    """Where a rule holds; "everything" of an empty scope."""
    scope = scope or {}
    told = [", ".join(f"{kind}s" for kind in scope.get("kinds") or ())]
    told.append(", ".join(_corridor(each) for each in scope.get("corridors") or ()))
    for name, one, more in (("accounts", "account", "accounts"), ("segments", "segment", "segments")):
        if values := scope.get(name):
            told.append(f"{one if len(values) == 1 else more} {', '.join(values)}")
    return " · ".join(each for each in told if each) or "everything"


def _corridor(corridor: Document) -> str:
    source, destination = (corridor.get(end) or "*" for end in ("source", "destination"))
    method = corridor.get("method") or "*"
    return f"{source} → {destination}" + ("" if method == "*" else f" by {method}")


# --- conditions ------------------------------------------------------------------------------------------------------


def sentence(node: Document) -> str:
    """A whole tree as one sentence, with brackets where groups stand in groups."""
    return _phrase(node, inside=False)


def _phrase(node: Document, *, inside: bool) -> str:
    op = str(node.get("op"))
    if op in {"all", "any"}:
        told = _telling(node)
        members = [_phrase(each, inside=len(told) > 1) for each in told]
        joined = (" and " if op == "all" else " or ").join(members) or "nothing"
        return f"({joined})" if inside and len(members) > 1 else joined
    if op == "not":
        return f"not ({_phrase(node['of'], inside=False)})"
    return leaf_words(node)


def _telling(node: Document) -> list[Document]:
    """A group's members; in an "all" without "is known" of a field that is compared beside it, which says it too."""
    members = list(node.get("of") or ())
    if node.get("op") != "all":
        return members
    compared = {each.get("field") for each in members if each.get("op") not in words.KNOWN}
    return [each for each in members if each.get("op") != "is_present" or each.get("field") not in compared]


def leaf_words(node: Document) -> str:
    """A comparison, a window or a structuring check in words."""
    op = str(node.get("op"))
    if op == "window":
        return _window_leaf(node)
    if op == "structuring":
        return (
            f"at least {node.get('at_least')} amounts {_whose(node)} {window_words(node.get('window') or {})}"
            f" within {node.get('within_percent')} % under {amount_words(node.get('limit'))}"
        )
    name = str(node.get("field"))
    field = FIELDS.get(name)
    subject, told = (field.words if field else name), words.WORDS.get(op, op)
    if op in words.KNOWN:
        return f"{subject} {told}"
    if op == "between":
        return f"{subject} is from {_value(name, node.get('min'))} to {_value(name, node.get('max'))}"
    if op in words.LISTS:
        return f"{subject} {told} “{node.get('list')}”"
    if op in words.TEXTS:
        said = f"“{node.get('text')}”"
        return f"{subject} is {said}, in any case" if op == "equals_ignoring_case" else f"{subject} {told} {said}"
    if op in words.MANY_VALUES:
        return f"{subject} {told} {_many(name, node.get('values') or ())}"
    return f"{subject} {told} {_value(name, node.get('value'))}"


def _value(name: str, value: object) -> str:
    field = FIELDS.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if field is not None and field.type == "amount":
        return amount_words(value)
    return grouped(value) if isinstance(value, int) else str(value)


def _many(name: str, values: Sequence[object], *, shown: int = 6) -> str:
    told = ", ".join(_value(name, each) for each in values[:shown])
    return told + (f" and {len(values) - shown} more" if len(values) > shown else "")


def _whose(node: Document) -> str:
    return words.BYS.get(str(node.get("by")), f"of {node.get('by')}")


def _window_leaf(node: Document) -> str:
    measure, counts = str(node.get("measure")), node.get("counts") or {}
    value = amount_words(node.get("value")) if measure == "sum" else _value("hour_utc", node.get("value"))
    return (
        f"the {_THINGS.get(measure, measure)} of {counted_words(counts)} {_whose(node)}"
        f" {window_words(node.get('window') or {})}, this one included,"
        f" {words.WORDS.get(str(node.get('compare')), '')} {value}"
    )


def counted_words(counts: Document) -> str:
    """What a window counts: "payments and transfers from 9,000.00 USD"."""
    told = " and ".join(f"{kind}s" for kind in counts.get("kinds") or ()) or "intents"
    if counts.get("from_minor") is not None:
        told += f" from {amount_words(counts['from_minor'])}"
    if counts.get("below_minor") is not None:
        told += f" below {amount_words(counts['below_minor'])}"
    return told


def limit_sentence(limit: Document) -> str:
    """What a limit allows: "the sum of intents of the customer in 24 hours, at most …"."""
    measure = str(limit.get("measure"))
    most = amount_words(limit.get("limit")) if measure == "sum" else _value("hour_utc", limit.get("limit"))
    return (
        f"the {_THINGS.get(measure, measure)} of {counted_words(limit.get('counts') or {})} {_whose(limit)}"
        f" {window_words(limit.get('window') or {})} is at most {most}"
    )


# --- trees with what they saw ----------------------------------------------------------------------------------------


def tree_lines(node: Document, values: Sequence[object] = (), *, currency: str = "") -> tuple[TreeLine, ...]:
    """The tree as indented lines, each with what it saw. ``values`` are a trace's, in preorder; none without one."""
    seen = iter(values)
    has_values = bool(values)
    return tuple(
        TreeLine(
            depth,
            GROUP_WORDS.get(str(each.get("op"))) or leaf_words(each),
            seen_words(next(seen, None), each, currency) if has_values else "",
            str(each.get("op")) in words.GROUP_OPS,
            pointer,
        )
        for depth, pointer, each in preorder(node)
    )


def preorder(node: Document, depth: int = 0, pointer: str = "/when") -> Iterator[tuple[int, str, Document]]:
    """Every node with its depth and pointer, in the order in which a trace keeps its values."""
    yield depth, pointer, node
    members = node.get("of") or ()
    if isinstance(members, Mapping):
        yield from preorder(members, depth + 1, f"{pointer}/of")
    else:
        for position, member in enumerate(members):
            yield from preorder(member, depth + 1, f"{pointer}/of/{position}")


def seen_words(value: object, node: Document, currency: str) -> str:
    """What a node saw, as people read it."""
    if value is None:
        return "not looked at"
    if isinstance(value, Mapping):
        return "not known" if value.get("missing") else "could not be answered"
    if isinstance(value, bool):
        return "holds" if value else "does not hold"
    if isinstance(value, int) and currency and _is_money(node):
        return f"{format_minor(value, currency)} {currency}"
    return grouped(value) if isinstance(value, int) else str(value)


def _is_money(node: Document) -> bool:
    if node.get("op") == "window":
        return node.get("measure") == "sum"
    field = FIELDS.get(str(node.get("field")))
    return field is not None and field.type == "amount"
