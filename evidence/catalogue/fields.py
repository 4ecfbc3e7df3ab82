"""How the data of an event is declared: one small function a kind of field, each with what it says and an example.

A field is a JSON Schema (draft 2020-12) with an example value beside it. Declarations read as tables:
``{"account_id": ref("acct", "The account."), "currency": currency()}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

MAX_WHOLE: Final = 2**53 - 1
_EXAMPLE_BODY: Final = "01jd3x7c2m9v5t0qk8w4z6r1bn"
_EXAMPLE_MOMENT: Final = "2026-04-01T09:30:00.125Z"
_EXAMPLE_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an event's data: its schema, an example of it, and whether every event of the type has it."""

    schema: Mapping[str, Any]
    example: Any
    is_required: bool = True


Fields = Mapping[str, Field]


def ref(prefix: str, says: str) -> Field:
    """An id of ours: ``acct_`` and 26 base32 characters."""
    return _text(says, f"{prefix}_{_EXAMPLE_BODY}", pattern=f"^{prefix}_[0-9a-hjkmnp-tv-z]{{26}}$")


def words(says: str, example: str) -> Field:
    """A text of any form."""
    return _text(says, example)


def known(says: str, *values: str) -> Field:
    """A text that is one of these today; more may come, so a consumer lets others pass."""
    return Field({"type": "string", "description": says, "examples": list(values)}, values[0])


def choice(says: str, *values: str) -> Field:
    """A text that is one of these, and never another."""
    return Field({"type": "string", "description": says, "enum": list(values)}, values[0])


def minor(says: str, example: int = 125_000) -> Field:
    """An amount in minor units; signed where it says so."""
    return Field({"type": "integer", "description": says, "minimum": -MAX_WHOLE, "maximum": MAX_WHOLE}, example)


def whole(says: str, example: int = 1) -> Field:
    """A count, a version, a place: 0 and up."""
    return Field({"type": "integer", "description": says, "minimum": 0, "maximum": MAX_WHOLE}, example)


def minor_or_text(says: str, example: int) -> Field:
    """An amount that may lie beyond 2^53−1, and is then its digits as a text."""
    return Field({"type": ["integer", "string"], "description": says}, example)


def flag(says: str, *, example: bool = True) -> Field:
    """True or false."""
    return Field({"type": "boolean", "description": says}, example)


def moment(says: str) -> Field:
    """A moment: UTC, milliseconds, Z."""
    return _text(says, _EXAMPLE_MOMENT, format="date-time")


def currency(says: str = "ISO 4217.") -> Field:
    """A currency by its three letters."""
    return _text(says, "USD", pattern="^[A-Z]{3}$")


def digest(says: str) -> Field:
    """A SHA-256 as 64 hexadecimal digits."""
    return _text(says, _EXAMPLE_DIGEST, pattern="^[0-9a-f]{64}$")


def listing(says: str, item: Field, *more: Any) -> Field:
    """A list of one kind of value; ``more`` are further values of the example."""
    return Field({"type": "array", "description": says, "items": item.schema}, [item.example, *more])


def record(says: str, fields: Fields) -> Field:
    """An object with these fields."""
    return Field({**schema_of(fields), "description": says}, example_of(fields))


def by_name(says: str, value: Field, *names: str) -> Field:
    """An object whose names are data, all of one kind of value."""
    schema = {"type": "object", "description": says, "additionalProperties": value.schema}
    return Field(schema, dict.fromkeys(names, value.example))


def anything(says: str, example: Mapping[str, Any]) -> Field:
    """An object of names that differ from case to case."""
    return Field({"type": "object", "description": says, "additionalProperties": True}, dict(example))


def maybe(field: Field) -> Field:
    """The same, or null."""
    kind = field.schema["type"]
    schema = {**field.schema, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return replace(field, schema=schema)


def null(field: Field) -> Field:
    """The same, or null, and null in the example."""
    return replace(maybe(field), example=None)


def optional(field: Field) -> Field:
    """The same, in some events of the type only, and not in its example."""
    return replace(field, is_required=False)


def like(field: Field, example: Any) -> Field:
    """The same with another example."""
    return replace(field, example=example)


def schema_of(fields: Fields) -> dict[str, Any]:
    """The schema of an object with these fields. More may come with time, so others are let through."""
    return {
        "type": "object",
        "properties": {name: field.schema for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.is_required],
        "additionalProperties": True,
    }


def example_of(fields: Fields) -> dict[str, Any]:
    """An object with the fields that are always there."""
    return {name: field.example for name, field in fields.items() if field.is_required}


def _text(says: str, example: str, **limits: Any) -> Field:
    return Field({"type": "string", "description": says, **limits}, example)
