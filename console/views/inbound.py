"""Callbacks in: what rails told us by outcome, one with all its arrivals, and what was refused."""

from datetime import datetime, timedelta
from typing import Final, cast

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, moment_field, read_end, read_moment
from console.doors import Visit, room
from console.presenters import callbacks as present
from console.presenters.callback_plot import OUTCOMES, outcomes
from console.presenters.quarantine import refused_row
from console.presenters.words import grouped
from console.readings.inbound import inbound_tabs, rail_field, rail_names
from console.readings.webhooks import id_problem, span_fields, span_problem
from console.shell import build_shell
from console.types import Chip
from console.types.inbound import CallbackPage, CallbacksPage, OutcomesView, RefusedPage
from console.types.ledger import Field, Option
from webhooks.queries import CallbackFilter, callbacks_by_outcome, get_callback, list_callbacks, list_refusals
from webhooks.types import CallbackSource, CallbackState
from zentra.tenants.permissions import Permission

FILTERS: Final = ("outcome", "rail", "source", "intent", "event", "q", "since", "until")
# The plot: 24 hours by the half hour, ending with the one that has begun.
SPAN: Final = timedelta(hours=24)
STEP: Final = timedelta(minutes=30)
# Columns beside each other; the rest is asked for.
COLUMNS: Final = 8
_NAMES: Final = {"q": "text", "event": "event id", "source": "came by"}
_TITLES: Final = {"duplicate": "Duplicates"}


@room(Permission.CALLBACKS_READ)
def show_callbacks(visit: Visit) -> HttpResponse:
    """Callbacks newest first, narrowed by filters that live in the address; on the front page also their outcomes."""
    before, rails, here = asked(visit, "before"), rail_names(), f"{visit.base}inbound/"
    where, problem = _filter(visit)
    found = None if problem else list_callbacks(where=where, before=paging.decode(before))
    is_narrowed = any(asked(visit, name) for name in FILTERS)
    page = CallbacksPage(
        tabs=inbound_tabs(visit, "callbacks"),
        states=_states(visit),
        fields=_fields(visit, rails),
        chosen=_chosen(visit, rails),
        rows=tuple(
            present.callback_row(each, base=visit.base, now=visit.now, rails=rails)
            for each in (found.rows if found else ())
        ),
        kept=tuple((name, asked(visit, name)) for name in ("outcome", "intent", "event") if asked(visit, name)),
        outcomes=None if is_narrowed or before else _outcomes(visit, here),
        clear_url=here if is_narrowed else "",
        next_url=_here(visit, before=paging.encode(found.next_key)) if found and found.next_key else "",
        first_url=_here(visit) if before else "",
        problem=problem,
    )
    return render(visit.request, "console/inbound.html", {"shell": build_shell(visit, room="inbound"), "page": page})


def plot_span(now: datetime) -> tuple[datetime, datetime]:
    """The 24 hours of the plot in whole half hours, so that an address can say where they begin."""
    begun = now.replace(minute=now.minute - now.minute % 30, second=0, microsecond=0)
    until = begun + STEP
    return until - SPAN, until


