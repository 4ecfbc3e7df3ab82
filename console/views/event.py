"""One event: its exact bytes, its place in the log, who was told and why somebody was not."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console.doors import Visit, room
from console.presenters.events import ReadEvent, event_row
from console.presenters.webhooks import delivery_row, pretty
from console.presenters.words import grouped, shorten
from console.shell import build_shell
from console.types import Chip, Proof
from console.types.events import EventPage
from evidence.catalogue import CATALOGUE
from evidence.queries import find_event, sealed_to
from evidence.types import RecordedEvent
from webhooks.queries import DeliveryFilter, list_deliveries
from zentra.core.canonical import leaf_hash
from zentra.tenants.permissions import Permission

_OBJECTS: Final = (
    ("posting_id", "Open the posting", "ledger/postings", Permission.LEDGER_READ),
    ("hold_id", "Open the hold", "holds", Permission.ACCOUNTS_READ),
    ("account_id", "Open the account", "accounts", Permission.ACCOUNTS_READ),
    ("endpoint_id", "Open the endpoint", "webhooks/endpoints", Permission.WEBHOOKS_READ),
    ("delivery_id", "Open the delivery", "webhooks/deliveries", Permission.WEBHOOKS_READ),
    ("replay_id", "Open the replay", "webhooks/replays", Permission.WEBHOOKS_READ),
)


@room(Permission.EVENTS_READ)
def show_event(visit: Visit, event_id: str) -> HttpResponse:
    """The page of an event."""
    record = find_event(event_id=event_id)
    event = ReadEvent(record)
    known = CATALOGUE.get(record.type)
    deliveries = (
        list_deliveries(where=DeliveryFilter(event_id=event_id)).rows if visit.may(Permission.WEBHOOKS_READ) else ()
    )
    page = EventPage(
        row=event_row(event, url="", intent_url=f"{visit.base}intents/{record.intent_id}/"),
        description=known.description if known else "",
        body=pretty(record.body),
        exact=record.body.decode("utf-8", "replace"),
        size=f"{grouped(len(record.body))} bytes",
        facts=_facts(visit, event),
        announced=tuple(
            Chip(name, f"{visit.base}events/catalogue/{name}/")
            for name in dict.fromkeys((record.type, *record.announced_as))
        ),
        links=_links(visit, event),
        deliveries=tuple(delivery_row(each, base=visit.base, now=visit.now, may_replay=False) for each in deliveries),
    )
    return render(visit.request, "console/event.html", {"shell": build_shell(visit, room="events"), "page": page})


def _links(visit: Visit, event: ReadEvent) -> tuple[Chip, ...]:
    """What an event speaks of, for those who may see it."""
    return tuple(
        Chip(title, f"{visit.base}{place}/{event.data[name]}/")
        for name, title, place, needed in _OBJECTS
        if isinstance(event.data.get(name), str) and visit.may(needed)
    )


def _facts(visit: Visit, event: ReadEvent) -> tuple[Proof, ...]:
    record = event.record
    known = CATALOGUE.get(record.type)
    digest = leaf_hash(record.body).hex()
    return (
        Proof("event", record.id, record.id),
        Proof("leaf", _place(visit, record)),
        Proof("leaf hash", shorten(digest, head=16), digest),
        Proof("actor", event.who),
        Proof("role", str(event.body["actor"]["role"])),
        Proof("timestamp", event.body["occurred_at"]),
        Proof("scope", str(event.body["workspace"])),
        Proof("trace", shorten(record.trace_id or "—", head=20), record.trace_id or ""),
        Proof("proof field", known.proof if known else "id"),
        Proof("schema", str(event.body["schema"])),
    )


def _place(visit: Visit, record: RecordedEvent) -> str:
    if record.index is None:
        return "waits for its place"
    is_sealed = record.index < sealed_to(now=visit.now).signed
    return f"{grouped(record.index)} · {'sealed' if is_sealed else 'waits for the next checkpoint'}"
