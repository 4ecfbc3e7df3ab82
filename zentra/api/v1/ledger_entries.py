"""``/ledger-entries``: postings. The documents' shorthand is one debit and one credit of the same amount."""

import json
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.operations import post_entries, posting_event
from ledger.queries import find_account, get_posting, list_postings
from ledger.queries.accounts import is_account_id
from ledger.types import Line, Posted
from zentra.api import pagination
from zentra.api.doors import answer_json, answer_write, caller_of, door, key_of, write
from zentra.api.fields import (
    LEDGER_CURRENCY,
    AmountMinor,
    AnyCurrency,
    Body,
    IdempotencyKey,
    Maybe,
    Metadata,
    Reference,
    Text,
)
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.answers import PostingAnswer, PostingPage
from zentra.core import clock, ids, telemetry
from zentra.core.actors import Actor
from zentra.core.idempotency.operations import Answer
from zentra.core.tenancy import TenantRef, current_tenant, tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Ledgers"])

ROUTE: Final = "/v1/ledger-entries"
OPERATION: Final = "ledger_entries.create"


class PostEntriesBody(Body):
    """One debit and one credit of the same amount. Accounts go by code or id; the currency is theirs."""

    debit: Reference
    credit: Reference
    amount_minor: AmountMinor
    currency: Maybe[AnyCurrency] = None
    description: Maybe[Text] = None
    metadata: Maybe[Metadata] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "POST", "/ledger-entries", permission=Permission.LEDGER_POST, response={201: PostingAnswer})
def create(request: HttpRequest, body: PostEntriesBody) -> HttpResponse:
    """Post two entries at once."""
    actor = caller_of(request).actor
    answer = write(
        request,
        operation=OPERATION,
        route=ROUTE,
        body=body.model_dump(exclude_unset=True),
        effect=lambda tenant, now: (
            201,
            _post(body, tenant=tenant, actor=actor, key=key_of(request), now=now),
        ),
        on_repeat=lambda first, key, now: _record_repeat(first, actor=actor, key=key, now=now),
    )
    return answer_write(answer)


def _post(body: PostEntriesBody, *, tenant: TenantRef, actor: Actor, key: str | None, now: datetime) -> dict[str, Any]:
    posted = post_entries(
        lines=[Line(body.debit, "debit", body.amount_minor), Line(body.credit, "credit", body.amount_minor)],
        currency=_currency(body, tenant),
        posting_id=ids.new_id("posting"),
        purpose="manual",
        actor=actor,
        correlation_id=telemetry.request_id() or ids.new_id("req"),
        recorded_at=now,
        idempotency_key=key,
        description=body.description or "",
        metadata=body.metadata,
    )
    record_events(events=[posting_event(posted, actor=actor, intent_id=None, trace_id=telemetry.trace_id())], now=now)
    return show_posting(posted)


def _currency(body: PostEntriesBody, tenant: TenantRef) -> str:
    """The currency that was said, else the accounts': an id has one, a code means the ledger currency's first."""
    if body.currency is not None:
        return tenant.ledger_currency if body.currency == LEDGER_CURRENCY else body.currency
    ref = body.credit if is_account_id(body.credit) and not is_account_id(body.debit) else body.debit
    return find_account(ref=ref).currency


def _record_repeat(first: Answer, *, actor: Actor, key: str, now: datetime) -> None:
    """Replay pressure on a money write: what was asked again, the posting that stands, and that nothing moved."""
    evidence = json.loads(first.body)["evidence"]
    data = {
        "operation": OPERATION,
        "key": key,
        "posting_id": evidence["posting_id"],
        "debit_account": evidence["debit_account"],
        "credit_account": evidence["credit_account"],
        "result": "first answer returned",
        "mutations": 0,
    }
    record_events(events=[NewEvent("idempotency.replayed", actor, data, trace_id=telemetry.trace_id())], now=now)


@door(router, "GET", "/ledger-entries", permission=Permission.LEDGER_READ, response=PostingPage)
def list_all(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HttpResponse:
    """Postings with their entries, newest first."""
    tenant = caller_of(request).tenant
    before = pagination.read_cursor(cursor, listing="ledger-entries", workspace_id=tenant.id)
    with tenant_work(tenant):
        page = pagination.build_page(
            [stored.posted for stored in list_postings(limit=limit + 1, before=before)],
            limit=limit,
            listing="ledger-entries",
            workspace_id=tenant.id,
            position=lambda posted: (posted.recorded_at, posted.posting_id),
            show=show_posting,
        )
    return answer_json(page)


@door(router, "GET", "/ledger-entries/{posting_id}", permission=Permission.LEDGER_READ, response=PostingAnswer)
def get(request: HttpRequest, posting_id: str) -> HttpResponse:
    """One posting with its entries."""
    with tenant_work(caller_of(request).tenant):
        document = show_posting(get_posting(posting_id=posting_id).posted)
    return answer_json(document)


def show_posting(posted: Posted) -> dict[str, Any]:
    """A posting as the API answers it."""
    return {
        "status": "posted",
        "event": "ledger.entry.created",
        "evidence": {
            "debit_account": posted.entry("debit").account_code,
            "credit_account": posted.entry("credit").account_code,
            "minor_units": posted.amount_minor,
            "posting_id": posted.posting_id,
            "correlation_id": posted.correlation_id,
        },
        "id": posted.posting_id,
        "object": "posting",
        "purpose": posted.purpose,
        "currency": posted.currency,
        "amount_minor": posted.amount_minor,
        "intent_id": posted.intent_id,
        "reverses_id": posted.reverses_id,
        "entries": [
            {
                "id": entry.id,
                "account_id": entry.account_id,
                "account_code": entry.account_code,
                "direction": entry.direction,
                "amount_minor": entry.amount_minor,
                "currency": entry.currency,
            }
            for entry in posted.entries
        ],
        "entry_hash": posted.entry_hash,
        "effective_at": clock.iso(posted.effective_at),
        "recorded_at": clock.iso(posted.recorded_at),
        "workspace": current_tenant().slug,
    }
