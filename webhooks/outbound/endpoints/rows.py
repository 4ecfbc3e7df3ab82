"""An endpoint's row: locked before it is changed, changed by compare-and-set, its lane kept in step, the fact recorded.

Whoever needs both locks an endpoint before its deliveries, and several endpoints in the order of their ids.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks.models import Endpoint
from webhooks.outbound.directory import EndpointNotFound
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.queue import lanes
from zentra.core.tenancy import current_tenant

MAX_REASON: Final = 500

# What a success makes of an endpoint that failed before.
NO_FAILURES: Final[Mapping[str, object]] = {
    "consecutive_failures": 0,
    "failing_since": None,
    "warned_at": None,
    "warnings": 0,
}
# What the circuit breaker starts from, after somebody changed what it had judged.
CLOSED_BREAKER: Final[Mapping[str, object]] = {
    "breaker": "closed",
    "breaker_opened_at": None,
    "breaker_until": None,
    "breaker_opens": 0,
}


class StaleEndpoint(DomainError):
    """The endpoint is not in the state or version that the change starts from: somebody else changed it first."""

    code = "stale_endpoint"
    status = 409
    title = "The endpoint was changed by somebody else"


class EndpointRemoved(DomainError):
    """The endpoint was removed; it is kept for its deliveries, and takes no changes and no events."""

    code = "endpoint_removed"
    status = 409
    title = "The endpoint was removed"


def lock(*, endpoint_id: str) -> Endpoint:
    """The row, locked until the transaction ends; raises EndpointNotFound, EndpointRemoved."""
    row = lock_any(endpoint_id=endpoint_id)
    if row.removed_at is not None:
        raise EndpointRemoved(f"The endpoint {endpoint_id} was removed.")
    return row


def lock_any(*, endpoint_id: str) -> Endpoint:
    """The same, of a removed endpoint too; raises EndpointNotFound."""
    row = Endpoint.objects.select_for_update().filter(id=endpoint_id).first()
    if row is None:
        raise EndpointNotFound(f"There is no endpoint {endpoint_id}.")
    return row


def change(row: Endpoint, values: Mapping[str, object], *, now: datetime) -> int:
    """Write a person's change of a locked row; returns the new version."""
    version = row.version + 1
    changed = Endpoint.objects.filter(id=row.id, version=row.version).update(**values, version=version, changed_at=now)
    if changed != 1:
        raise StaleEndpoint(f"The endpoint {row.id} was changed meanwhile.", version=row.version)
    return version


def keep_lane(row: Endpoint, values: Mapping[str, Any]) -> None:
    """Tell the queue how much of this endpoint may be done at once, and how fast, as it will be after ``values``."""
    lanes.set_lane(
        lane=row.id,
        workspace_id=current_tenant().id,
        max_in_flight=values.get("max_in_flight", row.max_in_flight),
        rate_per_second=values.get("rate_per_second", row.rate_per_second),
    )


def record(
    event_type: str,
    endpoint_id: str,
    *,
    actor: Actor,
    data: Mapping[str, object],
    now: datetime,
    announced_as: tuple[str, ...] = (),
) -> str:
    """Record a fact about an endpoint; returns the event's id."""
    event = NewEvent(type=event_type, actor=actor, data={"endpoint_id": endpoint_id, **data}, announced_as=announced_as)
    return record_events(events=[event], now=now)[0]


def words(reason: str) -> str:
    """A person's reason, as far as it is kept."""
    return reason.strip()[:MAX_REASON]
