"""Reads the tree of a rule: which tests there are, and what each may say of which field."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from policy import subjects
from policy.rules import nodes
from policy.rules.nodes import Amount, Counted, Node
from policy.rules.reading import Place, Reader, said
from policy.rules.types import Calendar, Dimension, Measure, Window
from zentra.core.money import MAX_AMOUNT_MINOR

MOST_DEPTH: Final = 8
MOST_NODES: Final = 200
MOST_BRANCHES: Final = 20
MOST_VALUES: Final = 200
LONGEST_WINDOW: Final = 366 * 86_400
LIST_NAME: Final = 80
_ORDERED: Final = ("amount", "integer")
_NOTHING: Final = nodes.Presence("amount_minor", is_missing=True)


@dataclass(slots=True)
class TreeReader:
    """One tree: its reader, the kinds of intent it is asked of, and how many nodes were read."""

    reader: Reader
    kinds: tuple[str, ...]
    count: int = 0

    def node(self, value: object, place: Place, depth: int = 1) -> Node:
        """A node and all under it."""
        self.count += 1
        if depth > MOST_DEPTH:
            self.reader.refuse(place, "too_deep", f"A rule is at most {MOST_DEPTH} levels deep.")
            return _NOTHING
        if self.count > MOST_NODES:
            if self.count == MOST_NODES + 1:
                self.reader.refuse(place, "too_many", f"A rule has at most {MOST_NODES} nodes.")
            return _NOTHING
        if not isinstance(value, dict):
            self.reader.refuse(place, "wrong_type", f"Must be an object, not {said(value)}.")
            return _NOTHING
        op = value.get("op")
        if op in ("all", "any"):
            return self._group(value, place, depth)
        if op == "not":
            members = self.reader.members(value, place, ("op", "of"))
            return nodes.Not(self.node(members["of"], (*place, "of"), depth + 1)) if "of" in members else _NOTHING
        read = LEAVES.get(op) if isinstance(op, str) else None
        if read is None:
            at, code = ((*place, "op"), "unknown_op") if "op" in value else (place, "required")
            self.reader.refuse(at, code, f"'op' must be one of all, any, not, {', '.join(LEAVES)}.")
            return _NOTHING
        return read(self, value, place)

    def _group(self, value: dict[str, Any], place: Place, depth: int) -> Node:
        members = self.reader.members(value, place, ("op", "of"))
        of = self.reader.items(
            members, "of", place, lambda item, at: self.node(item, at, depth + 1), most=MOST_BRANCHES, least=1
        )
        return nodes.Group(members["op"], of)

    def field(self, members: Mapping[str, Any], place: Place, types: Collection[str] = ()) -> subjects.Field | None:
        """The field that a test names, when there is one, the intents in scope have it, and the test suits its type."""
        if "field" not in members:
            return None
        name, at = members["field"], (*place, "field")
        found = subjects.FIELDS.get(name) if isinstance(name, str) else None
        if found is None:
            self.reader.refuse(at, "unknown_field", f"{said(name)} is none of {', '.join(subjects.FIELDS)}.")
        elif lacking := [kind for kind in self.kinds if kind not in found.kinds]:
            self.reader.refuse(
                at, "field_not_of_kind", f"{found.name} is not known of {', '.join(lacking)}; narrow the rule's scope."
            )
        elif types and found.type not in types:
            self.reader.refuse(
                at, "wrong_field_type", f"{found.name} is {_a(found.type)}; this test wants {_one(types)}."
            )
        else:
            return found
        return None

    def value(self, value: object, place: Place, of: subjects.Field) -> Amount | int | str | bool:
        """A value of the field's type."""
        if of.type == "amount":
            return self.reader.amount(value, place)
        if of.type == "integer":
            return self.reader.whole(value, place, -MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)
        if of.type == "boolean":
            if type(value) is not bool:
                self.reader.refuse(place, "wrong_type", f"Must be true or false, not {said(value)}.")
            return value is True
        return self._text_value(value, place, of)

    def _text_value(self, value: object, place: Place, of: subjects.Field) -> str:
        if of.choices:
            return self.reader.one_of(value, place, of.choices)
        if of.type == "currency":
            return self.reader.currency(value, place)
        text = self.reader.words(value, place)
        if (
            of.type == "country"
            and text
            and not (len(text) == 2 and text.isascii() and text.isalpha() and text.isupper())
        ):
            self.reader.refuse(place, "not_allowed", "Must be a country by its two letters (ISO 3166), in capitals.")
        return text

    def compare(self, value: dict[str, Any], place: Place) -> Node:
        """``gt``, ``gte``, ``lt``, ``lte`` of what has an order; ``eq`` and ``ne`` of anything."""
        members = self.reader.members(value, place, ("op", "field", "value"))
        op = members["op"]
        field = self.field(members, place, () if op in ("eq", "ne") else _ORDERED)
        if field is None or "value" not in members:
            return _NOTHING
        return nodes.Compare(op, field.name, self.value(members["value"], (*place, "value"), field))

    def between(self, value: dict[str, Any], place: Place) -> Node:
        """From ``min`` to ``max``, both included, in every currency."""
        members = self.reader.members(value, place, ("op", "field", "min", "max"))
        field = self.field(members, place, _ORDERED)
        if field is None or "min" not in members or "max" not in members:
            return _NOTHING
        low, high = (self.value(members[end], (*place, end), field) for end in ("min", "max"))
        if not _in_order(low, high):
            self.reader.refuse((*place, "max"), "wrong_order", "'max' must not be below 'min'.")
        return nodes.Between(field.name, low, high)  # type: ignore[arg-type]  # an ordered field has ordered values

    def among(self, value: dict[str, Any], place: Place) -> Node:
        """One of these values, or none of them."""
        members = self.reader.members(value, place, ("op", "field", "values"))
        field = self.field(members, place, ("integer", "text", "country", "currency"))
        if field is None:
            return _NOTHING
        values = self.reader.items(
            members, "values", place, lambda item, at: self.value(item, at, field), most=MOST_VALUES, least=1
        )
        return nodes.Among(field.name, values, members["op"] == "in")  # type: ignore[arg-type]  # no amounts, no booleans

    def listed(self, value: dict[str, Any], place: Place) -> Node:
        """On a list of the workspace, or not. Lists are looked up with the limits, before parties are known."""
        members = self.reader.members(value, place, ("op", "field", "list"))
        field = self.field(members, place, ("text", "country", "currency"))
        if field is not None and not field.is_known_before:
            self.reader.refuse((*place, "field"), "not_listable", f"{field.name} is not known when lists are asked.")
        name = self.reader.text(members, "list", place, most=LIST_NAME)
        if name and self.reader.lists is not None and name not in self.reader.lists:
            self.reader.refuse((*place, "list"), "unknown_list", f"There is no list {said(name)}.")
        return _NOTHING if field is None else nodes.Listed(field.name, name, members["op"] == "in_list")

    def text(self, value: dict[str, Any], place: Place) -> Node:
        """A test of a text; upper and lower case differ but for ``equals_ignoring_case``."""
        members = self.reader.members(value, place, ("op", "field", "text"))
        field = self.field(members, place, ("text",))
        text = self.reader.text(members, "text", place)
        return _NOTHING if field is None else nodes.Text(members["op"], field.name, text)

    def presence(self, value: dict[str, Any], place: Place) -> Node:
        """Whether a field is there at all."""
        members = self.reader.members(value, place, ("op", "field"))
        field = self.field(members, place)
        return _NOTHING if field is None else nodes.Presence(field.name, members["op"] == "is_missing")

    def total(self, value: dict[str, Any], place: Place) -> Node:
        """What a window comes to, this intent included."""
        members = self.reader.members(value, place, ("op", "measure", "by", "window", "compare", "value"), ("counts",))
        measure = self.reader.choice(members, "measure", place, get_args(Measure))
        value_of = members.get("value", 0)
        at = (*place, "value")
        compared: Amount | int = (
            self.reader.amount(value_of, at)
            if measure == "sum"
            else self.reader.whole(value_of, at, 0, MAX_AMOUNT_MINOR)
        )
        return nodes.Total(
            measure,
            self.dimension(members, place),
            window(self.reader, members, place),
            counted(self.reader, members, place, with_amounts=True),
            self.reader.choice(members, "compare", place, ("gt", "gte", "lt", "lte")),
            compared,
        )

    def structuring(self, value: dict[str, Any], place: Place) -> Node:
        """So many amounts just under a limit."""
        members = self.reader.members(value, place, ("op", "by", "window", "limit", "within_percent", "at_least"))
        return nodes.Structuring(
            self.dimension(members, place),
            window(self.reader, members, place),
            self.reader.amount(members.get("limit", 1), (*place, "limit"), least=1),
            self.reader.integer(members, "within_percent", place, 1, 99),
            self.reader.integer(members, "at_least", place, 2, 1_000),
        )

    def dimension(self, members: Mapping[str, Any], place: Place) -> Dimension:
        """By whom it is counted; a card only where the intents in scope have one."""
        by: Dimension = self.reader.choice(members, "by", place, get_args(Dimension))
        if by == "card" and any(kind not in subjects.FIELDS["card"].kinds for kind in self.kinds):
            self.reader.refuse(
                (*place, "by"), "field_not_of_kind", "Not every kind in scope has a card; narrow the scope."
            )
        return by


