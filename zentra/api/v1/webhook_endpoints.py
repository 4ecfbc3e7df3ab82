"""``/webhook-endpoints``: where a workspace wants its events delivered."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import StringConstraints

from webhooks.operations import create_endpoint
from webhooks.queries import get_endpoint, list_endpoints
from webhooks.types import EndpointRecord
from zentra.api.doors import answer_json, answer_write, caller_of, door, write
from zentra.api.fields import Body, IdempotencyKey, Maybe, Text
from zentra.api.v1.answers import CreatedEndpointAnswer, EndpointAnswer, EndpointPage
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Webhooks"])

Url = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
EventName = Annotated[str, StringConstraints(pattern=r"^[a-z_.*]{1,64}$")]


class CreateEndpointBody(Body):
    """An endpoint: its URL, and the event types that it wants (``*`` and ``ledger.*`` match several)."""

    url: Url
    event_types: Maybe[list[EventName]] = None
    description: Maybe[Text] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(
    router, "POST", "/webhook-endpoints", permission=Permission.WEBHOOKS_MANAGE, response={201: CreatedEndpointAnswer}
)
def create(request: HttpRequest, body: CreateEndpointBody) -> HttpResponse:
    """Register an endpoint. The answer holds its signing secret, this once."""
    caller = caller_of(request)

    def effect(_tenant: object, now: Any) -> tuple[int, dict[str, Any]]:
        created = create_endpoint(
            url=body.url,
            event_filter=tuple(body.event_types or ("*",)),
            description=body.description or "",
            actor=caller.actor,
            now=now,
        )
        return 201, show_endpoint(created.endpoint) | {"secret": created.secret}

    return answer_write(
        write(
            request,
            operation="webhook_endpoints.create",
            route="/v1/webhook-endpoints",
            body=body.model_dump(exclude_unset=True),
            effect=effect,
            is_secret=True,
        )
    )


@door(router, "GET", "/webhook-endpoints", permission=Permission.WEBHOOKS_READ, response=EndpointPage)
def list_all(request: HttpRequest) -> HttpResponse:
    """Every endpoint, without secrets."""
    with tenant_work(caller_of(request).tenant):
        found = list_endpoints()
    return answer_json({"data": [show_endpoint(one) for one in found], "next_cursor": None, "has_more": False})


@door(router, "GET", "/webhook-endpoints/{endpoint_id}", permission=Permission.WEBHOOKS_READ, response=EndpointAnswer)
def get(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """One endpoint, without its secret."""
    with tenant_work(caller_of(request).tenant):
        found = get_endpoint(endpoint_id=endpoint_id)
    return answer_json(show_endpoint(found))


def show_endpoint(endpoint: EndpointRecord) -> dict[str, Any]:
    """An endpoint as the API answers it."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": list(endpoint.event_filter),
        "status": endpoint.state,
        "public_key": endpoint.public_key,
        "created_at": clock.iso(endpoint.created_at),
    }
