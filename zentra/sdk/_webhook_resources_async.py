"""Webhooks, events and alarms in the awaited client."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Literal

from zentra.sdk import _webhook_calls as calls
from zentra.sdk._calls import merge_body
from zentra.sdk._paging import each_awaited
from zentra.sdk._records import Event, Page, Record
from zentra.sdk._session import AsyncSession
from zentra.sdk._webhook_records import (
    Alarm,
    Attempt,
    Delivery,
    DeliveryDetail,
    Endpoint,
    EndpointHeader,
    EndpointHealth,
    EndpointSecret,
    EventDetail,
    EventReach,
    EventType,
    Replay,
    ReplayPreview,
    RotatedSecret,
)

Body = Mapping[str, Any]
When = datetime | str


class AsyncEvents:
    """``zentra.events``, awaited: catch up without webhooks, and see where one event went."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(
        self,
        *,
        after: int | str | None = None,
        limit: int | None = None,
        type: str | None = None,  # noqa: A002  # the API's own name
        **filters: object,
    ) -> Page[Event]:
        """Events after a sequence, oldest first. Keep ``next_cursor`` and ask with it later."""
        return await self._session.send(calls.list_events(after=after, limit=limit, type=type, **filters))

    def iterate(
        self,
        *,
        after: int | str | None = None,
        limit: int | None = None,
        type: str | None = None,  # noqa: A002  # the API's own name
        **filters: object,
    ) -> AsyncIterator[Event]:
        """Every event after a sequence, oldest first, until there are no more for now."""
        return each_awaited(
            self._session,
            lambda cursor: calls.list_events(after=cursor or after, limit=limit, type=type, **filters),
        )

    async def get(self, event_id: str) -> EventDetail:
        """One event with its exact bytes, in ``body_base64``."""
        return await self._session.send(calls.get_event(event_id))

    async def deliveries(self, event_id: str) -> Page[EventReach]:
        """Every endpoint with its delivery of one event, or with why it got none."""
        return await self._session.send(calls.list_reach(event_id))

    async def send(self, event_id: str, /, *, endpoint_id: str, reason: str, **fields: Any) -> Delivery:
        """Send an event to an endpoint that never got it."""
        body = {"endpoint_id": endpoint_id, "reason": reason, **fields}
        return await self._session.send(calls.send_event(event_id, body))


