"""Enabled, disabled, removed. What waits for an endpoint that takes no events is retained, never dropped."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q

from webhooks.models import Endpoint, EndpointHeader
from webhooks.outbound import retaining
from webhooks.outbound.directory import get_endpoint
from webhooks.outbound.endpoints import keys, rows
from webhooks.types import DisabledBy, EndpointRecord
from zentra.core.actors import EVENTS, Actor
from zentra.core.errors import DomainError
from zentra.core.queue import lanes

# What an endpoint is like that has nothing against it.
ENABLED: Final[Mapping[str, object]] = {
    "state": "enabled",
    "disabled_at": None,
    "disabled_reason": "",
    "disabled_by": "",
    "probe_at": None,
    **rows.NO_FAILURES,
    **rows.CLOSED_BREAKER,
}


class EndpointUnverified(DomainError):
    """The endpoint has not answered its challenge; send it a test event, which carries one."""

    code = "endpoint_unverified"
    status = 409
    title = "The endpoint is not verified yet"


def disable_endpoint(*, endpoint_id: str, reason: str, actor: Actor, now: datetime) -> EndpointRecord:
    """Stop delivering to an endpoint. What was on its way is retained, ready to be replayed.

    One that was disabled for failing is taken over: nothing probes it any more.

    Raises:
        EndpointNotFound, EndpointRemoved: there is nothing to disable.
        StaleEndpoint: it is disabled already.
    """
    with transaction.atomic(savepoint=False):
        row = rows.lock(endpoint_id=endpoint_id)
        if row.state == "disabled" and row.disabled_by != "failing":
            raise rows.StaleEndpoint(f"The endpoint {endpoint_id} is not enabled.", version=row.version)
        values = disabled("person", reason, now=now)
        rows.change(row, values, now=now)
        retain_and_record(row.id, values, actor=actor, now=now)
    return get_endpoint(endpoint_id=endpoint_id)


def enable_endpoint(*, endpoint_id: str, reason: str, actor: Actor, now: datetime) -> EndpointRecord:
    """Deliver again from now on. What was retained meanwhile stays so until somebody replays it.

    Raises:
        EndpointNotFound, EndpointRemoved: there is nothing to enable.
        EndpointUnverified: it has to answer its challenge first; send it a test event.
        StaleEndpoint: it is enabled already.
    """
    with transaction.atomic(savepoint=False):
        row = rows.lock(endpoint_id=endpoint_id)
        if row.state != "disabled":
            raise rows.StaleEndpoint(f"The endpoint {endpoint_id} is not disabled.", version=row.version)
        if row.disabled_by == "unverified":
            raise EndpointUnverified(f"The endpoint {endpoint_id} has not answered its challenge.")
        rows.change(row, ENABLED, now=now)
        rows.keep_lane(row, {})
        lanes.resume_lane(lane=row.id)
        rows.record("endpoint.enabled", row.id, actor=actor, data={"reason": rows.words(reason)}, now=now)
    return get_endpoint(endpoint_id=endpoint_id)


def remove_endpoint(*, endpoint_id: str, reason: str, actor: Actor, now: datetime) -> EndpointRecord:
    """Disable an endpoint for ever and list it no longer. Its deliveries stay; its keys end, its headers are deleted.

    Removing it again changes nothing. Raises EndpointNotFound.
    """
    with transaction.atomic(savepoint=False):
        row = rows.lock_any(endpoint_id=endpoint_id)
        if row.removed_at is None:
            values = disabled("person", reason, now=now)
            rows.change(row, {**values, "removed_at": now}, now=now)
            retained = retaining.retain_waiting(endpoint_id=row.id, now=now, is_for_ever=True)
            keys.end_all(row, now=now)
            EndpointHeader.objects.filter(endpoint=row).delete()
            lanes.drop_lane(lane=row.id)
            data = {"reason": rows.words(reason), "retained": retained}
            rows.record("endpoint.removed", row.id, actor=actor, data=data, now=now)
    return get_endpoint(endpoint_id=endpoint_id)


def disable_by_itself(
    *, endpoint_id: str, by: DisabledBy, reason: str, now: datetime, probe_at: datetime | None = None
) -> bool:
    """Disable without a person; returns whether that changed anything.

    An endpoint that failed, was probed and answers "never call again" is gone from then on, and probed no more.
    """
    values = {**disabled(by, reason, now=now), "probe_at": probe_at}
    is_open = Q(state="enabled") | (Q(disabled_by="failing") if by == "gone" else Q())
    if Endpoint.objects.filter(is_open, id=endpoint_id, removed_at=None).update(**values) != 1:
        return False
    retain_and_record(endpoint_id, values, actor=EVENTS, now=now)
    return True


def disabled(by: DisabledBy, reason: str, *, now: datetime) -> dict[str, object]:
    """What an endpoint is like that is disabled from now on."""
    return {
        "state": "disabled",
        "disabled_at": now,
        "disabled_reason": rows.words(reason),
        "disabled_by": by,
        "probe_at": None,
    }


def retain_and_record(endpoint_id: str, values: Mapping[str, object], *, actor: Actor, now: datetime) -> None:
    """Retain what waits for an endpoint that was disabled just now, and tell of it."""
    retained = retaining.retain_waiting(endpoint_id=endpoint_id, now=now)
    data = {"disabled_by": values["disabled_by"], "reason": values["disabled_reason"], "retained": retained}
    rows.record("endpoint.disabled", endpoint_id, actor=actor, data=data, now=now)
