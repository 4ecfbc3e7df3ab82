"""The event log of a workspace, newest first, narrowed by stage, type, intent and text."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.presenters.events import ReadEvent, event_row
from console.readings.webhooks import event_tabs, type_names
from console.shell import build_shell
from console.types import Chip
from console.types.events import EventRow, EventsPage
from console.types.ledger import Field
from evidence.catalogue import CATALOGUE
from evidence.queries import list_events
from zentra.tenants.permissions import Permission

PAGE: Final = 50
FILTERS: Final = ("stage", "type", "intent", "q")
# What people did and what was refused them: the audit trail.
_AUDITED: Final = (
    "access.", "sign_in.", "review.", "workspace.", "membership.", "key.", "routing.", "evidence.", "endpoint.",
    "alarm.", "rail.",
)  # fmt: skip
AUDIT: Final = tuple(
    name
    for name in CATALOGUE
    if name.startswith(_AUDITED)
    or name
    in {
        "policy.published",
        "webhook.replayed",
        "webhook.replay_started",
        "webhook.replay_ended",
        "webhook.endpoint_disabled",
        "callback.repaired",
        "callback.dismissed",
        "ledger.reversed",
        "account.frozen",
    }
)
STAGES: Final = (
    ("", "All"),
    ("accepted", "API"),
    ("controlled", "Policy"),
    ("ledgered", "Ledger"),
    ("routed", "Routes"),
    ("synchronized", "Webhooks"),
    ("evidenced", "Evidence"),
    ("beside", "Beside"),
)
_NAMES: Final = {"q": "text"}


def types_of_stage(stage: str) -> tuple[str, ...]:
    """The event types of a stage."""
    return tuple(kind.name for kind in CATALOGUE.values() if kind.stage == stage)


def read_rows(
    visit: Visit,
    *,
    types: tuple[str, ...],
    before: paging.Key | None,
    intent_id: str | None = None,
    text: str = "",
) -> tuple[tuple[EventRow, ...], str]:
    """A page of events and the cursor of the next one."""
    events, following = list_events(before=before, types=types, intent_id=intent_id, text=text, limit=PAGE)
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
    """The log, newest first; its first page follows the feed."""
    stage, kind, before = asked(visit, "stage"), asked(visit, "type"), asked(visit, "before")
    types, problem = _types(stage, kind)
    rows, following = ((), "") if problem else read_rows(
        visit,
        types=types,
        before=paging.decode(before),
        intent_id=asked(visit, "intent") or None,
        text=asked(visit, "q"),
    )  # fmt: skip
    page = EventsPage(
        tabs=event_tabs(visit, "log"),
        filters=tuple(Chip(title, _here(visit, stage=key), current=key == stage, key=key) for key, title in STAGES),
        rows=rows,
        types=type_names(),
        fields=(
            Field("q", "Text", asked(visit, "q"), "search", placeholder="anything in the event's bytes"),
            Field("type", "Event type", kind, placeholder="ledger.posted, or ledger.*"),
            Field("intent", "Intent", asked(visit, "intent"), placeholder="intent_…"),
        ),
        chosen=tuple(
            Chip(f"{_NAMES.get(name, name)} {asked(visit, name)} ×", _here(visit, **{name: ""}), current=True)
            for name in FILTERS
            if asked(visit, name) and name != "stage"
        ),
        kept=(("stage", stage),) if stage else (),
        clear_url=f"{visit.base}events/" if any(asked(visit, name) for name in FILTERS) else "",
        next_url=_here(visit, before=following) if following else "",
        first_url=_here(visit) if before else "",
        problem=problem,
    )
    return render(visit.request, "console/events.html", {"shell": build_shell(visit, room="events"), "page": page})


def _here(visit: Visit, **changes: object) -> str:
    return paging.link(f"{visit.base}events/", **{**{name: asked(visit, name) for name in FILTERS}, **changes})


def _types(stage: str, kind: str) -> tuple[tuple[str, ...], str]:
    """The types that a stage and a name, or ``prefix.*``, leave; and what is wrong, if nothing is left."""
    types = types_of_stage(stage) if stage else ()
    if not kind:
        return types, ""
    known = types or tuple(CATALOGUE)
    named = tuple(name for name in known if name == kind or (kind.endswith(".*") and name.startswith(kind[:-1])))
    return named, "" if named else f"No event type of this stage is called “{kind[:60]}”. The catalogue lists them all."
