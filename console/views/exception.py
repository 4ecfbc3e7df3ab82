"""One exception: both sides of it, what could be its other side, what was said and done about it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from console.doors import Visit, room
from console.kept import Refused, again
from console.marks import mark
from console.presenters.exceptions import difference_words, kind_mark, name_of, state_mark
from console.presenters.finance import KINDS, amount, columns, day, facts, row, sheet
from console.presenters.matches import said_of, told_as
from console.presenters.words import NONE, dated, grouped, moment
from console.readings.exception_forms import exception_acts, exception_url
from console.readings.recon import ROOM, account_url, crumbs, home, people, who
from console.shell import build_shell
from console.types import Chip
from console.types.finance import (
    Act,
    Cell,
    ExceptionPage,
    Fact,
    Facts,
    FinancePage,
    Hint,
    Remark,
    Sheet,
)
from console.views.workbench import hint
from zentra.reconciliation.matching.desk.queries import read_case
from zentra.reconciliation.matching.desk.types import AdjustmentRecord, DisputeRecord, ExceptionCase, ExceptionRecord
from zentra.reconciliation.matching.errors import EntryNotFound
from zentra.reconciliation.matching.queries import suggest
from zentra.reconciliation.matching.types import Suggestion
from zentra.reconciliation.statements.errors import LineNotFound
from zentra.tenants.permissions import Permission


@room(Permission.RECONCILIATION_READ)
def show_exception(visit: Visit, exception_id: str) -> HttpResponse:
    """The exception with both of its sides."""
    return exception_page(visit, None, exception_id)


def exception_page(visit: Visit, refused: Refused | None, exception_id: str) -> HttpResponse:
    """The page of an exception; with what was refused, the form that it was of is open in it."""
    case = read_case(exception_id=exception_id, now=visit.now)
    record = case.exception
    names = _names(case)
    page = FinancePage(
        heading=KINDS.get(record.kind, record.kind).capitalize(),
        words=f"{name_of(record)} · {record.account_name} · {record.age_days} d old",
        mark=state_mark(record),
        crumbs=crumbs(visit, ("Exceptions", f"{home(visit)}exceptions/")),
        links=_links(visit, record),
        facts=(Facts("Exception", _facts(visit, record, names)), *_told_from(record)),
        acts=exception_acts(visit, case),
        sheets=(*_decisions(visit, case, names), _steps(case, names)),
    )
    is_note = refused is not None and refused.act == "note"
    if not is_note:
        page = again(page, refused, at=exception_url(visit, record.id))
    view = ExceptionPage(
        page=page,
        left=_left(visit, case),
        right=_right(visit, case),
        difference=grouped(record.difference_minor),
        difference_words=difference_words(record),
        currency=record.currency,
        is_level=record.difference_minor == 0,
        hints=_hints(visit, case) if not record.is_resolved else (),
        remarks=_remarks(visit, case, names),
        note_url=f"{exception_url(visit, record.id)}note/" if visit.may(Permission.RECONCILIATION_MATCH) else "",
        is_open=not record.is_resolved,
        note_text=refused.said("text") if refused and is_note else "",
        note_error=f"{refused.problem.title} {refused.problem.why}" if refused and is_note else "",
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "view": view, "room": "recon-exception"}
    return render(visit.request, "console/finance/exception.html", context)


def _names(case: ExceptionCase) -> Any:
    actors = [
        case.exception.resolved_by,
        *(each.made_by for each in case.notes),
        *(each.by for each in case.steps),
        *(each.proposed_by for each in case.adjustments),
        *(each.decided_by for each in case.adjustments),
        *(each.made_by for each in case.disputes),
        *(each.answered_by for each in case.disputes),
    ]
    return people(actors, [case.exception.owner_id])


def _links(visit: Visit, record: ExceptionRecord) -> tuple[Chip, ...]:
    bench = f"{account_url(visit, record.account_id)}workbench/"
    side = (
        f"line={record.line_id}&for={record.line_id}"
        if record.line_id
        else (f"entry={record.entry_id}&for={record.entry_id}" if record.entry_id else "")
    )
    found = []
    if side and not record.is_resolved:
        found.append(Chip("Workbench", f"{bench}?{side}", key="w"))
    if record.intent_id:
        found.append(Chip("Three-way story", f"{home(visit)}intents/{record.intent_id}/"))
    return tuple(found)


def _facts(visit: Visit, record: ExceptionRecord, names: Any) -> tuple[Fact, ...]:
    return facts(
        Fact("kind", "", mark=kind_mark(record)),
        Fact("account", record.account_name, url=account_url(visit, record.account_id)),
        ("happened", f"{record.happened_on:%Y-%m-%d}"),
        Fact(
            "due",
            f"{dated(record.due_at)} UTC",
            css="late" if record.due_at < visit.now and not record.is_resolved else "",
        ),
        ("owner", names.get(record.owner_id or "", record.owner_id or "nobody")),
        ("opened", f"{dated(record.opened_at)} UTC"),
        ("resolved", record.resolution.replace("_", " ")),
        ("reason", " · ".join(said for said in (record.reason_code.replace("_", " "), record.reason) if said)),
        ("by", f"{who(record.resolved_by, names).text}, {dated(record.resolved_at)} UTC" if record.resolved_by else ""),
        Fact("match", f"…{record.match_id[-8:]}", url=f"{home(visit)}matches/{record.match_id}/")
        if record.match_id
        else Fact("match", ""),
        Fact("statement", f"…{record.statement_id[-8:]}", url=f"{home(visit)}statements/{record.statement_id}/")
        if record.statement_id
        else Fact("statement", ""),
        Fact("id", record.id, copy=record.id),
    )


def _told_from(record: ExceptionRecord) -> tuple[Facts, ...]:
    said = facts(*((told_as(name), said_of(value)) for name, value in record.facts.items()))
    return (Facts("Told from", said),) if said else ()


def _left(visit: Visit, case: ExceptionCase) -> Facts:
    line, expected = case.line, case.expected
    if line is not None:
        return Facts(
            "On the statement",
            facts(
                Fact("line", line.reference or f"number {line.number}", url=f"{home(visit)}lines/{line.id}/"),
                ("amount", f"{grouped(line.amount_minor)} {line.currency}"),
                ("gross", "" if line.gross_minor is None else grouped(line.gross_minor)),
                ("fee", "" if line.fee_minor is None else grouped(line.fee_minor)),
                ("booked", f"{line.booked_on:%Y-%m-%d}, value {line.value_on:%Y-%m-%d}"),
                ("text", line.description),
                ("counterparty", line.counterparty),
                ("kind", line.kind),
                ("batch", line.batch),
            ),
        )
    if expected is not None:
        return Facts(
            "Expected, not there",
            facts(
                ("from", expected.source),
                ("reference", expected.reference),
                ("net", f"{grouped(expected.amount_minor)} {expected.currency}"),
                ("gross", "" if expected.gross_minor is None else grouped(expected.gross_minor)),
                ("fee", "" if expected.fee_minor is None else grouped(expected.fee_minor)),
                ("due", f"{expected.due_on:%Y-%m-%d}"),
            ),
        )
    return Facts("On the statement", (), empty="No line of a statement is it.")


def _right(visit: Visit, case: ExceptionCase) -> Facts:
    entry = case.entry
    if entry is None:
        return Facts("In the ledger", (), empty="No entry of the ledger is it.")
    return Facts(
        "In the ledger",
        facts(
            Fact("entry", entry.reference or f"…{entry.id[-8:]}", url=f"{home(visit)}entries/{entry.id}/"),
            ("amount", f"{grouped(entry.amount_minor)} {entry.currency}"),
            ("effective", f"{entry.effective_on:%Y-%m-%d}"),
            ("purpose", entry.purpose),
            Fact("posting", f"…{entry.posting_id[-8:]}", url=f"{visit.base}ledger/postings/{entry.posting_id}/"),
            Fact("intent", entry.intent_id, url=f"{home(visit)}intents/{entry.intent_id}/")
            if entry.intent_id
            else Fact("intent", ""),
            ("batch", entry.batch),
        ),
    )


def _hints(visit: Visit, case: ExceptionCase) -> tuple[Hint, ...]:
    record = case.exception
    try:
        if record.line_id:
            found = suggest(line_id=record.line_id)
        elif record.entry_id:
            found = suggest(entry_id=record.entry_id)
        else:
            return ()
    except (LineNotFound, EntryNotFound):
        return ()
    bench = f"{account_url(visit, record.account_id)}workbench/"
    return tuple(_with_act(visit, record, each, hint(bench, each)) for each in found)


def _with_act(visit: Visit, record: ExceptionRecord, found: Suggestion, told: Hint) -> Hint:
    """A suggestion that agrees is matched from here; one that differs goes over the workbench."""
    if found.difference_minor or not visit.may(Permission.RECONCILIATION_MATCH):
        return told
    hidden = (*(("line", each) for each in found.line_ids), *(("entry", each) for each in found.entry_ids))
    act = Act("match", "Match", f"{exception_url(visit, record.id)}match/", hidden=hidden)
    return Hint(told.score, told.words, told.take_url, told.parts, told.difference, act)


def _remarks(visit: Visit, case: ExceptionCase, names: Any) -> tuple[Remark, ...]:
    return tuple(
        Remark(
            key=each.id,
            author=who(each.made_by, names).text,
            at=moment(each.made_at, visit.now),
            text=each.text,
            file_name=f"{each.file_name}, {grouped(each.size_bytes)} bytes" if each.file_name else "",
            file_url=f"{exception_url(visit, case.exception.id)}files/{each.id}/" if each.file_name else "",
        )
        for each in case.notes
    )


def _decisions(visit: Visit, case: ExceptionCase, names: Any) -> tuple[Sheet, ...]:
    adjustments = sheet(
        "Adjustments and write-offs",
        columns("Adjustment", "State", "Lines|wrap", "Effective", "Minor units|r", "Proposed by|opt", "Decided by|opt"),
        (_adjustment(visit, each, names) for each in case.adjustments),
        title="Adjustments",
    )
    disputes = sheet(
        "Disputes",
        columns("Provider", "State", "Claim", "Reason|wrap", "Answer due", "Answer|wrap"),
        (_dispute(each) for each in case.disputes),
        title="Disputes",
    )
    return tuple(each for each in (adjustments, disputes) if each.rows)


def _adjustment(visit: Visit, each: AdjustmentRecord, names: Any) -> Any:
    marks = {"proposed": mark("review", says="second person"), "posted": mark("posted"), "declined": mark("declined")}
    lines = "; ".join(f"{line.direction} {line.account} {grouped(line.amount_minor)}" for line in each.lines)
    url = f"{visit.base}ledger/postings/{each.posting_id}/" if each.posting_id else ""
    return row(
        each.id,
        Cell(each.kind.replace("_", " "), url=url, title=each.reason),
        Cell(mark=marks[each.state]),
        Cell(lines, css="num small", note=" · ".join(said for said in (each.reason, each.decision) if said)),
        day(each.effective_on),
        amount(each.amount_minor, each.currency),
        who(each.proposed_by, names),
        who(each.decided_by, names),
    )


def _dispute(each: DisputeRecord) -> Any:
    marks = {"open": "open", "accepted": "matched", "rejected": "rejected", "withdrawn": "reversed"}
    return row(
        each.id,
        each.provider,
        Cell(mark=mark(marks[each.state], says=each.state)),
        Cell(each.claim, css="id"),
        Cell(each.reason_code.replace("_", " "), note=each.reason),
        day(each.answer_due_on),
        each.answer or NONE,
    )


def _steps(case: ExceptionCase, names: Any) -> Sheet:
    return sheet(
        "Every step, oldest first",
        columns("Step", "By", "At, UTC", "From|opt", "To|opt", "Words|wrap"),
        (
            row(
                f"{at}",
                each.what.replace("_", " "),
                who(each.by, names),
                Cell(dated(each.at), css="num"),
                _word(each.before, names),
                _word(each.after, names),
                each.words or NONE,
            )
            for at, each in enumerate(case.steps)
        ),
        title="History",
        label="kept, never changed",
    )


def _word(text: str, names: Any) -> str:
    """A name, a kind or a state in words; ids as they are."""
    return names.get(text) or KINDS.get(text) or (text if text[3:4] == "_" else text.replace("_", " ")) or NONE
