"""``/events``: the log in its own order, one event with its bytes, and where it went."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from evidence.queries import events_after, find_event
from webhooks.operations import send_event
from webhooks.queries import explain_event
from zentra.api.doors import answer_json, answer_once, caller_of, door
from zentra.api.fields import Body, IdempotencyKey, Maybe, Reason, Reference
from zentra.api.pagination import DEFAULT_LIMIT, Limit, read_sequence
from zentra.api.v1.answers import EventPage
from zentra.api.v1.delivery_answers import DeliveryAnswer, show_delivery
from zentra.api.v1.event_answers import EventDetailAnswer, ReachPage, show_event, show_event_detail, show_reach
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Events"])


class SendEventBody(Body):
    """An endpoint that never got the event, and why it is to get it now."""

    endpoint_id: Reference
    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "GET", "/events", permission=Permission.EVENTS_READ, response=EventPage)
def list_events(
    request: HttpRequest,
    after: Annotated[str | None, Query(description="The sequence of the last event that you have.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    type: Annotated[str | None, Query(description="One event type, or several separated by commas.")] = None,  # noqa: A002  # the contract's name
    intent_id: Annotated[str | None, Query(max_length=64, description="Only the events of one intent.")] = None,
) -> HttpResponse:
    """Events after a sequence, oldest first. ``next_cursor`` is always there: ask with it as ``after`` later.

    An event is listed once its place in the log is assigned, a moment after its commit; none is ever skipped.
    """
    index = read_sequence(after)
    types = [name.strip() for name in (type or "").split(",") if name.strip()]
    with tenant_work(caller_of(request).tenant):
        found = events_after(index=index, limit=limit + 1, types=types, intent_id=intent_id)
    shown = found[:limit]
    last = shown[-1].index if shown else index
    return answer_json(
        {
            "data": [show_event(event) for event in shown],
            "next_cursor": str(last) if last is not None and last >= 0 else None,
            "has_more": len(found) > limit,
        }
    )


@door(router, "GET", "/events/{event_id}", permission=Permission.EVENTS_READ, response=EventDetailAnswer)
def get(request: HttpRequest, event_id: str) -> HttpResponse:
    """One event with the exact bytes that are hashed, signed and delivered."""
    with tenant_work(caller_of(request).tenant):
        found = find_event(event_id=event_id)
    return answer_json(show_event_detail(found))


@door(router, "GET", "/events/{event_id}/deliveries", permission=Permission.WEBHOOKS_READ, response=ReachPage)
def list_reach(request: HttpRequest, event_id: str) -> HttpResponse:
    """Every endpoint with its delivery of this event, or with why it was not sent there."""
    with tenant_work(caller_of(request).tenant):
        found = explain_event(event_id=event_id)
    return answer_json({"data": [show_reach(each) for each in found], "next_cursor": None, "has_more": False})


@door(
    router,
    "POST",
    "/events/{event_id}/deliveries",
    permission=Permission.WEBHOOKS_REPLAY,
    response={201: DeliveryAnswer},
)
def send(request: HttpRequest, event_id: str, body: SendEventBody) -> HttpResponse:
    """Send an event to an endpoint that never got it: one that is newer, or did not subscribe to it then."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        sent = send_event(event_id=event_id, endpoint_id=body.endpoint_id, reason=body.reason, actor=actor, now=now)
        return show_delivery(sent)

    return answer_once(request, operation="events.send", body=body, effect=effect, status=201)
