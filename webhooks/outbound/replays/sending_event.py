"""Sending an event to an endpoint that never had it, because a person says so: the delivery is made first."""

from datetime import datetime
from typing import Final

from django.db import connection, transaction

from evidence.operations import record_events
from evidence.queries import find_event, leaves_since
from evidence.types import RecordedEvent
from webhooks.models import Delivery
from webhooks.outbound import facts, fan_out
from webhooks.outbound.directory import get_endpoint
from webhooks.outbound.replays.jobs import ReplayEndpointDisabled
from webhooks.outbound.replays.requesting import check_reason
from webhooks.outbound.replays.single import replay_delivery
from webhooks.outbound.subscription import TEST, is_delivered
from webhooks.types import DeliveryRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

# Made as fan-out makes the rows of a disabled endpoint, and then requested like any other: one way of sending again.
_INSERT: Final = """
INSERT INTO webhooks_delivery (id, recorded_at, event_id, event_recorded_at, event_type, leaf_index, leaf_hash,
    endpoint_id, intent_id, state, is_awaited, attempts, failures, trigger, purpose, last_error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'retained', false, 0, 0, 'auto', 'event', '')
ON CONFLICT ON CONSTRAINT webhooks_delivery_once DO NOTHING
"""


class EventNotReady(DomainError):
    """The event has no place in the log yet, or was not fanned out yet: ask again in a second."""

    code = "event_not_ready"
    status = 409
    title = "The event is not in the log yet"
    retryable = True
    retry_after = 1


class EventNotDelivered(DomainError):
    """The event is evidence only, or a test of another endpoint: it goes to no endpoint that is asked for."""

    code = "event_not_delivered"
    status = 422
    title = "This event is not delivered"


def send_event(*, event_id: str, endpoint_id: str, actor: Actor, reason: str, now: datetime) -> DeliveryRecord:
    """Send an event to an endpoint whatever its filter and age; one that it had is sent again. Harmless twice.

    The intent's stream does not wait for such a delivery.

    Raises:
        ReplayReasonRequired: no reason.
        EventNotFound, EndpointNotFound, BadId: not of this workspace.
        EventNotDelivered: evidence only, or a test.
        EventNotReady: not fanned out yet.
        ReplayEndpointDisabled: the endpoint is disabled or removed.
        DeliveryNotReplayable: it is being sent at this moment.
    """
    words = check_reason(reason)
    event = find_event(event_id=event_id)
    endpoint = get_endpoint(endpoint_id=endpoint_id)
    if not is_delivered(event.type) or event.type == TEST:
        raise EventNotDelivered(f"{event.type} is not sent to endpoints on request.", type=event.type)
    if endpoint.state == "disabled":
        raise ReplayEndpointDisabled(f"{endpoint_id} is disabled; enable it first.")
    if event.index is None or not fan_out.has_passed(leaf_index=event.index):
        raise EventNotReady(f"{event_id} is not fanned out yet.")
    with transaction.atomic(savepoint=False):
        if _make(event, event.index, endpoint_id, now=now):
            _record_queued(event, event.index, endpoint_id, now=now)
        return replay_delivery(delivery_id=_delivery_id(event_id, endpoint_id), actor=actor, reason=words, now=now)


def _make(event: RecordedEvent, index: int, endpoint_id: str, *, now: datetime) -> bool:
    """Make the delivery; False when there is one. A twin waits here for the first, and then finds it."""
    [leaf] = leaves_since(index=index - 1, limit=1)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                ids.new_uuid(),
                now,
                ids.to_uuid(event.id, prefix="evt"),
                event.recorded_at,
                event.type,
                index,
                leaf.leaf_hash,
                ids.to_uuid(endpoint_id, prefix="whe"),
                event.intent_id,
            ],
        )
        return bool(cursor.rowcount == 1)


def _delivery_id(event_id: str, endpoint_id: str) -> str:
    delivery = Delivery.objects.only("id").get(event_id=event_id, endpoint_id=endpoint_id)
    return str(delivery.id)


def _record_queued(event: RecordedEvent, index: int, endpoint_id: str, *, now: datetime) -> None:
    queued = facts.delivery_event(
        "webhook.queued",
        delivery_id=_delivery_id(event.id, endpoint_id),
        endpoint_id=endpoint_id,
        event_id=event.id,
        event_type_delivered=event.type,
        intent_id=event.intent_id,
        details={"leaf_index": index},
    )
    record_events(events=[queued], now=now)
