"""What a replay of a range covers."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, get_args

from webhooks.outbound.directory import get_endpoint
from webhooks.outbound.filters import DeliveryFilter
from webhooks.types import DeliveryState
from zentra.core import ids
from zentra.core.errors import DomainError

FAILED: Final[tuple[DeliveryState, ...]] = ("retrying", "retained", "exhausted")
"""The states of what did not arrive: "everything that failed since …" asks for these."""


class InvalidReplayScope(DomainError):
    """The range names nothing, no state, an unknown state, or ends before it begins."""

    code = "invalid_replay_scope"
    status = 422
    title = "The range of the replay cannot be used"


@dataclass(frozen=True, slots=True)
class ReplayScope:
    """Which deliveries; None means any. ``since`` (included) and ``until`` (not included) bound ``recorded_at``.

    Tests and probes of endpoints are never in it. At least one of them is given: "all that there ever was" is not a
    range that somebody means.
    """

    endpoint_id: str | None = None
    event_id: str | None = None
    states: tuple[DeliveryState, ...] | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def as_filter(self) -> DeliveryFilter:
        """The same deliveries as a search finds them."""
        return DeliveryFilter(
            endpoint_id=self.endpoint_id,
            event_id=self.event_id,
            states=self.states,
            event_type=self.event_type,
            since=self.since,
            until=self.until,
            purpose="event",
        )

    def ending_by(self, now: datetime) -> "ReplayScope":
        """The same range without what is still to come, so that a replay never chases deliveries made while it runs."""
        return replace(self, until=now if self.until is None else min(self.until, now))


def check_scope(where: ReplayScope) -> None:
    """Refuse a range that nobody can mean.

    Raises:
        InvalidReplayScope: it names nothing, no state, an unknown state, or ends before it begins.
        EndpointNotFound, BadId: it names an endpoint that is not of this workspace.
    """
    if where == ReplayScope(until=where.until):
        raise InvalidReplayScope("Name an endpoint, an event, an event type, states, or the moment since which.")
    if where.states is not None:
        _check_states(where.states)
    if where.since and where.until and where.since >= where.until:
        raise InvalidReplayScope(f"The range ends ({where.until.isoformat()}) before it begins.")
    if where.event_id is not None:
        ids.to_uuid(where.event_id, prefix="evt")
    if where.endpoint_id is not None:
        get_endpoint(endpoint_id=where.endpoint_id)


def _check_states(states: tuple[DeliveryState, ...]) -> None:
    unknown = sorted(set(states) - set(get_args(DeliveryState)))
    if unknown:
        raise InvalidReplayScope(f"{unknown[0][:40]!r} is not a state of a delivery.", state=unknown[0][:40])
    if not states:
        raise InvalidReplayScope("Name at least one state, or none to mean any.")