def window(reader: Reader, members: Mapping[str, Any], place: Place) -> Window:
    """``{"rolling_seconds": n}`` or ``{"calendar": "day"|"week"|"month"}``."""
    if "window" not in members:
        return Window(calendar="day")
    at = (*place, "window")
    value = reader.members(members["window"], at, (), ("rolling_seconds", "calendar"))
    if isinstance(members["window"], dict) and len(value) != 1:
        reader.refuse(at, "required", "Name either 'rolling_seconds' or 'calendar'.")
        return Window(calendar="day")
    if "rolling_seconds" in value:
        return Window(rolling_seconds=reader.integer(value, "rolling_seconds", at, 1, LONGEST_WINDOW))
    return Window(calendar=reader.choice(value, "calendar", at, get_args(Calendar)))


def counted(reader: Reader, members: Mapping[str, Any], place: Place, *, with_amounts: bool) -> Counted:
    """What a window counts: ``{"kinds": […], "from_minor": AMOUNT, "below_minor": AMOUNT}``, all of it optional."""
    if "counts" not in members:
        return Counted()
    at = (*place, "counts")
    value = reader.members(
        members["counts"], at, (), ("kinds", *(("from_minor", "below_minor") if with_amounts else ()))
    )
    kinds = reader.items(
        value, "kinds", at, lambda item, where: reader.one_of(item, where, subjects.KINDS), most=len(subjects.KINDS)
    )
    low, high = (
        reader.amount(value[end], (*at, end), least=least) if with_amounts and end in value else None
        for end, least in (("from_minor", 0), ("below_minor", 1))
    )
    if low is not None and high is not None and not _in_order(low, high, strictly=True):
        reader.refuse((*at, "below_minor"), "wrong_order", "'below_minor' must be above 'from_minor'.")
    return Counted(tuple(sorted(set(kinds))), low, high)


