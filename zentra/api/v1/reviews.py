"""``/reviews``: the cases of the queue, to be read. People decide them, in the console, with a second factor."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel

from policy.reviews.queries import alerts_of, approvals_of, get_review, list_reviews, notes_of
from policy.reviews.types import ReviewAlert, ReviewApproval, ReviewFilter, ReviewNote, ReviewRecord
from zentra.api.doors import answer_json, answer_page, caller_of, door
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Reviews"])
Kind = Literal["intent", "hold", "callback", "exception", "alert", "outcome_unknown"]


class ReviewSummary(BaseModel):
    """A case. ``owner`` is accountable, ``claimed_by`` works on it until ``claimed_until``; amounts are minor units."""

    id: str
    object: Literal["review"]
    kind: Kind
    subject: str
    intent_id: str | None
    decision_id: str | None
    party_id: str | None
    queue: Literal["operations", "compliance"]
    status: Literal["open", "approved", "declined", "resolved"]
    rule: str
    saw: str
    amount_minor: int | None
    currency: str | None
    lane: str
    score: int
    owner: str
    claimed_by: str | None
    claimed_until: str | None
    snoozed_until: str | None
    escalation: int
    approvals_needed: int
    opened_at: str
    due_at: str
    breached_at: str | None
    decided_at: str | None
    decided_by: str | None
    outcome_code: str
    reason_code: str
    version: int


class AlertAnswer(BaseModel):
    """One thing that raised the case, and what a person made of it."""

    id: str
    kind: Literal["rule", "limit", "screening", "aml", "system"]
    name: str
    words: str
    score: int
    reference: str
    status: Literal["open", "cleared", "confirmed"]
    raised_at: str
    resolved_at: str | None
    resolved_by: str | None


class ApprovalAnswer(BaseModel):
    """One person's approval, in its place."""

    place: int
    by: str
    role: str
    at: str
    reason_code: str


class NoteAnswer(BaseModel):
    """What somebody said about a case."""

    id: str
    author: str
    text: str
    at: str


class ReviewAnswer(ReviewSummary):
    """A case with what raised it, who approved, and what was said."""

    alerts: list[AlertAnswer]
    approvals: list[ApprovalAnswer]
    notes: list[NoteAnswer]


class ReviewPage(BaseModel):
    """Cases: open ones by what is due first, closed ones newest first."""

    data: list[ReviewSummary]
    next_cursor: str | None
    has_more: bool


@door(router, "GET", "/reviews", permission=Permission.REVIEWS_READ, response=ReviewPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[
        Literal["open", "closed", "approved", "declined", "resolved"],
        Query(description="closed: approved, declined and resolved together."),
    ] = "open",
    queue: Annotated[Literal["operations", "compliance"] | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    rule: Annotated[str | None, Query()] = None,
    owner: Annotated[str | None, Query()] = None,
    breached: Annotated[bool | None, Query(description="Past the time by which it was due.")] = None,
) -> HttpResponse:
    """Cases: open ones by what is due first, closed ones newest first."""
    now = clock.now()
    where = ReviewFilter(state=state, queue=queue, case_kind=kind, rule=rule, owner=owner, breached=breached)

    def read(many: int, after: Position | None) -> list[ReviewRecord]:
        return list_reviews(where=where, now=now, before=after, limit=many)

    return answer_page(
        request, listing=f"reviews.{'open' if state == 'open' else 'closed'}", limit=limit, cursor=cursor, read=read,
        position=_position, show=_show,
    )  # fmt: skip


@door(router, "GET", "/reviews/{review_id}", permission=Permission.REVIEWS_READ, response=ReviewAnswer)
def get(request: HttpRequest, review_id: str) -> HttpResponse:
    """One case with its alerts, approvals and notes."""
    with tenant_work(caller_of(request).tenant):
        found = get_review(review_id=review_id)
        said = {
            "alerts": [_show_alert(each) for each in alerts_of(review_id=found.id)],
            "approvals": [_show_approval(each) for each in approvals_of(review_id=found.id)],
            "notes": [_show_note(each) for each in notes_of(review_id=found.id)],
        }
    return answer_json(_show(found) | said)


def _position(review: ReviewRecord) -> Position:
    return (review.due_at if review.decided_at is None else review.decided_at), review.id


def _show(review: ReviewRecord) -> dict[str, Any]:
    has_money = bool(review.currency)
    return {
        "id": review.id,
        "object": "review",
        "kind": review.case_kind,
        "subject": review.subject,
        "intent_id": review.intent_id or None,
        "decision_id": review.decision_id or None,
        "party_id": review.party_id or None,
        "queue": review.queue,
        "status": review.state,
        "rule": review.rule,
        "saw": review.saw,
        "amount_minor": review.amount_minor if has_money else None,
        "currency": review.currency if has_money else None,
        "lane": review.lane,
        "score": review.score,
        "owner": review.owner,
        "claimed_by": review.claimed_by,
        "claimed_until": moment(review.claimed_until),
        "snoozed_until": moment(review.snoozed_until),
        "escalation": review.escalation,
        "approvals_needed": review.approvals_needed,
        "opened_at": clock.iso(review.opened_at),
        "due_at": clock.iso(review.due_at),
        "breached_at": moment(review.breached_at),
        "decided_at": moment(review.decided_at),
        "decided_by": review.decided_by,
        "outcome_code": review.outcome_code,
        "reason_code": review.reason_code,
        "version": review.version,
    }


def _show_alert(alert: ReviewAlert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "kind": alert.kind,
        "name": alert.name,
        "words": alert.words,
        "score": alert.score,
        "reference": alert.reference,
        "status": alert.state,
        "raised_at": clock.iso(alert.raised_at),
        "resolved_at": moment(alert.resolved_at),
        "resolved_by": alert.resolved_by,
    }


def _show_approval(approval: ReviewApproval) -> dict[str, Any]:
    return {
        "place": approval.place,
        "by": approval.by_user,
        "role": approval.by_role,
        "at": clock.iso(approval.at),
        "reason_code": approval.reason_code,
    }


def _show_note(note: ReviewNote) -> dict[str, Any]:
    return {"id": note.id, "author": note.author, "text": note.text, "at": clock.iso(note.at)}
