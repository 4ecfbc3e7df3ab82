"""``/rule-set-drafts``: rules are proposed over the API. A second person puts them in force, in the console."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from policy.rulesets.operations import create_draft, discard_draft, edit_draft, validate_draft
from policy.rulesets.queries import get_draft, list_drafts
from policy.rulesets.trying import test_rule_set as try_rule_set
from zentra.api.doors import answer_json, answer_once, answer_page, caller_of, door
from zentra.api.fields import Body, IdempotencyKey, IntentId, Maybe, Reference
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.policy_answers import (
    DraftAnswer,
    DraftPage,
    RuleTestAnswer,
    show_draft,
    show_preview,
    show_whole_draft,
)
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Policy"])
Version = Annotated[int, Field(ge=1, le=10**9)]


class CreateDraftBody(Body):
    """A name, and the document; without one the draft is a copy of the rules in force."""

    name: Reference
    document: Maybe[dict[str, Any]] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class ChangeDraftBody(Body):
    """The whole document anew, and the ``version`` of the draft that it was made from."""

    version: Version
    document: dict[str, Any]
    name: Maybe[Reference] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class VersionBody(Body):
    """The version of the draft that was seen."""

    version: Maybe[Version] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class TestBody(Body):
    """The intent of the past on which the draft is tried."""

    intent_id: IntentId


@door(router, "POST", "/rule-set-drafts", permission=Permission.POLICY_DRAFT, response={201: DraftAnswer})
def create(request: HttpRequest, body: CreateDraftBody) -> HttpResponse:
    """Begin a draft. It may be unfinished; nothing is in force by it."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_whole_draft(create_draft(name=body.name, document=body.document, actor=actor, now=now))

    return answer_once(request, operation="rule_set_drafts.create", body=body, effect=effect, status=201)


@door(router, "GET", "/rule-set-drafts", permission=Permission.POLICY_READ, response=DraftPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[
        Literal["open", "draft", "validated", "published", "discarded"] | None,
        Query(description="open: draft and validated together."),
    ] = None,
) -> HttpResponse:
    """Drafts, the last edited first."""
    return answer_page(
        request,
        listing="rule_set_drafts",
        limit=limit,
        cursor=cursor,
        read=lambda many, after: list_drafts(state=state, before=after, limit=many),
        position=lambda each: (each.edited_at, each.id),
        show=show_draft,
    )


@door(router, "GET", "/rule-set-drafts/{draft_id}", permission=Permission.POLICY_READ, response=DraftAnswer)
def get(request: HttpRequest, draft_id: str) -> HttpResponse:
    """One draft with its document."""
    with tenant_work(caller_of(request).tenant):
        found = get_draft(draft_id=draft_id)
    return answer_json(show_whole_draft(found))


@door(router, "PUT", "/rule-set-drafts/{draft_id}", permission=Permission.POLICY_DRAFT, response={200: DraftAnswer})
def change(request: HttpRequest, draft_id: str, body: ChangeDraftBody) -> HttpResponse:
    """Change a draft that was seen at ``version``; it has to be validated again."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        changed = edit_draft(
            draft_id=draft_id, document=body.document, version=body.version, name=body.name, actor=actor, now=now
        )
        return show_whole_draft(changed)

    return answer_once(request, operation="rule_set_drafts.change", body=body, effect=effect)


@door(
    router,
    "POST",
    "/rule-set-drafts/{draft_id}/validate",
    permission=Permission.POLICY_DRAFT,
    response={200: DraftAnswer},
)
def validate(request: HttpRequest, draft_id: str, body: VersionBody) -> HttpResponse:
    """Check a draft. What is wrong is answered with its place (RFC 6901); else another person may publish it."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_whole_draft(validate_draft(draft_id=draft_id, version=body.version, actor=actor, now=now))

    return answer_once(request, operation="rule_set_drafts.validate", body=body, effect=effect)


@door(
    router,
    "POST",
    "/rule-set-drafts/{draft_id}/discard",
    permission=Permission.POLICY_DRAFT,
    response={200: DraftAnswer},
)
def discard(request: HttpRequest, draft_id: str, body: VersionBody) -> HttpResponse:
    """Give a draft up; it stays to be read."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_whole_draft(discard_draft(draft_id=draft_id, version=body.version, actor=actor, now=now))

    return answer_once(request, operation="rule_set_drafts.discard", body=body, effect=effect)


@door(
    router,
    "POST",
    "/rule-set-drafts/{draft_id}/test",
    permission=Permission.POLICY_READ,
    response={200: RuleTestAnswer},
)
def test(request: HttpRequest, draft_id: str, body: TestBody) -> HttpResponse:
    """What the draft would have decided about a past intent, as things stood then; nothing is written."""
    with tenant_work(caller_of(request).tenant):
        draft = get_draft(draft_id=draft_id)
        preview = try_rule_set(document=draft.document, intent_id=body.intent_id, now=clock.now())
    return answer_json(show_preview(preview))
