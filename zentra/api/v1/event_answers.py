"""What the API says of one event: its exact bytes, and where it went and did not."""

import base64
import json
from typing import Any, Literal

from pydantic import BaseModel

from evidence.types import RecordedEvent
from webhooks.queries import EventReach
from zentra.api.v1.delivery_answers import DeliveryAnswer, show_delivery
from zentra.core import canonical, clock


class EventDetailAnswer(BaseModel):
    """A recorded fact with the exact bytes that are hashed, signed and delivered, in ``body_base64``.

    ``leaf_hash`` is SHA-256 over a zero byte and those bytes; ``sequence`` is null until its place is assigned.
    """

    id: str
    type: str
    announced_as: list[str]
    schema_: str
    occurred_at: str
    recorded_at: str
    workspace: str
    actor: dict[str, Any]
    intent_id: str | None
    trace_id: str | None
    data: dict[str, Any]
    sequence: int | None
    body_base64: str
    body_sha256: str
    leaf_hash: str
    links: dict[str, str]

    model_config = {"alias_generator": lambda name: name.rstrip("_")}


class ReachAnswer(BaseModel):
    """One endpoint and its delivery of an event, or why it got none: ``why`` is a code, ``words`` say it."""

    object: Literal["event_reach"]
    endpoint_id: str
    endpoint_url: str
    why: str
    words: str
    delivery: DeliveryAnswer | None


class ReachPage(BaseModel):
    """Every endpoint and what became of one event there."""

    data: list[ReachAnswer]
    next_cursor: str | None
    has_more: bool


def show_event(event: RecordedEvent) -> dict[str, Any]:
    """The event as it was hashed and delivered, with its place in the log beside it."""
    body: dict[str, Any] = json.loads(event.body)
    return body | {"sequence": event.index}


def show_event_detail(event: RecordedEvent) -> dict[str, Any]:
    """The same with its bytes and hashes."""
    return show_event(event) | {
        "announced_as": list(event.announced_as),
        "recorded_at": clock.iso(event.recorded_at),
        "body_base64": base64.b64encode(event.body).decode(),
        "body_sha256": canonical.sha256_hex(event.body),
        "leaf_hash": canonical.leaf_hash(event.body).hex(),
        "links": {"self": f"/v1/events/{event.id}", "deliveries": f"/v1/events/{event.id}/deliveries"},
    }


def show_reach(reach: EventReach) -> dict[str, Any]:
    """What became of an event at one endpoint."""
    return {
        "object": "event_reach",
        "endpoint_id": reach.endpoint.id,
        "endpoint_url": reach.endpoint.url,
        "why": reach.why,
        "words": reach.words,
        "delivery": None if reach.delivery is None else show_delivery(reach.delivery),
    }
