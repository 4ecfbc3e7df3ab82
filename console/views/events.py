"""The event log of a workspace: the list, and one event with its bytes and its proof."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.presenters.events import ReadEvent, event_row
from console.presenters.webhooks import delivery_row, pretty
from console.presenters.words import grouped, shorten
from console.shell import build_shell
from console.types import Chip, Proof
from console.types.events import EventPage, EventRow, EventsPage
from evidence.catalogue import CATALOGUE
from evidence.queries import find_event, list_events, sealed_to
from webhooks.queries import DeliveryFilter, list_deliveries
from zentra.tenants.permissions import Permission

PAGE: Final = 50
# What people did and what was refused them: the audit trail.
AUDIT: Final = tuple(
    name
    for name in CATALOGUE
    if name.startswith(("access.", "sign_in.", "review.", "workspace.", "membership.", "key.", "routing.", "evidence."))
    or name
    in {"policy.published", "webhook.replayed", "webhook.endpoint_disabled", "ledger.reversed", "account.frozen"}
)
_FILTERS: Final = (
    ("", "All", ()),
    ("accepted", "API", ("accepted",)),
    ("controlled", "Policy", ("controlled",)),
    ("ledgered", "Ledger", ("ledgered",)),
    ("routed", "Routes", ("routed",)),
    ("synchronized", "Webhooks", ("synchronized",)),
    ("evidenced", "Evidence", ("evidenced",)),
)

_OBJECTS: Final = (
    ("posting_id", "Open the posting", "ledger/postings", Permission.LEDGER_READ),
    ("hold_id", "Open the hold", "holds", Permission.ACCOUNTS_READ),
    ("account_id", "Open the account", "accounts", Permission.ACCOUNTS_READ),
)


def types_of_stage(stage: str) -> tuple[str, ...]:
    """The event types of a stage."""
    return tuple(kind.name for kind in CATALOGUE.values() if kind.stage == stage)


def read_rows(visit: Visit, *, types: tuple[str, ...], before: paging.Key | None) -> tuple[tuple[EventRow, ...], str]:
    """A page of events and the cursor of the next one."""
    events, following = list_events(before=before, types=types, limit=PAGE)
    rows = tuple(
        event_row(
            ReadEvent(event),
            url=f"{visit.base}events/{event.id}/",
            intent_url=f"{visit.base}intents/{event.intent_id}/",
        )
        for event in events
    )
    return rows, paging.encode(following)


@room(Permission.EVENTS_READ)
def show_events(visit: Visit) -> HttpResponse:
    """The log, newest first."""
    stage, kind = visit.request.GET.get("stage", ""), visit.request.GET.get("type", "")
    types = (kind,) if kind in CATALOGUE else types_of_stage(stage) if stage else ()
    rows, following = read_rows(visit, types=types, before=paging.decode(visit.request.GET.get("before", "")))
    here = f"{visit.base}events/"
    page = EventsPage(
        filters=tuple(
            Chip(title, paging.link(here, stage=key), current=key == stage and not kind, key=key)
            for key, title, _ in _FILTERS
        ),
        rows=rows,
        type=kind,
        types=(("", "Every type"), *((name, name) for name in sorted(CATALOGUE))),
        next_url=paging.link(here, stage=stage, type=kind, before=following) if following else "",
    )
    return render(visit.request, "console/events.html", {"shell": build_shell(visit, room="events"), "page": page})


def _links(visit: Visit, event: ReadEvent) -> tuple[Chip, ...]:
    """The posting, hold and account that an event speaks of, for those who may see them."""
    return tuple(
        Chip(title, f"{visit.base}{place}/{event.data[name]}/")
        for name, title, place, needed in _OBJECTS
        if isinstance(event.data.get(name), str) and visit.may(needed)
    )


@room(Permission.EVENTS_READ)
def show_event(visit: Visit, event_id: str) -> HttpResponse:
    """One event: its exact bytes, its leaf, who was told."""
    record = find_event(event_id=event_id)
    event = ReadEvent(record)
    sealed = sealed_to(now=visit.now)
    deliveries = (
        list_deliveries(where=DeliveryFilter(event_id=event_id)).rows if visit.may(Permission.WEBHOOKS_READ) else ()
    )
    known = CATALOGUE.get(record.type)
    if record.index is None:
        place = "waits for its place"
    else:
        place = f"{grouped(record.index)} · " + (
            "sealed" if record.index < sealed.signed else "waits for the next checkpoint"
        )
    page = EventPage(
        row=event_row(event, url="", intent_url=f"{visit.base}intents/{record.intent_id}/"),
        description=known.description if known else "",
        body=pretty(record.body),
        facts=(
            Proof("event", record.id, record.id),
            Proof("leaf", place),
            Proof("actor", event.who),
            Proof("role", str(event.body["actor"]["role"])),
            Proof("timestamp", event.body["occurred_at"]),
            Proof("scope", str(event.body["workspace"])),
            Proof("trace", shorten(record.trace_id or "—", head=20), record.trace_id or ""),
            Proof("proof field", known.proof if known else "id"),
            Proof("schema", str(event.body["schema"])),
        ),
        announced=record.announced_as,
        links=_links(visit, event),
        deliveries=tuple(
            delivery_row(
                each, base=visit.base, now=visit.now, link=f"{visit.base}webhooks/?selected={each.id}", may_replay=False
            )
            for each in deliveries
        ),
    )
    return render(visit.request, "console/event.html", {"shell": build_shell(visit, room="events"), "page": page})
