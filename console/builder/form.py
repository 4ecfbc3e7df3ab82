"""A typed rule as form fields and back. Field names are ``n-0-1.value.amount``: a node's path, then its part."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from console.builder.typed import KINDS, Kind, Path, TypedNode, TypedRule, read_path, written

_NODE: Final = re.compile(r"n-(0(?:-\d{1,3}){0,12})\.([a-z_.]{1,40})", re.ASCII)
_AROUND: Final = "r."
MAX_NODES: Final = 200
MAX_TEXT: Final = 20_000


class Fields(Protocol):
    """What Django's ``QueryDict`` is here."""

    def lists(self) -> Iterable[tuple[str, list[str]]]: ...


class MultiFields(dict[str, list[str]]):
    """Form fields without a request: each name with its values."""

    def lists(self) -> Iterable[tuple[str, list[str]]]:
        """As ``QueryDict.lists``."""
        return self.items()


def fields_of(rule: TypedRule) -> Iterator[tuple[str, str]]:
    """Every field that a form of this rule sends."""
    for name, values in rule.parts.items():
        yield from ((f"{_AROUND}{name}", value) for value in values)
    for path, node in rule.when.walk() if rule.when else ():
        own = f"n-{written(path)}."
        yield f"{own}kind", node.kind
        for name, values in node.parts.items():
            yield from ((f"{own}{name}", value) for value in values)


def read_rule(form: Fields, *, has_condition: bool = True) -> TypedRule:
    """The rule that a form holds, whatever it holds: what is no field of ours is left out."""
    around: dict[str, tuple[str, ...]] = {}
    nodes: dict[Path, dict[str, tuple[str, ...]]] = {}
    for name, values in form.lists():
        texts = tuple(value[:MAX_TEXT] for value in values)
        if name.startswith(_AROUND):
            around[name[len(_AROUND) :]] = texts
        elif (found := _NODE.fullmatch(name)) and (path := read_path(found[1])) is not None:
            nodes.setdefault(path, {})[found[2]] = texts
    return TypedRule(around, _node((), nodes) if has_condition else None)


def _node(path: Path, nodes: Mapping[Path, Mapping[str, tuple[str, ...]]]) -> TypedNode:
    parts = dict(nodes.get(path, {}))
    kind = _kind(parts.pop("kind", ()), path)
    members = sorted(each for each in nodes if len(each) == len(path) + 1 and each[: len(path)] == path)
    of = tuple(_node(each, nodes) for each in members[:MAX_NODES]) if kind in {"all", "any", "not"} else ()
    return TypedNode(kind, parts, of)


def _kind(said: tuple[str, ...], path: Path) -> Kind:
    if said and said[0] in KINDS:
        return said[0]
    return "condition" if path else "all"
