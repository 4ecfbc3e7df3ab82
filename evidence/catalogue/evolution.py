"""The stored contract of the events' data: it grows and never shrinks within a version."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_LIMITS: Final = ("type", "format", "pattern", "const", "minimum", "maximum")


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What a consumer who relies on ``old`` would miss in ``new``: one sentence each, none when it only grew.

    Both are data schemas by event type.
    """
    found: list[str] = []
    for name, schema in old.items():
        if name in new:
            found += _changes(name, schema, new[name])
        else:
            found.append(f"{name} is gone.")
    return found


def _changes(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for word in _LIMITS:
        if before.get(word) != after.get(word):
            yield f"{where}: {word} was {before.get(word)!r} and is {after.get(word)!r}."
    new_values = [value for value in after.get("enum", []) if value not in before.get("enum", [])]
    if "enum" in before and ("enum" not in after or new_values):
        yield f"{where}: it may say something that it could not: {', '.join(map(str, new_values)) or 'anything'}."
    for name in before.get("required", []):
        if name not in after.get("required", []):
            yield f"{where}: {name} may be missing now."
    for name, schema in before.get("properties", {}).items():
        if name in after.get("properties", {}):
            yield from _changes(f"{where}.{name}", schema, after["properties"][name])
        else:
            yield f"{where}: the field {name} is gone."
    for inner, shown in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(before.get(inner), Mapping):
            yield from _changes(f"{where}{shown}", before[inner], after.get(inner) or {})
