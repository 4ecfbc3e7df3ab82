"""The catalogue as documents: ``docs/events.md`` for people, ``docs/event-schemas.json`` as the stored contract."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from evidence.catalogue import evolution, schemas
from evidence.catalogue.rows import ALL
from evidence.catalogue.types import VERSION, EventType

CONTRACT_PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "event-schemas.json"

_HEAD: Final = f"""# Events

Made from `evidence/catalogue/` by `python -m evidence.catalogue > docs/events.md`; do not edit it here.
One recorded fact is one leaf and may be announced under several of these names. Types not delivered are
evidence only: no endpoint receives them.

What an endpoint receives is the event whole, as its example below shows it: canonical JSON without spaces, under the
headers of [webhooks.md](webhooks.md#what-an-endpoint-receives). `schema` names the version, now `{VERSION}`. Within a
version events only come to say more: a field never goes away and never changes its type, and a consumer lets fields
and words pass that it does not know. The JSON Schemas (draft 2020-12) are in [event-schemas.json](event-schemas.json),
in the `webhooks` section of [openapi.json](openapi.json), and at `GET /v1/event-types/{{name}}`.

| type | stage | stated by | meaning | proof kept | delivered |
|---|---|---|---|---|---|
"""


class ContractShrinks(Exception):
    """The events as they are now would break a consumer who relies on the stored contract."""


def as_markdown() -> str:
    """``docs/events.md``: a table of all types, then each with its fields and an example."""
    current = [kind for kind in ALL if not kind.retired]
    retired = [kind for kind in ALL if kind.retired]
    rows = "".join(_row(kind) for kind in current)
    older = "\n## Recorded no more\n\nOld logs hold them; nothing of ours says them now.\n\n" if retired else ""
    return _HEAD + rows + "".join(map(_section, current)) + older.rstrip() + "\n" + "".join(map(_section, retired))


def as_contract() -> dict[str, Any]:
    """What ``docs/event-schemas.json`` holds."""
    return {"$schema": schemas.DIALECT, "$id": f"urn:zentra:events:{VERSION}", "$defs": schemas.bundle()}


def write_contract(path: Path = CONTRACT_PATH) -> None:
    """Store the contract. Raises ContractShrinks when a consumer of the stored one would miss something."""
    contract = as_contract()
    if path.exists():
        broken = evolution.breaking_changes(json.loads(path.read_bytes())["$defs"], contract["$defs"])
        if broken:
            raise ContractShrinks("The events only grow. This would break consumers:\n  " + "\n  ".join(broken))
    path.write_bytes(render(contract))


def render(contract: Mapping[str, Any]) -> bytes:
    """The contract as stored: sorted, so that a change shows as what it is."""
    return (json.dumps(contract, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _row(kind: EventType) -> str:
    delivered = "yes" if kind.is_deliverable else "no"
    return (
        f"| [`{kind.name}`](#{kind.name}) | {kind.stage} | `{kind.actor}` | {kind.description} | `{kind.proof}`"
        f" | {delivered} |\n"
    )


def _section(kind: EventType) -> str:
    lines = ["", f'<a id="{kind.name}"></a>', "", f"## `{kind.name}`", "", f"**{kind.title}.** {kind.description}"]
    if kind.carried_by:
        lines.append(f"A name of {_several(kind.carried_by)}: `data.announced_as` holds `{kind.name}`.")
    if kind.also_by:
        lines.append(f"Also a name of some events of {_several(kind.also_by)}.")
    if not kind.is_deliverable:
        lines.append("Evidence only.")
    lines += ["", "| field of `data` | type | meaning |", "|---|---|---|"]
    lines += _field_rows(schemas.data_schema(kind.name), "")
    body = json.dumps(schemas.example(kind.name), indent=2, ensure_ascii=False)
    return "\n".join([*lines, "", "```json", body, "```", ""])


def _field_rows(schema: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        optional = "" if name in schema["required"] else ", optional"
        yield f"| `{above}{name}` | {_type_word(field)}{optional} | {field['description']}{_values(field)} |"
        if "properties" in field:
            yield from _field_rows(field, f"{above}{name}.")
        if "properties" in field.get("items", {}):
            yield from _field_rows(field["items"], f"{above}{name}[].")


def _type_word(field: Mapping[str, Any]) -> str:
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    words = ["list" if kind == "array" else kind for kind in kinds]
    return " or ".join("time" if kind == "string" and field.get("format") == "date-time" else kind for kind in words)


def _values(field: Mapping[str, Any]) -> str:
    values = [value for value in field.get("enum", field.get("examples", [])) if value is not None]
    if not values:
        return ""
    return f" One of {_several(values)}." if "enum" in field else f" Today: {_several(values)}."


def _several(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
