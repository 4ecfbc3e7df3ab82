"""Try an endpoint out with an event that goes to it alone, whatever its filter and its state."""

from datetime import datetime

from webhooks.outbound.directory import get_endpoint
from webhooks.outbound.endpoints import rows
from webhooks.outbound.subscription import TEST
from zentra.core.actors import Actor


def send_test_event(*, endpoint_id: str, actor: Actor, now: datetime) -> str:
    """Record an ``endpoint.test`` event, which is delivered to this endpoint once; returns the event's id.

    Raises:
        EndpointNotFound, EndpointRemoved: there is nothing to send to.
    """
    if get_endpoint(endpoint_id=endpoint_id).removed_at is not None:
        raise rows.EndpointRemoved(f"The endpoint {endpoint_id} was removed.")
    return rows.record(TEST, endpoint_id, actor=actor, data={"probe": False}, now=now)
