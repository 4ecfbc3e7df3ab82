"""A rule as a form holds it: texts only, so that nothing that was typed is ever lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Kind = Literal["all", "any", "not", "condition", "window", "structuring"]
Parts = Mapping[str, tuple[str, ...]]
Path = tuple[int, ...]

GROUPS: Final = frozenset({"all", "any", "not"})
KINDS: Final[tuple[Kind, ...]] = ("all", "any", "not", "condition", "window", "structuring")
NO_PARTS: Final[Parts] = {}


@dataclass(frozen=True, slots=True)
class TypedNode:
    """A node: its kind, its fields as typed (each a list, as forms have them), and a group's members."""

    kind: Kind
    parts: Parts = field(default_factory=dict)
    of: tuple["TypedNode", ...] = ()

    @property
    def is_group(self) -> bool:
        """Whether it holds other nodes."""
        return self.kind in GROUPS

    def first(self, name: str, default: str = "") -> str:
        """A field's only value, trimmed."""
        return first(self.parts, name, default)

    def at(self, path: Path) -> "TypedNode":
        """The node at this path of positions; raises IndexError."""
        return self.of[path[0]].at(path[1:]) if path else self

    def put(self, path: Path, node: "TypedNode") -> "TypedNode":
        """The same tree with another node there."""
        if not path:
            return node
        members = list(self.of)
        members[path[0]] = members[path[0]].put(path[1:], node)
        return replace(self, of=tuple(members))

    def walk(self, path: Path = ()) -> list[tuple[Path, "TypedNode"]]:
        """Every node with its path, in preorder: the order in which a trace keeps its values."""
        found: list[tuple[Path, TypedNode]] = [(path, self)]
        for position, member in enumerate(self.of):
            found += member.walk((*path, position))
        return found


@dataclass(frozen=True, slots=True)
class TypedRule:
    """A rule or a limit as typed: the fields around the condition, and the condition (none for a limit)."""

    parts: Parts
    when: TypedNode | None = None

    def first(self, name: str, default: str = "") -> str:
        """A field's only value, trimmed."""
        return first(self.parts, name, default)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a part of a rule. ``pointer`` (RFC 6901) is relative to the rule, ``/when/of/1/value``."""

    pointer: str
    message: str


def first(parts: Parts, name: str, default: str = "") -> str:
    """The first value of a field, trimmed."""
    values = parts.get(name, ())
    return values[0].strip() if values else default


def written(path: Path) -> str:
    """A path as ids and buttons have it: "0", "0-1-2". The root is "0"."""
    return "-".join(str(each) for each in (0, *path))


def read_path(text: str) -> Path | None:
    """The path of such a text; None of any other."""
    positions = text.split("-")
    if positions[0] != "0" or not all(each.isascii() and each.isdecimal() and len(each) <= 3 for each in positions):
        return None
    return tuple(int(each) for each in positions[1:])


def pointer_of(root: TypedNode, path: Path) -> str:
    """Where this node stands in the rule's document: "/when/of/1". A "not" has one member, without a position."""
    pointer, node = "/when", root
    for position in path:
        alone = node.kind == "not" and len(node.of) == 1
        inside = "/of" if node.kind == "not" else ""
        pointer += "/of" if alone else f"{inside}/of/{position}"
        node = node.of[position]
    return pointer


def place_of(root: TypedNode, pointer: str) -> tuple[Path, str]:
    """The node that a pointer into the rule points at, and the part of it: the deepest node on its way.

    ``("/when/of/1/window/rolling_seconds")`` is ``((1,), "window/rolling_seconds")``.
    """
    best: tuple[Path, str] = ((), pointer.removeprefix("/when").lstrip("/"))
    for path, _ in root.walk():
        own = pointer_of(root, path)
        if pointer == own or pointer.startswith(f"{own}/"):
            best = (path, pointer[len(own) :].lstrip("/"))
    return best
