"""``/reconciliation/exceptions``: what does not pair, to be read and noted. People end it, in the console.

And ``/runtime/intents/{intent_id}/reconciliation``: what ledger, provider and statements say about one intent.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from zentra.api.doors import answer_json, answer_once, answer_page, caller_of, door
from zentra.api.fields import Body, IdempotencyKey, Maybe
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.api.v1.exception_answers import (
    AgesAnswer,
    Bucket,
    ExceptionAnswer,
    ExceptionNoteAnswer,
    ExceptionPage,
    Kind,
    StoryAnswer,
    show_age,
    show_case,
    show_exception,
    show_note,
    show_story,
)
from zentra.core import clock, ids
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.matching.desk.operations import add_note
from zentra.reconciliation.matching.desk.queries import (
    count_by_kind_and_age,
    list_exceptions,
    read_case,
    story_of_intent,
)
from zentra.reconciliation.matching.desk.types import ExceptionFilter, ExceptionRecord
from zentra.tenants.permissions import Permission

router = Router(tags=["Reconciliation"])
READ = Permission.RECONCILIATION_READ


class NoteBody(Body):
    """What is said about an exception; kept for ever, and in no event."""

    text: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "GET", "/reconciliation/exceptions", permission=READ, response=ExceptionPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[
        Literal["open", "waiting", "resolved", "unresolved"],
        Query(description="unresolved: open and waiting together."),
    ] = "unresolved",
    account_id: Annotated[str | None, Query(max_length=60)] = None,
    kind: Annotated[Kind | None, Query()] = None,
    owner: Annotated[str | None, Query(max_length=60)] = None,
    days: Annotated[Bucket | None, Query(description="Whole days since it happened.")] = None,
    overdue: Annotated[bool | None, Query(description="Past the time by which it was due.")] = None,
    intent_id: Annotated[str | None, Query(max_length=64)] = None,
) -> HttpResponse:
    """What does not pair, newest first."""
    _check_ids(account_id, owner)
    now = clock.now()
    where = ExceptionFilter(
        account_id=account_id, kind=kind, state=state, owner_id=owner, bucket=days, is_overdue=overdue,
        intent_id=intent_id,
    )  # fmt: skip

    def read(many: int, after: Position | None) -> list[ExceptionRecord]:
        place: tuple[date | datetime, str] | None = after
        return list_exceptions(where=where, now=now, order="newest", after=place, limit=many)

    return answer_page(
        request, listing="reconciliation.exceptions", limit=limit, cursor=cursor, read=read,
        position=lambda row: (row.opened_at, row.id), show=show_exception,
    )  # fmt: skip


@door(router, "GET", "/reconciliation/exception-ages", permission=READ, response=AgesAnswer)
def ages(request: HttpRequest, account_id: Annotated[str | None, Query(max_length=60)] = None) -> HttpResponse:
    """How many unresolved exceptions there are by kind, age and currency."""
    _check_ids(account_id, None)
    with tenant_work(caller_of(request).tenant):
        found = count_by_kind_and_age(now=clock.now(), account_id=account_id)
    return answer_json({"data": [show_age(each) for each in found], "next_cursor": None, "has_more": False})


@door(router, "GET", "/reconciliation/exceptions/{exception_id}", permission=READ, response=ExceptionAnswer)
def get(request: HttpRequest, exception_id: str) -> HttpResponse:
    """One exception with its notes and adjustments."""
    with tenant_work(caller_of(request).tenant):
        case = read_case(exception_id=exception_id, now=clock.now())
    return answer_json(show_case(case))


@door(
    router,
    "POST",
    "/reconciliation/exceptions/{exception_id}/notes",
    permission=Permission.RECONCILIATION_IMPORT,
    response={201: ExceptionNoteAnswer},
)
def note(request: HttpRequest, exception_id: str, body: NoteBody) -> HttpResponse:
    """Say something about an exception. Nothing else changes."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_note(add_note(exception_id=exception_id, text=body.text, actor=actor, now=now))

    return answer_once(request, operation="reconciliation.note", body=body, effect=effect, status=201)


@door(router, "GET", "/runtime/intents/{intent_id}/reconciliation", permission=READ, response=StoryAnswer)
def story(request: HttpRequest, intent_id: str) -> HttpResponse:
    """What ledger, provider and statements say about an intent, and where they differ."""
    with tenant_work(caller_of(request).tenant):
        found = story_of_intent(intent_id=intent_id, now=clock.now())
    return answer_json(show_story(found))


def _check_ids(account_id: str | None, owner: str | None) -> None:
    """Refuse what is no id: an empty list would say that there is nothing. Raises BadId."""
    if account_id is not None:
        ids.to_uuid(account_id, prefix="rca")
    if owner:
        ids.to_uuid(owner, prefix="usr")
