"""``/webhook-deliveries``: what went where, each attempt with what came back, and sending one again."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from webhooks.operations import replay_delivery
from webhooks.queries import DeliveryFilter, get_delivery_detail, list_deliveries
from webhooks.types import DeliveryState
from zentra.api.doors import answer_json, answer_keyed_page, answer_once, caller_of, door
from zentra.api.fields import Edge, ReasonBody
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.problems import FieldRefusal
from zentra.api.v1.delivery_answers import (
    DeliveryAnswer,
    DeliveryDetailAnswer,
    DeliveryPage,
    show_attempt,
    show_delivery,
)
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Webhooks"])


class DeliveryQuery(Schema):
    """What a list of deliveries is narrowed to. Times are moments, or days for their beginning in UTC."""

    state: str | None = Field(None, description="One state, or several separated by commas.")
    endpoint_id: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    intent_id: str | None = None
    replay_id: str | None = Field(None, description="The last replay that asked for it.")
    purpose: Literal["event", "test", "probe"] | None = None
    status: int | None = Field(None, ge=100, le=599, description="The last answer's HTTP status.")
    error_class: str | None = Field(None, description="How the last attempt failed.")
    since: Edge | None = Field(None, description="Created from here on.")
    until: Edge | None = Field(None, description="Created before this.")
    q: str = Field("", max_length=128, description="How a delivery's, event's, endpoint's or intent's id begins.")


@door(router, "GET", "/webhook-deliveries", permission=Permission.WEBHOOKS_READ, response=DeliveryPage)
def list_all(
    request: HttpRequest,
    asked: Annotated[DeliveryQuery, Query()],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> HttpResponse:
    """Deliveries, newest first."""
    where = DeliveryFilter(
        **asked.model_dump(exclude={"state", "q"}), states=read_states(asked.state), text=asked.q.strip()
    )
    return answer_keyed_page(
        request,
        listing="webhook_deliveries",
        cursor=cursor,
        read=lambda before: list_deliveries(where=where, before=before, limit=limit),
        show=show_delivery,
    )


@door(
    router,
    "GET",
    "/webhook-deliveries/{delivery_id}",
    permission=Permission.WEBHOOKS_READ,
    response=DeliveryDetailAnswer,
)
def get(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """One delivery with every attempt, oldest first."""
    with tenant_work(caller_of(request).tenant):
        found = get_delivery_detail(delivery_id=delivery_id)
    attempts = [show_attempt(attempt) for attempt in found.attempts]
    return answer_json(show_delivery(found.delivery) | {"attempt_list": attempts})


@door(
    router,
    "POST",
    "/webhook-deliveries/{delivery_id}/replay",
    permission=Permission.WEBHOOKS_REPLAY,
    response={200: DeliveryAnswer},
)
def replay(request: HttpRequest, delivery_id: str, body: ReasonBody) -> HttpResponse:
    """Send one delivery again, now, under the same event id; who asked and why is kept."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_delivery(replay_delivery(delivery_id=delivery_id, reason=body.reason, actor=actor, now=now))

    return answer_once(request, operation="webhook_deliveries.replay", body=body, effect=effect)


def read_states(text: str | None) -> tuple[DeliveryState, ...] | None:
    """The delivery states that an address names; raises FieldRefusal for one that there is not."""
    if text is None:
        return None
    known: dict[str, DeliveryState] = {name: name for name in get_args(DeliveryState)}
    try:
        return tuple(known[name.strip()] for name in text.split(","))
    except KeyError as error:
        raise FieldRefusal("state", f"is one or several of {', '.join(known)}") from error
