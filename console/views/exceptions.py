"""The exceptions desk: what does not pair, by kind, age and owner; several at once."""

from dataclasses import replace
from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.kept import Refused, keeping
from console.readings.exceptions import (
    account_filters,
    aging_sheet,
    bulk_acts,
    decode,
    encode,
    exceptions_sheet,
    figures,
    kind_filters,
    state_filters,
    where_of,
)
from console.readings.recon import ROOM, crumbs, home, room_tabs
from console.shell import build_shell
from console.types import Chip
from console.types.finance import DeskPage, FinancePage
from zentra.reconciliation.matching.desk.operations import bulk_assign, bulk_explain
from zentra.reconciliation.matching.desk.queries import count_by_kind_and_age, count_exceptions, key_of, list_exceptions
from zentra.reconciliation.matching.desk.types import BulkDone, Order
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users

PAGE: Final = 60


@room(Permission.RECONCILIATION_READ)
def show_exceptions(visit: Visit) -> HttpResponse:
    """The list, oldest first, narrowed by the address."""
    return _desk_page(visit, None)


def _desk_page(visit: Visit, refused: Refused | None) -> HttpResponse:
    """The list; of what was refused with what was ticked and typed, narrowed as it was."""
    here = f"{home(visit)}exceptions/"
    where, kept = where_of(visit)
    order: Order = "newest" if asked(visit, "order") == "newest" else "oldest"
    after = decode(asked(visit, "after"), order)
    found = list_exceptions(where=where, now=visit.now, order=order, after=after, limit=PAGE + 1)
    shown = found[:PAGE]
    counts = count_exceptions(now=visit.now, user_id=visit.member.user_id, account_id=where.account_id)
    names = names_of_users(user_ids=sorted({each.owner_id for each in shown if each.owner_id}))
    kept = {**kept, "order": "newest" if order == "newest" else ""}
    following = encode(key_of(record=shown[-1], order=order)) if len(found) > PAGE else ""
    ages = count_by_kind_and_age(now=visit.now, account_id=where.account_id)
    may = visit.may(Permission.RECONCILIATION_MATCH)
    page = FinancePage(
        heading="Exceptions",
        words="What does not pair, until it is matched, explained, adjusted or written off.",
        crumbs=crumbs(visit),
        tabs=room_tabs(visit, "exceptions"),
        figures=figures(counts),
        filters=state_filters(here, kept),
        more_filters=kind_filters(here, kept, ages),
        third_filters=account_filters(here, kept),
        links=(
            Chip("Waiting adjustments", f"{home(visit)}adjustments/"),
            Chip("CSV", paging.link(f"{home(visit)}exceptions.csv", **kept), True, key="e"),
            Chip("XLSX", paging.link(f"{home(visit)}exceptions.xlsx", **kept), True),
        ),
        sheets=(
            exceptions_sheet(
                visit,
                shown,
                names,
                ticks=may and where.state != "resolved",
                chosen=refused.all("exception") if refused else [],
                next_url=paging.link(here, **kept, after=following) if following else "",
                first_url=paging.link(here, **kept) if after else "",
            ),
        ),
    )
    if refused is not None:
        page = replace(page, at=paging.link(here, **kept, after=asked(visit, "after")))
    desk = DeskPage(page=page, bulk=bulk_acts(visit, kept, refused) if may else (), aging=aging_sheet(ages, here, kept))
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "desk": desk, "room": "recon-exceptions"}
    return render(visit.request, "console/finance/exceptions.html", context)


def _chosen(visit: Visit) -> list[str]:
    chosen = list(dict.fromkeys(visit.request.POST.getlist("exception")))
    if not chosen:
        raise FormIncomplete("Tick at least one exception.")
    return chosen


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(_desk_page, act="bulk-assign")
def assign_several(visit: Visit) -> HttpResponseBase:
    """Make one person responsible for what is ticked."""
    chosen, owner = _chosen(visit), words(visit, "owner")

    def effect() -> str:
        done = bulk_assign(exception_ids=chosen, owner_id=owner, actor=visit.actor(), now=visit.now)
        name = names_of_users(user_ids=[owner]).get(owner, owner)
        return _told(done, f"{name} is responsible for {len(done.done)}.")

    return act_once(visit, operation="recon.exceptions.assign", effect=effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False, step_up=True)
@keeping(_desk_page, act="bulk-explain")
def explain_several(visit: Visit) -> HttpResponseBase:
    """Say why what is ticked may stand as it is."""
    chosen, code = _chosen(visit), words(visit, "reason_code")
    reason = words(visit, "reason", needed=False)

    def effect() -> str:
        done = bulk_explain(exception_ids=chosen, reason_code=code, reason=reason, actor=visit.actor(), now=visit.now)
        return _told(done, f"{len(done.done)} explained.")

    return act_once(visit, operation="recon.exceptions.explain", effect=effect)


def _told(done: BulkDone, said: str) -> str:
    if not done.refused:
        return said
    codes = sorted({code.replace("_", " ") for _, code in done.refused})
    return f"{said} Not changed: {len(done.refused)} ({', '.join(codes[:4])})."
