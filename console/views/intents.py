"""All intents, and the page of one: lenses over the six stages, history, entries, routes, deliveries, packet."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.presenters import story
from console.presenters.entries import entry_row
from console.presenters.webhooks import delivery_row
from console.readings.intents import FILTERS, PAGE, Story, inspect, read_page, read_story, rows_of
from console.shell import build_shell
from console.types import Chip
from console.types.intents import IntentPage, PacketView
from console.types.webhooks import DeliveryRow
from console.views.room import filter_chips, inspect_chosen
from evidence.operations import read_packet
from zentra.runtime.queries import get_history, get_intent
from zentra.tenants.permissions import Permission

_LENSES: Final = (("state", "State"), ("events", "Events"), ("evidence", "Evidence"))


@room(Permission.INTENTS_READ)
def show_intents(visit: Visit) -> HttpResponse:
    """Everything that was asked for, newest first."""
    here, query = f"{visit.base}intents/", visit.request.GET
    wanted = query.get("filter", "all") if query.get("filter") in FILTERS else "all"
    before, chosen = query.get("before", ""), query.get("selected", "")
    kept = "" if wanted == "all" else wanted
    close = paging.link(here, filter=kept, before=before)
    if visit.is_partial and chosen and visit.request.headers.get("HX-Target") == "inspector":
        return render(
            visit.request, "console/parts/inspector.html", {"view": inspect_chosen(visit, chosen, close_url=close)}
        )
    found = read_page(wanted=wanted, before=paging.decode(before), limit=PAGE)
    shown = found[:PAGE]
    selected = chosen or (shown[0].intent_id if shown else "")
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(found) > PAGE else ""
    page = {
        "filters": filter_chips(visit, here, wanted),
        "rows": rows_of(
            shown,
            base=visit.base,
            now=visit.now,
            link=close + ("&" if "?" in close else "?") + "selected=",
            selected=selected,
        ),
        "selected": inspect_chosen(visit, selected, close_url=close, chosen=bool(chosen)) if selected else None,
        "first": not before,
        "first_url": paging.link(here, filter=kept),
        "next_url": paging.link(here, filter=kept, before=following) if following else "",
    }
    return render(visit.request, "console/intents.html", {"shell": build_shell(visit, room="intents"), "page": page})


@room(Permission.INTENTS_READ)
def show_intent(visit: Visit, intent_id: str) -> HttpResponse:
    """One intent, whole."""
    found = read_story(get_intent(intent_id=intent_id))
    here, lens = f"{visit.base}intents/{intent_id}/", visit.request.GET.get("lens", "state")
    lens = lens if lens in dict(_LENSES) else "state"
    history = get_history(intent_id=intent_id)
    names = found.names
    page = IntentPage(
        inspector=inspect(found, member=visit.member, base=visit.base, now=visit.now),
        lens=lens,
        lenses=tuple(
            Chip(title, paging.link(here, lens="" if key == "state" else key), key == lens, key=key)
            for key, title in _LENSES
        ),
        stages=story.lens(found.intent, history=history, events=found.events, names=names),
        transitions=story.transitions(history, names=names),
        entries=tuple(entry_row(entry, base=visit.base) for entry in found.entries),
        routes=story.routes(found.routes),
        attempts=story.attempts(found.attempts),
        deliveries=read_deliveries(visit, found),
        packet=read_packet_view(visit, found),
        decision=story.decision(found.decision),
    )
    return render(visit.request, "console/intent.html", {"shell": build_shell(visit, room="intents"), "page": page})


def read_deliveries(visit: Visit, found: Story) -> tuple[DeliveryRow, ...]:
    """The deliveries of an intent's events."""
    return tuple(
        delivery_row(
            each.delivery,
            base=visit.base,
            now=visit.now,
            may_replay=False,
        )
        for each in found.deliveries
    )


def read_packet_view(visit: Visit, found: Story) -> PacketView:
    """The latest packet of an intent, or why there is none."""
    intent = found.intent
    sealed = read_packet(intent_id=intent.intent_id) if intent.packet_revision else None
    export = (
        f"{visit.base}intents/{intent.intent_id}/packet/" if sealed and visit.may(Permission.PACKETS_EXPORT) else ""
    )
    return story.packet(intent, sealed, events=found.events, export_url=export)
