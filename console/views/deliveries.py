"""Deliveries: found by what one knows of them, each with every attempt side by side, and sent again."""

from datetime import timedelta
from typing import Final, cast

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_end, read_moment
from console.doors import Visit, room
from console.forms import act_once, words
from console.presenters import attempts as present_attempts
from console.presenters import webhooks as present
from console.presenters.words import NONE, age, grouped, stamp, took
from console.readings.webhooks import (
    FAILED,
    STATES,
    endpoint_options,
    id_problem,
    may_replay,
    span_fields,
    span_problem,
    status_problem,
    type_names,
    webhook_tabs,
)
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Field, Figure
from console.types.webhooks import DeliveriesPage, DeliveryPage, DeliveryRow
from console.types.webhooks import DeliveryDetail as DetailView
from evidence.queries import find_event
from webhooks.operations import replay_delivery, replay_many
from webhooks.queries import (
    DeliveryFilter,
    count_by_state,
    get_delivery_detail,
    list_deliveries,
    list_endpoints,
)
from webhooks.types import DeliveryDetail, DeliveryState
from zentra.tenants.permissions import Permission

FILTERS: Final = ("state", "endpoint", "type", "intent", "status", "q", "since", "until", "replay", "event")
# Columns beside each other; the rest is asked for.
COLUMNS: Final = 8
# A page looks again by itself while the next attempt is this near.
NEAR: Final = timedelta(minutes=2)
_NAMES: Final = {"q": "text"}


@room(Permission.WEBHOOKS_READ)
def show_deliveries(visit: Visit) -> HttpResponse:
    """Deliveries newest first, narrowed by filters that live in the address, and the selected one."""
    chosen, before = asked(visit, "selected"), asked(visit, "before")
    where, problem = read_filter(visit)
    found = None if problem else list_deliveries(where=where, before=paging.decode(before))
    rows = found.rows if found else ()
    replay_url = f"{visit.base}webhooks/replay/" if may_replay(visit) else ""
    page = DeliveriesPage(
        tabs=webhook_tabs(visit, "deliveries"),
        states=_states(visit),
        fields=_fields(visit),
        chosen=_chosen(visit),
        types=type_names(),
        rows=tuple(
            present.delivery_row(
                record,
                base=visit.base,
                now=visit.now,
                may_replay=bool(replay_url),
                selected=record.id == chosen,
                link=_here(visit, before=before, selected=record.id),
            )
            for record in rows
        ),
        kept=tuple((name, asked(visit, name)) for name in ("state", "replay", "event") if asked(visit, name)),
        selected=_selected(visit, chosen, _here(visit, before=before)) if chosen else None,
        is_chosen=bool(chosen),
        replay_url=replay_url,
        replay_range_url=_range_url(visit) if replay_url and not problem else "",
        clear_url=f"{visit.base}webhooks/deliveries/" if any(asked(visit, name) for name in FILTERS) else "",
        next_url=_here(visit, before=paging.encode(found.next_key)) if found and found.next_key else "",
        first_url=_here(visit) if before else "",
        problem=problem,
    )
    return render(
        visit.request, "console/deliveries.html", {"shell": build_shell(visit, room="webhooks"), "page": page}
    )


def _here(visit: Visit, **changes: object) -> str:
    kept = {name: asked(visit, name) for name in FILTERS}
    return paging.link(f"{visit.base}webhooks/deliveries/", **{**kept, **changes})


def _range_url(visit: Visit) -> str:
    """A new replay of what this list shows, as far as a replay can be narrowed."""
    kept = {name: asked(visit, name) for name in ("endpoint", "type", "since", "until", "event")}
    state = asked(visit, "state")
    return paging.link(f"{visit.base}webhooks/replays/new/", **kept, states=state if state in FAILED else "")


def read_filter(visit: Visit) -> tuple[DeliveryFilter, str]:
    """The filter of the address, and what is wrong with it, if anything."""
    state, status = asked(visit, "state"), asked(visit, "status")
    problem = span_problem(visit) or status_problem(status)
    for name, prefix in (("endpoint", "whe"), ("event", "evt"), ("replay", "rpl")):
        problem = problem or id_problem(asked(visit, name), prefix)
    if problem:
        return DeliveryFilter(), problem
    return DeliveryFilter(
        states=(cast("DeliveryState", state),) if state in STATES else None,
        endpoint_id=asked(visit, "endpoint") or None,
        intent_id=asked(visit, "intent") or None,
        event_type=asked(visit, "type") or None,
        event_id=asked(visit, "event") or None,
        replay_id=asked(visit, "replay") or None,
        status=int(status) if status else None,
        text=asked(visit, "q"),
        since=read_moment(asked(visit, "since")),
        until=read_end(asked(visit, "until")),
    ), ""


def _states(visit: Visit) -> tuple[Chip, ...]:
    counts, state = count_by_state(), asked(visit, "state")
    chips = [Chip("All", _here(visit, state=""), not state)]
    chips += [
        Chip(
            name.capitalize(), _here(visit, state=name), name == state, counts.get(name) if name != "resolved" else None
        )
        for name in STATES
    ]
    return tuple(chips)


def _fields(visit: Visit) -> tuple[Field, ...]:
    return (
        Field("q", "Text", asked(visit, "q"), "search", placeholder="start of an intent, evt_, dlv_ id"),
        Field("endpoint", "Endpoint", options=endpoint_options(list_endpoints(), asked(visit, "endpoint"))),
        Field("type", "Event type", asked(visit, "type"), placeholder="ledger.posted"),
        Field("intent", "Intent", asked(visit, "intent"), placeholder="intent_…"),
        Field("status", "Last status", asked(visit, "status"), placeholder="500"),
        *span_fields(visit),
    )


