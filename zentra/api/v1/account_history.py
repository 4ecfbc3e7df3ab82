"""``/accounts/{account}/…``: what an account holds and held, entry by entry and period by period."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Query, Router

from ledger.errors import InvalidPeriod
from ledger.queries import (
    Moment,
    Statement,
    StatementLine,
    account_history,
    balance_as_of,
    balance_history,
    get_balances,
    statement,
)
from ledger.statements import render_statement_csv, render_statement_pdf
from ledger.types import AccountRecord, EntryRecord
from zentra.api import pagination
from zentra.api.doors import answer_json, caller_of, door
from zentra.api.downloads import answer_file, spool
from zentra.api.fields import AsOf, Edge
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.account_answers import account_of_path, show_balances
from zentra.api.v1.answers import BalancesAnswer
from zentra.api.v1.statement_answers import BalanceHistoryAnswer, EntryPage, StatementAnswer
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Accounts"])

Basis = Annotated[
    Literal["effective", "recorded"],
    Query(description="By the time that entries count from, or by the time they were written."),
]
From = Annotated[Edge, Query(alias="from", description="A moment, or a day for its beginning in UTC; included.")]
To = Annotated[Edge, Query(alias="to", description="A moment, or a day for its beginning in UTC; excluded.")]
_FILES = {
    "text/csv": {"schema": {"type": "string"}},
    "application/pdf": {"schema": {"type": "string", "format": "binary"}},
}


@door(router, "GET", "/accounts/{account}/balances", permission=Permission.ACCOUNTS_READ, response=BalancesAnswer)
def balances(
    request: HttpRequest,
    account: str,
    as_of: Annotated[AsOf | None, Query(description="A moment, or a day for its end in UTC; included.")] = None,
    basis: Basis = "effective",
) -> HttpResponse:
    """What an account holds now, or held as of a moment: posted, pending and available, in minor units."""
    with tenant_work(caller_of(request).tenant):
        found = account_of_path(account)
        if as_of is None:
            return answer_json(show_balances(get_balances(account=found)))
        moment = (
            balance_as_of(account_id=found.id, effective_at=as_of)
            if basis == "effective"
            else balance_as_of(account_id=found.id, recorded_at=as_of)
        )
    return answer_json(_show_moment(moment))


def _show_moment(moment: Moment) -> dict[str, Any]:
    return {
        "posted_minor": moment.posted_minor,
        "pending_minor": moment.pending_in_minor - moment.pending_out_minor,
        "available_minor": moment.available_minor,
        "pending_in_minor": moment.pending_in_minor,
        "pending_out_minor": moment.pending_out_minor,
        "lock_version": None,
        "as_of": clock.iso(moment.at),
        "basis": moment.basis,
    }


@door(router, "GET", "/accounts/{account}/entries", permission=Permission.ACCOUNTS_READ, response=EntryPage)
def entries(request: HttpRequest, account: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HttpResponse:
    """The numbered entries of an account, newest first, each with the balance after it.

    An account that is sequenced after commit numbers its newest entries within a second.
    """
    tenant = caller_of(request).tenant
    with tenant_work(tenant):
        found = account_of_path(account)
        listing = f"entries.{found.id}"
        before = pagination.read_cursor(cursor, listing=listing, workspace_id=tenant.id)
        page = pagination.build_page(
            account_history(
                account_id=found.id, limit=limit + 1, before_version=None if before is None else int(before[1])
            ),
            limit=limit,
            listing=listing,
            workspace_id=tenant.id,
            position=lambda entry: (entry.recorded_at, str(entry.version)),
            show=lambda entry: _show_entry(entry, found),
        )
    return answer_json(page)


def _show_entry(entry: EntryRecord, account: AccountRecord) -> dict[str, Any]:
    after = entry.balance_after_minor
    side = 1 if account.normal_balance == "credit" else -1
    return {
        "id": entry.id,
        "object": "entry",
        "posting_id": entry.posting_id,
        "account_id": entry.account_id,
        "account_code": entry.account_code,
        "direction": entry.direction,
        "amount_minor": entry.amount_minor,
        "currency": entry.currency,
        "state": entry.state,
        "version": entry.version,
        "balance_after_minor": None if after is None else side * after,
        "purpose": entry.purpose,
        "description": entry.description,
        "external_reference": entry.external_reference,
        "intent_id": entry.intent_id,
        "hold_id": entry.hold_id,
        "source_event_id": entry.source_event_id,
        "decision_id": entry.decision_id,
        "entry_hash": entry.entry_hash,
        "effective_at": clock.iso(entry.effective_at),
        "recorded_at": clock.iso(entry.recorded_at),
    }


@door(
    router,
    "GET",
    "/accounts/{account}/statement",
    permission=Permission.ACCOUNTS_READ,
    rate="heavy",
    response=StatementAnswer,
    openapi_extra={"responses": {200: {"content": _FILES}}},
)
def get_statement(
    request: HttpRequest,
    account: str,
    start: From,
    end: To,
    format: Annotated[Literal["json", "csv", "pdf"], Query()] = "json",  # noqa: A002  # the address's own word
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> HttpResponseBase:
    """A statement: what an account held when a period began, each posted entry with the balance after it, the end."""
    tenant = caller_of(request).tenant
    with tenant_work(tenant):
        found = account_of_path(account)
        name = f"statement-{found.code}-{start:%Y%m%d}-{end:%Y%m%d}.{format}"
        if format == "csv":
            pieces = spool(render_statement_csv(account_id=found.id, start=start, end=end))
            return answer_file(request, pieces, name=name, content_type="text/csv; charset=utf-8")
        if format == "pdf":
            document = render_statement_pdf(
                account_id=found.id, start=start, end=end, workspace_name=tenant.slug, now=clock.now()
            )
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return HttpResponse(document, content_type="application/pdf", headers=headers)
        listing = f"statement.{found.id}.{start.isoformat()}.{end.isoformat()}"
        after = pagination.read_cursor(cursor, listing=listing, workspace_id=tenant.id)
        page = statement(account_id=found.id, start=start, end=end, limit=limit, after=after)
    following = page.next_after and pagination.write_cursor(page.next_after, listing=listing, workspace_id=tenant.id)
    return answer_json(_show_statement(page, following))


def _show_statement(page: Statement, next_cursor: str | None) -> dict[str, Any]:
    return {
        "object": "statement",
        "account_id": page.account_id,
        "account_code": page.account_code,
        "account_name": page.account_name,
        "currency": page.currency,
        "normal_balance": page.normal_balance,
        "from": clock.iso(page.start),
        "to": clock.iso(page.end),
        "opening_minor": page.opening_minor,
        "closing_minor": page.closing_minor,
        "debits_minor": page.debits,
        "credits_minor": page.credits,
        "entry_count": page.entry_count,
        "pending_in_minor": page.pending_in_minor,
        "pending_out_minor": page.pending_out_minor,
        "is_tied_out": page.is_tied_out,
        "data": [_show_line(line) for line in page.entries],
        "next_cursor": next_cursor,
        "has_more": next_cursor is not None,
    }


def _show_line(line: StatementLine) -> dict[str, Any]:
    return {
        "entry_id": line.entry_id,
        "posting_id": line.posting_id,
        "purpose": line.purpose,
        "description": line.description,
        "external_reference": line.external_reference,
        "intent_id": line.intent_id,
        "reverses_id": line.reverses_id,
        "direction": line.direction,
        "amount_minor": line.amount_minor,
        "balance_after_minor": line.balance_after_minor,
        "effective_at": clock.iso(line.effective_at),
        "recorded_at": clock.iso(line.recorded_at),
    }


@door(
    router,
    "GET",
    "/accounts/{account}/balance-history",
    permission=Permission.ACCOUNTS_READ,
    response=BalanceHistoryAnswer,
)
def get_balance_history(
    request: HttpRequest,
    account: str,
    start: From,
    end: To,
    points: Annotated[int, Query(ge=2, le=1000)] = 100,
    basis: Basis = "effective",
) -> HttpResponse:
    """The course of a balance: about so many moments, evenly spaced over a period, and its end."""
    check_period(start, end)
    with tenant_work(caller_of(request).tenant):
        found = account_of_path(account)
        course = balance_history(account_id=found.id, start=start, end=end, points=points, basis=basis)
    document = {
        "object": "balance_history",
        "account_id": found.id,
        "currency": found.currency,
        "basis": basis,
        "data": [
            {"at": clock.iso(point.at), "posted_minor": point.posted_minor, "available_minor": point.available_minor}
            for point in course
        ],
    }
    return answer_json(document)


def check_period(start: datetime, end: datetime) -> None:
    """Refuse a period that ends before it begins; raises InvalidPeriod."""
    if start >= end:
        raise InvalidPeriod(
            f"The period ends at {end.isoformat()}, not after it starts at {start.isoformat()}.",
            start=start.isoformat(),
            end=end.isoformat(),
        )
