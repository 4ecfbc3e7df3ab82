"""Adjustments and write-offs: those that wait for a second person, and those that were decided."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.marks import mark
from console.presenters.finance import amount, columns, day, row, sheet
from console.presenters.words import NONE, moment
from console.readings.recon import ROOM, crumbs, home, people
from console.sheet_files import MOST as MOST_ROWS
from console.sheet_files import file_links, sheet_file, wanted
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Cell, FinancePage
from zentra.reconciliation.matching.desk.queries import list_adjustments
from zentra.reconciliation.matching.desk.types import AdjustmentState
from zentra.tenants.permissions import Permission

_DECIDED: Final[tuple[AdjustmentState, ...]] = ("posted", "declined")


@room(Permission.RECONCILIATION_READ)
def show_adjustments(visit: Visit) -> HttpResponse:
    """Adjustments and write-offs that wait for a second person, and those that were decided."""
    here = f"{home(visit)}adjustments/"
    state: AdjustmentState = next((each for each in _DECIDED if each == asked(visit, "state")), "proposed")
    found = list_adjustments(state=state, limit=MOST_ROWS if wanted(visit) else 100)
    names = people(each.proposed_by for each in found)
    marks = {"proposed": mark("review", says="second person"), "posted": mark("posted"), "declined": mark("declined")}
    listed = sheet(
        "Adjustments, newest first",
        columns("Adjustment", "State", "Reason|wrap", "Effective", "Minor units|r", "Proposed by|opt", "Age|r"),
        (
            row(
                each.id,
                Cell(each.kind.replace("_", " "), url=f"{home(visit)}exceptions/{each.exception_id}/"),
                Cell(mark=marks[each.state]),
                Cell(each.reason_code.replace("_", " "), note=each.reason),
                day(each.effective_on),
                amount(each.amount_minor, each.currency),
                names.get(str(each.proposed_by.get("id")), NONE),
                Cell(moment=moment(each.proposed_at, visit.now), css="num quiet"),
            )
            for each in found
        ),
        empty_title="Nothing waits here",
        empty_words="An adjustment is proposed at an exception and posted when a second person lets it through.",
    )
    if kind := wanted(visit):
        return sheet_file(listed, f"adjustments-{visit.now:%Y-%m-%d}", kind)
    page = FinancePage(
        heading="Adjustments",
        words="Postings that resolve an exception. Who proposes one does not let it through.",
        crumbs=crumbs(visit, ("Exceptions", f"{home(visit)}exceptions/")),
        filters=tuple(
            Chip(title, paging.link(here, state="" if key == "proposed" else key), key == state)
            for key, title in (("proposed", "Waiting"), ("posted", "Posted"), ("declined", "Declined"))
        ),
        links=file_links(here, state="" if state == "proposed" else state),
        sheets=(listed,),
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-adjustments"}
    return render(visit.request, "console/finance/page.html", context)
