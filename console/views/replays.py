"""Replays of a range: what there was, a new one with what it would do, one with how far it is."""

from datetime import timedelta
from typing import Final, cast

from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from console import paging
from console.asked import asked, read_end, read_moment, read_whole
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.presenters import replays as present
from console.presenters.words import grouped, short_url
from console.readings.ledger import names_of
from console.readings.webhooks import STATES, endpoint_options, span_fields, type_names, webhook_tabs
from console.refusals import explain
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Field, Option
from console.types.replays import NewReplayPage, ReplayPage, ReplayPreviewView, ReplaysPage
from webhooks.operations import cancel_replay, start_replay
from webhooks.queries import (
    FAILED,
    ReplayRecord,
    ReplayScope,
    get_replay,
    list_endpoints,
    list_replays,
    preview_replay,
)
from webhooks.types import DeliveryState, EndpointRecord
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

SCOPE: Final = ("endpoint", "type", "event", "since", "until", "rate")
RATE: Final = 20
_PRESETS: Final = (
    ("the last hour", timedelta(hours=1)),
    ("24 hours", timedelta(hours=24)),
    ("7 days", timedelta(days=7)),
)


@room(Permission.WEBHOOKS_READ)
def show_replays(visit: Visit) -> HttpResponse:
    """The list, newest first."""
    before = asked(visit, "before")
    found = list_replays(before=paging.decode(before))
    here = f"{visit.base}webhooks/replays/"
    names, urls = names_of(each.actor for each in found.rows), _urls()
    page = ReplaysPage(
        tabs=webhook_tabs(visit, "replays"),
        rows=tuple(
            present.replay_row(each, base=visit.base, now=visit.now, names=names, urls=urls) for each in found.rows
        ),
        new_url=f"{here}new/" if visit.may(Permission.WEBHOOKS_REPLAY) else "",
        next_url=paging.link(here, before=paging.encode(found.next_key)) if found.next_key else "",
        first_url=here if before else "",
    )
    return render(visit.request, "console/replays.html", {"shell": build_shell(visit, room="webhooks"), "page": page})


def _urls() -> dict[str, str]:
    return {each.id: short_url(each.url) for each in list_endpoints()}


# --- a new one -------------------------------------------------------------------------------------------------------


@room(Permission.WEBHOOKS_REPLAY)
def show_new(visit: Visit) -> HttpResponse:
    """The form, and once a range is said, what would be sent. Asking changes nothing, so it is an address."""
    said, endpoints = visit.request.GET, list_endpoints()
    preview, problem = _preview(visit, said, endpoints)
    states = _said_states(said)
    page = NewReplayPage(
        tabs=webhook_tabs(visit, "replays"),
        presets=_presets(visit),
        fields=_fields(visit, endpoints),
        states=tuple(Option(name, name, name in states) for name in STATES),
        types=type_names(),
        start_url=f"{visit.base}webhooks/replays/start/",
        kept=_kept(said) if preview else (),
        preview=preview,
        problem=problem,
    )
    context = {"shell": build_shell(visit, room="webhooks"), "page": page}
    return render(visit.request, "console/replay_new.html", context)


def _preview(visit: Visit, said: QueryDict, endpoints: list[EndpointRecord]) -> tuple[ReplayPreviewView | None, str]:
    if not any(said.get(name) for name in (*SCOPE, "states")):
        return None, ""
    try:
        scope, rate = _scope(said)
        found = preview_replay(where=scope, rate_per_second=rate, now=visit.now)
    except DomainError as error:
        refusal = explain(error, workspace_id=visit.workspace.id)
        return None, f"{refusal.title}. {refusal.why} {refusal.next}".strip()
    urls = {each.id: short_url(each.url) for each in endpoints}
    return present.preview(found, base=visit.base, now=visit.now, urls=urls), ""


def _said_states(said: QueryDict) -> tuple[str, ...]:
    """What did not arrive, unless the address says otherwise."""
    named = tuple(name for name in said.getlist("states") if name in STATES)
    return named or FAILED


