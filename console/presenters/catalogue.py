"""The catalogue of event types as people read it, and a JSON Schema as a table of fields."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from console.marks import event_tone
from console.presenters.endpoints import state_of
from console.types import Tone
from console.types.events import CatalogueRow, CatalogueStage, SchemaLine, SubscriberRow
from evidence.catalogue import EventType
from webhooks.queries import wants
from webhooks.types import EndpointRecord

STAGES: Final[tuple[tuple[str, str, str, Tone], ...]] = (
    ("accepted", "01 Accepted", "what the edge took in", "accepted"),
    ("controlled", "02 Controlled", "what policy decided", "controlled"),
    ("ledgered", "03 Ledgered", "what was posted", "ledgered"),
    ("routed", "04 Routed", "where it was sent, and what the rail said", "routed"),
    ("synchronized", "05 Synchronized", "who was told", "synchronized"),
    ("evidenced", "06 Evidenced", "what was proved", "evidenced"),
    ("beside", "Beside the stages", "accounts, holds, endpoints, people", "quiet"),
)
_DEPTH: Final = 3


def stages(kinds: Sequence[EventType], endpoints: Sequence[EndpointRecord], *, base: str) -> tuple[CatalogueStage, ...]:
    """The types by stage, in the order in which an intent meets them."""
    found = []
    for key, title, words, tone in STAGES:
        rows = tuple(_row(kind, endpoints, base) for kind in kinds if kind.stage == key)
        if rows:
            found.append(CatalogueStage(key=key, title=title, words=words, tone=tone, rows=rows))
    return tuple(found)


def _row(kind: EventType, endpoints: Sequence[EndpointRecord], base: str) -> CatalogueRow:
    count = sum(1 for each in endpoints if wants(each.event_filter, [kind.name]))
    return CatalogueRow(
        name=kind.name,
        url=f"{base}events/catalogue/{kind.name}/",
        title=kind.title,
        description=kind.description,
        actor=kind.actor,
        proof=kind.proof,
        delivered=kind.is_deliverable,
        subscribers=str(count) if kind.is_deliverable else "",
    )


def subscribers(name: str, endpoints: Sequence[EndpointRecord], *, base: str) -> tuple[SubscriberRow, ...]:
    """The endpoints that receive a type, and which pattern of theirs selects it."""
    return tuple(
        SubscriberRow(
            endpoint_id=each.id,
            url=f"{base}webhooks/endpoints/{each.id}/",
            address=each.url,
            state=state_of(each),
            pattern=pattern,
        )
        for each in endpoints
        if (pattern := next((one for one in each.event_filter if wants([one], [name])), ""))
    )


def tone_of(kind: EventType) -> Tone:
    """The tone of a type on its page."""
    return event_tone(kind.name)


def fields(schema: Mapping[str, Any]) -> tuple[SchemaLine, ...]:
    """The fields of an event, nested ones below their own, as a schema declares them."""
    return tuple(_lines(schema, 0))


def _lines(schema: Mapping[str, Any], depth: int) -> Iterator[SchemaLine]:
    required = set(schema.get("required", ()))
    for name, inner in schema.get("properties", {}).items():
        yield SchemaLine(name, _kind(inner), str(inner.get("description", "")), name in required, min(depth, _DEPTH))
        below = inner.get("items", inner) if isinstance(inner.get("items", inner), Mapping) else {}
        if below.get("properties"):
            yield from _lines(below, depth + 1)


def _kind(schema: Mapping[str, Any]) -> str:
    said = schema.get("type", "any")
    words = " or ".join(said) if isinstance(said, list) else str(said)
    if "const" in schema:
        return f"{words}, always {json.dumps(schema['const'])}"
    if "enum" in schema:
        return f"{words}: {', '.join(str(value) for value in schema['enum'])}"
    if schema.get("format"):
        return f"{words}, {schema['format']}"
    items = schema.get("items")
    if words == "array" and isinstance(items, Mapping):
        return f"array of {items.get('type', 'any')}"
    return words


def printed(value: Mapping[str, Any]) -> str:
    """A schema or an example with line breaks."""
    return json.dumps(value, indent=2, ensure_ascii=False)
