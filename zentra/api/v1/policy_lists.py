"""``/policy-lists``: what rules ask of — allowed, denied, watched — and the values on them, until they expire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field, StringConstraints

from policy.lists.operations import add_items, create_list, remove_item
from policy.lists.queries import get_list, list_items, list_lists
from policy.lists.types import ItemRecord, ListRecord
from zentra.api.doors import answer_json, answer_once, answer_page, caller_of, door
from zentra.api.fields import Body, EmptyBody, IdempotencyKey, Maybe, Moment, Text
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Policy"])
Value = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ListAnswer(BaseModel):
    """A list. Rules name it by ``name``; ``item_count`` is how many values are on it and not expired."""

    id: str
    object: Literal["policy_list"]
    name: str
    kind: Literal["allow", "deny", "watch"]
    value_type: Literal["text", "country", "currency"]
    description: str
    item_count: int
    created_at: str
    created_by: str
    version: int


class ListPage(BaseModel):
    """Every list, by name."""

    data: list[ListAnswer]
    next_cursor: str | None
    has_more: bool


class ItemAnswer(BaseModel):
    """A value of a list: who put it there, why, and until when."""

    id: str
    object: Literal["policy_list_item"]
    list_id: str
    value: str
    note: str
    status: Literal["active", "expired", "removed"]
    added_at: str
    added_by: str
    expires_at: str | None
    removed_at: str | None
    removed_by: str | None


class ItemPage(BaseModel):
    """What is on a list, newest first."""

    data: list[ItemAnswer]
    next_cursor: str | None
    has_more: bool


class AddedAnswer(BaseModel):
    """The values that were not on the list before."""

    object: Literal["policy_list_items"]
    added: int
    data: list[ItemAnswer]


class CreateListBody(Body):
    """A name of small letters, digits, ``_`` and at most one dot; what the list does; what stands on it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=97)]
    kind: Literal["allow", "deny", "watch"]
    value_type: Literal["text", "country", "currency"] = "text"
    description: Text = ""
    idempotency_key: Maybe[IdempotencyKey] = None


class AddItemsBody(Body):
    """Values, and why and until when they stand there; without ``expires_at`` until somebody takes them off."""

    values: Annotated[list[Value], Field(min_length=1, max_length=1000)]
    note: Text = ""
    expires_at: Maybe[Moment] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "GET", "/policy-lists", permission=Permission.POLICY_READ, response=ListPage)
def list_all(request: HttpRequest) -> HttpResponse:
    """Every list, by name."""
    with tenant_work(caller_of(request).tenant):
        found = list_lists(now=clock.now())
    return answer_json({"data": [_show(each) for each in found], "next_cursor": None, "has_more": False})


@door(router, "POST", "/policy-lists", permission=Permission.POLICY_LISTS, response={201: ListAnswer})
def create(request: HttpRequest, body: CreateListBody) -> HttpResponse:
    """Make a list."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        made = create_list(
            name=body.name, kind=body.kind, value_type=body.value_type, description=body.description, actor=actor,
            now=now,
        )  # fmt: skip
        return _show(made)

    return answer_once(request, operation="policy_lists.create", body=body, effect=effect, status=201)


@door(router, "GET", "/policy-lists/{list_id}", permission=Permission.POLICY_READ, response=ListAnswer)
def get(request: HttpRequest, list_id: str) -> HttpResponse:
    """One list, by its id or its name."""
    with tenant_work(caller_of(request).tenant):
        found = get_list(list_id=list_id, now=clock.now())
    return answer_json(_show(found))


@door(router, "GET", "/policy-lists/{list_id}/items", permission=Permission.POLICY_READ, response=ItemPage)
def list_values(
    request: HttpRequest,
    list_id: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[Literal["active", "expired", "removed"], Query()] = "active",
    prefix: Annotated[str, Query(description="How the value begins.", max_length=200)] = "",
) -> HttpResponse:
    """What is on a list, newest first."""
    now = clock.now()
    with tenant_work(caller_of(request).tenant):
        own_id = get_list(list_id=list_id, now=now).id
    return answer_page(
        request,
        listing=f"policy_list_items.{own_id}",
        limit=limit,
        cursor=cursor,
        read=lambda many, after: list_items(
            list_id=own_id, now=now, state=state, text=prefix, before=after, limit=many
        ),
        position=lambda each: (each.added_at, each.id),
        show=lambda each: _show_item(each, now),
    )


@door(router, "POST", "/policy-lists/{list_id}/items", permission=Permission.POLICY_LISTS, response={200: AddedAnswer})
def add(request: HttpRequest, list_id: str, body: AddItemsBody) -> HttpResponse:
    """Put values on a list; those that are there already stay as they are."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        own_id = get_list(list_id=list_id, now=now).id
        added = add_items(
            list_id=own_id, values=body.values, note=body.note, expires_at=body.expires_at, actor=actor, now=now
        )
        return {
            "object": "policy_list_items",
            "added": len(added),
            "data": [_show_item(each, now) for each in added],
        }

    return answer_once(request, operation="policy_lists.add", body=body, effect=effect, is_secret=True)


@door(
    router,
    "POST",
    "/policy-list-items/{item_id}/remove",
    permission=Permission.POLICY_LISTS,
    response={200: ItemAnswer},
)
def remove(request: HttpRequest, item_id: str, body: EmptyBody) -> HttpResponse:
    """Take a value off its list; it stays as history."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return _show_item(remove_item(item_id=item_id, actor=actor, now=now), now)

    return answer_once(request, operation="policy_lists.remove", body=body, effect=effect, is_secret=True)


def _show(found: ListRecord) -> dict[str, Any]:
    return {
        "id": found.id,
        "object": "policy_list",
        "name": found.name,
        "kind": found.kind,
        "value_type": found.value_type,
        "description": found.description,
        "item_count": found.items,
        "created_at": clock.iso(found.created_at),
        "created_by": found.created_by,
        "version": found.version,
    }


def _show_item(item: ItemRecord, now: datetime) -> dict[str, Any]:
    return {
        "id": item.id,
        "object": "policy_list_item",
        "list_id": item.list_id,
        "value": item.value,
        "note": item.note,
        "status": item.state_at(now),
        "added_at": clock.iso(item.added_at),
        "added_by": item.added_by,
        "expires_at": moment(item.expires_at),
        "removed_at": moment(item.removed_at),
        "removed_by": item.removed_by,
    }
