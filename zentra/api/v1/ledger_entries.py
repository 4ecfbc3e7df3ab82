"""``/ledger-entries``: postings. The documents' shorthand is one debit and one credit of the same amount."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from evidence.operations import record_events
from ledger.operations import place_posting, post_postings, posting_event, preview_placed, preview_posting
from ledger.queries import StoredPosting, get_posting, list_postings, search_postings
from ledger.types import HoldChange, PostingFilters, Preview
from zentra.api import pagination
from zentra.api.doors import answer_json, answer_write, caller_of, door, key_of, words_of, write
from zentra.api.fields import Edge
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.account_answers import account_of_path, show_balances
from zentra.api.v1.answers import PostingAnswer, PostingPage
from zentra.api.v1.ledger_answers import PreviewAnswer
from zentra.api.v1.posting_answers import show_fx, show_posting, show_standing, show_written
from zentra.api.v1.posting_bodies import (
    Asked,
    PostEntriesBody,
    check_form,
    currency_of_body,
    lines_of,
    posting_item,
)
from zentra.core import clock, telemetry
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Ledgers"])

ROUTE: Final = "/v1/ledger-entries"
OPERATION: Final = "ledger_entries.create"


@door(
    router,
    "POST",
    "/ledger-entries",
    permission=Permission.LEDGER_POST,
    response={200: PreviewAnswer, 201: PostingAnswer},
)
def create(
    request: HttpRequest,
    body: PostEntriesBody,
    dry_run: Annotated[bool, Query(description="Check and answer what would be, and write nothing.")] = False,
) -> HttpResponse:
    """Post entries, all at once: a debit and a credit of one amount, or any number that balances in each currency.

    With ``dry_run`` the answer is the posting as it would be and the balances that would result; no key is kept.
    """
    check_form(body)
    actor = caller_of(request).actor
    if dry_run:
        return _preview(request, body, actor)
    answer = write(
        request,
        operation=OPERATION,
        route=ROUTE,
        body=words_of(body),
        effect=lambda tenant, now: (
            201,
            _post(body, asked=Asked.by(actor, tenant=tenant, now=now), key=key_of(request)),
        ),
        takes_dry_run=True,
    )
    return answer_write(answer)


def _post(body: PostEntriesBody, *, asked: Asked, key: str | None) -> dict[str, Any]:
    if body.pending:
        return show_standing(_place(body, asked=asked, key=key).postings[0].posting_id)
    item = posting_item(body, asked=asked, key=key)
    (posted,) = post_postings(postings=[item.posting], facts=item.facts)
    event = posting_event(posted, actor=asked.actor, intent_id=None, trace_id=telemetry.trace_id())
    record_events(events=[event], now=asked.now)
    return show_written(posted, item)


def _place(body: PostEntriesBody, *, asked: Asked, key: str | None) -> HoldChange:
    return place_posting(
        lines=lines_of(body, asked.tenant),
        currency=currency_of_body(body, asked),
        reference=body.reference or "",
        source=body.source or "",
        actor=asked.actor,
        now=asked.now,
        correlation_id=body.correlation_id or telemetry.correlation_id(),
        description=body.description or "",
        release_condition=body.release_condition or "",
        expires_at=body.expires_at,
        idempotency_key=key,
        metadata=body.metadata,
    )


def _preview(request: HttpRequest, body: PostEntriesBody, actor: Actor) -> HttpResponse:
    now = clock.now()
    with tenant_work(caller_of(request).tenant) as tenant:
        preview = _previewed(body, actor, tenant, now)
    posted = preview.posted
    document = {
        "object": "posting_preview",
        "status": posted.state,
        "dry_run": True,
        "currency": posted.currency,
        "amount_minor": posted.amount_minor,
        "effective_at": clock.iso(posted.effective_at),
        "fx": show_fx(posted.fx),
        "entries": [
            {
                "account_id": entry.account_id,
                "account_code": entry.account_code,
                "direction": entry.direction,
                "amount_minor": entry.amount_minor,
                "currency": entry.currency,
            }
            for entry in posted.entries
        ],
        "balances": [
            {
                "account_id": held.account_id,
                "account_code": held.account_code,
                "currency": held.currency,
                **show_balances(held),
            }
            for held in preview.balances.values()
        ],
    }
    return answer_json(document)


def _previewed(body: PostEntriesBody, actor: Actor, tenant: TenantRef, now: datetime) -> Preview:
    asked = Asked.by(actor, tenant=tenant, now=now)
    if body.pending:
        return preview_placed(place=lambda: _place(body, asked=asked, key=None))
    return preview_posting(item=posting_item(body, asked=asked, key=None))


class PostingQuery(Schema):
    """What a list of postings is narrowed to. Times are moments, or days for their beginning in UTC."""

    account: str | None = Field(None, description="An account's id or code; postings with an entry there.")
    purpose: str | None = None
    intent_id: str | None = None
    hold: str | None = Field(None, description="A hold's id; the postings of it.")
    external_reference: str | None = None
    state: Literal["posted", "pending", "released"] | None = None
    currency: str | None = None
    effective_from: Edge | None = Field(None, description="Included.")
    effective_to: Edge | None = Field(None, description="Excluded.")
    recorded_from: Edge | None = Field(None, description="Included.")
    recorded_to: Edge | None = Field(None, description="Excluded.")
    min_amount: int | None = Field(None, ge=1, le=2**53 - 1, description="Of an entry, in minor units.")
    max_amount: int | None = Field(None, ge=1, le=2**53 - 1, description="Of an entry, in minor units.")


@door(router, "GET", "/ledger-entries", permission=Permission.LEDGER_READ, response=PostingPage)
def list_all(
    request: HttpRequest,
    asked: Annotated[PostingQuery, Query()],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> HttpResponse:
    """Postings with their entries, newest first.

    Go on while ``has_more``: a page of a rare kind may hold few of them, or none.
    """
    tenant = caller_of(request).tenant
    before = pagination.read_cursor(cursor, listing="ledger-entries", workspace_id=tenant.id)
    with tenant_work(tenant):
        found, place = _find(_filters(asked), limit=limit, before=before)
        data = [show_posting(stored) for stored in found]
    following = place and pagination.write_cursor(place, listing="ledger-entries", workspace_id=tenant.id)
    return answer_json({"data": data, "next_cursor": following, "has_more": following is not None})


def _find(
    filters: PostingFilters, *, limit: int, before: pagination.Position | None
) -> tuple[list[StoredPosting], pagination.Position | None]:
    """A page, and the place of its last posting while there is more. An account leads to its postings by an index; by
    anything else a page looks at so many postings and no further, whatever the history."""
    if filters.account_id is None:
        return search_postings(limit=limit, before=before, filters=filters)
    found = list_postings(limit=limit + 1, before=before, filters=filters)
    if len(found) <= limit:
        return found, None
    last = found[limit - 1].posted
    return found[:limit], (last.recorded_at, last.posting_id)


def _filters(asked: PostingQuery) -> PostingFilters:
    return PostingFilters(
        account_id=None if asked.account is None else account_of_path(asked.account).id,
        purpose=asked.purpose,
        intent_id=asked.intent_id,
        hold_id=asked.hold,
        external_reference=asked.external_reference,
        state=asked.state,
        currency=asked.currency,
        effective_from=asked.effective_from,
        effective_to=asked.effective_to,
        recorded_from=asked.recorded_from,
        recorded_to=asked.recorded_to,
        at_least_minor=asked.min_amount,
        at_most_minor=asked.max_amount,
    )


@door(router, "GET", "/ledger-entries/{posting_id}", permission=Permission.LEDGER_READ, response=PostingAnswer)
def get(request: HttpRequest, posting_id: str) -> HttpResponse:
    """One posting with its entries."""
    with tenant_work(caller_of(request).tenant):
        document = show_posting(get_posting(posting_id=posting_id))
    return answer_json(document)