class AsyncEventTypes:
    """``zentra.event_types``, awaited: what can happen, each with its JSON Schema and an example."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self) -> Page[EventType]:
        """Every type of event, in the order of the catalogue."""
        return await self._session.send(calls.list_event_types())

    async def get(self, name: str) -> EventType:
        """One type with the JSON Schema of its events, and an example."""
        return await self._session.send(calls.get_event_type(name))


class AsyncWebhookEndpoints:
    """``zentra.webhook_endpoints``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, body: Body | None = None, /, **fields: Any) -> Endpoint:
        """Register an endpoint. Its signing secret is answered this once."""
        return await self._session.send(calls.create_endpoint(merge_body(body, fields)))

    async def get(self, endpoint_id: str) -> Endpoint:
        """One endpoint, without its secrets."""
        return await self._session.send(calls.get_endpoint(endpoint_id))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Endpoint]:
        """One page of endpoints, oldest first; the filter is status."""
        return await self._session.send(calls.list_endpoints(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Endpoint]:
        """Every endpoint, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_endpoints(limit=limit, cursor=cursor, **filters))

    async def change(self, endpoint_id: str, body: Body | None = None, /, **fields: Any) -> Endpoint:
        """Change what is named. With ``version``, only if nobody else changed it since you read it."""
        return await self._session.send(calls.change_endpoint(endpoint_id, merge_body(body, fields)))

    async def remove(self, endpoint_id: str, *, reason: str | None = None) -> Endpoint:
        """Remove an endpoint for good; its history stays."""
        return await self._session.send(calls.remove_endpoint(endpoint_id, reason))

    async def enable(self, endpoint_id: str, /, *, reason: str, **fields: Any) -> Endpoint:
        """Deliver again from now on; what was missed waits for a replay."""
        return await self._session.send(calls.change_state(endpoint_id, "enable", {"reason": reason, **fields}))

    async def disable(self, endpoint_id: str, /, *, reason: str, **fields: Any) -> Endpoint:
        """Stop delivering; what occurs meanwhile is retained."""
        return await self._session.send(calls.change_state(endpoint_id, "disable", {"reason": reason, **fields}))

    async def test(self, endpoint_id: str) -> Record:
        """Send a test event to this endpoint alone; its ``event_id`` finds the delivery."""
        return await self._session.send(calls.send_test(endpoint_id))

    async def secrets(self, endpoint_id: str) -> Page[EndpointSecret]:
        """The signing keys that are valid now, without the keys themselves."""
        return await self._session.send(calls.list_secrets(endpoint_id))

    async def rotate_secret(
        self,
        endpoint_id: str,
        /,
        *,
        kind: Literal["hmac", "ed25519"] = "hmac",
        overlap_seconds: int = 86400,
        **fields: Any,
    ) -> RotatedSecret:
        """A new signing key; the old ones stay valid for the overlap, 0 to 7 days."""
        body = {"kind": kind, "overlap_seconds": overlap_seconds, **fields}
        return await self._session.send(calls.rotate_secret(endpoint_id, body))

    async def expire_secret(self, endpoint_id: str, secret_id: str) -> EndpointSecret:
        """End the overlap of an old signing key now."""
        return await self._session.send(calls.expire_secret(endpoint_id, secret_id))

    async def headers(self, endpoint_id: str) -> Page[EndpointHeader]:
        """Your own headers on each delivery; values of sensitive ones are not told."""
        return await self._session.send(calls.list_headers(endpoint_id))

    async def set_header(
        self, endpoint_id: str, name: str, /, *, value: str, is_sensitive: bool = False
    ) -> EndpointHeader:
        """Send a header with each delivery from now on."""
        body = {"value": value, "is_sensitive": is_sensitive}
        return await self._session.send(calls.set_header(endpoint_id, name, body))

    async def remove_header(self, endpoint_id: str, name: str) -> EndpointHeader:
        """Send a header no longer."""
        return await self._session.send(calls.remove_header(endpoint_id, name))

    async def health(
        self, endpoint_id: str, *, since: When | None = None, until: When | None = None, points: int | None = None
    ) -> EndpointHealth:
        """The last 24 hours in figures, and the course of a span in ``points``."""
        return await self._session.send(calls.get_health(endpoint_id, since=since, until=until, points=points))


class AsyncWebhookDeliveries:
    """``zentra.webhook_deliveries``, awaited: what went where, each attempt, and sending one again."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Delivery]:
        """One page of deliveries, newest first: filters are endpoint_id, state, event_type, event_id, intent_id, …"""
        return await self._session.send(calls.list_deliveries(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Delivery]:
        """Every delivery, newest first, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_deliveries(limit=limit, cursor=cursor, **filters))

    async def get(self, delivery_id: str) -> DeliveryDetail:
        """A delivery with every attempt, in ``attempt_list``."""
        return await self._session.send(calls.get_delivery(delivery_id))

    async def replay(self, delivery_id: str, /, *, reason: str, **fields: Any) -> Delivery:
        """Send one delivery again, now, under the same event id."""
        return await self._session.send(calls.replay_delivery(delivery_id, {"reason": reason, **fields}))

    async def attempts(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[Attempt]:
        """One page of attempts over all deliveries, newest first: endpoint_id, error_class, status, trigger, q, …"""
        return await self._session.send(calls.list_attempts(limit=limit, cursor=cursor, **filters))

    def iterate_attempts(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Attempt]:
        """Every attempt, newest first, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_attempts(limit=limit, cursor=cursor, **filters))


class AsyncWebhookReplays:
    """``zentra.webhook_replays``, awaited: everything that failed since, sent again at a rate of your own."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def preview(self, body: Body | None = None, /, **scope: Any) -> ReplayPreview:
        """What a replay would send; nothing is sent."""
        return await self._session.send(calls.preview_replay(merge_body(body, scope)))

    async def create(self, body: Body | None = None, /, *, reason: str, **fields: Any) -> Replay:
        """Send again what the scope matches: endpoint_id, event_id, states, event_type, since, until."""
        return await self._session.send(calls.create_replay(merge_body(body, {"reason": reason, **fields})))

    async def get(self, replay_id: str) -> Replay:
        """A replay and how far it is."""
        return await self._session.send(calls.get_replay(replay_id))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Replay]:
        """One page of replays, newest first."""
        return await self._session.send(calls.list_replays(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Replay]:
        """Every replay, newest first, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_replays(limit=limit, cursor=cursor, **filters))

    async def cancel(self, replay_id: str, /, *, reason: str, **fields: Any) -> Replay:
        """Stop a replay; what it has asked for already is sent."""
        return await self._session.send(calls.cancel_replay(replay_id, {"reason": reason, **fields}))


class AsyncAlarms:
    """``zentra.alarms``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Alarm]:
        """One page of alarms, newest first; the filter is state."""
        return await self._session.send(calls.list_alarms(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Alarm]:
        """Every alarm, newest first, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_alarms(limit=limit, cursor=cursor, **filters))

    async def get(self, alarm_id: str) -> Alarm:
        """One alarm."""
        return await self._session.send(calls.get_alarm(alarm_id))

    async def acknowledge(self, alarm_id: str, /, *, note: str = "", **fields: Any) -> Alarm:
        """Say that you look after it, so that nobody else is told again."""
        return await self._session.send(calls.acknowledge_alarm(alarm_id, {"note": note, **fields}))
