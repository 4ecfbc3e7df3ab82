"""Make an endpoint, and change what it wants and how it is called."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final

from django.db import transaction

from webhooks.models import Endpoint
from webhooks.outbound import addresses
from webhooks.outbound.directory import get_endpoint
from webhooks.outbound.endpoints import headers as custom
from webhooks.outbound.endpoints import keys, limits, rows, states, trying, verifying
from webhooks.outbound.subscription import EVERYTHING, check_filter
from webhooks.types import CreatedEndpoint, EndpointRecord, Header, HeaderRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.queue import lanes


class Kept(Enum):
    """Stands for "not given": None already means something for a rate and a schedule."""

    KEPT = "kept"


KEPT: Final = Kept.KEPT

_LANE: Final = frozenset({"rate_per_second", "max_in_flight"})
# After these, what was learnt about the endpoint's failures is about something else.
_TARGET: Final = frozenset({"url", "headers", "timeout_seconds"})


def create_endpoint(
    *,
    url: str,
    actor: Actor,
    now: datetime,
    event_filter: Sequence[str] = (EVERYTHING,),
    description: str = "",
    timeout_seconds: int = limits.DEFAULT_TIMEOUT_SECONDS,
    rate_per_second: int | None = None,
    max_in_flight: int = limits.DEFAULT_IN_FLIGHT,
    schedule: Sequence[int] | None = None,
    headers: Sequence[Header] = (),
    api_version: str = limits.API_VERSIONS[-1],
    secret: str | None = None,
    verify: bool = False,
) -> CreatedEndpoint:
    """Subscribe a URL to events that occur from now on. ``secret`` is for those who bring their own ``whsec_``.

    Times are seconds, ``rate_per_second`` attempts; ``schedule`` holds the delay before each attempt. With ``verify``,
    or by the workspace's setting, nothing but a challenge is sent until it was answered (``verifying``).

    Raises:
        InvalidEndpointUrl, AddressRefused: the URL cannot be called.
        InvalidEventFilter: the filter selects nothing.
        InvalidEndpointTimeout, InvalidEndpointRate, InvalidEndpointInFlight, InvalidEndpointSchedule,
        InvalidEndpointVersion, InvalidEndpointHeader: out of bounds.
        InvalidEndpointSecret: the caller's secret is malformed.
    """
    values = _check(
        {
            "url": url,
            "description": description,
            "event_filter": event_filter,
            "timeout_seconds": timeout_seconds,
            "rate_per_second": rate_per_second,
            "max_in_flight": max_in_flight,
            "schedule": schedule,
            "api_version": api_version,
        }
    )
    wanted = custom.merge({}, headers)
    first = keys.first_keys(secret)
    unverified = _unverified(now=now) if verify or verifying.is_required() else {}
    with transaction.atomic(savepoint=False):
        row = Endpoint.objects.create(id=ids.new_id("whe"), created_at=now, **values, **unverified)
        custom.write(row, stored={}, wanted=wanted)
        keys.add(row, first, now=now)
        rows.keep_lane(row, {})
        data = {"event_filter": values["event_filter"]}
        rows.record("endpoint.created", row.id, actor=actor, data=data, now=now)
        if unverified:
            trying.send_test_event(endpoint_id=row.id, actor=actor, now=now)
    return CreatedEndpoint(endpoint=get_endpoint(endpoint_id=row.id), secret=first[0].text)


def change_endpoint(
    *,
    endpoint_id: str,
    version: int | None,
    actor: Actor,
    now: datetime,
    url: str | Kept = KEPT,
    description: str | Kept = KEPT,
    event_filter: Sequence[str] | Kept = KEPT,
    timeout_seconds: int | Kept = KEPT,
    rate_per_second: int | Kept | None = KEPT,
    max_in_flight: int | Kept = KEPT,
    schedule: Sequence[int] | Kept | None = KEPT,
    api_version: str | Kept = KEPT,
    headers: Sequence[Header] | Kept = KEPT,
) -> EndpointRecord:
    """Change what is given; what waits is sent by the new settings too.

    ``version`` is the one that the caller read; None changes whatever is there. A change to what is there already
    changes nothing, so that a repeat is harmless. ``headers`` replaces them all; one without a value keeps the stored.

    Raises:
        EndpointNotFound, EndpointRemoved: there is nothing to change.
        StaleEndpoint: somebody changed it since that version.
        what create_endpoint raises, for the same reasons.
    """
    given = {
        "url": url,
        "description": description,
        "event_filter": event_filter,
        "timeout_seconds": timeout_seconds,
        "rate_per_second": rate_per_second,
        "max_in_flight": max_in_flight,
        "schedule": schedule,
        "api_version": api_version,
    }
    values = _check({name: value for name, value in given.items() if value is not KEPT})
    with transaction.atomic(savepoint=False):
        row = rows.lock(endpoint_id=endpoint_id)
        stored = custom.read(row.id)
        wanted = stored if isinstance(headers, Kept) else custom.merge(stored, headers)
        told = () if isinstance(headers, Kept) else [each.name.lower() for each in headers if each.value is not None]
        if addresses.origin(values.get("url", row.url)) != addresses.origin(row.url):
            custom.check_told(stored, wanted, told)
        _apply(row, values, stored, wanted, version=version, actor=actor, now=now)
    return get_endpoint(endpoint_id=endpoint_id)


def set_header(
    *, endpoint_id: str, name: str, value: str | None, is_sensitive: bool, actor: Actor, now: datetime
) -> list[HeaderRecord]:
    """Send one more header, or another value of it; None keeps the stored value. Returns all of them.

    Raises:
        EndpointNotFound, EndpointRemoved: there is nothing to change.
        InvalidEndpointHeader: it cannot be used.
    """
    lowered = custom.check_name(name)

    def merged(stored: Mapping[str, custom.Custom]) -> dict[str, custom.Custom]:
        others = [Header(each.name, None, each.is_sensitive) for each in stored.values() if each.name != lowered]
        return custom.merge(stored, [*others, Header(lowered, value, is_sensitive)])

    return _change_headers(endpoint_id, merged, actor=actor, now=now)


def remove_header(*, endpoint_id: str, name: str, actor: Actor, now: datetime) -> list[HeaderRecord]:
    """Send a header no longer; harmless when it was not sent. Returns those that are left.

    Raises:
        EndpointNotFound, EndpointRemoved: there is nothing to change.
    """
    lowered = name.lower()
    return _change_headers(
        endpoint_id, lambda stored: {each: stored[each] for each in stored if each != lowered}, actor=actor, now=now
    )


def _change_headers(
    endpoint_id: str,
    merged: Callable[[Mapping[str, custom.Custom]], dict[str, custom.Custom]],
    *,
    actor: Actor,
    now: datetime,
) -> list[HeaderRecord]:
    with transaction.atomic(savepoint=False):
        row = rows.lock(endpoint_id=endpoint_id)
        stored = custom.read(row.id)
        wanted = merged(stored)
        _apply(row, {}, stored, wanted, version=None, actor=actor, now=now)
    return custom.show(wanted[name] for name in sorted(wanted))


def _apply(
    row: Endpoint,
    values: Mapping[str, Any],
    stored: Mapping[str, custom.Custom],
    wanted: Mapping[str, custom.Custom],
    *,
    version: int | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Write what differs on a locked row, and tell the queue and the log."""
    after = {name: value for name, value in values.items() if getattr(row, name) != value}
    changed = [*after, "headers"] if stored != wanted else [*after]
    if not changed:
        return
    if version is not None and version != row.version:
        raise rows.StaleEndpoint(
            f"The endpoint {row.id} is at version {row.version}, not {version}; read it again, then repeat the change.",
            version=row.version,
        )
    custom.write(row, stored=stored, wanted=wanted)
    unverified = _unverified(now=now) if "url" in after and _needs_proof(row) else {}
    new_version = rows.change(row, {**after, **_fresh_start(row, changed, now=now), **unverified}, now=now)
    if _LANE.intersection(changed):
        rows.keep_lane(row, after)
    # The names alone: a URL can hold a secret, a description a name, and leaves are for ever.
    data = {"version": new_version, "fields": sorted(changed)}
    rows.record("endpoint.changed", row.id, actor=actor, data=data, now=now)
    if unverified:
        if row.state == "enabled":
            states.retain_and_record(row.id, unverified, actor=actor, now=now)
        trying.send_test_event(endpoint_id=row.id, actor=actor, now=now)


