"""The three-way story of an intent: what the ledger posted, what the provider said, what statements show."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console.doors import Visit, room
from console.marks import mark
from console.presenters.finance import amount, columns, row, sheet
from console.presenters.words import NONE, dated, grouped
from console.readings.recon import ROOM, crumbs, home
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Cell, FinancePage, Sheet
from console.types.ledger import Figure
from zentra.core.money import format_minor
from zentra.reconciliation.matching.desk.queries import story_of_intent
from zentra.reconciliation.matching.desk.types import StoryBreak, StoryRow, ThreeWay
from zentra.tenants.permissions import Permission

_VERDICTS: Final = {"agreed": "matched", "waiting": "pending", "broken": "mismatch"}
_SOURCES: Final = {"ledger": "ledger", "provider": "provider", "statement": "statement"}


@room(Permission.RECONCILIATION_READ)
def show_story(visit: Visit, intent_id: str) -> HttpResponse:
    """Ledger, provider and bank side by side, and where they differ."""
    story = story_of_intent(intent_id=intent_id, now=visit.now)
    page = FinancePage(
        heading=story.intent_id,
        is_code=True,
        words=f"three sides of one intent · {story.status} · {story.rail or 'no rail yet'}",
        mark=mark(_VERDICTS[story.verdict], says=story.verdict),
        crumbs=crumbs(visit),
        links=(Chip("The intent", f"{visit.base}intents/{story.intent_id}/"),),
        figures=(
            Figure(
                "amount",
                grouped(story.amount_minor),
                f"{format_minor(story.amount_minor, story.currency)} {story.currency}",
            ),
            Figure("ledger", grouped(len(story.ledger)), note="postings"),
            Figure("provider", grouped(len(story.provider)), note="words"),
            Figure("statements", grouped(len(story.statement)), note="lines"),
            Figure("breaks", grouped(len(story.breaks)), level="alert" if story.breaks else ""),
        ),
        sheets=(*_breaks(story), *_exceptions(visit, story), *_sides(visit, story)),
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-story"}
    return render(visit.request, "console/finance/page.html", context)


def _breaks(story: ThreeWay) -> tuple[Sheet, ...]:
    def line(each: StoryBreak) -> tuple[Cell | str, ...]:
        return (
            Cell(mark=mark("mismatch", says=each.kind.replace("_", " "))),
            " and ".join(_SOURCES[side] for side in each.between),
            each.words,
            amount(each.expected_minor),
            amount(each.found_minor),
            Cell(dated(each.since), css="num"),
        )

    if not story.breaks:
        return ()
    return (
        sheet(
            "Where they differ",
            columns("Break", "Between", "What|wrap", "Expected|r", "Found|r", "Since, UTC"),
            (row(str(at), *line(each)) for at, each in enumerate(story.breaks)),
            title="Breaks",
        ),
    )


def _exceptions(visit: Visit, story: ThreeWay) -> tuple[Sheet, ...]:
    if not story.exceptions:
        return ()
    return (
        sheet(
            "Exceptions about this intent",
            columns("Exception"),
            (
                row(each, Cell(f"…{each[-8:]}", url=f"{home(visit)}exceptions/{each}/", title=each))
                for each in story.exceptions
            ),
            title="Open exceptions",
        ),
    )


def _sides(visit: Visit, story: ThreeWay) -> tuple[Sheet, ...]:
    sides = (("Ledger", story.ledger), ("Provider", story.provider), ("Bank and settlement", story.statement))
    empty = {
        "Ledger": "Nothing is posted for it.",
        "Provider": "No provider has said anything.",
        "Bank and settlement": "No statement shows it yet.",
    }
    return tuple(
        sheet(
            f"{title} of {story.intent_id}",
            columns("What", "At, UTC", "Reference|opt", "Minor units|r", "Agrees"),
            (row(f"{title}-{at}", *_cells(visit, each)) for at, each in enumerate(rows)),
            title=title,
            empty_title=empty[title],
        )
        for title, rows in sides
    )


def _cells(visit: Visit, each: StoryRow) -> tuple[Cell | str, ...]:
    agrees = {
        True: mark("matched", says="agrees"),
        False: mark("mismatch", says="differs"),
        None: mark("pending", says="alone"),
    }
    return (
        Cell(each.what.replace("_", " "), url=_url(visit, each)),
        Cell(dated(each.at), css="num"),
        Cell(each.reference or NONE, css="id"),
        amount(each.amount_minor, each.currency),
        Cell(mark=agrees[each.agrees]),
    )


def _url(visit: Visit, each: StoryRow) -> str:
    if each.id.startswith("posting_"):
        return f"{visit.base}ledger/postings/{each.id}/"
    if each.id.startswith("cb_"):
        return f"{visit.base}inbound/{each.id}/"
    return f"{home(visit)}lines/{each.id}/" if each.id.startswith("lin_") else ""