def _chosen(visit: Visit) -> tuple[Chip, ...]:
    """Each filter that is set, to be taken off again."""
    return tuple(
        Chip(f"{_NAMES.get(name, name)} {asked(visit, name)} ×", _here(visit, **{name: ""}), current=True)
        for name in FILTERS
        if asked(visit, name) and name != "state"
    )


def _selected(visit: Visit, delivery_id: str, close: str) -> DetailView:
    record = get_delivery_detail(delivery_id=delivery_id)
    return present.detail(
        record, row=_row(visit, record), body=find_event(event_id=record.delivery.event_id).body, close_url=close
    )


def _row(visit: Visit, record: DeliveryDetail) -> DeliveryRow:
    return present.delivery_row(record.delivery, base=visit.base, now=visit.now, may_replay=may_replay(visit))


# --- one delivery ----------------------------------------------------------------------------------------------------


@room(Permission.WEBHOOKS_READ)
def show_delivery(visit: Visit, delivery_id: str) -> HttpResponse:
    """A delivery with its attempts side by side, the newest first."""
    record = get_delivery_detail(delivery_id=delivery_id)
    row = _row(visit, record)
    here = f"{visit.base}webhooks/deliveries/{delivery_id}/"
    is_whole = asked(visit, "attempts") == "all"
    shown = record.attempts if is_whole else record.attempts[-COLUMNS:]
    left = len(record.attempts) - len(shown)
    page = DeliveryPage(
        row=row,
        figures=_figures(visit, record),
        columns=present_attempts.columns(shown, now=visit.now, replay_urls=_replay_urls(visit, record)),
        facts=present.facts(record),
        body=find_event(event_id=record.delivery.event_id).body.decode("utf-8", "replace"),
        event_url=f"{visit.base}events/{record.delivery.event_id}/" if visit.may(Permission.EVENTS_READ) else "",
        replay_url=row.replay_url,
        replay_note=_replay_note(visit, row),
        hidden=f"{grouped(left)} earlier" if left else "",
        poll_url=paging.link(here, attempts="all" if is_whole else "") if _is_near(visit, record) else "",
    )
    if visit.is_partial:
        answer = render(visit.request, "console/parts/delivery_body.html", {"page": page})
        if not page.poll_url:
            answer.headers["HX-Refresh"] = "true"  # it came to an end: what can be done with it has changed
        return answer
    return render(visit.request, "console/delivery.html", {"shell": build_shell(visit, room="webhooks"), "page": page})


def _is_near(visit: Visit, record: DeliveryDetail) -> bool:
    """Whether something is about to happen to it, so that the page looks again by itself."""
    due = record.delivery.next_attempt_at
    return due is not None and due - visit.now < NEAR


def _replay_urls(visit: Visit, record: DeliveryDetail) -> dict[str, str]:
    return {
        attempt.replay_id: f"{visit.base}webhooks/replays/{attempt.replay_id}/"
        for attempt in record.attempts
        if attempt.replay_id
    }


def _replay_note(visit: Visit, row: DeliveryRow) -> str:
    if row.replay_url:
        return ""
    return (
        "It is on its way already: the next attempt comes by itself."
        if may_replay(visit)
        else f"As {visit.member.role} you can follow it; sending again takes “webhooks.replay”."
    )


def _figures(visit: Visit, record: DeliveryDetail) -> tuple[Figure, ...]:
    delivery = record.delivery
    failed = sum(1 for attempt in record.attempts if not attempt.succeeded)
    slowest = max((attempt.duration_ms for attempt in record.attempts), default=None)
    if delivery.resolved_at and delivery.first_due_at:
        end = Figure(
            "resolved", age(delivery.resolved_at - delivery.first_due_at), "", f"after {stamp(delivery.first_due_at)}"
        )
    elif delivery.next_attempt_at:
        end = Figure(
            "next attempt", present.next_attempt(delivery, visit.now), "", stamp(delivery.next_attempt_at), "alert"
        )
    else:
        end = Figure("next attempt", NONE, "", "none by itself: kept, ready to replay", "bad")
    return (
        Figure("attempts", grouped(delivery.attempts), "", f"{grouped(failed)} failed"),
        Figure("last answer", str(delivery.last_status or NONE), "", delivery.last_error[:60] or "answered in time"),
        Figure("slowest", took(slowest), "", "of these attempts"),
        end,
    )


# --- sending again ---------------------------------------------------------------------------------------------------


@room(Permission.WEBHOOKS_REPLAY)
def replay(visit: Visit) -> HttpResponse:
    """Send one, the chosen, or all of an intent's undelivered ones, again."""
    reason = words(visit, "reason")
    chosen = visit.request.POST.getlist("delivery")
    intent = visit.request.POST.get("intent", "")

    def effect() -> str:
        if len(chosen) == 1:
            record = replay_delivery(delivery_id=chosen[0], actor=visit.actor(), reason=reason, now=visit.now)
            return f"{record.event_type} is sent again now."
        if chosen:
            done = replay_many(actor=visit.actor(), reason=reason, now=visit.now, delivery_ids=chosen)
        else:
            # Only what did not arrive is sent again.
            where = DeliveryFilter(states=FAILED, intent_id=intent or None)
            done = replay_many(actor=visit.actor(), reason=reason, now=visit.now, where=where)
        skipped = f"; {grouped(done.skipped)} on their way already or at a disabled endpoint" if done.skipped else ""
        return f"{grouped(len(done.requested))} of {grouped(done.matched)} deliveries are sent again now{skipped}."

    return act_once(visit, operation="webhooks.replay", effect=effect)
