"""The JSON Schema (draft 2020-12) of every type's events, whole, and an example of each.

A schema lets further fields through: within a version, events only come to say more.
"""

from typing import Any, Final

from evidence.catalogue.accepted import ACTOR
from evidence.catalogue.fields import Fields, example_of, listing, optional, record, schema_of, words
from evidence.catalogue.rows import ALL, describe
from evidence.catalogue.types import VERSION, EventType

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
_NAMES: Final = listing(
    "The other names under which this one fact is announced.", words("A type.", "posting.committed")
)
_CARRIERS: Final = frozenset(name for kind in ALL for name in (*kind.carried_by, *kind.also_by))


def schema(name: str) -> dict[str, Any]:
    """The schema of whole events of a type, by itself. Raises UnknownEventType."""
    kind = describe(name)
    types = list(kind.carried_by) or [kind.name, *kind.also_by]
    properties: dict[str, Any] = {
        "id": _id("evt", "The event; the same on every delivery of it."),
        "type": {"type": "string", "enum": types, "description": "What happened."},
        "schema": {"type": "string", "const": VERSION, "description": "The version of this shape."},
        "occurred_at": {"type": "string", "format": "date-time", "description": "When: UTC, milliseconds."},
        "workspace": {"type": "string", "description": "The workspace, by its short name."},
        "actor": record("Who did it.", ACTOR).schema,
        "intent_id": {"type": ["string", "null"], "description": "The intent that it belongs to, by your own id."},
        "trace_id": {"type": ["string", "null"], "description": "The trace that it belongs to."},
        "data": data_schema(name),
    }
    return {
        "$schema": DIALECT,
        "$id": f"urn:zentra:event:{VERSION}:{name}",
        "title": kind.title,
        "description": kind.description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": True,
    }


def data_schema(name: str) -> dict[str, Any]:
    """The schema of the ``data`` of a type's events. Raises UnknownEventType."""
    kind = describe(name)
    composed = schema_of(fields_of(kind))
    if kind.carried_by:
        composed["properties"]["announced_as"] = {**_NAMES.schema, "contains": {"const": name}}
        composed["required"].append("announced_as")
    return composed


def example(name: str) -> dict[str, Any]:
    """An event of a type, whole. Raises UnknownEventType."""
    kind = describe(name)
    type_ = kind.carried_by[0] if kind.carried_by else kind.name
    actor = describe(type_).actor
    return {
        "id": "evt_01jd3x7c2m9v5t0qk8w4z6r1bn",
        "type": type_,
        "schema": VERSION,
        "occurred_at": "2026-04-01T09:30:00.125Z",
        "workspace": "acme-sandbox",
        "actor": {"kind": "service", "id": actor, "role": "service", "credential": None},
        "intent_id": None if kind.stage == "beside" else "intent_042",
        "trace_id": _TRACE,
        "data": _example_data(kind),
    }


def fields_of(kind: EventType) -> Fields:
    """The fields of a type's data; those of a carried type are its carrier's, with its own on top."""
    if kind.carried_by:
        return {**fields_of(describe(kind.carried_by[0])), **kind.data}
    others = {name: optional(field) for other in kind.also_by for name, field in describe(other).data.items()}
    names = {"announced_as": optional(_NAMES)} if kind.name in _CARRIERS or kind.also_by else {}
    return {**others, **kind.data, **names}


def bundle() -> dict[str, Any]:
    """The data schemas of all types, by name: what the stored contract holds."""
    return {kind.name: data_schema(kind.name) for kind in ALL}


def _example_data(kind: EventType) -> dict[str, Any]:
    if not kind.carried_by:
        data = dict(kind.example) if kind.example is not None else example_of(kind.data)
        return {**data, "announced_as": list(kind.announced_as)} if kind.announced_as else data
    carrier = describe(kind.carried_by[0])
    names = [*dict.fromkeys((*carrier.announced_as, kind.name))]
    return {**_example_data(carrier), **example_of(kind.data), "announced_as": names}


def _id(prefix: str, says: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{prefix}_[0-9a-hjkmnp-tv-z]{{26}}$", "description": says}
