"""Alarms: what is wrong and who has it, who is told, and every message that left."""

from typing import Final, cast

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, platform_room, room
from console.forms import FormIncomplete, act_once, words
from console.presenters import alarms as present
from console.presenters.accounts import Names
from console.readings.ledger import names_of
from console.shell import build_shell
from console.types import Chip
from console.types.alarms import AlarmPage, AlarmsPage, ChannelSecret, ChannelsPage, SentPage
from console.types.ledger import Option
from zentra.alarms.operations import StaleAlarm, acknowledge_alarm, add_channel, remove_channel, test_channel
from zentra.alarms.queries import (
    count_open_alarms,
    get_alarm,
    list_alarms,
    list_channels,
    list_kinds,
    list_sent,
    notices_of,
)
from zentra.alarms.types import AlarmState, ChannelKind, CreatedChannel
from zentra.tenants.permissions import Permission

STATES: Final = (
    ("", "Open"),
    ("raised", "Nobody has it"),
    ("acknowledged", "Acknowledged"),
    ("cleared", "Good again"),
)


def alarm_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The pages of this room; the installation's own alarms are told by ``manage.py alarms``."""
    if visit.is_platform:
        return ()
    pages = (("alarms", "Alarms", ""), ("channels", "Who is told", "channels/"), ("sent", "Sent", "sent/"))
    return tuple(Chip(title, f"{visit.base}alarms/{path}", key == current) for key, title, path in pages)


@room(Permission.ALARMS_READ)
def show_alarms(visit: Visit) -> HttpResponse:
    """What is wrong now; or what was."""
    return _list(visit)


@platform_room(Permission.WORKSPACES_READ)
def show_platform_alarms(visit: Visit) -> HttpResponse:
    """What is wrong with the installation itself: processes, queues, what belongs to no workspace."""
    return _list(visit)


def _list(visit: Visit) -> HttpResponse:
    state, before = asked(visit, "state"), asked(visit, "before")
    known = state if state in {key for key, _ in STATES} else ""
    found = list_alarms(state=cast("AlarmState", known) if known else "open", before=paging.decode(before))
    names = names_of(each.acknowledged_by for each in found.rows)
    counts = count_open_alarms()
    here = f"{visit.base}alarms/"
    page = AlarmsPage(
        tabs=alarm_tabs(visit, "alarms"),
        states=tuple(
            Chip(title, paging.link(here, state=key), key == known, counts.get(key) if key else sum(counts.values()))
            for key, title in STATES
        ),
        rows=tuple(present.alarm_row(each, base=visit.base, now=visit.now, names=names) for each in found.rows),
        next_url=paging.link(here, state=known, before=paging.encode(found.next_key)) if found.next_key else "",
        first_url=paging.link(here, state=known) if before else "",
    )
    return render(visit.request, "console/alarms.html", {"shell": build_shell(visit, room="alarms"), "page": page})


@room(Permission.ALARMS_READ)
def show_alarm(visit: Visit, alarm_id: str) -> HttpResponse:
    """One alarm, what was measured, who was told, and who has it."""
    return _one(visit, alarm_id, may_acknowledge=visit.may(Permission.ALARMS_ACKNOWLEDGE))


@platform_room(Permission.WORKSPACES_READ)
def show_platform_alarm(visit: Visit, alarm_id: str) -> HttpResponse:
    """One alarm of the installation."""
    return _one(visit, alarm_id, may_acknowledge=visit.may(Permission.WORKSPACES_MANAGE))


def _one(visit: Visit, alarm_id: str, *, may_acknowledge: bool) -> HttpResponse:
    record = get_alarm(alarm_id=alarm_id)
    names = names_of([record.acknowledged_by])
    here = f"{visit.base}alarms/{record.id}/"
    may = record.state == "raised" and may_acknowledge
    page = AlarmPage(
        row=present.alarm_row(record, base=visit.base, now=visit.now, names=names),
        facts=present.alarm_facts(record, names=names, now=visit.now),
        numbers=present.numbers(record.facts),
        notices=tuple(
            present.notice_row(each, base=visit.base, now=visit.now) for each in notices_of(alarm_id=record.id)
        ),
        subject_url=present.subject_url(record, base=visit.base),
        runbook_url=f"{visit.base}runbooks/{record.runbook}/",
        acknowledge_url=f"{here}acknowledge/" if may else "",
    )
    return render(visit.request, "console/alarm.html", {"shell": build_shell(visit, room="alarms"), "page": page})


@room(Permission.ALARMS_ACKNOWLEDGE)
def acknowledge(visit: Visit, alarm_id: str) -> HttpResponse:
    """Take it: nothing more is sent about it until it is good again."""
    return _take(visit, alarm_id)


@platform_room(Permission.WORKSPACES_MANAGE)
def acknowledge_platform(visit: Visit, alarm_id: str) -> HttpResponse:
    """Take an alarm of the installation."""
    return _take(visit, alarm_id)


