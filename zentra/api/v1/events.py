"""``/events``: the log in its own order, to catch up without webhooks."""

import json
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from evidence.queries import events_after
from evidence.types import RecordedEvent
from zentra.api.doors import answer_json, caller_of, door
from zentra.api.pagination import DEFAULT_LIMIT, Limit, read_sequence
from zentra.api.v1.answers import EventPage
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Events"])


@door(router, "GET", "/events", permission=Permission.EVENTS_READ, response=EventPage)
def list_events(
    request: HttpRequest,
    after: Annotated[str | None, Query(description="The sequence of the last event that you have.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    type: Annotated[str | None, Query(description="One event type, or several separated by commas.")] = None,  # noqa: A002  # the contract's name
) -> HttpResponse:
    """Events after a sequence, oldest first. ``next_cursor`` is always there: ask with it as ``after`` later.

    An event is listed once its place in the log is assigned, a moment after its commit; none is ever skipped.
    """
    index = read_sequence(after)
    types = [name.strip() for name in (type or "").split(",") if name.strip()]
    with tenant_work(caller_of(request).tenant):
        found = events_after(index=index, limit=limit + 1, types=types)
    shown = found[:limit]
    last = shown[-1].index if shown else index
    return answer_json(
        {
            "data": [show_event(event) for event in shown],
            "next_cursor": str(last) if last is not None and last >= 0 else None,
            "has_more": len(found) > limit,
        }
    )


def show_event(event: RecordedEvent) -> dict[str, Any]:
    """The event as it was hashed and delivered, with its place in the log beside it."""
    body: dict[str, Any] = json.loads(event.body)
    return body | {"sequence": event.index}
