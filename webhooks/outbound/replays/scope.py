"""What a replay of a range covers."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, get_args

from webhooks.outbound.directory import get_endpoint
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

    def conditions(self) -> tuple[list[str], list[Any]]:
        """SQL conditions on ``webhooks_delivery d``, with their values."""
        pairs: list[tuple[str, Any]] = [
            ("d.endpoint_id = %s", ids.to_uuid(self.endpoint_id, prefix="whe") if self.endpoint_id else None),
            ("d.event_id = %s", ids.to_uuid(self.event_id, prefix="evt") if self.event_id else None),
            ("d.state = ANY(%s)", list(self.states) if self.states is not None else None),
            ("d.event_type = %s", self.event_type),
            ("d.recorded_at >= %s", self.since),
            ("d.recorded_at < %s", self.until),
        ]
        used = [(text, value) for text, value in pairs if value is not None]
        return ["d.purpose = 'event'", *(text for text, _ in used)], [value for _, value in used]

    def by_state(self) -> "list[ReplayScope]":
        """The same range once for each of several states, because an index is in order within one state only."""
        if self.states is None or len(set(self.states)) < 2:
            return [self]
        return [replace(self, states=(state,)) for state in sorted(set(self.states))]

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
