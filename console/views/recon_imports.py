"""Imports of statements: a file comes in, is tried or written by a worker, and says what it refused."""

import hashlib
from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked, read_place
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once
from console.marks import mark
from console.presenters.finance import columns, facts, number, options, row, sheet
from console.presenters.words import dated, grouped, moment
from console.readings.recon import (
    PAGE,
    ROOM,
    account_url,
    accounts_by_id,
    crumbs,
    home,
    people,
    problem_of,
    room_tabs,
    who,
)
from console.readings.recon_sheets import statements_sheet
from console.sheet_files import MOST as MOST_ROWS
from console.sheet_files import file_links, sheet_file, wanted
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Act, Ask, Cell, Fact, Facts, FinancePage, FormPage, Problem
from console.types.ledger import Figure
from console.views.imports import _word as said_value
from console.views.recon_mapping import read_mapping, show_wizard
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.statements.operations import cancel_import, save_mapping, start_import
from zentra.reconciliation.statements.queries import (
    get_import,
    get_reconciled_account,
    list_imports,
    list_problems,
    list_statements,
)
from zentra.reconciliation.statements.types import ImportProblemRecord, ImportRecord, StatementFormat
from zentra.tenants.operations import hold_membership
from zentra.tenants.permissions import Permission

PROBLEMS: Final = 100
FORMATS: Final[tuple[tuple[StatementFormat, str], ...]] = (
    ("camt053", "camt.053 (XML, versions 02 to 13)"),
    ("mt940", "MT940 (SWIFT, .sta)"),
    ("bai2", "BAI2 (version 2)"),
    ("csv", "CSV, by the mapping of its account"),
    ("settlement", "settlement report of a rail"),
)


@room(Permission.RECONCILIATION_READ)
def show_imports(visit: Visit) -> HttpResponse:
    """Imports, newest first."""
    return _imports_page(visit)


def _imports_page(visit: Visit) -> HttpResponse:
    before, here = asked(visit, "before"), f"{home(visit)}imports/"
    kind = wanted(visit)
    page_size = MOST_ROWS if kind else PAGE
    found = list_imports(limit=page_size + 1, before=paging.decode(before))
    shown = found[:page_size]
    names, accounts = people(each.created_by for each in shown), accounts_by_id()
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(found) > PAGE else ""
    may = visit.may(Permission.RECONCILIATION_IMPORT)
    listed = sheet(
        "Imports of statements, newest first",
        columns(
            "File",
            "State",
            "Format|opt",
            "Account|opt",
            "Statements|r",
            "Lines|r",
            "Repeated|r opt",
            "Refused|r",
            "By|opt",
            "Age|r",
        ),
        (
            row(
                each.id,
                Cell(each.file_name, url=f"{here}{each.id}/", note="dry run" if each.is_dry_run else ""),
                Cell(mark=_state(each)),
                each.format,
                accounts[each.account_id].name if each.account_id in accounts else "as the file says",
                number(each.statements),
                number(each.lines_written),
                number(each.lines_repeated),
                Cell(grouped(each.lines_refused), css="num bad" if each.lines_refused else "num"),
                who(each.created_by, names),
                Cell(moment=moment(each.created_at, visit.now), css="num quiet"),
            )
            for each in shown
        ),
        empty_title="No statement was imported yet",
        empty_words="Take a file in and try it first: every check of it is made, and nothing is written.",
        next_url=paging.link(here, before=following) if following else "",
        first_url=here if before else "",
    )
    if kind:
        return sheet_file(listed, f"imports-{visit.now:%Y-%m-%d}", kind)
    page = FinancePage(
        heading="Imports",
        words="Statements of banks and settlement reports of rails.",
        crumbs=crumbs(visit),
        tabs=room_tabs(visit, "imports"),
        sheets=(listed,),
        links=(*((Chip("Import a file", f"{here}start/", key="n"),) if may else ()), *file_links(here)),
    )
    return _render(visit, page)


def _state(record: ImportRecord) -> Any:
    if record.state == "done" and record.is_dry_run:
        return mark("done", says="tried")
    if record.state == "done" and record.statements_refused:
        return mark("open", says="done, in part")
    return mark(record.state)