def _take(visit: Visit, alarm_id: str) -> HttpResponse:
    note = words(visit, "reason", needed=False)

    first = get_alarm(alarm_id=alarm_id).acknowledged_by
    names = names_of([first])

    def effect() -> str:
        try:
            record = acknowledge_alarm(alarm_id=alarm_id, actor=visit.actor(), note=note, now=visit.now)
        except StaleAlarm as stale:
            raise _by_name(stale, names) from stale
        return f"You have it: {record.headline}. Nothing more is sent about it until it is good again."

    return act_once(visit, operation="alarms.acknowledge", effect=effect, to=f"{visit.base}alarms/{alarm_id}/")


def _by_name(stale: StaleAlarm, names: Names) -> StaleAlarm:
    """The refusal with the name of who was first, where it is a person that this page knows."""
    first = cast("dict[str, str] | None", stale.extra.get("acknowledged_by"))
    if not first or first["id"] not in names:
        return stale
    return StaleAlarm(f"{names[first['id']]} acknowledged it first, at {stale.extra.get('acknowledged_at')}.")


@room(Permission.ALARMS_READ)
def show_channels(visit: Visit) -> HttpResponse:
    """Who is told of what, and by which way."""
    titles = {kind.name: kind.title for kind in list_kinds()}
    may = visit.may(Permission.ALARMS_MANAGE)
    page = ChannelsPage(
        tabs=alarm_tabs(visit, "channels"),
        rows=tuple(
            present.channel_row(each, base=visit.base, now=visit.now, titles=titles, may_manage=may)
            for each in list_channels()
        ),
        kinds=tuple(Option(name, title) for name, title in titles.items()),
        add_url=f"{visit.base}alarms/channels/add/" if may else "",
    )
    context = {"shell": build_shell(visit, room="alarms"), "page": page}
    return render(visit.request, "console/alarm_channels.html", context)


@room(Permission.ALARMS_MANAGE)
def add(visit: Visit) -> HttpResponse:
    """Have somebody told from now on. A webhook's secret is shown in the answer, and never again."""
    kind, target = visit.request.POST.get("kind", ""), words(visit, "target")
    if kind not in ("mail", "webhook"):
        raise FormIncomplete("Choose mail or webhook.")
    chosen = visit.request.POST.getlist("kinds") or ["*"]
    made: list[CreatedChannel] = []

    def effect() -> str:
        made.append(
            add_channel(
                kind=cast("ChannelKind", kind),
                target=target,
                kinds=chosen,
                who=words(visit, "who", needed=False),
                actor=visit.actor(),
                now=visit.now,
            )
        )
        return f"{made[0].channel.target} is told from the next alarm on."

    here = f"{visit.base}alarms/channels/"
    answer = act_once(visit, operation="alarms.channels.add", effect=effect, to=here)
    if not made or made[0].secret is None:
        return answer
    shown = ChannelSecret(target=made[0].channel.target, value=made[0].secret, channels_url=here)
    context = {"shell": build_shell(visit, room="alarms"), "page": shown}
    page = render(visit.request, "console/alarm_secret.html", context)
    page.headers["Cache-Control"] = "no-store"
    return page


@room(Permission.ALARMS_MANAGE)
def remove(visit: Visit, channel_id: str) -> HttpResponse:
    """Tell them nothing more."""

    def effect() -> str:
        record = remove_channel(channel_id=channel_id, actor=visit.actor(), now=visit.now)
        return f"{record.target} is told nothing more."

    return act_once(visit, operation="alarms.channels.remove", effect=effect, to=f"{visit.base}alarms/channels/")


@room(Permission.ALARMS_MANAGE)
def test(visit: Visit, channel_id: str) -> HttpResponse:
    """Send a test message; its fate stands under what was sent."""

    def effect() -> str:
        record = test_channel(channel_id=channel_id, actor=visit.actor(), now=visit.now)
        return f"A test is on its way to {record.target}."

    return act_once(visit, operation="alarms.channels.test", effect=effect, to=f"{visit.base}alarms/sent/")


@room(Permission.ALARMS_READ)
def show_sent(visit: Visit) -> HttpResponse:
    """Every message, exactly as it was sent; without a mail server this page is where mail goes."""
    before, here = asked(visit, "before"), f"{visit.base}alarms/sent/"
    found = list_sent(before=paging.decode(before))
    page = SentPage(
        tabs=alarm_tabs(visit, "sent"),
        rows=tuple(present.notice_row(each, base=visit.base, now=visit.now) for each in found.rows),
        next_url=paging.link(here, before=paging.encode(found.next_key)) if found.next_key else "",
        first_url=here if before else "",
    )
    return render(visit.request, "console/alarms_sent.html", {"shell": build_shell(visit, room="alarms"), "page": page})
