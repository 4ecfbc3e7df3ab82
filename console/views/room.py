"""The operations room: stages, figures, the intent table and the selected intent; its tabs Events and Audit."""

from datetime import datetime
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.readings.figures import read_kpis, read_stages
from console.readings.first_steps import read_first_steps
from console.readings.intents import FILTERS, inspect, read_page, read_story, rows_of
from console.shell import build_shell
from console.types import Chip, InspectorView
from console.types.events import EventRow
from console.types.room import RoomView
from console.views import events
from policy.queries import count_open_reviews
from webhooks.queries import retrying_intents
from zentra.runtime.queries import count_failed, count_held, find_intent
from zentra.runtime.rollups import window_start
from zentra.tenants.permissions import Permission

ROWS: Final = 50
_TABS: Final = (("24h", "24h"), ("events", "Events"), ("audit", "Audit"))
MAX_COUNT: Final = 200


@room(Permission.ROOM_READ)
def show_room(visit: Visit) -> HttpResponse:
    """The one inspectable view."""
    tab = visit.request.GET.get("tab", "24h")
    tab = tab if tab in dict(_TABS) else "24h"
    chosen = visit.request.GET.get("selected", "")
    if visit.is_partial and chosen and visit.request.headers.get("HX-Target") == "inspector":
        return render(
            visit.request,
            "console/parts/inspector.html",
            {"view": inspect_chosen(visit, chosen, close_url=_here(visit))},
        )
    view = _table(visit, chosen) if tab == "24h" else _log(visit, tab)
    return render(visit.request, "console/room.html", {"shell": build_shell(visit, room="room"), "room": view})


def _here(visit: Visit, **changes: object) -> str:
    kept = {name: visit.request.GET.get(name, "") for name in ("tab", "filter", "before")}
    return paging.link(visit.base, **{**kept, **changes})


def _tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    allowed = [(key, title) for key, title in _TABS if key == "24h" or visit.may(Permission.EVENTS_READ)]
    return tuple(
        Chip(title, paging.link(visit.base, tab="" if key == "24h" else key), key == current) for key, title in allowed
    )


def _table(visit: Visit, chosen: str) -> RoomView:
    wanted = visit.request.GET.get("filter", "all")
    wanted = wanted if wanted in FILTERS else "all"
    found = read_page(wanted=wanted, before=paging.decode(visit.request.GET.get("before", "")), limit=ROWS)
    shown = found[:ROWS]
    selected = chosen or (shown[0].intent_id if shown else "")
    link = _here(visit, selected="") + ("&" if "?" in _here(visit) else "?") + "selected="
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(found) > ROWS else ""
    return RoomView(
        tab="24h",
        tabs=_tabs(visit, "24h"),
        stages=read_stages(now=visit.now),
        kpis=read_kpis(now=visit.now, ledger_currency=visit.workspace.ledger_currency, base=visit.base),
        filters=filter_chips(visit, visit.base, wanted),
        rows=rows_of(shown, base=visit.base, now=visit.now, link=link, selected=selected),
        selected=inspect_chosen(visit, selected, close_url=_here(visit), chosen=bool(chosen)) if selected else None,
        next_url=_here(visit, before=following) if following else "",
        scope=visit.workspace.slug,
        first_steps=read_first_steps(visit) if not shown and wanted == "all" and not following else (),
        first_url=_here(visit, before="") if visit.request.GET.get("before") else "",
        send_url=f"{visit.base}first-intent/"
        if visit.may(Permission.SANDBOX_SEND) and visit.workspace.mode == "sandbox"
        else "",
    )


def filter_chips(visit: Visit, here: str, wanted: str) -> tuple[Chip, ...]:
    """The filters, in the URL, with the counts of what waits."""
    counts = read_counts(now=visit.now)
    return tuple(
        Chip(
            key.capitalize(), paging.link(here, filter="" if key == "all" else key), key == wanted, counts.get(key), key
        )
        for key in FILTERS
    )


def read_counts(*, now: datetime) -> dict[str, int]:
    """Held, retrying and failed intents; failed ones within the window."""
    return {
        "held": count_open_reviews()[0] + count_held().outcome_unknown,
        "retrying": len(retrying_intents(limit=MAX_COUNT)),
        "failed": count_failed(since=window_start(now)),
    }


def inspect_chosen(visit: Visit, intent_id: str, *, close_url: str, chosen: bool = True) -> InspectorView | None:
    """The inspector of an intent, or nothing when there is none of this id."""
    intent = find_intent(intent_id=intent_id)
    if intent is None:
        return None
    return inspect(
        read_story(intent), member=visit.member, base=visit.base, now=visit.now, chosen=chosen, close_url=close_url
    )


def _log(visit: Visit, tab: str) -> RoomView:
    types = events.AUDIT if tab == "audit" else ()
    rows: tuple[EventRow, ...] = ()
    following = ""
    if visit.may(Permission.EVENTS_READ):
        rows, following = events.read_rows(
            visit, types=types, before=paging.decode(visit.request.GET.get("before", ""))
        )
    return RoomView(
        tab="audit" if tab == "audit" else "events",
        tabs=_tabs(visit, tab),
        stages=read_stages(now=visit.now),
        kpis=read_kpis(now=visit.now, ledger_currency=visit.workspace.ledger_currency, base=visit.base),
        filters=(),
        rows=(),
        events=rows,
        next_url=_here(visit, before=following) if following else "",
        scope=visit.workspace.slug,
    )
