"""Endpoints: create, disable, enable."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks import signing
from webhooks.models import Endpoint, EndpointSecret
from webhooks.outbound import addresses, retaining
from webhooks.outbound.directory import allows_local, get_endpoint
from webhooks.outbound.subscription import EVERYTHING, check_filter
from webhooks.types import CreatedEndpoint, EndpointRecord
from zentra.core import crypto, ids
from zentra.core.actors import EVENTS, Actor
from zentra.core.errors import DomainError

DEFAULT_TIMEOUT_SECONDS: Final = 10


class StaleEndpoint(DomainError):
    """The endpoint is not in the state that the change starts from: somebody else changed it first."""

    code = "stale_endpoint"
    status = 409
    title = "The endpoint was changed by somebody else"


class InvalidEndpointTimeout(DomainError):
    """A timeout is 1 to 30 whole seconds."""

    code = "invalid_endpoint_timeout"
    status = 422
    title = "The timeout must be between 1 and 30 seconds"


def create_endpoint(
    *,
    url: str,
    now: datetime,
    actor: Actor,
    event_filter: Sequence[str] = (EVERYTHING,),
    description: str = "",
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
    secret: str | None = None,
) -> CreatedEndpoint:
    """Subscribe a URL to events that occur from now on. ``secret`` is for those who bring their own.

    Raises:
        InvalidEndpointUrl, AddressRefused: the URL cannot be called.
        InvalidEventFilter: the filter selects nothing.
        InvalidEndpointTimeout: not 1 to 30 seconds.
        UnusableSecret: the caller's secret is malformed.
    """
    if not 1 <= timeout_seconds <= 30:
        raise InvalidEndpointTimeout(f"{timeout_seconds} is not 1 to 30 seconds.")
    patterns = check_filter(event_filter)
    checked_url = addresses.check_url(url, allow_local=allows_local())
    hmac_secret = signing.check_secret(secret) if secret else signing.new_secret()
    pair = signing.new_key_pair()
    with transaction.atomic(savepoint=False):
        row = Endpoint.objects.create(
            id=ids.new_id("whe"),
            url=checked_url,
            description=description[:500],
            event_filter=patterns,
            timeout_seconds=timeout_seconds,
            created_at=now,
        )
        EndpointSecret.objects.create(
            id=ids.new_uuid(), endpoint=row, secret=crypto.encrypt(hmac_secret.encode()), created_at=now
        )
        EndpointSecret.objects.create(
            id=ids.new_uuid(),
            endpoint=row,
            kind="ed25519",
            secret=crypto.encrypt(pair.private.encode()),
            public_key=pair.public,
            created_at=now,
        )
        _record("webhook.endpoint_created", row.id, actor, {"event_filter": patterns}, now)
    return CreatedEndpoint(endpoint=get_endpoint(endpoint_id=row.id), secret=hmac_secret)


def disable_endpoint(*, endpoint_id: str, actor: Actor, reason: str, now: datetime) -> EndpointRecord:
    """Stop delivering to an endpoint. What was on its way is retained, ready to be replayed.

    Raises:
        EndpointNotFound: no such endpoint.
        StaleEndpoint: it is disabled already.
    """
    with transaction.atomic(savepoint=False):
        if not _disable(endpoint_id, actor=actor, reason=reason, now=now):
            raise _not_in_state(endpoint_id, "enabled")
    return get_endpoint(endpoint_id=endpoint_id)


def enable_endpoint(*, endpoint_id: str, actor: Actor, reason: str, now: datetime) -> EndpointRecord:
    """Deliver again from now on. What was retained meanwhile stays so until somebody replays it.

    Raises:
        EndpointNotFound: no such endpoint.
        StaleEndpoint: it is enabled already.
    """
    with transaction.atomic(savepoint=False):
        change = {"state": "enabled", "disabled_at": None, "disabled_reason": "", "disabled_by": ""}
        if not _move(endpoint_id, from_state="disabled", change=change):
            raise _not_in_state(endpoint_id, "disabled")
        _record("webhook.endpoint_enabled", endpoint_id, actor, {"reason": reason[:500]}, now)
    return get_endpoint(endpoint_id=endpoint_id)


def move_endpoint(*, endpoint_id: str, url: str, actor: Actor, now: datetime) -> EndpointRecord:
    """Deliver to another URL from now on, what waits included.

    Raises:
        EndpointNotFound: no such endpoint.
        InvalidEndpointUrl, AddressRefused: the URL cannot be called.
    """
    checked_url = addresses.check_url(url, allow_local=allows_local())
    with transaction.atomic(savepoint=False):
        if Endpoint.objects.filter(id=endpoint_id).update(url=checked_url) == 1:
            _record("webhook.endpoint_moved", endpoint_id, actor, {}, now)
    return get_endpoint(endpoint_id=endpoint_id)


def disable_gone_endpoint(*, endpoint_id: str, now: datetime) -> None:
    """The consumer answered 410, "never call again". Harmless twice: another 410 may have got there first."""
    _disable(endpoint_id, actor=EVENTS, reason="the endpoint answered 410 Gone", now=now)


def count_outcome(*, endpoint_id: str, succeeded: bool) -> None:
    """Keep the number of failures in a row. A success after a success writes nothing: the row would be a hot spot."""
    row = Endpoint.objects.filter(id=endpoint_id)
    if succeeded:
        row.filter(consecutive_failures__gt=0).update(consecutive_failures=0)
    else:
        row.update(consecutive_failures=F("consecutive_failures") + 1)


def _disable(endpoint_id: str, *, actor: Actor, reason: str, now: datetime) -> bool:
    change = {"state": "disabled", "disabled_at": now, "disabled_reason": reason[:500], "disabled_by": "person"}
    if not _move(endpoint_id, from_state="enabled", change=change):
        return False
    retained = retaining.retain_waiting(endpoint_id=endpoint_id, now=now)
    _record("webhook.endpoint_disabled", endpoint_id, actor, {"reason": reason[:500], "retained": retained}, now)
    return True


def _move(endpoint_id: str, *, from_state: str, change: Mapping[str, object]) -> bool:
    return Endpoint.objects.filter(id=endpoint_id, state=from_state).update(**change) == 1


def _not_in_state(endpoint_id: str, state: str) -> DomainError:
    """Why nothing was changed: raises EndpointNotFound, or gives StaleEndpoint to raise."""
    get_endpoint(endpoint_id=endpoint_id)
    return StaleEndpoint(f"The endpoint {endpoint_id} is not {state}.")


def _record(event_type: str, endpoint_id: str, actor: Actor, data: dict[str, object], now: datetime) -> None:
    record_events(events=[NewEvent(type=event_type, actor=actor, data={"endpoint_id": endpoint_id, **data})], now=now)
