"""``/alarms`` and ``/stuck-intents``: what a person has to know, and what waits for somebody."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from zentra.alarms.operations import acknowledge_alarm
from zentra.alarms.queries import get_alarm, list_alarms, notices_of, stuck_intents
from zentra.api.doors import answer_json, answer_keyed_page, answer_once, caller_of, door
from zentra.api.fields import Body, IdempotencyKey, Maybe, Text
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.alarm_answers import (
    AlarmAnswer,
    AlarmDetailAnswer,
    AlarmPage,
    StuckPage,
    show_alarm,
    show_notice,
    show_stuck,
)
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Alarms"])


class AcknowledgeBody(Body):
    """What the one who looks after it wants the others to know."""

    note: Maybe[Text] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "GET", "/alarms", permission=Permission.ALARMS_READ, response=AlarmPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[
        Literal["open", "raised", "acknowledged", "cleared"] | None,
        Query(description="open: raised and acknowledged together."),
    ] = None,
    kind: Annotated[str | None, Query()] = None,
) -> HttpResponse:
    """Alarms, newest first."""
    return answer_keyed_page(
        request,
        listing="alarms",
        cursor=cursor,
        read=lambda before: list_alarms(state=state, kind=kind, before=before, limit=limit),
        show=show_alarm,
    )


@door(router, "GET", "/alarms/{alarm_id}", permission=Permission.ALARMS_READ, response=AlarmDetailAnswer)
def get(request: HttpRequest, alarm_id: str) -> HttpResponse:
    """One alarm as it stands, with every message that was sent about it."""
    with tenant_work(caller_of(request).tenant):
        found = get_alarm(alarm_id=alarm_id)
        notices = notices_of(alarm_id=alarm_id)
    return answer_json(show_alarm(found) | {"notices": [show_notice(each) for each in notices]})


@door(
    router,
    "POST",
    "/alarms/{alarm_id}/acknowledge",
    permission=Permission.ALARMS_ACKNOWLEDGE,
    response={200: AlarmAnswer},
)
def acknowledge(request: HttpRequest, alarm_id: str, body: AcknowledgeBody) -> HttpResponse:
    """Say that somebody looks after it: it stays quiet until it is cleared and raised anew."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_alarm(acknowledge_alarm(alarm_id=alarm_id, note=body.note or "", actor=actor, now=now))

    return answer_once(request, operation="alarms.acknowledge", body=body, effect=effect)


@door(router, "GET", "/stuck-intents", permission=Permission.INTENTS_READ, response=StuckPage)
def list_stuck(request: HttpRequest, limit: Limit = DEFAULT_LIMIT) -> HttpResponse:
    """Which intent waits for what, since when, and who can act; the longest waiting first."""
    with tenant_work(caller_of(request).tenant):
        found = stuck_intents(now=clock.now(), limit=limit + 1)
    return answer_json(
        {"data": [show_stuck(each) for each in found[:limit]], "next_cursor": None, "has_more": len(found) > limit}
    )
