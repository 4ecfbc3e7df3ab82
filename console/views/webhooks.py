"""Deliveries with their attempts, and sending them again."""

from typing import Final, cast

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.forms import act_once, words
from console.presenters import webhooks as present
from console.presenters.words import grouped
from console.shell import build_shell
from console.types import Chip
from console.types.webhooks import DeliveriesPage, DeliveryDetail, EndpointCard
from evidence.queries import find_event
from webhooks.operations import replay_delivery, replay_many
from webhooks.queries import (
    DeliveryFilter,
    count_by_state,
    endpoint_health,
    get_delivery_detail,
    list_deliveries,
)
from webhooks.types import DeliveryState
from zentra.tenants.permissions import Permission

_STATES: Final = ("queued", "retrying", "retained", "exhausted", "resolved")


def _filter(visit: Visit) -> tuple[str, str, DeliveryFilter]:
    state, intent = visit.request.GET.get("state", ""), visit.request.GET.get("intent", "")
    if state not in _STATES:
        state = ""
    return (
        state,
        intent,
        DeliveryFilter(states=(cast("DeliveryState", state),) if state else None, intent_id=intent or None),
    )


@room(Permission.WEBHOOKS_READ)
def show_deliveries(visit: Visit) -> HttpResponse:
    """Endpoints, deliveries newest first, and the selected one with every attempt."""
    state, intent, where = _filter(visit)
    before = visit.request.GET.get("before", "")
    found = list_deliveries(where=where, before=paging.decode(before))
    chosen = visit.request.GET.get("selected", "")
    here, may_replay = f"{visit.base}webhooks/", visit.may(Permission.WEBHOOKS_REPLAY)
    close = paging.link(here, state=state, intent=intent, before=before)
    rows = tuple(
        present.delivery_row(
            record,
            base=visit.base,
            now=visit.now,
            may_replay=may_replay,
            selected=record.id == chosen,
            link=paging.link(here, state=state, intent=intent, before=before, selected=record.id),
        )
        for record in found.rows
    )
    page = DeliveriesPage(
        filters=_chips(here, state, intent),
        endpoints=() if visit.is_partial and chosen else _endpoints(visit),
        rows=rows,
        selected=_detail(visit, chosen, close) if chosen else None,
        chosen=bool(chosen),
        replay_url=f"{here}replay/" if may_replay else "",
        replay_all=f"{state or 'shown'} here" if may_replay and state in {"retained", "exhausted"} else "",
        next_url=paging.link(here, state=state, intent=intent, before=paging.encode(found.next_key))
        if found.next_key
        else "",
    )
    return render(visit.request, "console/webhooks.html", {"shell": build_shell(visit, room="webhooks"), "page": page})


def _endpoints(visit: Visit) -> tuple[EndpointCard, ...]:
    return tuple(present.endpoint_card(health, now=visit.now) for health in endpoint_health(now=visit.now))


def _chips(here: str, state: str, intent: str) -> tuple[Chip, ...]:
    counts = count_by_state()
    chips = [Chip("All", paging.link(here, intent=intent), not state)]
    chips += [
        Chip(
            name.capitalize(),
            paging.link(here, state=name, intent=intent),
            name == state,
            counts.get(name) if name != "resolved" else None,
        )
        for name in _STATES
    ]
    if intent:
        chips.append(Chip(f"{intent} ×", paging.link(here, state=state), current=True))
    return tuple(chips)


def _detail(visit: Visit, delivery_id: str, close: str) -> DeliveryDetail:
    record = get_delivery_detail(delivery_id=delivery_id)
    row = present.delivery_row(
        record.delivery, base=visit.base, now=visit.now, link="", may_replay=visit.may(Permission.WEBHOOKS_REPLAY)
    )
    return present.detail(record, row=row, body=find_event(event_id=record.delivery.event_id).body, close_url=close)


@room(Permission.WEBHOOKS_REPLAY)
def replay(visit: Visit) -> HttpResponse:
    """Send one, the chosen, all of an intent, or all that a state filter shows, again."""
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
            # Of an intent, or of the page: only what did not arrive is sent again.
            where = DeliveryFilter(states=("retrying", "retained", "exhausted"), intent_id=intent or None)
            done = replay_many(actor=visit.actor(), reason=reason, now=visit.now, where=where)
        skipped = f"; {grouped(done.skipped)} on their way already or at a disabled endpoint" if done.skipped else ""
        return f"{grouped(len(done.requested))} of {grouped(done.matched)} deliveries are sent again now{skipped}."

    return act_once(visit, operation="webhooks.replay", effect=effect)
