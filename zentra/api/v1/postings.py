"""``/postings/{posting_id}``: one posting with all that followed from it, and what can be done about it."""

from datetime import datetime
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from evidence.operations import record_events
from ledger.errors import PostingNotPending
from ledger.operations import capture_hold, correct_posting, posting_events, release_hold, reverse_posting
from ledger.queries import corrections_of, get_hold, get_posting, reversals_of, verify_entry_hash
from zentra.api.doors import Effect, answer_json, answer_write, caller_of, door, key_of, words_of, write
from zentra.api.fields import AmountMinor, Body, IdempotencyKey, Maybe, Reason, Text
from zentra.api.problems import ConflictingFields
from zentra.api.v1.answers import PostingAnswer
from zentra.api.v1.hold_answers import show_hold
from zentra.api.v1.ledger_answers import CorrectionAnswer, PostingDetailAnswer
from zentra.api.v1.posting_answers import posting_evidence, show_posting, show_standing
from zentra.api.v1.posting_bodies import (
    MOST_ENTRIES,
    Asked,
    EntryBody,
    MovementBody,
    check_form,
    currency_of_body,
    lines_of,
)
from zentra.core import ids, telemetry
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Ledgers"])

ROUTE: Final = "/v1/postings"


class ReverseBody(Body):
    """Why, and how much: all that is left, an amount of a posting of two entries, or the entries of the reversal."""

    reason: Reason
    amount_minor: Maybe[AmountMinor] = None
    entries: Maybe[Annotated[list[EntryBody], Field(max_length=MOST_ENTRIES)]] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class CorrectBody(MovementBody):
    """Why, and what the posting should have been."""

    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


class PostBody(Body):
    """How much of a pending hold to post; a two-phase posting is posted whole."""

    amount_minor: Maybe[AmountMinor] = None
    description: Maybe[Text] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class VoidBody(Body):
    """Why."""

    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "GET", "/postings/{posting_id}", permission=Permission.LEDGER_READ, response=PostingDetailAnswer)
def get(request: HttpRequest, posting_id: str) -> HttpResponse:
    """One posting with its reversals, corrections and hold; its hash is computed again from the stored rows."""
    with tenant_work(caller_of(request).tenant):
        stored = get_posting(posting_id=posting_id)
        reversals = reversals_of(posting_id=posting_id)
        hold_id = stored.posted.hold_id
        document = {
            **show_posting(stored),
            "verified": verify_entry_hash(posting_id=posting_id),
            "actor": stored.facts.actor.as_dict(),
            "idempotency_key": stored.facts.idempotency_key,
            "reversed_minor": sum(reversal.posted.amount_minor for reversal in reversals),
            "reversals": [show_posting(reversal) for reversal in reversals],
            "corrections": [show_posting(correction) for correction in corrections_of(posting_id=posting_id)],
            "hold": None if hold_id is None else show_hold(get_hold(hold_id=hold_id)),
        }
    return answer_json(document)


@door(
    router, "POST", "/postings/{posting_id}/reverse", permission=Permission.LEDGER_POST, response={201: PostingAnswer}
)
def reverse(request: HttpRequest, posting_id: str, body: ReverseBody) -> HttpResponse:
    """Undo a posting, or a part of it, by a linked one. Together reversals never pass the original."""
    if body.entries is not None and body.amount_minor is not None:
        raise ConflictingFields("/amount_minor", "excludes entries")
    actor = caller_of(request).actor

    def effect(tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        reversal = reverse_posting(
            posting_id=posting_id,
            reversal_id=ids.new_id("posting"),
            actor=actor,
            correlation_id=telemetry.correlation_id(),
            recorded_at=now,
            reason=body.reason,
            amount_minor=body.amount_minor,
            lines=None if body.entries is None else lines_of(MovementBody(entries=body.entries), tenant),
            idempotency_key=key_of(request),
        )
        record_events(events=posting_events(postings=[reversal], actor=actor), now=now)
        return 201, show_standing(reversal.posting_id)

    return _write(request, posting_id, body, word="reverse", effect=effect)


@door(
    router,
    "POST",
    "/postings/{posting_id}/correct",
    permission=Permission.LEDGER_POST,
    response={201: CorrectionAnswer},
)
def correct(request: HttpRequest, posting_id: str, body: CorrectBody) -> HttpResponse:
    """Reverse what is left of a posting and post what it should have been: both or none."""
    check_form(body)
    actor = caller_of(request).actor

    def effect(tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        reversal, correction = correct_posting(
            posting_id=posting_id,
            lines=lines_of(body, tenant),
            currency=currency_of_body(body, Asked.by(actor, tenant=tenant, now=now)),
            reversal_id=ids.new_id("posting"),
            correction_id=ids.new_id("posting"),
            actor=actor,
            correlation_id=telemetry.correlation_id(),
            recorded_at=now,
            reason=body.reason,
            effective_at=body.effective_at,
            idempotency_key=key_of(request),
        )
        record_events(events=posting_events(postings=[reversal, correction], actor=actor), now=now)
        return 201, {
            "status": "posted",
            "event": "ledger.reversed",
            "evidence": {**posting_evidence(correction), "reversal_id": reversal.posting_id},
            "object": "correction",
            "reversal": show_standing(reversal.posting_id),
            "correction": show_standing(correction.posting_id),
        }

    return _write(request, posting_id, body, word="correct", effect=effect)


@door(router, "POST", "/postings/{posting_id}/post", permission=Permission.HOLDS_MANAGE, response={201: PostingAnswer})
def post(request: HttpRequest, posting_id: str, body: PostBody) -> HttpResponse:
    """Post what is pending: the same as capturing its hold."""
    actor = caller_of(request).actor

    def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        change = capture_hold(
            hold_id=_hold_of(posting_id),
            actor=actor,
            now=now,
            correlation_id=telemetry.correlation_id(),
            amount_minor=body.amount_minor,
            idempotency_key=key_of(request),
            description=body.description or "",
        )
        return 201, show_standing(change.postings[-1].posting_id)

    return _write(request, posting_id, body, word="post", effect=effect)


@door(router, "POST", "/postings/{posting_id}/void", permission=Permission.HOLDS_MANAGE, response={201: PostingAnswer})
def void(request: HttpRequest, posting_id: str, body: VoidBody) -> HttpResponse:
    """Give back what is pending: the same as releasing its hold."""
    actor = caller_of(request).actor

    def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        change = release_hold(
            hold_id=_hold_of(posting_id),
            reason=body.reason,
            actor=actor,
            now=now,
            correlation_id=telemetry.correlation_id(),
            idempotency_key=key_of(request),
        )
        return 201, show_standing(change.postings[-1].posting_id)

    return _write(request, posting_id, body, word="void", effect=effect)


def _hold_of(posting_id: str) -> str:
    posted = get_posting(posting_id=posting_id).posted
    if posted.state != "pending" or posted.hold_id is None:
        raise PostingNotPending(
            f"{posting_id} is {posted.state}.", posting_id=posting_id, state=posted.state, hold_id=posted.hold_id
        )
    return posted.hold_id


def _write(request: HttpRequest, posting_id: str, body: Body, *, word: str, effect: Effect) -> HttpResponse:
    answer = write(
        request,
        operation=f"postings.{word}",
        route=f"{ROUTE}/{posting_id}/{word}",
        body=words_of(body),
        effect=effect,
    )
    return answer_write(answer)
