"""The catalogue of events: what each type means, its schema and an example, and who receives it."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.presenters import catalogue as present
from console.presenters.words import grouped
from console.readings.webhooks import event_tabs
from console.shell import build_shell
from console.types import Chip, Proof
from console.types.events import CataloguePage, SubscriberRow, TypePage
from console.types.ledger import Field
from evidence import catalogue
from evidence.catalogue import EventType
from webhooks.queries import list_endpoints
from webhooks.types import EndpointRecord
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

_SHOWN: Final = (("", "All"), ("delivered", "Delivered to endpoints"), ("kept", "Evidence only"))


class UnknownType(DomainError):
    """No event is called this."""

    code = "event_type_not_found"
    status = 404
    title = "There is no such event type"


@room(Permission.EVENTS_READ)
def show_catalogue(visit: Visit) -> HttpResponse:
    """Every type by stage, narrowed by text and by whether it is delivered."""
    query, shown = asked(visit, "q").lower(), asked(visit, "shown")
    kinds = [kind for kind in catalogue.ALL if not kind.retired and _matches(kind, query, shown)]
    here = f"{visit.base}events/catalogue/"
    page = CataloguePage(
        tabs=event_tabs(visit, "catalogue"),
        filters=tuple(
            Chip(title, paging.link(here, shown=key, q=asked(visit, "q")), key == shown) for key, title in _SHOWN
        ),
        fields=(Field("q", "Name or meaning", asked(visit, "q"), "search", placeholder="ledger, hold, callback…"),),
        stages=present.stages(kinds, _endpoints(visit), base=visit.base),
        words=f"{grouped(len(kinds))} types · schema {catalogue.VERSION}",
        kept=(("shown", shown),) if shown else (),
        clear_url=here if query or shown else "",
    )
    return render(visit.request, "console/catalogue.html", {"shell": build_shell(visit, room="events"), "page": page})


def _matches(kind: EventType, query: str, shown: str) -> bool:
    if shown in {"delivered", "kept"} and kind.is_deliverable != (shown == "delivered"):
        return False
    return not query or query in f"{kind.name} {kind.title} {kind.description}".lower()


def _endpoints(visit: Visit) -> list[EndpointRecord]:
    return list_endpoints() if visit.may(Permission.WEBHOOKS_READ) else []


@room(Permission.EVENTS_READ)
def show_type(visit: Visit, name: str) -> HttpResponse:
    """One type: fields, schema, example, and the endpoints that subscribe to it."""
    kind = catalogue.CATALOGUE.get(name)
    if kind is None:
        raise UnknownType(f"“{name[:80]}” is not in the catalogue.")
    schema = catalogue.schema(name)
    page = TypePage(
        name=name,
        tone=present.tone_of(kind),
        title=kind.title,
        description=kind.description,
        facts=_facts(kind),
        fields=present.fields(schema),
        schema=present.printed(schema),
        example=present.printed(catalogue.example(name)),
        delivered=kind.is_deliverable,
        subscribers=_subscribers(visit, kind),
        log_url=paging.link(f"{visit.base}events/", type=name),
        subscribe_url=paging.link(f"{visit.base}webhooks/endpoints/new/", type=name)
        if kind.is_deliverable and visit.may(Permission.WEBHOOKS_MANAGE)
        else "",
    )
    return render(visit.request, "console/event_type.html", {"shell": build_shell(visit, room="events"), "page": page})


def _subscribers(visit: Visit, kind: EventType) -> tuple[SubscriberRow, ...]:
    return present.subscribers(kind.name, _endpoints(visit), base=visit.base) if kind.is_deliverable else ()


def _facts(kind: EventType) -> tuple[Proof, ...]:
    delivered = "to endpoints that subscribe" if kind.is_deliverable else "never: evidence only"
    carried = (Proof("carried by", ", ".join(kind.carried_by)),) if kind.carried_by else ()
    also = (Proof("announced as", ", ".join(kind.announced_as)),) if kind.announced_as else ()
    return (
        Proof("type", kind.name, kind.name),
        Proof("stage", kind.stage),
        Proof("stated by", kind.actor),
        Proof("proof kept", kind.proof),
        Proof("schema", catalogue.VERSION),
        Proof("delivered", delivered),
        *carried,
        *also,
    )