@room(Permission.RECONCILIATION_IMPORT, in_transaction=False)
def start(visit: Visit) -> HttpResponseBase:
    """Take a file in; a CSV without a mapping goes through the wizard first."""
    if visit.request.method != "POST":
        with tenant_work(visit.workspace):
            return _form(visit)
    file = visit.request.FILES.get("file")
    try:
        if file is None or file.file is None:
            raise FormIncomplete("Choose the file of a bank or rail.")
        with tenant_work(visit.workspace):
            hold_membership(member=visit.member)
            if _needs_wizard(visit):
                return show_wizard(visit, file=file, account_id=_account_of(visit) or "")
            return _take_in(visit, file)
    except DomainError as error:
        if error.status == 404:
            raise
        with tenant_work(visit.workspace):
            return _form(visit, error)


def _account_of(visit: Visit) -> str | None:
    return visit.request.POST.get("account", "") or None


def _needs_wizard(visit: Visit) -> bool:
    """A CSV whose account has no mapping, or whoever asks to look at it anew."""
    if visit.request.POST.get("format") != "csv" or visit.request.POST.get("mapped") == "yes":
        return False
    if visit.request.POST.get("do") == "map":
        return True
    account_id = _account_of(visit)
    return not account_id or get_reconciled_account(account_id=account_id).mapping is None


def _take_in(visit: Visit, file: Any) -> HttpResponse:
    is_dry_run = visit.request.POST.get("do") == "dry"
    chosen = visit.request.POST.get("format", "")
    kind = next((name for name, _ in FORMATS if name == chosen), None)
    if kind is None:
        raise FormIncomplete("Say in which format the file is.")
    mapping = read_mapping(visit) if kind == "csv" and visit.request.POST.get("mapped") == "yes" else None
    account_id = _account_of(visit)
    if kind == "csv" and account_id is None:
        raise FormIncomplete("A CSV file does not say whose it is: choose its account.")
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.file.seek(0)

    def effect() -> Done:
        if mapping is not None and account_id and visit.request.POST.get("keep") == "yes":
            save_mapping(account_id=account_id, mapping=mapping)
        record = start_import(
            account_id=account_id,
            format=kind,
            mapping=mapping,
            is_dry_run=is_dry_run,
            file_name=file.name or "file",
            content=file.file,
            actor=visit.actor(),
            now=visit.now,
        )
        done = "nothing is written, only tried" if is_dry_run else "it is imported"
        return Done(f"{record.file_name} is taken in: {done}.", f"{home(visit)}imports/{record.id}/")

    return act_once(visit, operation="recon.import", effect=effect, file_sha256=digest.hexdigest())


