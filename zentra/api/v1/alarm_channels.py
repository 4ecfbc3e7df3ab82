"""``/alarm-channels`` and ``/alarm-notices``: to whom alarms go, and what was sent."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field, StringConstraints

from zentra.alarms.operations import add_channel, remove_channel, test_channel
from zentra.alarms.queries import list_channels, list_sent
from zentra.api.doors import answer_json, answer_keyed_page, answer_once, caller_of, door
from zentra.api.fields import Body, EmptyBody, IdempotencyKey, Maybe, OwnSecret, Text
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.alarm_answers import (
    ChannelAnswer,
    ChannelPage,
    CreatedChannelAnswer,
    NoticeAnswer,
    NoticePage,
    show_channel,
    show_notice,
)
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Alarms"])

Target = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
AlarmKind = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z_]{1,64})$")]


class AddChannelBody(Body):
    """A mail address or a URL, whose it is, and the kinds of alarms that go there; all, when none is named.

    ``secret`` is for those who bring their own ``whsec_``; else a webhook gets a new one.
    """

    kind: Literal["mail", "webhook"]
    target: Target
    who: Maybe[Text] = None
    kinds: Maybe[Annotated[list[AlarmKind], Field(min_length=1, max_length=50)]] = None
    secret: Maybe[OwnSecret] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "GET", "/alarm-channels", permission=Permission.ALARMS_READ, response=ChannelPage)
def list_all(request: HttpRequest) -> HttpResponse:
    """To whom alarms go."""
    with tenant_work(caller_of(request).tenant):
        found = list_channels()
    return answer_json({"data": [show_channel(each) for each in found], "next_cursor": None, "has_more": False})


@door(router, "POST", "/alarm-channels", permission=Permission.ALARMS_MANAGE, response={201: CreatedChannelAnswer})
def add(request: HttpRequest, body: AddChannelBody) -> HttpResponse:
    """Tell somebody of alarms from now on. A webhook's signing secret is answered this once."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        made = add_channel(
            kind=body.kind,
            target=body.target,
            who=body.who or "",
            kinds=tuple(body.kinds or ("*",)),
            secret=body.secret,
            actor=actor,
            now=now,
        )
        return show_channel(made.channel) | {"secret": made.secret}

    return answer_once(request, operation="alarm_channels.add", body=body, effect=effect, status=201, is_secret=True)


@door(router, "DELETE", "/alarm-channels/{channel_id}", permission=Permission.ALARMS_MANAGE, response=ChannelAnswer)
def remove(request: HttpRequest, channel_id: str) -> HttpResponse:
    """Tell them no longer; what was sent stays to be read."""
    actor = caller_of(request).actor
    return answer_once(
        request,
        operation="alarm_channels.remove",
        body={},
        effect=lambda now: show_channel(remove_channel(channel_id=channel_id, actor=actor, now=now)),
    )


@door(
    router,
    "POST",
    "/alarm-channels/{channel_id}/test",
    permission=Permission.ALARMS_MANAGE,
    response={202: NoticeAnswer},
)
def test(request: HttpRequest, channel_id: str, body: EmptyBody) -> HttpResponse:
    """Send a test message to one channel."""
    actor = caller_of(request).actor
    return answer_once(
        request,
        operation="alarm_channels.test",
        body=body,
        effect=lambda now: show_notice(test_channel(channel_id=channel_id, actor=actor, now=now)),
        status=202,
    )


@door(router, "GET", "/alarm-notices", permission=Permission.ALARMS_READ, response=NoticePage)
def list_notices(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HttpResponse:
    """What was sent about alarms, and what became of it, newest first."""
    return answer_keyed_page(
        request,
        listing="alarm_notices",
        cursor=cursor,
        read=lambda before: list_sent(before=before, limit=limit),
        show=show_notice,
    )
