"""Why an event went to an endpoint, or did not: the rules of fan-out, told one endpoint at a time."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.db.models import Q

from evidence.queries import find_event
from evidence.types import RecordedEvent
from webhooks.models import Endpoint
from webhooks.outbound import directory, fan_out
from webhooks.outbound.queries import deliveries_of_event
from webhooks.outbound.subscription import TEST, is_delivered, wants
from webhooks.types import DeliveryDetail, DeliveryRecord, EndpointRecord
from zentra.core.clock import iso

_READY: Final = "Ready to replay."
# How long before an event a removed endpoint is still named under it.
_REMEMBERED: Final = timedelta(days=7)

Why = Literal[
    "sent", "not_subscribed", "endpoint_newer", "not_delivered_type", "removed", "not_sequenced", "test_of_another"
]


@dataclass(frozen=True, slots=True)
class EventReach:
    """What one event came to at one endpoint. ``delivery`` is None when it was not sent; ``words`` say why."""

    endpoint: EndpointRecord
    delivery: DeliveryRecord | None
    why: Why
    words: str


def explain_event(*, event_id: str) -> list[EventReach]:
    """For each endpoint, the oldest first and removed ones last: whether the event was sent to it, and why or why not.

    An endpoint that was removed is told of only where it had the event, or would have had it and was there in the week
    before: else each that ever was, those of ``webhooks_listen`` too, would stand under every later event.

    Raises:
        EventNotFound, BadId: no such event in this workspace.
    """
    event = find_event(event_id=event_id)
    delivered = {each.delivery.endpoint_id: each for each in deliveries_of_event(event_id=event_id)}
    is_followed = event.index is not None and fan_out.has_passed(leaf_index=event.index)
    reached = [
        _explain(event, endpoint, delivered.get(endpoint.id), is_followed=is_followed)
        for endpoint in [*directory.list_endpoints(), *_removed_endpoints(event, delivered)]
    ]
    return [each for each in reached if each.endpoint.removed_at is None or each.why in {"sent", "removed"}]


def _removed_endpoints(event: RecordedEvent, had_it: Collection[str]) -> list[EndpointRecord]:
    is_near = Q(removed_at__gte=event.recorded_at - _REMEMBERED) | Q(id__in=list(had_it))
    removed = Endpoint.objects.filter(is_near, removed_at__isnull=False).order_by("created_at", "id")
    return [directory.get_endpoint(endpoint_id=each.id) for each in removed.only("id")]


def _explain(
    event: RecordedEvent, endpoint: EndpointRecord, delivered: DeliveryDetail | None, *, is_followed: bool
) -> EventReach:
    if delivered is not None:
        return EventReach(endpoint, delivered.delivery, "sent", _tell(delivered.delivery, endpoint))
    why, words = _why_not(event, endpoint, is_followed=is_followed)
    return EventReach(endpoint, None, why, words)


def _why_not(event: RecordedEvent, endpoint: EndpointRecord, *, is_followed: bool) -> tuple[Why, str]:
    """The first rule of fan-out that kept the event from the endpoint."""
    if not is_delivered(event.type):
        return "not_delivered_type", f"{event.type} is kept as evidence and goes to no endpoint."
    if event.type == TEST:
        return _why_no_test(event, endpoint, is_followed=is_followed)
    if endpoint.created_at >= event.recorded_at:
        return "endpoint_newer", (
            f"The endpoint gets what occurs after it was created at {iso(endpoint.created_at)};"
            f" the event is of {iso(event.recorded_at)}."
        )
    if not wants(endpoint.event_filter, event.names):
        return "not_subscribed", f"Its filter {_listed(endpoint.event_filter)} selects none of {_names(event)}."
    if endpoint.removed_at is not None:
        return "removed", f"The endpoint was removed at {iso(endpoint.removed_at)}, before the event was fanned out."
    if not is_followed:
        return _not_yet()
    return "not_subscribed", _changed_since(endpoint)


def _why_no_test(event: RecordedEvent, endpoint: EndpointRecord, *, is_followed: bool) -> tuple[Why, str]:
    tested = json.loads(event.body)["data"].get("endpoint_id")
    if tested != endpoint.id:
        return "test_of_another", f"It is a test of {tested} and goes nowhere else."
    if endpoint.removed_at is not None:
        return "removed", f"The endpoint was removed at {iso(endpoint.removed_at)}."
    return _not_yet() if not is_followed else ("not_subscribed", _changed_since(endpoint))


def _not_yet() -> tuple[Why, str]:
    return "not_sequenced", "The event has no place in the log yet, or is about to be fanned out; look again shortly."


def _changed_since(endpoint: EndpointRecord) -> str:
    changed = f" at {iso(endpoint.changed_at)}" if endpoint.changed_at else " since"
    return f"Its filter was another one then: it was changed{changed} to {_listed(endpoint.event_filter)}."


def _names(event: RecordedEvent) -> str:
    return _listed((event.type, *(name for name in event.announced_as if name != event.type)))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _tell(delivery: DeliveryRecord, endpoint: EndpointRecord) -> str:
    """What a delivery came to, in one sentence or two."""
    tried = f"{delivery.attempts} attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts"
    last = f"status {delivery.last_status}" if delivery.last_status else delivery.last_error or "no answer"
    if delivery.state == "resolved":
        again = "; it is being sent again" if delivery.next_attempt_at else ""
        return f"Arrived at {_at(delivery.resolved_at)} after {tried}{again}."
    if delivery.state == "queued":
        return f"Waits for its first attempt, due at {_at(delivery.next_attempt_at)}."
    if delivery.state == "retrying":
        return f"Failed {tried} ({last}); the next is due at {_at(delivery.next_attempt_at)}."
    if delivery.state == "exhausted":
        return f"Gave up after {tried} ({last}). Kept. {_READY}"
    if endpoint.state == "disabled":
        reason = endpoint.disabled_reason or endpoint.disabled_by
        return f"Kept, not sent: the endpoint is disabled ({reason}). {_READY}"
    return f"Kept after {tried} ({delivery.last_error or last}). {_READY}"


def _at(moment: datetime | None) -> str:
    return iso(moment) if moment else "an unknown time"
