"""``/holds``: funds reserved and not settled yet, over all accounts, and each step of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from ledger.operations import capture_hold, extend_hold, increase_hold, place_hold, release_hold, review_hold
from ledger.queries import get_hold, hold_events, list_holds, postings_of_hold
from ledger.types import HoldChange, HoldRecord
from zentra.api.doors import answer_json, answer_page, answer_write, caller_of, door, key_of, words_of, write
from zentra.api.fields import (
    AmountMinor,
    AnyCurrency,
    Body,
    Edge,
    IdempotencyKey,
    IntentId,
    Maybe,
    Metadata,
    Moment,
    Reason,
    Reference,
    Text,
)
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.api.v1.account_answers import account_of_path
from zentra.api.v1.hold_answers import show_change, show_hold, show_step
from zentra.api.v1.ledger_answers import HoldAnswer, HoldDetailAnswer, HoldPage
from zentra.api.v1.posting_answers import show_posting
from zentra.api.v1.posting_bodies import own_currency
from zentra.core import telemetry
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Holds"])

ROUTE: Final = "/v1/holds"


class PlaceHoldBody(Body):
    """Funds of an account to reserve for a later capture to ``destination``; both by code or id."""

    account: Reference
    amount_minor: AmountMinor
    reference: Reference
    source: Reference
    destination: Maybe[Reference] = None
    currency: Maybe[AnyCurrency] = None
    release_condition: Maybe[Text] = None
    expires_at: Maybe[Moment] = None
    intent_id: Maybe[IntentId] = None
    metadata: Maybe[Metadata] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class CaptureBody(Body):
    """How much of a hold to move, all that is left when it is left out; ``release_rest`` gives back what stays."""

    amount_minor: Maybe[AmountMinor] = None
    destination: Maybe[Reference] = None
    release_rest: Maybe[bool] = None
    description: Maybe[Text] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class ReleaseBody(Body):
    """Why, and how much of a hold to give back: all that is left when it is left out."""

    reason: Reason
    amount_minor: Maybe[AmountMinor] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class IncreaseBody(Body):
    """How much more to hold, and why."""

    amount_minor: AmountMinor
    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


class ExtendBody(Body):
    """When a hold ends now, null for not by itself, and why."""

    expires_at: Moment | None
    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


class ReviewBody(Body):
    """What somebody found who looked at a hold."""

    note: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "POST", "/holds", permission=Permission.HOLDS_MANAGE, response={201: HoldAnswer})
def place(request: HttpRequest, body: PlaceHoldBody) -> HttpResponse:
    """Reserve funds: they are no longer available, and nothing moves until the hold is captured."""
    caller = caller_of(request)

    def effect(tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        change = place_hold(
            account=body.account,
            amount_minor=body.amount_minor,
            reference=body.reference,
            source=body.source,
            actor=caller.actor,
            now=now,
            correlation_id=telemetry.correlation_id(),
            currency=None if body.currency is None else own_currency(body.currency, tenant),
            release_condition=body.release_condition or "",
            expires_at=body.expires_at,
            intent_id=body.intent_id,
            idempotency_key=key_of(request),
            metadata=body.metadata,
            **({} if body.destination is None else {"destination": body.destination}),
        )
        return 201, show_change(change, event="hold.placed")

    answer = write(request, operation="holds.place", route=ROUTE, body=words_of(body), effect=effect, is_intent=False)
    return answer_write(answer)


@door(router, "GET", "/holds", permission=Permission.LEDGER_READ, response=HoldPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: Annotated[Literal["held", "captured", "released", "expired"] | None, Query()] = None,
    account: Annotated[str | None, Query(description="An account's id or code.")] = None,
    currency: Annotated[str | None, Query()] = None,
    source: Annotated[str | None, Query()] = None,
    intent_id: Annotated[str | None, Query()] = None,
    due_before: Annotated[Edge | None, Query(description="Holds that end by themselves before this.")] = None,
    order: Annotated[Literal["newest", "oldest", "expiry"], Query()] = "newest",
) -> HttpResponse:
    """Holds over all accounts: newest first, oldest first, or by expiry, those that have one."""

    def read(rows: int, after: Position | None) -> list[HoldRecord]:
        return list_holds(
            limit=rows,
            after=after,
            order=order,
            state=state,
            account_id=None if account is None else account_of_path(account).id,
            currency=currency,
            source=source,
            intent_id=intent_id,
            due_before=due_before,
        )

    def position(hold: HoldRecord) -> Position:
        return (hold.expires_at if order == "expiry" and hold.expires_at else hold.placed_at, hold.id)

    return answer_page(
        request, listing=f"holds.{order}", limit=limit, cursor=cursor, read=read, position=position, show=show_hold
    )


@door(router, "GET", "/holds/{hold_id}", permission=Permission.LEDGER_READ, response=HoldDetailAnswer)
def get(request: HttpRequest, hold_id: str) -> HttpResponse:
    """One hold with its steps and postings, oldest first."""
    with tenant_work(caller_of(request).tenant):
        document = {
            **show_hold(get_hold(hold_id=hold_id)),
            "events": [show_step(step) for step in hold_events(hold_id=hold_id)],
            "postings": [show_posting(stored) for stored in postings_of_hold(hold_id=hold_id)],
        }
    return answer_json(document)


@door(router, "POST", "/holds/{hold_id}/capture", permission=Permission.HOLDS_MANAGE, response={200: HoldAnswer})
def capture(request: HttpRequest, hold_id: str, body: CaptureBody) -> HttpResponse:
    """Move held money: all that is left, or a part of it."""

    def step(now: datetime) -> HoldChange:
        return capture_hold(
            hold_id=hold_id,
            actor=caller_of(request).actor,
            now=now,
            correlation_id=telemetry.correlation_id(),
            amount_minor=body.amount_minor,
            destination=body.destination,
            release_rest=body.release_rest or False,
            idempotency_key=key_of(request),
            description=body.description or "",
        )

    return _step(request, hold_id, body, word="capture", event="hold.captured", step=step)


@door(router, "POST", "/holds/{hold_id}/release", permission=Permission.HOLDS_MANAGE, response={200: HoldAnswer})
def release(request: HttpRequest, hold_id: str, body: ReleaseBody) -> HttpResponse:
    """Give back what is held, or a part of it; the release entry and the reason are kept."""

    def step(now: datetime) -> HoldChange:
        return release_hold(
            hold_id=hold_id,
            reason=body.reason,
            actor=caller_of(request).actor,
            now=now,
            correlation_id=telemetry.correlation_id(),
            amount_minor=body.amount_minor,
            idempotency_key=key_of(request),
        )

    return _step(request, hold_id, body, word="release", event="hold.released", step=step)


@door(router, "POST", "/holds/{hold_id}/increase", permission=Permission.HOLDS_MANAGE, response={200: HoldAnswer})
def increase(request: HttpRequest, hold_id: str, body: IncreaseBody) -> HttpResponse:
    """Hold more for the same reason."""

    def step(now: datetime) -> HoldChange:
        return increase_hold(
            hold_id=hold_id,
            amount_minor=body.amount_minor,
            reason=body.reason,
            actor=caller_of(request).actor,
            now=now,
            correlation_id=telemetry.correlation_id(),
            idempotency_key=key_of(request),
        )

    return _step(request, hold_id, body, word="increase", event="hold.increased", step=step)


@door(router, "POST", "/holds/{hold_id}/extend", permission=Permission.HOLDS_MANAGE, response={200: HoldAnswer})
def extend(request: HttpRequest, hold_id: str, body: ExtendBody) -> HttpResponse:
    """Let a hold end later, or not by itself; the reason is kept."""

    def step(now: datetime) -> HoldChange:
        actor = caller_of(request).actor
        return extend_hold(hold_id=hold_id, expires_at=body.expires_at, reason=body.reason, actor=actor, now=now)

    return _step(request, hold_id, body, word="extend", event="hold.extended", step=step)


@door(router, "POST", "/holds/{hold_id}/review", permission=Permission.HOLDS_MANAGE, response={200: HoldAnswer})
def review(request: HttpRequest, hold_id: str, body: ReviewBody) -> HttpResponse:
    """Keep that somebody has looked at a hold and what they found."""

    def step(now: datetime) -> HoldChange:
        return review_hold(hold_id=hold_id, note=body.note, actor=caller_of(request).actor, now=now)

    return _step(request, hold_id, body, word="review", event="hold.reviewed", step=step)


def _step(
    request: HttpRequest,
    hold_id: str,
    body: Body,
    *,
    word: str,
    event: str,
    step: Callable[[datetime], HoldChange],
) -> HttpResponse:
    answer = write(
        request,
        operation=f"holds.{word}",
        route=f"{ROUTE}/{hold_id}/{word}",
        body=words_of(body),
        effect=lambda _tenant, now: (200, show_change(step(now), event=event)),
    )
    return answer_write(answer)