def _scope(said: QueryDict) -> tuple[ReplayScope, int]:
    since, until = read_moment(said.get("since", "")), read_end(said.get("until", ""))
    for name, value in (("since", since), ("until", until)):
        if said.get(name, "").strip() and value is None:
            raise FormIncomplete(f"“{said[name][:40]}” is no moment: give a day, or a day and a time, in UTC.")
    rate = read_whole(said.get("rate", "")) if said.get("rate", "").strip() else RATE
    if rate is None:
        raise FormIncomplete(f"The rate is a whole number a second, not “{said['rate'][:20]}”.")
    return ReplayScope(
        endpoint_id=said.get("endpoint", "").strip() or None,
        event_id=said.get("event", "").strip() or None,
        states=cast("tuple[DeliveryState, ...]", _said_states(said)),
        event_type=said.get("type", "").strip() or None,
        since=since,
        until=until,
    ), rate


def _kept(said: QueryDict) -> tuple[tuple[str, str], ...]:
    """What the preview was of, for the form that starts it."""
    named = tuple((name, said.get(name, "").strip()) for name in SCOPE if said.get(name, "").strip())
    return (*named, *(("states", name) for name in _said_states(said)))


def _presets(visit: Visit) -> tuple[Chip, ...]:
    """Everything that failed since a moment ago, for one endpoint where one is chosen."""
    here, endpoint = f"{visit.base}webhooks/replays/new/", asked(visit, "endpoint")
    return tuple(
        Chip(title, paging.link(here, endpoint=endpoint, since=f"{visit.now - span:%Y-%m-%dT%H:%M}"))
        for title, span in _PRESETS
    )


def _fields(visit: Visit, endpoints: list[EndpointRecord]) -> tuple[Field, ...]:
    return (
        Field("endpoint", "Endpoint", options=endpoint_options(endpoints, asked(visit, "endpoint"))),
        *span_fields(visit),
        Field("type", "Event type", asked(visit, "type"), placeholder="any"),
        Field("event", "One event", asked(visit, "event"), placeholder="evt_…"),
        Field("rate", "A second", asked(visit, "rate"), placeholder=str(RATE)),
    )


@room(Permission.WEBHOOKS_REPLAY)
def start(visit: Visit) -> HttpResponse:
    """Start what was previewed."""
    scope, rate = _scope(visit.request.POST)
    reason = words(visit, "reason")
    made: list[ReplayRecord] = []

    def effect() -> str:
        made.append(start_replay(where=scope, rate_per_second=rate, reason=reason, actor=visit.actor(), now=visit.now))
        return f"The replay of {grouped(made[0].matched)} deliveries has started."

    here = f"{visit.base}webhooks/replays/"
    answer = act_once(visit, operation="webhooks.replay.start", effect=effect, to=here)
    if made:
        answer.headers["Location"] = f"{here}{made[0].id}/"
    return answer


# --- one -------------------------------------------------------------------------------------------------------------


@room(Permission.WEBHOOKS_READ)
def show_replay(visit: Visit, replay_id: str) -> HttpResponse:
    """How far it is, looked at again every second while it runs."""
    record = get_replay(replay_id=replay_id)
    names = names_of((record.actor, record.canceled_by))
    here = f"{visit.base}webhooks/replays/{replay_id}/"
    is_running, may_cancel = record.state == "running", visit.may(Permission.WEBHOOKS_REPLAY)
    page = ReplayPage(
        row=present.replay_row(record, base=visit.base, now=visit.now, names=names, urls=_urls()),
        figures=present.figures(record),
        facts=present.facts(record, names=names),
        deliveries_url=paging.link(f"{visit.base}webhooks/deliveries/", replay=replay_id),
        cancel_url=f"{here}cancel/" if is_running and may_cancel else "",
        poll_url=here if is_running or record.waiting else "",
        poll_every="1s" if is_running else "5s",
    )
    if visit.is_partial:
        return render(visit.request, "console/parts/replay_progress.html", {"page": page})
    return render(visit.request, "console/replay.html", {"shell": build_shell(visit, room="webhooks"), "page": page})


@room(Permission.WEBHOOKS_REPLAY)
def cancel(visit: Visit, replay_id: str) -> HttpResponse:
    """Ask for nothing more. What was asked for stays on its way."""
    reason = words(visit, "reason")

    def effect() -> str:
        record = cancel_replay(replay_id=replay_id, reason=reason, actor=visit.actor(), now=visit.now)
        return f"The replay is canceled; {grouped(record.not_requested)} were not asked for any more."

    return act_once(
        visit, operation="webhooks.replay.cancel", effect=effect, to=f"{visit.base}webhooks/replays/{replay_id}/"
    )
