"""The exceptions desk: what does not pair, by kind, age and owner; several at once; as CSV and as a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any, Final, get_args

import xlsxwriter
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.kept import Refused, keeping, open_again
from console.marks import mark
from console.presenters.ages import BUCKET_WORDS
from console.presenters.finance import DIFFERENCES, KINDS, amount, columns, day, number, options, row, sheet
from console.presenters.words import NONE, grouped, moment
from console.readings.recon import ROOM, accounts_by_id, crumbs, home, people, room_tabs
from console.sheet_files import MOST as MOST_ROWS
from console.sheet_files import file_links, sheet_file, wanted
from console.shell import build_shell
from console.types import Chip, Mark
from console.types.finance import Act, Ask, Cell, DeskPage, FinancePage, Sheet
from console.types.ledger import Figure
from console.views.recon_statements import safe_text
from zentra.reconciliation.matching.desk.codes import EXPLAIN, Reason
from zentra.reconciliation.matching.desk.operations import bulk_assign, bulk_explain
from zentra.reconciliation.matching.desk.queries import (
    count_by_kind_and_age,
    count_exceptions,
    key_of,
    list_adjustments,
    list_exceptions,
    list_owners,
)
from zentra.reconciliation.matching.desk.types import (
    BUCKETS,
    AdjustmentState,
    AgeBucket,
    AgeCount,
    BulkDone,
    ExceptionCounts,
    ExceptionFilter,
    ExceptionRecord,
    Order,
)
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users

PAGE: Final = 60
EXPORTED: Final = 200
MOST_EXPORTED: Final = 50_000
STATES: Final = (("unresolved", "Not resolved"), ("open", "Open"), ("waiting", "Waiting"), ("resolved", "Resolved"))
_AGES: Final = get_args(AgeBucket)
_DECIDED: Final[tuple[AdjustmentState, ...]] = ("posted", "declined")
_HEAD: Final = (
    "exception_id",
    "kind",
    "state",
    "resolution",
    "account",
    "happened_on",
    "age_days",
    "amount_minor",
    "difference_minor",
    "currency",
    "reason_code",
    "reason",
    "line_id",
    "entry_id",
    "intent_id",
    "opened_at",
    "due_at",
    "resolved_at",
)


def state_mark(record: ExceptionRecord) -> Mark:
    """An exception's state, and whom it waits for."""
    waits = {
        "adjustment": "second person",
        "match": "second person",
        "explanation": "second person",
        "dispute": "provider",
        "": "waiting",
    }
    if record.state == "resolved":
        return mark("resolved", says=record.resolution.replace("_", " ") or "resolved")
    return mark("review", says=waits[record.waits_for]) if record.state == "waiting" else mark("open")


def kind_mark(record: ExceptionRecord) -> Mark:
    """An exception's kind."""
    tone = mark("resolved") if record.is_resolved else mark("open")
    return Mark(KINDS.get(record.kind, record.kind), tone.glyph, tone.tone)


def difference_words(record: ExceptionRecord) -> str:
    """``50 short``, ``missing entry``."""
    if record.kind in DIFFERENCES:
        return DIFFERENCES[record.kind]
    minor = record.difference_minor
    return "agrees" if not minor else f"{grouped(abs(minor))} {'short' if minor < 0 else 'over'}"


def name_of(record: ExceptionRecord) -> str:
    """What people know it by: a reference, or what it is about."""
    said = record.facts.get("reference") or record.facts.get("description") or record.intent_id
    if not said and record.statement_id and not record.line_id:
        return f"statement …{record.statement_id[-8:]}"
    return str(said or record.line_id or record.entry_id or record.id)


@room(Permission.RECONCILIATION_READ)
def show_exceptions(visit: Visit) -> HttpResponse:
    """The list, oldest first, narrowed by the address."""
    return _desk_page(visit, None)


