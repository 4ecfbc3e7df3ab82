"""``/webhook-endpoints``: where a workspace wants its events delivered, and how."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, StringConstraints, WithJsonSchema

from webhooks.operations import (
    change_endpoint,
    create_endpoint,
    disable_endpoint,
    enable_endpoint,
    remove_endpoint,
    send_test_event,
)
from webhooks.queries import get_endpoint, list_endpoints
from webhooks.types import EndpointRecord, Header
from zentra.api.doors import answer_json, answer_once, answer_page, caller_of, door
from zentra.api.fields import Body, EmptyBody, IdempotencyKey, Maybe, OwnSecret, ReasonBody, RowVersion, Text
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.api.v1.endpoint_answers import (
    CreatedEndpointAnswer,
    EndpointAnswer,
    EndpointPage,
    SentTestAnswer,
    show_endpoint,
)
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Webhooks"])

Url = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
EventName = Annotated[str, StringConstraints(pattern=r"^[a-z_.*]{1,64}$")]
HeaderName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
HeaderValue = Annotated[str, StringConstraints(max_length=4096)]
Timeout = Annotated[int, Field(ge=1, le=30)]
Rate = Annotated[int, Field(ge=1, le=1000)]
InFlight = Annotated[int, Field(ge=1, le=100)]
Delay = Annotated[int, Field(ge=0, le=604800)]
Schedule = Annotated[list[Delay], Field(min_length=1, max_length=20)]
Version = Annotated[str, StringConstraints(min_length=1, max_length=20)]


class HeaderBody(Body):
    """A header of the caller's own. A sensitive value is kept encrypted and never told again."""

    name: HeaderName
    value: HeaderValue
    is_sensitive: Maybe[bool] = None


class ChangedHeaderBody(Body):
    """A header as it is to be; without a value it keeps the one that it has."""

    name: HeaderName
    value: Maybe[HeaderValue] = None
    is_sensitive: Maybe[bool] = None


class CreateEndpointBody(Body):
    """An endpoint: its URL, the event types that it wants (``*`` and ``ledger.*`` match several), and how to call it.

    ``schedule`` has the seconds before each attempt; ``rate_per_second`` and ``max_in_flight`` bound what it is sent.
    ``verify``: nothing but a challenge is sent until it was answered.
    """

    url: Url
    event_types: Maybe[list[EventName]] = None
    description: Maybe[Text] = None
    timeout_seconds: Maybe[Timeout] = None
    rate_per_second: Maybe[Rate] = None
    max_in_flight: Maybe[InFlight] = None
    schedule: Maybe[Schedule] = None
    headers: Maybe[Annotated[list[HeaderBody], Field(max_length=20)]] = None
    api_version: Maybe[Version] = None
    secret: Maybe[OwnSecret] = None
    verify: Maybe[bool] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class ChangeEndpointBody(Body):
    """What is to be different; what is left out stays. ``version``: only if nobody changed it since that was read.

    Null takes a rate or a schedule away. ``headers`` are all of them; one without a value keeps the stored.
    """

    version: Maybe[Annotated[RowVersion, WithJsonSchema({"type": "integer", "minimum": 1})]] = None
    url: Maybe[Url] = None
    event_types: Maybe[list[EventName]] = None
    description: Maybe[Text] = None
    timeout_seconds: Maybe[Timeout] = None
    rate_per_second: Rate | None = None
    max_in_flight: Maybe[InFlight] = None
    schedule: Schedule | None = None
    headers: Maybe[Annotated[list[ChangedHeaderBody], Field(max_length=20)]] = None
    api_version: Maybe[Version] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(
    router, "POST", "/webhook-endpoints", permission=Permission.WEBHOOKS_MANAGE, response={201: CreatedEndpointAnswer}
)
def create(request: HttpRequest, body: CreateEndpointBody) -> HttpResponse:
    """Register an endpoint. The answer holds its signing secret, this once."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        created = create_endpoint(**_settings(body), url=body.url, actor=actor, now=now)
        return show_endpoint(created.endpoint) | {"secret": created.secret}

    return answer_once(
        request, operation="webhook_endpoints.create", body=body, effect=effect, status=201, is_secret=True
    )


@door(router, "GET", "/webhook-endpoints", permission=Permission.WEBHOOKS_READ, response=EndpointPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    status: Annotated[Literal["enabled", "disabled"] | None, Query()] = None,
) -> HttpResponse:
    """Endpoints without secrets, oldest first; removed ones are not listed."""

    def read(rows: int, after: Position | None) -> list[EndpointRecord]:
        found = [each for each in list_endpoints() if status in (None, each.state)]
        return [each for each in found if after is None or _position(each) > after][:rows]

    return answer_page(
        request,
        listing="webhook_endpoints",
        limit=limit,
        cursor=cursor,
        read=read,
        position=_position,
        show=show_endpoint,
    )


@door(router, "GET", "/webhook-endpoints/{endpoint_id}", permission=Permission.WEBHOOKS_READ, response=EndpointAnswer)
def get(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """One endpoint, without its secrets. A removed one is still found, with ``removed_at``."""
    with tenant_work(caller_of(request).tenant):
        found = get_endpoint(endpoint_id=endpoint_id)
    return answer_json(show_endpoint(found))


@door(
    router, "PATCH", "/webhook-endpoints/{endpoint_id}", permission=Permission.WEBHOOKS_MANAGE, response=EndpointAnswer
)
def change(request: HttpRequest, endpoint_id: str, body: ChangeEndpointBody) -> HttpResponse:
    """Change how an endpoint is called; what waits for it goes by the new settings."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        changed = change_endpoint(
            **_settings(body), endpoint_id=endpoint_id, version=body.version, actor=actor, now=now
        )
        return show_endpoint(changed)

    return answer_once(request, operation="webhook_endpoints.change", body=body, effect=effect, is_secret=True)


