"""One event: its exact bytes, its place in the log, who was told and why somebody was not."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console.doors import Visit, room
from console.forms import act_once, words
from console.marks import mark
from console.presenters.events import ReadEvent, event_row
from console.presenters.webhooks import pretty
from console.presenters.words import grouped, short_url, shorten
from console.shell import build_shell
from console.types import Chip, Proof
from console.types.events import EventPage, ReachRow
from evidence.catalogue import CATALOGUE
from evidence.queries import find_event, sealed_to
from evidence.types import RecordedEvent
from webhooks.operations import replay_event, send_event
from webhooks.queries import EventReach, explain_event, get_endpoint
from zentra.core.canonical import leaf_hash
from zentra.tenants.permissions import Permission

# Goes to the endpoint that it tests, and nowhere else.
TEST: Final = "endpoint.test"
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
    reached = explain_event(event_id=event_id) if visit.may(Permission.WEBHOOKS_READ) else []
    may_send = visit.may(Permission.WEBHOOKS_REPLAY) and _is_sendable(record)
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
        reach=tuple(_reach(visit, each, may_send=may_send) for each in reached),
        reach_words=_reach_words(reached),
        send_all_url=f"{visit.base}events/{event_id}/send/" if may_send and reached else "",
        can_send_all=any(each.delivery is not None for each in reached),
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


# --- who was told ----------------------------------------------------------------------------------------------------


def _is_sendable(record: RecordedEvent) -> bool:
    """Whether the event may go to endpoints at all, now: tests go to one only, evidence to none."""
    known = CATALOGUE.get(record.type)
    return known is not None and known.delivered and record.type != TEST and record.index is not None


def _reach(visit: Visit, reach: EventReach, *, may_send: bool) -> ReachRow:
    delivery, endpoint = reach.delivery, reach.endpoint
    is_free = delivery is None or delivery.next_attempt_at is None
    return ReachRow(
        endpoint_id=endpoint.id,
        endpoint=short_url(endpoint.url),
        endpoint_url=f"{visit.base}webhooks/endpoints/{endpoint.id}/",
        mark=mark(delivery.state) if delivery is not None else mark("not sent"),
        words=reach.words,
        attempts=str(delivery.attempts) if delivery is not None else "",
        delivery_url=f"{visit.base}webhooks/deliveries/{delivery.id}/" if delivery is not None else "",
        can_send=may_send and endpoint.state == "enabled" and is_free,
        send_words="Send again" if delivery is not None else "Send",
    )


def _reach_words(reached: list[EventReach]) -> str:
    sent = sum(1 for each in reached if each.delivery is not None)
    return f"sent to {grouped(sent)} of {grouped(len(reached))}" if reached else ""


@room(Permission.WEBHOOKS_REPLAY)
def send(visit: Visit, event_id: str) -> HttpResponse:
    """Send one event to an endpoint, also one that never had it, or again to all that had it."""
    reason, wanted = words(visit, "reason"), words(visit, "endpoint")

    def effect() -> str:
        if wanted == "all":
            done = replay_event(event_id=event_id, actor=visit.actor(), reason=reason, now=visit.now)
            skipped = (
                f"; {grouped(done.skipped)} on their way already or at a disabled endpoint" if done.skipped else ""
            )
            return f"It is sent again to {grouped(len(done.requested))} of {grouped(done.matched)} endpoints{skipped}."
        send_event(event_id=event_id, endpoint_id=wanted, actor=visit.actor(), reason=reason, now=visit.now)
        return f"It is sent to {get_endpoint(endpoint_id=wanted).url} now."

    return act_once(visit, operation="events.send", effect=effect, to=f"{visit.base}events/{event_id}/")