def _form(visit: Visit, error: DomainError | None = None) -> HttpResponse:
    post = visit.request.POST
    chosen = post.get("account", asked(visit, "account"))
    accounts = [("", "as the file says"), *((each.id, each.name) for each in accounts_by_id().values() if each.is_open)]
    page = FormPage(
        heading="Import statements",
        words="Every check comes first: the file twice, whether balances follow on, sums, currency, control totals.",
        crumbs=crumbs(visit, ("Imports", f"{home(visit)}imports/")),
        url=f"{home(visit)}imports/start/",
        back_url=f"{home(visit)}imports/",
        verb="Import",
        also=(("dry", "Try it first"), ("map", "Look at the columns of a CSV")),
        asks=(
            Ask("file", "File", type="file", accept=".xml,.csv,.txt,.sta,.940,.bai,.bai2,.zip,text/csv,text/xml"),
            Ask("format", "Format", options=options(FORMATS, post.get("format", ""))),
            Ask(
                "account",
                "Account",
                options=options(accounts, chosen),
                is_required=False,
                hint="camt.053, MT940 and BAI2 name it; a CSV does not.",
            ),
        ),
        takes_file=True,
        problem=problem_of(visit, error) or _known(error),
        words_below="A dry run makes every check and writes nothing. What is here already is never written twice.",
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-import"}
    return render(visit.request, "console/finance/form.html", context, status=error.status if error else 200)


def _known(error: DomainError | None) -> Problem | None:
    return None if error is None else Problem(error.title)


@room(Permission.RECONCILIATION_READ)
def show_import(visit: Visit, intake_id: str) -> HttpResponse:
    """How far an import is, what came of it, and what was wrong in the file."""
    record = get_import(import_id=intake_id)
    after, here = asked(visit, "after"), f"{home(visit)}imports/{intake_id}/"
    problems = list_problems(import_id=intake_id, limit=PROBLEMS + 1, after=read_place(after) or 0)
    names, accounts = people([record.created_by]), accounts_by_id()
    account = accounts.get(record.account_id or "")
    may = visit.may(Permission.RECONCILIATION_IMPORT)
    written = "would be written" if record.is_dry_run else "written"
    page = FinancePage(
        heading=record.file_name,
        words=f"{'dry run of ' if record.is_dry_run else ''}{record.format}",
        mark=_state(record),
        crumbs=crumbs(visit, ("Imports", f"{home(visit)}imports/")),
        figures=(
            Figure("read", grouped(record.lines_read), note=f"{record.percent} % of the file"),
            Figure(written, grouped(record.lines_written), note=f"lines of {grouped(record.statements)} statements"),
            Figure("repeated", grouped(record.lines_repeated), note="there already"),
            Figure(
                "refused",
                grouped(record.lines_refused),
                note=f"lines, {grouped(record.statements_refused)} statements",
                level="alert" if record.lines_refused or record.statements_refused else "",
            ),
        ),
        percent=record.percent,
        problem=Problem(record.problem) if record.problem else None,
        poll_url="" if record.is_finished else here,
        sheets=(_problems_sheet(record, problems, here, after), *_statements(visit, record)),
        facts=(
            Facts(
                "Facts",
                facts(
                    Fact("import", record.id, copy=record.id),
                    Fact("account", account.name, url=account_url(visit, account.id))
                    if account
                    else Fact("account", "as the file says"),
                    Fact("sha-256", record.sha256, copy=record.sha256),
                    ("size", f"{grouped(record.size_bytes)} bytes"),
                    ("by", who(record.created_by, names).text),
                    ("started", f"{dated(record.created_at)} UTC"),
                    ("finished", f"{dated(record.finished_at)} UTC" if record.finished_at else "—"),
                ),
            ),
        ),
        acts=_import_acts(record, here, home(visit)) if may else (),
    )
    if visit.is_partial:
        return render(visit.request, "console/finance/body.html", {"page": page})
    return _render(visit, page)


def _import_acts(record: ImportRecord, here: str, room_url: str) -> tuple[Act, ...]:
    if not record.is_finished:
        return (Act("cancel", "Cancel", f"{here}cancel/", words="Stops after the chunk that is being written"),)
    del room_url
    return ()


def _statements(visit: Visit, record: ImportRecord) -> tuple[Any, ...]:

    if record.is_dry_run or not record.account_id or not record.statements:
        return ()
    found = [each for each in list_statements(account_id=record.account_id) if each.import_id == record.id]
    return (statements_sheet(visit, found),) if found else ()


def _problems_sheet(record: ImportRecord, problems: list[ImportProblemRecord], here: str, after: str) -> Any:
    def numbers(problem: ImportProblemRecord) -> str:
        return " · ".join(f"{name} {said_value(value)}" for name, value in problem.extra.items())

    more = len(problems) > PROBLEMS
    return sheet(
        "What was wrong, in the order of the file",
        columns("Where", "Code", "Why|wrap", "Numbers|wrap num quiet small opt"),
        (
            row(str(each.number), Cell(each.place, css="num"), Cell(each.code, css="id"), each.detail, numbers(each))
            for each in problems[:PROBLEMS]
        ),
        title="Problems",
        label=grouped(record.problems),
        empty_title="Nothing is wrong" if record.is_finished else "Nothing is wrong so far",
        empty_words="Every check was passed." if record.is_finished else "",
        next_url=paging.link(here, after=problems[PROBLEMS - 1].number) if more else "",
        first_url=here if after else "",
    )


@room(Permission.RECONCILIATION_IMPORT)
def cancel(visit: Visit, intake_id: str) -> HttpResponse:
    """Stop after the chunk that is being written."""

    def effect() -> str:
        record = cancel_import(import_id=intake_id, now=visit.now)
        return f"{record.file_name} is canceled. Statements that are complete stay."

    return act_once(visit, operation="recon.import.cancel", effect=effect, to=f"{home(visit)}imports/{intake_id}/")


def _render(visit: Visit, page: FinancePage) -> HttpResponse:
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-imports"}
    return render(visit.request, "console/finance/page.html", context)