@door(
    router, "DELETE", "/webhook-endpoints/{endpoint_id}", permission=Permission.WEBHOOKS_MANAGE, response=EndpointAnswer
)
def remove(
    request: HttpRequest,
    endpoint_id: str,
    reason: Annotated[str, Query(max_length=500, description="Why; kept with the endpoint.")] = "removed by its owner",
) -> HttpResponse:
    """Remove an endpoint for good: it gets nothing more, and what it got stays to be read."""
    actor = caller_of(request).actor
    return answer_once(
        request,
        operation="webhook_endpoints.remove",
        body={"reason": reason},
        effect=lambda now: show_endpoint(remove_endpoint(endpoint_id=endpoint_id, reason=reason, actor=actor, now=now)),
    )


@door(
    router,
    "POST",
    "/webhook-endpoints/{endpoint_id}/enable",
    permission=Permission.WEBHOOKS_MANAGE,
    response={200: EndpointAnswer},
)
def enable(request: HttpRequest, endpoint_id: str, body: ReasonBody) -> HttpResponse:
    """Deliver again from now on. What was retained meanwhile stays so until it is replayed."""
    actor = caller_of(request).actor
    return answer_once(
        request,
        operation="webhook_endpoints.enable",
        body=body,
        effect=lambda now: show_endpoint(
            enable_endpoint(endpoint_id=endpoint_id, reason=body.reason, actor=actor, now=now)
        ),
    )


@door(
    router,
    "POST",
    "/webhook-endpoints/{endpoint_id}/disable",
    permission=Permission.WEBHOOKS_MANAGE,
    response={200: EndpointAnswer},
)
def disable(request: HttpRequest, endpoint_id: str, body: ReasonBody) -> HttpResponse:
    """Stop delivering. What is on its way and what occurs from now on is retained, ready to be replayed."""
    actor = caller_of(request).actor
    return answer_once(
        request,
        operation="webhook_endpoints.disable",
        body=body,
        effect=lambda now: show_endpoint(
            disable_endpoint(endpoint_id=endpoint_id, reason=body.reason, actor=actor, now=now)
        ),
    )


@door(
    router,
    "POST",
    "/webhook-endpoints/{endpoint_id}/test",
    permission=Permission.WEBHOOKS_MANAGE,
    response={202: SentTestAnswer},
)
def test(request: HttpRequest, endpoint_id: str, body: EmptyBody) -> HttpResponse:
    """Send a test event to this endpoint alone, whatever its filter and state, once."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        event_id = send_test_event(endpoint_id=endpoint_id, actor=actor, now=now)
        return {
            "object": "webhook_test",
            "endpoint_id": endpoint_id,
            "event_id": event_id,
            "links": {"deliveries": f"/v1/webhook-deliveries?event_id={event_id}"},
        }

    return answer_once(request, operation="webhook_endpoints.test", body=body, effect=effect, status=202)


def _position(endpoint: EndpointRecord) -> Position:
    return endpoint.created_at, endpoint.id


def _settings(body: CreateEndpointBody | ChangeEndpointBody) -> dict[str, Any]:
    """What the caller said, in the operation's words; nothing that was left out, so that its own defaults count."""
    said = {name: getattr(body, name) for name in body.model_fields_set - {"idempotency_key", "version", "url"}}
    if "event_types" in said:
        said["event_filter"] = tuple(said.pop("event_types"))
    if said.get("headers") is not None:
        said["headers"] = [Header(each.name, each.value, each.is_sensitive or False) for each in said["headers"]]
    if isinstance(body, ChangeEndpointBody) and body.url is not None:
        said["url"] = body.url
    return said
