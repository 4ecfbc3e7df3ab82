"""The events that tell what became of a delivery. They are evidence only: no endpoint receives them."""

from collections.abc import Mapping

from evidence.types import NewEvent
from zentra.core.actors import EVENTS, Actor


def delivery_event(
    event_type: str,
    *,
    delivery_id: str,
    endpoint_id: str,
    event_id: str,
    event_type_delivered: str,
    intent_id: str | None,
    actor: Actor = EVENTS,
    details: Mapping[str, object],
) -> NewEvent:
    """A ``webhook.*`` event about one delivery, on the timeline of the delivered event's intent."""
    data: dict[str, object] = {
        "delivery_id": delivery_id,
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "event_type": event_type_delivered,
        **details,
    }
    return NewEvent(type=event_type, actor=actor, data=data, intent_id=intent_id)