def _in_order(low: Any, high: Any, *, strictly: bool = False) -> bool:
    if isinstance(low, Amount) and isinstance(high, Amount):
        everywhere = {*low.spread(), *high.spread()}
        return all(_in_order(low.at(code), high.at(code), strictly=strictly) for code in everywhere)
    return bool(low < high if strictly else low <= high)


def _a(kind: str) -> str:
    return f"an {kind}" if kind in ("amount", "integer") else f"a {kind}"


def _one(types: Collection[str]) -> str:
    return " or ".join(_a(kind) for kind in types)


Read = Callable[[TreeReader, dict[str, Any], Place], Node]
LEAVES: Final[dict[str, Read]] = {
    **dict.fromkeys(("gt", "gte", "lt", "lte", "eq", "ne"), TreeReader.compare),
    "between": TreeReader.between,
    **dict.fromkeys(("in", "not_in"), TreeReader.among),
    **dict.fromkeys(("in_list", "not_in_list"), TreeReader.listed),
    **dict.fromkeys(("starts_with", "ends_with", "contains", "equals_ignoring_case"), TreeReader.text),
    **dict.fromkeys(("is_missing", "is_present"), TreeReader.presence),
    "window": TreeReader.total,
    "structuring": TreeReader.structuring,
}
"""Every test that a leaf can be, by its ``op``."""