def _outcomes(visit: Visit, here: str) -> OutcomesView:
    since, until = plot_span(visit.now)
    points = callbacks_by_outcome(since=since, until=until, points=SPAN // STEP)
    return outcomes(points, until=until, here=here)


def _here(visit: Visit, **changes: object) -> str:
    kept = {name: asked(visit, name) for name in FILTERS}
    return paging.link(f"{visit.base}inbound/", **{**kept, **changes})


def _filter(visit: Visit) -> tuple[CallbackFilter, str]:
    """The filter of the address, and what is wrong with it, if anything."""
    state, source, rail = asked(visit, "outcome"), asked(visit, "source"), asked(visit, "rail")
    problem = span_problem(visit) or id_problem(rail, "rail")
    if problem:
        return CallbackFilter(), problem
    return CallbackFilter(
        states=(cast("CallbackState", state),) if state in OUTCOMES else None,
        sources=(cast("CallbackSource", source),) if source in present.SOURCES else None,
        rail_id=rail or None,
        intent_id=asked(visit, "intent") or None,
        provider_event_id=asked(visit, "event") or None,
        since=read_moment(asked(visit, "since")),
        until=read_end(asked(visit, "until")),
        text=asked(visit, "q") or None,
    ), ""


def _states(visit: Visit) -> tuple[Chip, ...]:
    state = asked(visit, "outcome")
    return (
        Chip("All", _here(visit, outcome=""), not state),
        *(Chip(_TITLES.get(key, key.capitalize()), _here(visit, outcome=key), key == state) for key in OUTCOMES),
    )


def _fields(visit: Visit, rails: dict[str, str]) -> tuple[Field, ...]:
    source = asked(visit, "source")
    sources = (Option("", "any way", not source), *(Option(k, words, k == source) for k, words in _SOURCES.items()))
    return (
        Field("q", "Text", asked(visit, "q"), "search", placeholder="event id, intent, type, what was wrong"),
        rail_field(rails, asked(visit, "rail")),
        Field("source", "Came by", options=sources),
        *span_fields(visit),
    )


_SOURCES: Final = {"callback": "callback", "poll": "catch-up", "repair": "repair", "match": "match"}


def _chosen(visit: Visit, rails: dict[str, str]) -> tuple[Chip, ...]:
    """Each filter that is set, to be taken off again."""
    return tuple(
        Chip(
            f"{_NAMES.get(name, name)} {rails.get(asked(visit, name), asked(visit, name))} ×",
            _here(visit, **{name: ""}),
            current=True,
        )
        for name in FILTERS
        if asked(visit, name) and name != "outcome"
    )


# --- one -------------------------------------------------------------------------------------------------------------


@room(Permission.CALLBACKS_READ)
def show_callback(visit: Visit, callback_id: str) -> HttpResponse:
    """One arrival: what came of it, every other arrival of the same event beside it, its proof and its bytes."""
    detail = get_callback(callback_id=callback_id)
    record, rails = detail.callback, rail_names()
    row = present.callback_row(record, base=visit.base, now=visit.now, rails=rails)
    is_whole = asked(visit, "arrivals") == "all"
    shown = detail.repeats if is_whole else detail.repeats[-COLUMNS:]
    left = len(detail.repeats) - len(shown)
    posting_id, intent_id = present.posting_of(detail), present.intent_of(detail)
    page = CallbackPage(
        row=row,
        kind=present.kind_of(detail),
        outcome=present.outcome(detail),
        figures=present.figures(detail),
        columns=present.columns(detail, shown, base=visit.base, now=visit.now),
        facts=present.facts(detail, rail=row.rail),
        signature=present.signature(record),
        headers=tuple(sorted(detail.headers.items())),
        body=present.body_view(record.body),
        posting_id=posting_id,
        posting_url=f"{visit.base}ledger/postings/{posting_id}/" if visit.may(Permission.LEDGER_READ) else "",
        intent_id=intent_id,
        intent_url=f"{visit.base}intents/{intent_id}/" if visit.may(Permission.INTENTS_READ) else "",
        first_id=record.first_id if record.first_id != record.id else "",
        first_url=f"{visit.base}inbound/{record.first_id}/",
        quarantine_url=f"{visit.base}inbound/quarantine/{detail.quarantine.id}/" if detail.quarantine else "",
        is_held=detail.quarantine is not None and detail.quarantine.state == "open",
        hidden=f"{grouped(left)} earlier" if left else "",
    )
    return render(visit.request, "console/callback.html", {"shell": build_shell(visit, room="inbound"), "page": page})


# --- refused ---------------------------------------------------------------------------------------------------------


@room(Permission.CALLBACKS_READ)
def show_refused(visit: Visit) -> HttpResponse:
    """What was refused, newest first: why, for which rail, how large. Who sent it is not known."""
    rail, since, before = asked(visit, "rail"), asked(visit, "since"), asked(visit, "before")
    problem = span_problem(visit) or id_problem(rail, "rail")
    rails, here = rail_names(), f"{visit.base}inbound/refused/"
    found = (
        None if problem else list_refusals(rail_id=rail or None, since=read_moment(since), before=paging.decode(before))
    )
    page = RefusedPage(
        tabs=inbound_tabs(visit, "refused"),
        fields=(
            rail_field(rails, rail),
            Field("since", "Since, UTC", moment_field(read_moment(since)), "datetime-local"),
        ),
        rows=tuple(
            refused_row(each, base=visit.base, now=visit.now, rails=rails) for each in (found.rows if found else ())
        ),
        clear_url=here if rail or since else "",
        next_url=paging.link(here, rail=rail, since=since, before=paging.encode(found.next_key))
        if found and found.next_key
        else "",
        first_url=paging.link(here, rail=rail, since=since) if before else "",
        problem=problem,
    )
    return render(visit.request, "console/refused_callbacks.html", _context(visit, page))


def _context(visit: Visit, page: RefusedPage) -> dict[str, object]:
    return {"shell": build_shell(visit, room="inbound"), "page": page}
