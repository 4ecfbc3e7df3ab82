"""``/webhook-replays``: a range of deliveries sent again ("everything that failed since …"), seen before it starts."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, StringConstraints

from webhooks.operations import cancel_replay, start_replay
from webhooks.queries import ReplayScope, get_replay, list_replays, preview_replay
from zentra.api.doors import answer_json, answer_keyed_page, answer_once, caller_of, door
from zentra.api.fields import Body, IdempotencyKey, Maybe, Moment, Reason, ReasonBody, Reference
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.delivery_answers import (
    ReplayAnswer,
    ReplayPage,
    ReplayPreviewAnswer,
    show_preview,
    show_replay,
)
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Webhooks"])

State = Literal["queued", "retained", "retrying", "resolved", "exhausted"]
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z_.*]{1,64}$")]
Rate = Annotated[int, Field(ge=1, le=500)]
# Beside what happens now, not in its way.
DEFAULT_RATE: Final = 20


class ScopeBody(Body):
    """Which deliveries: of an endpoint, an event, states, a type, a span of time. What is left out is any."""

    endpoint_id: Maybe[Reference] = None
    event_id: Maybe[Reference] = None
    states: Maybe[Annotated[list[State], Field(min_length=1, max_length=5)]] = None
    event_type: Maybe[EventType] = None
    since: Maybe[Moment] = None
    until: Maybe[Moment] = None
    rate_per_second: Maybe[Rate] = None


class StartReplayBody(ScopeBody):
    """A scope, how many a second, and why."""

    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


@door(
    router,
    "POST",
    "/webhook-replays/preview",
    permission=Permission.WEBHOOKS_REPLAY,
    response={200: ReplayPreviewAnswer},
)
def preview(request: HttpRequest, body: ScopeBody) -> HttpResponse:
    """What a replay of this scope would send; nothing is sent and nothing written."""
    with tenant_work(caller_of(request).tenant):
        found = preview_replay(where=_scope(body), now=clock.now(), rate_per_second=_rate(body))
    return answer_json(show_preview(found))


@door(router, "POST", "/webhook-replays", permission=Permission.WEBHOOKS_REPLAY, response={201: ReplayAnswer})
def create(request: HttpRequest, body: StartReplayBody) -> HttpResponse:
    """Send again what the scope matches, oldest first, at a rate; who asked and why is kept."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        started = start_replay(
            where=_scope(body), rate_per_second=_rate(body), reason=body.reason, actor=actor, now=now
        )
        return show_replay(started)

    return answer_once(request, operation="webhook_replays.create", body=body, effect=effect, status=201)


@door(router, "GET", "/webhook-replays", permission=Permission.WEBHOOKS_READ, response=ReplayPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[Literal["running", "done", "canceled"] | None, Query()] = None,
    endpoint_id: Annotated[str | None, Query()] = None,
) -> HttpResponse:
    """Replays with their progress, newest first."""
    states = None if state is None else (state,)
    return answer_keyed_page(
        request,
        listing="webhook_replays",
        cursor=cursor,
        read=lambda before: list_replays(states=states, endpoint_id=endpoint_id, before=before, limit=limit),
        show=show_replay,
    )


@door(router, "GET", "/webhook-replays/{replay_id}", permission=Permission.WEBHOOKS_READ, response=ReplayAnswer)
def get(request: HttpRequest, replay_id: str) -> HttpResponse:
    """One replay and how far it is."""
    with tenant_work(caller_of(request).tenant):
        found = get_replay(replay_id=replay_id)
    return answer_json(show_replay(found))


@door(
    router,
    "POST",
    "/webhook-replays/{replay_id}/cancel",
    permission=Permission.WEBHOOKS_REPLAY,
    response={200: ReplayAnswer},
)
def cancel(request: HttpRequest, replay_id: str, body: ReasonBody) -> HttpResponse:
    """Ask for no more of a replay; what it has asked for already is sent."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_replay(cancel_replay(replay_id=replay_id, reason=body.reason, actor=actor, now=now))

    return answer_once(request, operation="webhook_replays.cancel", body=body, effect=effect)


def _rate(body: ScopeBody) -> int:
    return DEFAULT_RATE if body.rate_per_second is None else body.rate_per_second


def _scope(body: ScopeBody) -> ReplayScope:
    return ReplayScope(
        endpoint_id=body.endpoint_id,
        event_id=body.event_id,
        states=None if body.states is None else tuple(body.states),
        event_type=body.event_type,
        since=body.since,
        until=body.until,
    )
