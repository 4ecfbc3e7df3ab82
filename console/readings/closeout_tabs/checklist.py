"""The checklist of a period with its tie-outs, what was in flight at its end, and what came late."""

from typing import Final

from console.doors import Visit
from console.marks import mark
from console.presenters.accounts import person
from console.presenters.closeout import period_mark, tasks_sheet, tie_sheet
from console.presenters.finance import amount, columns, facts, row, sheet
from console.presenters.words import dated
from console.readings.closeout import home, period_url
from console.readings.recon import people
from console.types.finance import Cell, CloseoutTab, Fact, Facts, Sheet
from zentra.reconciliation.closeout.queries import list_in_flight, list_late, list_tasks, list_tie_outs, period_history
from zentra.reconciliation.closeout.types import PeriodAct, PeriodRecord

_ACTS: Final = {
    "made": "made",
    "soft_closed": "soft closed",
    "soft_opened": "opened again",
    "locked": "locked",
    "reopen_requested": "re-opening asked for",
    "reopen_declined": "re-opening declined",
    "reopened": "re-opened for a time",
    "locked_again": "locked again by itself",
}


def show(visit: Visit, period: PeriodRecord) -> CloseoutTab:
    """Tasks, tie-outs, what had begun and not ended, and what came late."""
    tasks = list_tasks(period_id=period.id, now=visit.now)
    ties = list_tie_outs(period_id=period.id)
    actors = [dict(each.done_by) for each in tasks if each.done_by]
    signers = [dict(signed.by) for tie in ties for signed in tie.sign_offs]
    names = people([*actors, *signers], [each.owner_id for each in tasks])
    link = period_url(visit, period)
    return CloseoutTab(
        sheets=(
            tasks_sheet(tasks, names, link=link),
            tie_sheet(ties, names, link),
            *in_flight_sheets(visit, period),
            *late_sheets(visit, period),
        )
    )


def in_flight_sheets(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
    """Intents that had begun at the cut-off and not ended; nothing when there is none."""
    found = list_in_flight(period_id=period.id)
    if not found:
        return ()
    return (
        sheet(
            "Intents in flight at cut-off",
            columns("Intent", "Status", "Minor units|r", "Began, UTC|r"),
            (
                row(
                    each.intent_id,
                    Cell(each.intent_id, url=f"{visit.base}intents/{each.intent_id}/"),
                    Cell(mark=mark(each.status)),
                    amount(each.amount_minor, each.currency),
                    Cell(dated(each.created_at), css="num"),
                )
                for each in found
            ),
            title="In flight at cut-off",
            label=f"{len(found)} had begun and not ended",
        ),
    )


def late_sheets(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
    """Postings that came when their own period was locked; nothing when there is none."""
    found = list_late(period_id=period.id)
    if not found:
        return ()
    return (
        sheet(
            "Late items",
            columns("Posting", "Belongs to", "Purpose", "Counts from, UTC", "Minor units|r"),
            (
                row(
                    each.posting_id,
                    Cell(f"…{each.posting_id[-8:]}", url=f"{visit.base}ledger/postings/{each.posting_id}/"),
                    Cell(each.belongs_to, url=f"{home(visit)}{each.belongs_to}/"),
                    each.purpose,
                    Cell(dated(each.effective_at), css="num"),
                    amount(each.amount_minor, each.currency),
                )
                for each in found
            ),
            title="Late items",
            label="came when their own period was locked",
        ),
    )


def period_facts(period: PeriodRecord) -> Facts:
    """How the period stands, since when, and by whom."""
    actors = [dict(each) for each in (period.soft_closed_by, period.locked_by) if each]
    if period.request:
        actors.append(dict(period.request.by))
    names = people(actors)
    asked_for = ""
    if period.request:
        asked_for = (
            f"{person(dict(period.request.by), names)}: {period.request.reason}, {period.request.minutes} minutes"
        )
    return Facts(
        "Period",
        facts(
            Fact("state", "", mark=period_mark(period)),
            ("from", f"{dated(period.starts_at)} UTC"),
            ("to before", f"{dated(period.ends_at)} UTC"),
            (
                "soft closed",
                f"{person(dict(period.soft_closed_by), names)}, {dated(period.soft_closed_at)}"
                if period.soft_closed_by
                else "",
            ),
            (
                "locked",
                f"{person(dict(period.locked_by), names)}, {dated(period.locked_at)}" if period.locked_by else "",
            ),
            ("open until", f"{dated(period.until)} UTC" if period.until else ""),
            Fact("asked for", asked_for, css="late"),
            Fact("id", period.id, copy=period.id),
        ),
    )


def period_story(period: PeriodRecord) -> Facts:
    """Every act on the period, oldest first."""
    acts = period_history(period_id=period.id)
    names = people([dict(each.by) for each in acts])

    def said(each: PeriodAct) -> str:
        return " · ".join(part for part in (person(dict(each.by), names), dated(each.at), each.reason) if part)

    told = (Fact(_ACTS.get(each.act, each.act.replace("_", " ")), said(each)) for each in acts)
    return Facts("History", tuple(told), label="never changed")
