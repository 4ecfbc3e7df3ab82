"""Closeout: the periods, one of them with its five steps and four views, and its printable report."""

from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import render

from console.asked import asked
from console.doors import Visit, room
from console.kept import Refused, again
from console.presenters.accounts import person
from console.presenters.closeout import (
    money_reckoning,
    period_mark,
    rules_reckoning,
    steps,
    tasks_sheet,
    tie_reckoning,
    tie_sheet,
)
from console.presenters.finance import columns, number, row, sheet
from console.presenters.matches import RULES
from console.presenters.words import NONE, dated, grouped
from console.readings.closeout import (
    ROOM,
    TABS,
    crumbs,
    period_acts,
    period_of,
    period_url,
    tabs,
    whose_turn,
    words_of,
)
from console.readings.closeout_tabs import checklist, exceptions, packet, trial
from console.readings.recon import people
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Cell, CloseoutPage, FinancePage
from console.types.ledger import Figure
from zentra.reconciliation.closeout.queries import (
    customer_money,
    get_overview,
    list_overviews,
    list_periods,
    list_tasks,
    list_tie_outs,
    matched_by_rule,
)
from zentra.reconciliation.closeout.types import Overview, PeriodRecord
from zentra.tenants.permissions import Permission


@room(Permission.RECONCILIATION_READ)
def show_periods(visit: Visit) -> HttpResponse:
    """The calendar of periods, newest first."""
    periods = list_periods()
    views = list_overviews(limit=12, now=visit.now)
    names = people([dict(each.locked_by) for each in periods if each.locked_by])

    def cells(period: PeriodRecord) -> tuple[Cell | str, ...]:
        view = views.get(period.id)
        locked = f"{person(dict(period.locked_by), names)}, {dated(period.locked_at)}" if period.locked_by else NONE
        return (
            Cell(period.name, url=period_url(visit, period), is_words=True),
            Cell(mark=period_mark(period)),
            f"{view.reached} of {view.accounts}" if view else NONE,
            number(view.lines_open) if view else NONE,
            number(view.exceptions) if view else NONE,
            f"{view.approved} of {view.tie_outs}" if view else NONE,
            f"{view.tasks_done} of {view.tasks}" if view else NONE,
            Cell(locked, css="quiet small"),
        )

    page = FinancePage(
        heading="Closeout",
        words="Each month is imported, matched, resolved, tied out, signed by two people and locked.",
        sheets=(
            sheet(
                "Periods, newest first",
                columns(
                    "Period",
                    "State",
                    "Accounts reached|r num",
                    "Open lines|r",
                    "Exceptions|r",
                    "Signed|r num",
                    "Tasks|r num opt",
                    "Locked|opt",
                ),
                (row(period.id, *cells(period)) for period in periods),
                empty_title="No period yet",
                empty_words="The calendar makes itself within minutes, from the first month with money in it.",
            ),
        ),
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "closeout"}
    return render(visit.request, "console/finance/page.html", context)


@room(Permission.RECONCILIATION_READ)
def show_period(visit: Visit, month: str) -> HttpResponse:
    """One period, by its steps and one of four views."""
    return period_page(visit, None, month)


def period_page(visit: Visit, refused: Refused | None, month: str) -> HttpResponse:
    """The page of a period; with what was refused, the form that it was of is open in its own view."""
    period = period_of(month)
    view = get_overview(period_id=period.id, now=visit.now)
    usual = "exceptions" if view.step in {3, 4} else "checklist"
    if refused is not None:
        usual = "packet" if refused.act == "packet" else "checklist"
    tab = next((key for key, _ in TABS if key == asked(visit, "tab")), usual)
    page = _page(visit, period, view, tab)
    at = f"{period_url(visit, period)}?tab={tab}"
    page = replace(page, page=again(page.page, refused, at=at))
    context = {"shell": build_shell(visit, room=ROOM), "page": page.page, "view": page, "room": "closeout"}
    return render(visit.request, "console/finance/closeout.html", context)


def _page(visit: Visit, period: PeriodRecord, view: Overview, tab: str) -> CloseoutPage:
    shows = {"checklist": checklist, "exceptions": exceptions, "trial": trial, "packet": packet}
    shown = shows[tab].show(visit, period)
    page = FinancePage(
        heading=f"Closeout · {period.name}",
        words=words_of(period),
        mark=period_mark(period),
        crumbs=crumbs(visit),
        tabs=tabs(visit, period, tab, view.exceptions),
        facts=(checklist.period_facts(period), checklist.period_story(period)) if tab == "checklist" else (),
        acts=(*shown.acts, *(period_acts(visit, period, view) if tab == "checklist" else ())),
        side_note=whose_turn(visit, period, people([dict(period.soft_closed_by)] if period.soft_closed_by else []))
        if tab == "checklist"
        else "",
        links=(
            *shown.links,
            Chip("Customers' money", f"{period_url(visit, period)}customer-money/"),
            Chip("Report", f"{period_url(visit, period)}report/"),
        ),
    )
    return CloseoutPage(page, steps(view, period_url(visit, period)), tab, shown.reckonings, shown.sheets, shown.below)


@room(Permission.RECONCILIATION_READ)
def show_report(visit: Visit, month: str) -> HttpResponse:
    """All of a period on one page, to be printed or kept as PDF by the browser."""
    period = period_of(month)
    view = get_overview(period_id=period.id, now=visit.now)
    until = f"{period.ends_on:%d %B}".lstrip("0")
    ties = list_tie_outs(period_id=period.id)
    tasks = list_tasks(period_id=period.id, now=visit.now)
    names = people(
        [dict(signed.by) for tie in ties for signed in tie.sign_offs]
        + [dict(each.done_by) for each in tasks if each.done_by],
        [each.owner_id for each in tasks],
    )
    link = period_url(visit, period)
    shares = rules_reckoning(matched_by_rule(period_id=period.id), RULES)
    left = exceptions.show(visit, period)
    page = FinancePage(
        heading=f"Closeout report · {period.name}",
        words=f"{visit.member.workspace_name} · {words_of(period)} · printed {dated(visit.now)} UTC",
        mark=period_mark(period),
        crumbs=crumbs(visit, (period.name, link)),
        figures=(
            Figure(
                "statements",
                grouped(view.statements),
                note=f"{view.reached} of {view.accounts} accounts to the last day",
            ),
            Figure("lines", grouped(view.lines), note=f"{grouped(view.lines_open)} open"),
            Figure("exceptions", grouped(view.exceptions), note="not resolved"),
            Figure("signed", f"{view.approved} of {view.tie_outs}", note="tie-outs"),
        ),
    )
    reckonings = (
        *(tie_reckoning(tie, until=until) for tie in ties),
        shares,
        *(
            money_reckoning(each)
            for each in customer_money(at=min(period.ends_at, visit.now))
            if each.held_minor or each.owed_minor
        ),
    )
    sheets = (
        tie_sheet(ties, names, link),
        tasks_sheet(tasks, names, link=link),
        *left.sheets,
        *left.below,
        *trial.roll_sheets(visit, period),
        *checklist.in_flight_sheets(visit, period),
        *checklist.late_sheets(visit, period),
    )
    report = CloseoutPage(page, steps(view, link), "report", reckonings, sheets)
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "view": report, "room": "closeout-report"}
    return render(visit.request, "console/finance/closeout.html", context)
