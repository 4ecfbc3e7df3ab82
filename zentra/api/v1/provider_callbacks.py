"""``/callbacks`` and ``/quarantined-callbacks``: what rails sent us, and the signed ones that nobody could read."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from webhooks.operations import dismiss_callback, repair_callback
from webhooks.queries import (
    CallbackFilter,
    get_callback,
    get_quarantined,
    list_callbacks,
    list_quarantine,
    list_refusals,
    poll_states,
)
from zentra.api.doors import answer_json, answer_keyed_page, answer_once, caller_of, door
from zentra.api.fields import Body, Edge, IdempotencyKey, Maybe, Reason
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.callback_answers import (
    CallbackDetailAnswer,
    CallbackPage,
    CallbackState,
    PollPage,
    QuarantineAnswer,
    QuarantinePage,
    ReceiptAnswer,
    RefusedCallbackPage,
    show_callback,
    show_callback_detail,
    show_poll,
    show_quarantined,
    show_refused,
)
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Callbacks"])

# What a callback may have, in characters; the operation counts bytes.
RepairedBody = Annotated[str, StringConstraints(min_length=2, max_length=65536)]


class RepairBody(Body):
    """The callback's JSON as it should have been, and what was wrong with it."""

    body: RepairedBody
    note: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


class DismissBody(Body):
    """Why nothing is to be done about it."""

    note: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


class CallbackQuery(Schema):
    """What a list of callbacks is narrowed to. Times are moments, or days for their beginning in UTC."""

    rail_id: str | None = None
    intent_id: str | None = None
    provider_event_id: str | None = None
    since: Edge | None = Field(None, description="Arrived from here on.")
    until: Edge | None = Field(None, description="Arrived before this.")
    state: CallbackState | None = None
    source: Literal["callback", "poll", "repair", "match"] | None = Field(None, description="How it came.")
    q: str = Field("", max_length=128, description="What event id, intent, reference, type or detail hold.")


@door(router, "GET", "/callbacks", permission=Permission.CALLBACKS_READ, response=CallbackPage)
def list_all(
    request: HttpRequest,
    asked: Annotated[CallbackQuery, Query()],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> HttpResponse:
    """Verified arrivals, newest first, each with what it converged on."""
    where = CallbackFilter(
        **asked.model_dump(exclude={"state", "source", "q"}),
        states=None if asked.state is None else (asked.state,),
        sources=None if asked.source is None else (asked.source,),
        text=asked.q.strip() or None,
    )
    return answer_keyed_page(
        request,
        listing="callbacks",
        cursor=cursor,
        read=lambda before: list_callbacks(where=where, before=before, limit=limit),
        show=show_callback,
    )


@door(router, "GET", "/callbacks/{callback_id}", permission=Permission.CALLBACKS_READ, response=CallbackDetailAnswer)
def get(request: HttpRequest, callback_id: str) -> HttpResponse:
    """One arrival with its raw bytes, and every repeat of it."""
    with tenant_work(caller_of(request).tenant):
        found = get_callback(callback_id=callback_id)
    return answer_json(show_callback_detail(found))


@door(router, "GET", "/quarantined-callbacks", permission=Permission.CALLBACKS_READ, response=QuarantinePage)
def list_quarantined(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[Literal["open", "applied", "dismissed"] | None, Query()] = None,
    rail_id: Annotated[str | None, Query()] = None,
) -> HttpResponse:
    """Signed callbacks that could not be read, newest first."""

    return answer_keyed_page(
        request,
        listing="quarantined_callbacks",
        cursor=cursor,
        read=lambda before: list_quarantine(state=state, rail_id=rail_id, before=before, limit=limit),
        show=show_quarantined,
    )


@door(
    router,
    "GET",
    "/quarantined-callbacks/{callback_id}",
    permission=Permission.CALLBACKS_READ,
    response=QuarantineAnswer,
)
def get_one_quarantined(request: HttpRequest, callback_id: str) -> HttpResponse:
    """One quarantined callback with its bytes, and what somebody made of it."""
    with tenant_work(caller_of(request).tenant):
        found = get_quarantined(callback_id=callback_id)
    return answer_json(show_quarantined(found))


@door(
    router,
    "POST",
    "/quarantined-callbacks/{callback_id}/repair",
    permission=Permission.CALLBACKS_REPAIR,
    response={200: ReceiptAnswer},
)
def repair(request: HttpRequest, callback_id: str, body: RepairBody) -> HttpResponse:
    """Take a callback in with a body that a person put right; the provider's own bytes are kept beside it."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        receipt = repair_callback(
            callback_id=callback_id, body=body.body.encode(), note=body.note, actor=actor, now=now
        )
        return receipt.as_dict()

    return answer_once(request, operation="callbacks.repair", body=body, effect=effect)


@door(
    router,
    "POST",
    "/quarantined-callbacks/{callback_id}/dismiss",
    permission=Permission.CALLBACKS_REPAIR,
    response={200: QuarantineAnswer},
)
def dismiss(request: HttpRequest, callback_id: str, body: DismissBody) -> HttpResponse:
    """Say that nothing is to be done about a quarantined callback."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_quarantined(dismiss_callback(callback_id=callback_id, note=body.note, actor=actor, now=now))

    return answer_once(request, operation="callbacks.dismiss", body=body, effect=effect)


@door(router, "GET", "/refused-callbacks", permission=Permission.CALLBACKS_READ, response=RefusedCallbackPage)
def list_refused(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    rail_id: Annotated[str | None, Query()] = None,
) -> HttpResponse:
    """Callbacks that were refused before anything changed, newest first, and why."""
    return answer_keyed_page(
        request,
        listing="refused_callbacks",
        cursor=cursor,
        read=lambda before: list_refusals(rail_id=rail_id, before=before, limit=limit),
        show=show_refused,
    )


@door(router, "GET", "/callback-polls", permission=Permission.CALLBACKS_READ, response=PollPage)
def list_polls(request: HttpRequest) -> HttpResponse:
    """The rails that are asked for what we missed, and what that brought."""
    with tenant_work(caller_of(request).tenant):
        found = poll_states()
    return answer_json({"data": [show_poll(each) for each in found], "next_cursor": None, "has_more": False})
