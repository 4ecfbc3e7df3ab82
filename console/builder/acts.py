"""What the builder's buttons do: each says ``verb:path`` and gives the changed tree and the node to go on at."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from console.builder.typed import Kind, Path, TypedNode, read_path

MAX_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Acted:
    """The tree after an act, the node where the person goes on, and what was done, to be read aloud."""

    root: TypedNode
    focus: Path
    said: str


BLANKS: Final[dict[str, TypedNode]] = {
    "condition": TypedNode("condition", {"field": ("amount_minor",), "op": ("gt",)}),
    "window": TypedNode(
        "window",
        {"measure": ("sum",), "by": ("customer",), "span": ("rolling",), "length": ("24",), "unit": ("hours",),
         "compare": ("gt",)},
    ),
    "structuring": TypedNode(
        "structuring",
        {"by": ("customer",), "span": ("rolling",), "length": ("24",), "unit": ("hours",), "within_percent": ("10",),
         "at_least": ("3",)},
    ),
    "group": TypedNode("any", {}, (TypedNode("condition", {"field": ("amount_minor",), "op": ("gt",)}),)),
}  # fmt: skip


def act(root: TypedNode, asked: str) -> Acted:
    """Do what a button asks. What cannot be done leaves the tree as it is."""
    verb, _, place = asked.partition(":")
    path = read_path(place)
    try:
        done = _ACTS[verb](root, path) if path is not None and verb in _ACTS else None
    except IndexError:
        done = None
    return done or Acted(root, (), "")


def _adds(what: str) -> Callable[[TypedNode, Path], Acted | None]:
    def add(root: TypedNode, path: Path) -> Acted | None:
        group = root.at(path)
        if not group.is_group or len(path) + 2 > MAX_DEPTH:
            return None
        grown = replace(group, of=(*group.of, BLANKS[what]))
        return Acted(root.put(path, grown), (*path, len(group.of)), f"Added a {what}.")

    return add


def _remove(root: TypedNode, path: Path) -> Acted | None:
    if not path:
        return None
    group, position = root.at(path[:-1]), path[-1]
    root.at(path)
    shrunk = replace(group, of=group.of[:position] + group.of[position + 1 :])
    return Acted(root.put(path[:-1], shrunk), path[:-1], "Removed it.")


def _moves(by: int) -> Callable[[TypedNode, Path], Acted | None]:
    def move(root: TypedNode, path: Path) -> Acted | None:
        if not path:
            return None
        group, here = root.at(path[:-1]), path[-1]
        there = here + by
        if not 0 <= there < len(group.of):
            return None
        members = list(group.of)
        members[here], members[there] = members[there], members[here]
        moved = root.put(path[:-1], replace(group, of=tuple(members)))
        return Acted(moved, (*path[:-1], there), "Moved it up." if by < 0 else "Moved it down.")

    return move


def _wraps(kind: Kind) -> Callable[[TypedNode, Path], Acted | None]:
    """Put a node into a group of its own; the root too."""

    def wrap(root: TypedNode, path: Path) -> Acted | None:
        if len(path) + _depth(root.at(path)) + 1 > MAX_DEPTH:
            return None
        return Acted(root.put(path, TypedNode(kind, {}, (root.at(path),))), path, "Grouped it.")

    return wrap


def _joins(kind: Kind) -> Callable[[TypedNode, Path], Acted | None]:
    """Put a node into a group beside a new condition."""

    def join(root: TypedNode, path: Path) -> Acted | None:
        if len(path) + _depth(root.at(path)) + 1 > MAX_DEPTH:
            return None
        group = TypedNode(kind, {}, (root.at(path), BLANKS["condition"]))
        return Acted(root.put(path, group), (*path, 1), "Added a condition.")

    return join


def _unwrap(root: TypedNode, path: Path) -> Acted | None:
    """Take a group away and leave its members where it was; of the root only where it has one that is a group."""
    group = root.at(path)
    if not group.is_group:
        return None
    if not path:
        alone = len(group.of) == 1 and group.of[0].is_group
        return Acted(group.of[0], (), "Took the group away.") if alone else None
    above, position = root.at(path[:-1]), path[-1]
    members = (*above.of[:position], *group.of, *above.of[position + 1 :])
    return Acted(root.put(path[:-1], replace(above, of=members)), path[:-1], "Took the group away.")


def _depth(node: TypedNode) -> int:
    return 1 + max((_depth(each) for each in node.of), default=0)


_ACTS: Final[dict[str, Callable[[TypedNode, Path], Acted | None]]] = {
    "add_condition": _adds("condition"),
    "add_group": _adds("group"),
    "add_window": _adds("window"),
    "add_structuring": _adds("structuring"),
    "remove": _remove,
    "up": _moves(-1),
    "down": _moves(1),
    "and": _joins("all"),
    "or": _joins("any"),
    "wrap": _wraps("any"),
    "negate": _wraps("not"),
    "unwrap": _unwrap,
}
