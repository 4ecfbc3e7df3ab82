"""``/event-types``: the catalogue, with each type's JSON Schema and an example. For everyone, as the contract is."""

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, ConfigDict, Field

from evidence import catalogue
from evidence.catalogue import EventType
from zentra.api.doors import answer_json, public_door
from zentra.core.errors import DomainError

router = Router(tags=["Events"])


class EventTypeNotFound(DomainError):
    """The catalogue has no event type of this name."""

    code = "event_type_not_found"
    status = 404
    title = "There is no event of this type"


class EventTypeSummary(BaseModel):
    """One type of event: at which stage it happens, who states it, what it proves, and whether endpoints get it."""

    name: str
    object: Literal["event_type"]
    title: str
    description: str
    stage: str
    actor: str
    proof: str
    delivered: bool
    retired: bool
    carried_by: list[str]
    version: str


class EventTypeAnswer(EventTypeSummary):
    """A type with the JSON Schema (draft 2020-12) of its events and an example, both of the event whole."""

    model_config = ConfigDict(populate_by_name=True)

    json_schema: dict[str, Any] = Field(alias="schema")
    example: dict[str, Any]


class EventTypeList(BaseModel):
    """Every type, in the order of the catalogue."""

    data: list[EventTypeSummary]
    next_cursor: str | None
    has_more: bool


@public_door(router, "GET", "/event-types", response=EventTypeList)
def list_all(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # a view takes one
    """Every type of event; an endpoint can subscribe to those that are delivered."""
    return answer_json({"data": [_show(kind) for kind in catalogue.ALL], "next_cursor": None, "has_more": False})


@public_door(router, "GET", "/event-types/{name}", response=EventTypeAnswer, by_alias=True)
def get(request: HttpRequest, name: str) -> HttpResponse:  # noqa: ARG001  # a view takes one
    """One type with its JSON Schema and an example."""
    kind = catalogue.CATALOGUE.get(name)
    if kind is None:
        raise EventTypeNotFound(f"There is no event type {name[:80]!r}; /v1/event-types lists them.")
    return answer_json(_show(kind) | {"schema": catalogue.schema(name), "example": catalogue.example(name)})


def _show(kind: EventType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "object": "event_type",
        "title": kind.title,
        "description": kind.description,
        "stage": kind.stage,
        "actor": kind.actor,
        "proof": kind.proof,
        "delivered": kind.is_deliverable,
        "retired": kind.retired,
        "carried_by": list(kind.carried_by),
        "version": catalogue.VERSION,
    }