def _desk_page(visit: Visit, refused: Refused | None) -> HttpResponse:
    """The list; of what was refused with what was ticked and typed, narrowed as it was."""
    here = f"{home(visit)}exceptions/"
    where, kept = _where(visit)
    order: Order = "newest" if asked(visit, "order") == "newest" else "oldest"
    after = _decode(asked(visit, "after"), order)
    found = list_exceptions(where=where, now=visit.now, order=order, after=after, limit=PAGE + 1)
    shown = found[:PAGE]
    counts = count_exceptions(now=visit.now, user_id=visit.member.user_id, account_id=where.account_id)
    names = names_of_users(user_ids=sorted({each.owner_id for each in shown if each.owner_id}))
    kept = {**kept, "order": "newest" if order == "newest" else ""}
    following = _encode(key_of(record=shown[-1], order=order)) if len(found) > PAGE else ""
    ages = count_by_kind_and_age(now=visit.now, account_id=where.account_id)
    may = visit.may(Permission.RECONCILIATION_MATCH)
    page = FinancePage(
        heading="Exceptions",
        words="What does not pair, until it is matched, explained, adjusted or written off.",
        crumbs=crumbs(visit),
        tabs=room_tabs(visit, "exceptions"),
        figures=_figures(counts, here),
        filters=_state_chips(here, kept),
        more_filters=_kind_chips(here, kept, ages),
        third_filters=_account_chips(here, kept),
        links=(
            Chip("Waiting adjustments", f"{home(visit)}adjustments/"),
            Chip("CSV", paging.link(f"{home(visit)}exceptions.csv", **kept), True, key="e"),
            Chip("XLSX", paging.link(f"{home(visit)}exceptions.xlsx", **kept), True),
        ),
        sheets=(
            _sheet(
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
    desk = DeskPage(page=page, bulk=_bulk(visit, kept, refused) if may else (), aging=_aging(ages, here, kept))
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "desk": desk, "room": "recon-exceptions"}
    return render(visit.request, "console/finance/exceptions.html", context)


def _where(visit: Visit) -> tuple[ExceptionFilter, dict[str, str]]:
    """The filters of the address, and those of them that mean something."""
    account = asked(visit, "account") if asked(visit, "account") in accounts_by_id() else ""
    kind = asked(visit, "kind") if asked(visit, "kind") in KINDS else ""
    state = next((key for key, _ in STATES if key == asked(visit, "state")), "unresolved")
    bucket = next((each for each in _AGES if each == asked(visit, "age").replace(" ", "+")), None)
    owner, text = asked(visit, "owner"), asked(visit, "q")
    owners = {"me": visit.member.user_id, "nobody": ""}
    where = ExceptionFilter(
        account_id=account or None,
        kind=kind or None,
        state=state,  # type: ignore[arg-type]  # one of STATES
        owner_id=owners.get(owner),
        bucket=bucket,
        is_overdue=True if asked(visit, "due") == "overdue" else None,
        text=text or None,
    )
    kept = {
        "account": account,
        "kind": kind,
        "state": "" if state == "unresolved" else state,
        "age": bucket or "",
        "owner": owner if owner in owners else "",
        "due": "overdue" if where.is_overdue else "",
        "q": text,
    }
    return where, kept


def _encode(key: tuple[Any, str]) -> str:
    return f"{key[0].isoformat()}~{key[1]}"


def _decode(text: str, order: Order) -> tuple[Any, str] | None:
    at, _, last = text.partition("~")
    if not last.startswith("exc_") or len(last) > 40:
        return None
    try:
        return (date.fromisoformat(at) if order == "oldest" else _moment(at)), last
    except ValueError:
        return None


def _moment(text: str) -> Any:
    from datetime import datetime

    found = datetime.fromisoformat(text.replace(" ", "+"))
    if found.tzinfo is None:
        raise ValueError
    return found


def _figures(counts: ExceptionCounts, here: str) -> tuple[Figure, ...]:
    del here
    return (
        Figure("open", grouped(counts.open), level="alert" if counts.open else "", note="somebody has to act"),
        Figure("waiting", grouped(counts.waiting), note="for a second person or a provider"),
        Figure("overdue", grouped(counts.overdue), level="bad" if counts.overdue else "", note="past their due day"),
        Figure("nobody's", grouped(counts.unowned), note="without an owner"),
        Figure("mine", grouped(counts.mine), note=f"{grouped(counts.waiting_for_me)} wait for my approval"),
    )


def _state_chips(here: str, kept: dict[str, str]) -> tuple[Chip, ...]:
    state = kept["state"] or "unresolved"
    others = {key: value for key, value in kept.items() if key not in {"state", "owner", "due"}}
    return (
        *(
            Chip(
                title,
                paging.link(here, **others, state="" if key == "unresolved" else key),
                key == state and not kept["owner"] and not kept["due"],
            )
            for key, title in STATES
        ),
        Chip("Mine", paging.link(here, **others, owner="me"), kept["owner"] == "me"),
        Chip("Nobody's", paging.link(here, **others, owner="nobody"), kept["owner"] == "nobody"),
        Chip("Overdue", paging.link(here, **others, due="overdue"), kept["due"] == "overdue"),
        Chip(
            "Newest first" if not kept["order"] else "Oldest first",
            paging.link(here, **{**kept, "order": "" if kept["order"] else "newest"}),
        ),
    )


def _kind_chips(here: str, kept: dict[str, str], ages: tuple[AgeCount, ...]) -> tuple[Chip, ...]:
    totals: dict[str, int] = {}
    for each in ages:
        totals[each.kind] = totals.get(each.kind, 0) + each.count
    others = {key: value for key, value in kept.items() if key not in {"kind", "age"}}
    return (
        Chip("Every kind", paging.link(here, **others), not kept["kind"]),
        *(
            Chip(title, paging.link(here, **others, kind=kind), kept["kind"] == kind, totals.get(kind))
            for kind, title in KINDS.items()
            if totals.get(kind) or kept["kind"] == kind
        ),
    )


def _account_chips(here: str, kept: dict[str, str]) -> tuple[Chip, ...]:
    accounts = accounts_by_id()
    others = {key: value for key, value in kept.items() if key != "account"}
    if len(accounts) < 2:
        return ()
    return (
        Chip("Every account", paging.link(here, **others), not kept["account"]),
        *(
            Chip(each.name, paging.link(here, **others, account=each.id), kept["account"] == each.id)
            for each in accounts.values()
        ),
    )


def _sheet(
    visit: Visit,
    found: list[ExceptionRecord],
    names: dict[str, str],
    *,
    ticks: bool,
    chosen: list[str],
    next_url: str,
    first_url: str,
) -> Sheet:
    heads = (
        *(("|tick-cell",) if ticks else ()),
        "Exception",
        "State",
        "Account|opt",
        "Day",
        "What",
        "Minor units|r",
        "Difference",
        "Owner|opt",
        "Age|r",
    )

    def cells(each: ExceptionRecord) -> list[Cell | str]:
        tick = Cell(
            name_of(each),
            tick=each.id if not each.is_resolved else "",
            name="exception",
            is_ticked=each.id in chosen,
        )
        return [
            *((tick,) if ticks else ()),
            Cell(mark=kind_mark(each), url=f"{home(visit)}exceptions/{each.id}/"),
            Cell(mark=state_mark(each)),
            Cell(each.account_name, css="quiet"),
            day(each.happened_on),
            Cell(f"{name_of(each):.48}", css="id", title=name_of(each)),
            amount(each.amount_minor, each.currency),
            difference_words(each),
            Cell(names.get(each.owner_id or "", "nobody"), css="quiet"),
            Cell(f"{each.age_days} d", css="num late" if each.due_at < visit.now and not each.is_resolved else "num"),
        ]

    return sheet(
        "Exceptions",
        columns(*heads),
        (row(each.id, *cells(each)) for each in found),
        empty_title="No exception here",
        empty_words="What banks and rails said pairs with the ledger, or was dealt with.",
        next_url=next_url,
        first_url=first_url,
        form="bulk",
    )


def _aging(ages: tuple[AgeCount, ...], here: str, kept: dict[str, str]) -> Sheet | None:
    if not ages:
        return None
    by: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    for each in ages:
        by.setdefault((each.kind, each.currency), {})[each.bucket] = (each.count, each.amount_minor)

    def cell(kind: str, bucket: str, found: tuple[int, int] | None) -> Cell:
        if found is None:
            return Cell(NONE, css="quiet")
        link = paging.link(here, account=kept["account"], kind=kind, age=bucket)
        return Cell(grouped(found[0]), url=link, note=grouped(found[1]))

    return sheet(
        "Unresolved exceptions by kind and age",
        columns("Kind", *(f"{BUCKET_WORDS[each]}|r" for each in BUCKETS), "All|r"),
        (
            row(
                f"{kind}-{currency}",
                Cell(KINDS[kind], note=currency),
                *(cell(kind, bucket, found.get(bucket)) for bucket in BUCKETS),
                number(sum(count for count, _ in found.values())),
            )
            for (kind, currency), found in sorted(by.items())
        ),
        title="By age",
        label="count and minor units",
        css="aging",
    )


def reason_options(codes: Any, chosen: str = "") -> tuple[Any, ...]:
    """The reason codes of an act as choices."""
    found: dict[str, Reason] = codes
    return options([("", "Choose a reason"), *((code, each.title) for code, each in found.items())], chosen)


def owner_asks(*, with_nobody: bool) -> Ask:
    """Who may own an exception."""
    able = list_owners()
    names = names_of_users(user_ids=[user_id for user_id, _ in able])
    people_ = [(user_id, f"{names.get(user_id, user_id)} · {role}") for user_id, role in able]
    first = [("", "nobody")] if with_nobody else [("", "Choose a colleague")]
    return Ask("owner", "Owner", options=options([*first, *people_]), is_required=not with_nobody)


def _bulk(visit: Visit, kept: dict[str, str], refused: Refused | None) -> tuple[Act, ...]:
    here, after = f"{home(visit)}exceptions/", asked(visit, "after")
    assign = Act(
        "bulk-assign",
        "Assign",
        paging.link(f"{here}assign/", **kept, after=after),
        asks=(owner_asks(with_nobody=False),),
    )
    return (
        open_again(assign, refused),
        open_again(_bulk_explain(paging.link(f"{here}explain/", **kept, after=after)), refused),
    )


def _bulk_explain(url: str) -> Act:
    return Act(
        "bulk-explain",
        "Explain",
        url,
        asks=(
            Ask("reason_code", "Reason", options=reason_options(EXPLAIN)),
            Ask("reason", "In words", is_required=False),
        ),
    )


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


# --- exports ---------------------------------------------------------------------------------------------------------


def _rows(visit: Visit) -> Iterator[tuple[object, ...]]:
    """Those of the address, oldest first, all pages."""
    where, _ = _where(visit)
    after: tuple[Any, str] | None = None
    sent = 0
    while sent < MOST_EXPORTED:
        found = list_exceptions(where=where, now=visit.now, order="oldest", after=after, limit=EXPORTED)
        for each in found:
            yield (
                each.id,
                each.kind,
                each.state,
                each.resolution,
                each.account_name,
                each.happened_on.isoformat(),
                each.age_days,
                each.amount_minor,
                each.difference_minor,
                each.currency,
                each.reason_code,
                each.reason,
                each.line_id,
                each.entry_id,
                each.intent_id,
                each.opened_at.isoformat(),
                each.due_at.isoformat(),
                each.resolved_at.isoformat() if each.resolved_at else "",
            )
        sent += len(found)
        if len(found) < EXPORTED:
            return
        after = key_of(record=found[-1])


@room(Permission.RECONCILIATION_READ)
def download_csv(visit: Visit) -> HttpResponse:
    """The exceptions of the address as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_HEAD)
    writer.writerows([safe_text(value) for value in each] for each in _rows(visit))
    return attached(text.getvalue().encode(), f"exceptions-{visit.now:%Y-%m-%d}.csv", "text/csv; charset=utf-8")


@room(Permission.RECONCILIATION_READ)
def download_xlsx(visit: Visit) -> HttpResponse:
    """The same as a spreadsheet; texts stay texts and are never formulas."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    page = book.add_worksheet("Exceptions")
    page.write_row(0, 0, _HEAD, book.add_format({"bold": True}))
    page.freeze_panes(1, 1)
    for at, each in enumerate(_rows(visit), start=1):
        page.write_row(at, 0, ["" if value is None else value for value in each])
    book.close()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return attached(file.getvalue(), f"exceptions-{visit.now:%Y-%m-%d}.xlsx", kind)


def attached(content: bytes, name: str, kind: str) -> HttpResponse:
    """A file as a download."""
    return HttpResponse(
        content,
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )
