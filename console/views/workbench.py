"""The workbench: what is open on statements left, in the ledger right, and the difference that should reach zero."""

from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once
from console.kept import Refused, keeping
from console.presenters.finance import amount, columns, day, row, sheet
from console.presenters.words import grouped
from console.readings.match_forms import match_acts
from console.readings.recon import ROOM, account_tabs, account_url, account_words, crumbs, home
from console.readings.recon_sheets import matches_sheet
from console.shell import build_shell
from console.types.finance import Cell, Hint, Sheet, WorkbenchPage
from zentra.reconciliation.matching.errors import EntryNotFound, MatchDiffers
from zentra.reconciliation.matching.operations import confirm_match, force_match
from zentra.reconciliation.matching.queries import get_entries, list_matches, suggest
from zentra.reconciliation.matching.queries.bench import list_open_entries, list_open_lines
from zentra.reconciliation.matching.types import EntryRecord, Suggestion
from zentra.reconciliation.statements.errors import LineNotFound
from zentra.reconciliation.statements.queries import get_lines, get_reconciled_account
from zentra.reconciliation.statements.types import LineRecord, ReconciledAccountRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.step_up import require_step_up

ROWS: Final = 100
MOST: Final = 200


@room(Permission.RECONCILIATION_READ)
def show_workbench(visit: Visit, recon_id: str) -> HttpResponse:
    """Both sides of what is open, with what is chosen of them."""
    return _bench_page(visit, None, recon_id)


def _bench_page(visit: Visit, refused: Refused | None, recon_id: str) -> HttpResponse:
    """The workbench; of a match that was refused with what was ticked and typed."""
    account = get_reconciled_account(account_id=recon_id)
    text = asked(visit, "q")
    chosen_lines = _ids(refused.all("line") if refused else visit.request.GET.getlist("line"), "lin_")
    chosen_entries = _ids(refused.all("entry") if refused else visit.request.GET.getlist("entry"), "entry_")
    lines = _with_chosen_lines(list_open_lines(account_id=recon_id, limit=ROWS, text=text), chosen_lines)
    entries = _with_chosen_entries(list_open_entries(account_id=recon_id, limit=ROWS, text=text), chosen_entries)
    line_sum = sum(_compared(each) for each in lines if each.id in chosen_lines)
    entry_sum = sum(each.amount_minor for each in entries if each.id in chosen_entries)
    here = f"{account_url(visit, recon_id)}workbench/"
    hints_for = asked(visit, "for")
    may = visit.may(Permission.RECONCILIATION_MATCH)
    recent = list_matches(limit=5, account_id=recon_id, state="confirmed")
    mine = next((each for each in recent if each.made_by.get("id") == visit.member.user_id), None)
    undo = [act for act in match_acts(visit, mine) if act.key == "undo"] if mine else []
    page = WorkbenchPage(
        heading=account.name,
        words=account_words(account),
        crumbs=crumbs(visit),
        tabs=account_tabs(visit, recon_id, "workbench"),
        here=here,
        lines=_lines_sheet(visit, lines, chosen_lines, here, hints_for),
        entries=_entries_sheet(visit, entries, chosen_entries, here, hints_for),
        currency=account.currency,
        line_sum=grouped(line_sum),
        entry_sum=grouped(entry_sum),
        difference=grouped(line_sum - entry_sum),
        is_level=bool(chosen_lines or chosen_entries) and line_sum == entry_sum,
        chosen_lines=len(chosen_lines),
        chosen_entries=len(chosen_entries),
        text=text,
        hints=_hints(here, hints_for),
        hints_for=hints_for,
        hints_words="Only ever shown: a person confirms.",
        match_url=paging.link(f"{here}match/", q=text) if may else "",
        at=paging.link(here, q=text) if refused else "",
        reason=refused.said("reason") if refused else "",
        problem=refused.problem if refused else None,
        recent=matches_sheet(visit, recent, title="Just matched"),
        undo=undo[0] if undo and may else None,
        limit=f"The {ROWS} oldest of each side; search narrows them." if ROWS in (len(lines), len(entries)) else "",
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "workbench"}
    return render(visit.request, "console/finance/workbench.html", context)


def _ids(said: list[str], prefix: str) -> tuple[str, ...]:
    found = (each for each in said[:MOST] if each.startswith(prefix) and len(each) < 40)
    return tuple(dict.fromkeys(found))


def _compared(line: LineRecord) -> int:
    """What a line compares with: its gross where it says one."""
    return line.amount_minor if line.gross_minor is None else line.gross_minor


def _with_chosen_lines(lines: list[LineRecord], chosen: tuple[str, ...]) -> list[LineRecord]:
    there = {each.id for each in lines}
    missing = [each for each in chosen if each not in there]
    return [*(each for each in get_lines(line_ids=missing) if each.is_open), *lines] if missing else lines


def _with_chosen_entries(entries: list[EntryRecord], chosen: tuple[str, ...]) -> list[EntryRecord]:
    there = {each.id for each in entries}
    missing = [each for each in chosen if each not in there]
    return [*(each for each in get_entries(entry_ids=missing) if not each.match_id), *entries] if missing else entries


def _lines_sheet(visit: Visit, lines: list[LineRecord], chosen: tuple[str, ...], here: str, hints_for: str) -> Sheet:
    return sheet(
        "Open lines of statements, oldest first",
        columns("|tick-cell", "Reference", "Booked", "Text|opt", "Amount|r", "|fit"),
        (
            row(
                each.id,
                Cell(each.reference or each.id, tick=each.id, name="line", is_ticked=each.id in chosen),
                Cell(each.reference or f"line {each.number}", url=f"{home(visit)}lines/{each.id}/"),
                day(each.booked_on),
                Cell(each.description or each.counterparty, css="quiet", title=each.description),
                _minor(
                    _compared(each), each.currency, "net" if each.gross_minor is not None else "", each.amount_minor
                ),
                Cell("find", url=paging.link(here, **{"line": each.id, "for": each.id})),
                is_selected=each.id == hints_for,
            )
            for each in lines
        ),
        title="On statements",
        label=f"{len(lines)} open",
        empty_title="Nothing is open on statements",
        empty_words="Every line here is matched.",
        form="match-form",
    )


def _entries_sheet(
    visit: Visit, entries: list[EntryRecord], chosen: tuple[str, ...], here: str, hints_for: str
) -> Sheet:
    return sheet(
        "Open entries of the ledger, oldest first",
        columns("|tick-cell", "Reference", "Effective", "Purpose|opt", "Amount|r", "|fit"),
        (
            row(
                each.id,
                Cell(each.reference or each.id, tick=each.id, name="entry", is_ticked=each.id in chosen),
                Cell(each.reference or each.intent_id or f"…{each.id[-8:]}", url=f"{home(visit)}entries/{each.id}/"),
                day(each.effective_on),
                Cell(each.purpose, css="quiet"),
                _minor(each.amount_minor, each.currency),
                Cell("find", url=paging.link(here, **{"entry": each.id, "for": each.id})),
                is_selected=each.id == hints_for,
            )
            for each in entries
        ),
        title="In the ledger",
        label=f"{len(entries)} open",
        empty_title="Nothing is open in the ledger",
        empty_words="Every entry here is matched.",
        form="match-form",
    )


def _minor(minor: int, currency: str, note: str = "", net: int = 0) -> Cell:
    cell = amount(minor, currency)
    return Cell(
        text=cell.text,
        css=cell.css,
        currency=cell.currency,
        title=cell.title,
        minor=minor,
        note=f"{note} {grouped(net)}" if note else "",
    )


def _hints(here: str, hints_for: str) -> tuple[Hint, ...]:
    """What could be the other side of what is looked at; nothing when it is gone meanwhile."""
    try:
        if hints_for.startswith("lin_"):
            found = suggest(line_id=hints_for)
        elif hints_for.startswith("entry_"):
            found = suggest(entry_id=hints_for)
        else:
            return ()
    except (LineNotFound, EntryNotFound):
        return ()
    return tuple(hint(here, each, hints_for) for each in found)


def hint(here: str, found: Suggestion, hints_for: str = "") -> Hint:
    """A suggestion with its parts, and the link that takes both sides to the workbench."""
    query = "&".join(
        [*(f"line={each}" for each in found.line_ids), *(f"entry={each}" for each in found.entry_ids)]
        + ([f"for={hints_for}"] if hints_for else [])
    )
    many = f"{len(found.line_ids)} line{'s' if len(found.line_ids) != 1 else ''} and {len(found.entry_ids)} " + (
        "entries" if len(found.entry_ids) != 1 else "entry"
    )
    return Hint(
        score=f"{found.score:.2f}",
        words=many,
        take_url=f"{here}?{query}",
        parts=tuple((f"{part.name} {part.score:.2f} × {part.weight:.2f}", part.says) for part in found.parts),
        difference="agrees" if not found.difference_minor else f"{grouped(found.difference_minor)} apart",
    )


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(_bench_page, act="match")
def match(visit: Visit, recon_id: str) -> HttpResponseBase:
    """Confirm what is chosen, or force it with a reason where the sums differ."""
    account = get_reconciled_account(account_id=recon_id)
    lines = tuple(visit.request.POST.getlist("line")[: MOST + 1])
    entries = tuple(visit.request.POST.getlist("entry")[: MOST + 1])
    if not lines and not entries:
        raise FormIncomplete("Choose lines and entries that are the same money.")
    if len(lines) > MOST or len(entries) > MOST:
        raise FormIncomplete(f"Choose at most {MOST} of each side.")
    reason = visit.request.POST.get("reason", "").strip()[:500]
    is_forced = _differs(lines, entries)
    if is_forced and not reason:
        raise MatchDiffers("What is chosen does not come to the same. Say why it is the same money, or choose again.")
    if is_forced:
        require_step_up(visit.request, visit.now)

    def effect() -> Done:
        return _do(visit, account, lines, entries, reason, is_forced)

    return act_once(visit, operation="recon.match", effect=effect)


def _differs(lines: tuple[str, ...], entries: tuple[str, ...]) -> bool:
    """Whether the two sides come to something else; the operation looks again under its own lock."""
    line_sum = sum(_compared(each) for each in get_lines(line_ids=lines))
    return line_sum != sum(each.amount_minor for each in get_entries(entry_ids=entries))


def _do(
    visit: Visit,
    account: ReconciledAccountRecord,
    lines: tuple[str, ...],
    entries: tuple[str, ...],
    reason: str,
    is_forced: bool,
) -> Done:
    act = force_match if is_forced else confirm_match
    made = act(
        account_id=account.id, line_ids=lines, entry_ids=entries, actor=visit.actor(), reason=reason, now=visit.now
    )
    bench = f"{account_url(visit, account.id)}workbench/"
    if made.state == "proposed":
        apart = f"{grouped(made.difference_minor)} apart is more than one may force"
        why = apart if made.difference_minor else "so much on one side alone is not one person's to match"
        told = f"The match waits for a second person: {why}."
        return Done(told, f"{home(visit)}matches/{made.id}/")
    forced = f" {grouped(made.difference_minor)} apart, kept with your reason." if is_forced else ""
    return Done(f"{len(lines)} and {len(entries)} are matched.{forced}", bench)