def _unverified(*, now: datetime) -> Mapping[str, Any]:
    return states.disabled("unverified", verifying.REASON, now=now)


def _needs_proof(row: Endpoint) -> bool:
    """Whether another URL of this endpoint has to answer a challenge; one that a person disabled is not woken up."""
    return row.disabled_by == "unverified" or (row.disabled_by in ("", "failing") and verifying.is_required())


def _fresh_start(row: Endpoint, changed: Sequence[str], *, now: datetime) -> Mapping[str, object]:
    """What failed before may work now: the breaker closes, and a probe is due at once where one was waited for."""
    if not _TARGET.intersection(changed):
        return {}
    if row.breaker != "closed":
        lanes.resume_lane(lane=row.id)
    return {**rows.CLOSED_BREAKER, "probe_at": now if row.probe_at is not None else None}


_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "url": lambda url: addresses.check_url(url, allow_local=addresses.allows_local()),
    "description": limits.check_description,
    "event_filter": check_filter,
    "timeout_seconds": limits.check_timeout,
    "rate_per_second": limits.check_rate,
    "max_in_flight": limits.check_in_flight,
    "schedule": limits.check_schedule,
    "api_version": limits.check_version,
}


def _check(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are stored; raises the error of the first that cannot be used."""
    return {name: _CHECKS[name](value) for name, value in given.items()}
