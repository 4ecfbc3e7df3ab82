"""``/reconciliation/periods``: how the closing of a month stands, and what it left. Read only: people close it."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from zentra.api.doors import answer_json, caller_of, door
from zentra.api.downloads import answer_file, spool
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, read_cursor, write_cursor
from zentra.api.v1.closeout_answers import (
    CloseoutPacketAnswer,
    CloseoutPacketList,
    CloseoutTaskList,
    CustomerMoneyList,
    PeriodDetailAnswer,
    PeriodList,
    RollForwardList,
    TieOutList,
    show_customer_money,
    show_overview,
    show_packet,
    show_period,
    show_roll_forward,
    show_task,
    show_tie_out,
)
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.closeout import exports, queries
from zentra.reconciliation.closeout.errors import PeriodNotFound
from zentra.reconciliation.closeout.types import CustomerMoney, PeriodRecord, ProofRow, RollForward, RollRow
from zentra.tenants.permissions import Permission

router = Router(tags=["Closeout"])
Row = TypeVar("Row")
Book = TypeVar("Book", RollForward, CustomerMoney)

READ: Final = Permission.RECONCILIATION_READ
PERIODS: Final = "/reconciliation/periods"
PERIOD: Final = f"{PERIODS}/{{period}}"
_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_ZIP: Final = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
_CSV: Final = {"content": {"text/csv": {"schema": {"type": "string"}}}}


@door(router, "GET", PERIODS, permission=READ, response=PeriodList)
def list_periods(request: HttpRequest) -> HttpResponse:
    """The newest 36 periods, the newest first."""
    with tenant_work(caller_of(request).tenant):
        found = queries.list_periods(limit=36)
    return answer_json({"data": [show_period(each) for each in found]})


@door(router, "GET", PERIOD, permission=READ, response=PeriodDetailAnswer)
def get_period(request: HttpRequest, period: str) -> HttpResponse:
    """A period by its id or its month (2026-04), with its numbers."""
    with tenant_work(caller_of(request).tenant):
        found = queries.get_overview(period_id=_period(period).id, now=clock.now())
    return answer_json(show_overview(found))


@door(router, "GET", f"{PERIOD}/tie-outs", permission=READ, response=TieOutList)
def list_tie_outs(request: HttpRequest, period: str) -> HttpResponse:
    """Every reconciled account in the period: ledger against statement, part by part, and who signed."""
    return _listed(request, period, lambda key: queries.list_tie_outs(period_id=key), show_tie_out)


@door(router, "GET", f"{PERIOD}/trial-balance", permission=READ, rate="heavy", response=RollForwardList)
def get_trial_balance(
    request: HttpRequest, period: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> HttpResponse:
    """The trial balance of every currency with opening, movement and closing.

    ``limit`` counts accounts, by currency and code; those on which nothing is or was are left out. ``balanced`` and
    ``sha256`` are of the whole.
    """
    read = lambda found: queries.roll_forward(period_id=found.id)  # noqa: E731
    return _balances(request, period, "trial-balance", read, show_roll_forward, limit=limit, cursor=cursor)


@door(router, "GET", f"{PERIOD}/customer-money", permission=READ, rate="heavy", response=CustomerMoneyList)
def get_customer_money(
    request: HttpRequest, period: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> HttpResponse:
    """At the period's end: what is owed to customers, and whether it is there.

    ``limit`` counts accounts, by currency and code; those with no balance are left out. The sums are of the whole.
    """
    read = lambda found: queries.customer_money(at=found.ends_at)  # noqa: E731
    return _balances(request, period, "customer-money", read, show_customer_money, limit=limit, cursor=cursor)


@door(router, "GET", f"{PERIOD}/tasks", permission=READ, response=CloseoutTaskList)
def list_tasks(request: HttpRequest, period: str) -> HttpResponse:
    """The checklist."""
    return _listed(request, period, lambda key: queries.list_tasks(period_id=key, now=clock.now()), show_task)


@door(
    router,
    "GET",
    f"{PERIOD}/journal",
    permission=Permission.LEDGER_EXPORT,
    rate="heavy",
    response=None,
    openapi_extra={"responses": {200: {"description": "Every entry of the period as CSV.", **_CSV}}},
)
def get_journal(request: HttpRequest, period: str) -> HttpResponseBase:
    """The journal of the period as CSV, with general-ledger accounts."""
    with tenant_work(caller_of(request).tenant):
        found = _period(period)
        file = spool(exports.journal_csv(period_id=found.id))
    return answer_file(request, file, name=f"journal-{found.month}.csv", content_type="text/csv; charset=utf-8")


@door(router, "GET", f"{PERIOD}/packets", permission=Permission.PACKETS_READ, response=CloseoutPacketList)
def list_packets(request: HttpRequest, period: str) -> HttpResponse:
    """The closeout packets of the period, the newest first."""
    return _listed(request, period, lambda key: queries.list_packets(period_id=key), show_packet)


@door(
    router,
    "GET",
    "/reconciliation/closeout-packets/{packet_id}",
    permission=Permission.PACKETS_READ,
    response=CloseoutPacketAnswer,
)
def get_packet(request: HttpRequest, packet_id: str) -> HttpResponse:
    """A closeout packet: how far it is, and why it failed."""
    with tenant_work(caller_of(request).tenant):
        found = queries.get_packet(packet_id=packet_id)
    return answer_json(show_packet(found))


@door(
    router,
    "GET",
    "/reconciliation/closeout-packets/{packet_id}/content",
    permission=Permission.PACKETS_EXPORT,
    rate="heavy",
    response=None,
    openapi_extra={
        "responses": {200: {"description": "The packet; verify it with python -m evidence.verifier.", **_ZIP}}
    },
)
def get_packet_content(request: HttpRequest, packet_id: str) -> HttpResponse:
    """The zip of a sealed closeout packet; before, 409 ``closeout_packet_pending`` and ``Retry-After``."""
    with tenant_work(caller_of(request).tenant):
        found = queries.get_packet(packet_id=packet_id)
        content = queries.open_packet(packet_id=packet_id)
    return HttpResponse(
        content,
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{found.filename}"',
            "Zentra-Packet-Sha256": found.sha256,
            "ETag": f'"{found.sha256}"',
        },
    )


def _period(words: str) -> PeriodRecord:
    """The period of an id or a month; raises PeriodNotFound, BadId."""
    if _MONTH.fullmatch(words) is None:
        return queries.get_period(period_id=words)
    found = queries.find_period(month=words)
    if found is None:
        raise PeriodNotFound(f"There is no period {words}.", month=words)
    return found


def _listed(
    request: HttpRequest, period: str, read: Callable[[str], Sequence[Row]], show: Callable[[Row], dict[str, Any]]
) -> HttpResponse:
    with tenant_work(caller_of(request).tenant):
        found = read(_period(period).id)
    return answer_json({"data": [show(each) for each in found]})


def _balances(
    request: HttpRequest,
    period: str,
    name: str,
    read: Callable[[PeriodRecord], Sequence[Book]],
    show: Callable[[Book, Collection[str]], dict[str, Any]],
    *,
    limit: int,
    cursor: str | None,
) -> HttpResponse:
    """Books by currency with their next ``limit`` accounts that have an amount. Raises BadCursor, PeriodNotFound."""
    tenant = caller_of(request).tenant
    with tenant_work(tenant):
        found = _period(period)
        listing = f"{name}.{found.id}"
        after = read_cursor(cursor, listing=listing, workspace_id=tenant.id)
        books = read(found)
    places = sorted(
        (f"{book.currency} {row.account_code}", row.account_id)
        for book in books
        for row in _rows_of(book)
        if after is None or f"{book.currency} {row.account_code}" > after[1]
    )
    shown, has_more = places[:limit], len(places) > limit
    position = (found.starts_at, shown[-1][0]) if has_more else None
    here = {account for _, account in shown}
    on_page = {place[:3] for place, _ in shown}
    return answer_json(
        {
            "data": [
                show(book, here) for book in books if book.currency in on_page or (after is None and not _rows_of(book))
            ],
            "next_cursor": position and write_cursor(position, listing=listing, workspace_id=tenant.id),
            "has_more": has_more,
        }
    )


def _rows_of(book: RollForward | CustomerMoney) -> list[RollRow | ProofRow]:
    """The accounts of a book that have an amount."""
    if isinstance(book, RollForward):
        return [row for row in book.rows if row.has_amounts]
    return [row for row in (*book.owed, *book.held, *book.own) if row.amount_minor]
