"""Reconciliation: the accounts that somebody else keeps too, how each stands, and opening or changing one."""

from datetime import timedelta
from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.asked import asked
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once, words
from console.kept import Refused, again, keeping
from console.marks import mark
from console.presenters.ages import age_chart
from console.presenters.finance import amount, columns, day, facts, number, options, row, share, sheet
from console.presenters.rates import rate_chart
from console.presenters.words import NONE, dated, grouped, moment
from console.readings.recon import (
    ROOM,
    account_tabs,
    account_url,
    account_words,
    crumbs,
    home,
    people,
    room_tabs,
    who,
)
from console.refusals import explain
from console.sheet_files import MOST as MOST_ROWS
from console.sheet_files import file_links, sheet_file, wanted
from console.shell import build_shell
from console.types import Chip, Mark
from console.types.finance import Act, Ask, Cell, Fact, Facts, FinancePage, FormPage, Problem, Sheet
from console.types.ledger import Figure
from ledger.queries import list_accounts
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.matching.desk.queries import count_by_kind_and_age
from zentra.reconciliation.matching.operations import request_run
from zentra.reconciliation.matching.queries import list_runs, match_rates, summarize, summarize_all
from zentra.reconciliation.matching.types import RunRecord, Summary
from zentra.reconciliation.statements.operations import (
    change_reconciled_account,
    close_reconciled_account,
    open_reconciled_account,
)
from zentra.reconciliation.statements.queries import (
    get_reconciled_account,
    latest_statement,
    list_reconciled_accounts,
    list_statements,
)
from zentra.reconciliation.statements.types import ReconciledAccountRecord, StatementRecord
from zentra.tenants.operations import hold_membership
from zentra.tenants.permissions import Permission

SPANS: Final = {"30": 30, "90": 90, "365": 365}
CALENDARS: Final = (
    ("weekdays", "Monday to Friday"),
    ("ECB", "TARGET (ECB)"),
    ("NYSE", "New York (NYSE)"),
    ("US", "United States"),
    ("GB", "United Kingdom"),
    ("DE", "Germany"),
    ("FR", "France"),
    ("JP", "Japan"),
)
_TYPED: Final = ("ledger_account", "kind", "name", "external_id", "calendar", "settle_days")


@room(Permission.RECONCILIATION_READ)
def show_accounts(visit: Visit) -> HttpResponse:
    """Every reconciled account with its last statement, how much is matched, and what is open."""
    accounts = list_reconciled_accounts(includes_closed=True)
    summaries = {each.account_id: each for each in summarize_all()}
    listed = _accounts_sheet(visit, accounts, summaries)
    if kind := wanted(visit):
        return sheet_file(listed, f"reconciliation-{visit.now:%Y-%m-%d}", kind)
    span = SPANS.get(asked(visit, "days"), 30)
    rates = match_rates(account_id=None, from_on=visit.now.date() - timedelta(days=span - 1), to_on=visit.now.date())
    lines, matched = sum(each.lines for each in summaries.values()), sum(s.matched_lines for s in summaries.values())
    may = visit.may(Permission.RECONCILIATION_MATCH)
    page = FinancePage(
        heading="Reconciliation",
        words="What banks and rails say, beside what the ledger says.",
        tabs=room_tabs(visit, ""),
        figures=(
            Figure("matched", share(matched, lines), note=f"{grouped(matched)} of {grouped(lines)} lines"),
            Figure("open lines", grouped(sum(each.open_lines for each in summaries.values())), note="on statements"),
            Figure(
                "open entries", grouped(sum(each.open_entries for each in summaries.values())), note="in the ledger"
            ),
            _exceptions_figure(sum(each.open_exceptions for each in summaries.values())),
            Figure(
                "second person", grouped(sum(each.proposed for each in summaries.values())), note="matches proposed"
            ),
        ),
        chart=rate_chart(rates),
        second_chart=age_chart(count_by_kind_and_age(now=visit.now)),
        more_filters=_spans(home(visit), span),
        sheets=(listed,),
        links=(
            *((Chip("Open an account", f"{home(visit)}open/", key="n"),) if may else ()),
            *file_links(home(visit)),
        ),
    )
    return _render(visit, page)


def _exceptions_figure(count: int) -> Figure:
    return Figure("exceptions", grouped(count), note="not resolved", level="alert" if count else "")


def _spans(here: str, span: int) -> tuple[Chip, ...]:
    return tuple(Chip(f"{name} days", f"{here}?days={name}", days == span) for name, days in SPANS.items())


def _accounts_sheet(visit: Visit, accounts: list[ReconciledAccountRecord], summaries: dict[str, Summary]) -> Sheet:
    def line(account: ReconciledAccountRecord) -> tuple[Cell | str, ...]:
        stands = summaries.get(account.id)
        last = latest_statement(account_id=account.id)
        exceptions = stands.open_exceptions if stands else 0
        return (
            Cell(account.name, url=account_url(visit, account.id), is_words=True),
            Cell(account_words(account), css="num quiet"),
            Cell(mark=_status(account, stands)),
            day(last.ends_on if last else None),
            amount(last.closing_minor if last else None, account.currency),
            Cell(share(stands.matched_lines, stands.lines) if stands else NONE, css="num"),
            number(stands.open_lines if stands else 0),
            number(stands.open_entries if stands else 0),
            Cell(
                grouped(exceptions),
                url=f"{home(visit)}exceptions/?account={account.id}" if exceptions else "",
                css="num",
            ),
        )

    return sheet(
        "Reconciled accounts",
        columns(
            "Account",
            "Ledger and bank|opt",
            "Status",
            "Last statement",
            "Closing balance|r",
            "Matched|r",
            "Open lines|r opt",
            "Open entries|r opt",
            "Exceptions|r",
        ),
        (row(account.id, *line(account), css="" if account.is_open else "off") for account in accounts),
        empty_title="No account is reconciled yet",
        empty_words="Open one for a ledger account that a bank or a rail keeps too, then import its statements.",
    )


def _status(account: ReconciledAccountRecord, stands: Summary | None) -> Mark:
    if not account.is_open:
        return mark("closed")
    if stands is None or not stands.lines:
        return mark("pending", says="no statement")
    if stands.open_exceptions or stands.proposed:
        return mark("open", says="to resolve")
    if stands.open_lines or stands.open_entries:
        return mark("syncing", says="in transit")
    return mark("matched")


@room(Permission.RECONCILIATION_READ)
def show_account(visit: Visit, recon_id: str) -> HttpResponse:
    """One account: its figures, match rate, statements and runs, and what can be done."""
    return _account_page(visit, None, recon_id)


def _account_page(visit: Visit, refused: Refused | None, recon_id: str) -> HttpResponse:
    account = get_reconciled_account(account_id=recon_id)
    stands = summarize(account_id=account.id)
    span = SPANS.get(asked(visit, "days"), 90)
    rates = match_rates(
        account_id=account.id, from_on=visit.now.date() - timedelta(days=span - 1), to_on=visit.now.date()
    )
    kind = None if refused else wanted(visit)
    statements = list_statements(account_id=account.id, limit=MOST_ROWS if kind else 31)
    if kind:
        return sheet_file(statements_sheet(visit, statements), f"statements-{visit.now:%Y-%m-%d}", kind)
    runs = list_runs(account_id=account.id, limit=8)
    here = account_url(visit, account.id)
    page = FinancePage(
        heading=account.name,
        words=account_words(account),
        mark=_status(account, stands),
        crumbs=crumbs(visit),
        tabs=account_tabs(visit, account.id, ""),
        figures=(
            Figure("matched", share(stands.matched_lines, stands.lines), note=f"of {grouped(stands.lines)} lines"),
            Figure("open lines", grouped(stands.open_lines), note=f"{grouped(stands.open_lines_minor)} minor units"),
            Figure(
                "open entries", grouped(stands.open_entries), note=f"{grouped(stands.open_entries_minor)} minor units"
            ),
            _exceptions_figure(stands.open_exceptions),
        ),
        chart=rate_chart(rates),
        second_chart=age_chart(count_by_kind_and_age(now=visit.now, account_id=account.id)),
        more_filters=_spans(here, span),
        sheets=(statements_sheet(visit, statements), runs_sheet(visit, runs, title="Runs")),
        facts=(Facts("Account", _facts(visit, account)),),
        acts=_acts(visit, account),
        links=(
            (
                Chip("CSV mapping", f"{here}mapping/"),
                Chip("Import", f"{home(visit)}imports/start/?account={account.id}", key="n"),
            )
            if visit.may(Permission.RECONCILIATION_IMPORT) and account.is_open
            else ()
        )
        + file_links(here),
    )
    return _render(visit, again(page, refused, at=here))


def _facts(visit: Visit, account: ReconciledAccountRecord) -> tuple[Fact, ...]:
    names = people([account.created_by])
    calendars = dict(CALENDARS)
    return facts(
        Fact(
            "ledger",
            account.ledger_account_code,
            url=f"{visit.base}accounts/{account.ledger_account_id}/" if visit.may(Permission.ACCOUNTS_READ) else "",
        ),
        ("kind", account.kind),
        Fact("names it", account.external_id, copy=account.external_id),
        ("currency", account.currency),
        ("arrives", f"T+{account.settle_days}, {calendars.get(account.calendar, account.calendar)}"),
        ("CSV", "columns are mapped" if account.mapping else "no mapping yet"),
        ("entries to", f"version {grouped(account.taken_version)} of the ledger account"),
        ("opened", f"{dated(account.created_at)} UTC by {who(account.created_by, names).text}"),
        ("closed", f"{dated(account.closed_at)} UTC" if account.closed_at else ""),
        Fact("id", account.id, copy=account.id),
    )


def _acts(visit: Visit, account: ReconciledAccountRecord) -> tuple[Act, ...]:
    if not visit.may(Permission.RECONCILIATION_MATCH) or not account.is_open:
        return ()
    here = account_url(visit, account.id)
    version = (("version", str(account.version)),)
    close = Act(
        "close",
        "Close…",
        f"{here}close/",
        verb="Close the account",
        is_warning=True,
        hidden=version,
        words="Nothing more is imported for it. What is there stays.",
        asks=(Ask("reason", "Why, kept in the evidence", maximum=500),),
    )
    return (
        Act("run", "Match now", f"{here}run/", shortcut="m", is_primary=True),
        Act(
            "dry",
            "Dry run",
            f"{here}run/",
            hidden=(("dry", "yes"),),
            words="Says what the rules would do; changes nothing",
        ),
        Act("change", "Change…", f"{here}change/", verb="Save", hidden=version, asks=_change_asks(account)),
        *((close,) if visit.may(Permission.CLOSEOUT_APPROVE) else ()),
    )


def _change_asks(account: ReconciledAccountRecord) -> tuple[Ask, ...]:
    return (
        Ask("name", "Name", account.name, maximum=120),
        Ask("external_id", "How their files name it", account.external_id, maximum=64),
        Ask("calendar", "Business days", options=options(CALENDARS, account.calendar)),
        Ask("settle_days", "Arrives after, business days", str(account.settle_days), type="number", maximum=2),
    )


def statements_sheet(visit: Visit, statements: list[StatementRecord], *, title: str = "Statements") -> Sheet:
    """Statements, newest first."""
    return sheet(
        "Statements, newest first",
        columns("Statement", "Days", "Lines|r", "Opening|r opt", "Closing|r", "Follows"),
        (
            row(
                each.id,
                Cell(each.external_id, url=f"{home(visit)}statements/{each.id}/", title=each.external_id, css="whole"),
                Cell(_days_of(each), css="num"),
                number(each.lines),
                amount(each.opening_minor, each.currency),
                amount(each.closing_minor, each.currency),
                Cell(mark=continuity(each.continuity)),
            )
            for each in statements
        ),
        title=title,
        empty_title="No statement was imported yet",
        empty_words="Take a file in under Imports; its statements stand here when every check was made.",
    )


def _days_of(statement: StatementRecord) -> str:
    """The day of a statement, or its first and last."""
    first, last = f"{statement.starts_on:%Y-%m-%d}", f"{statement.ends_on:%Y-%m-%d}"
    return first if first == last else f"{first} to {last}"


def continuity(word: str) -> Mark:
    """How a statement follows the one before it."""
    marks = {"first": "pending", "continuous": "sound", "gap": "diverged", "overlap": "diverged", "unknown": "unknown"}
    return mark(marks.get(word, "unknown"), says=word)


def runs_sheet(visit: Visit, runs: list[RunRecord], *, title: str = "") -> Sheet:
    """Runs, newest first."""
    return sheet(
        "Runs, newest first",
        columns("Run", "State", "Rules|opt", "Lines|r opt", "Entries|r opt", "Matches|r", "Age|r"),
        (
            row(
                each.id,
                Cell(
                    f"…{each.id[-8:]}",
                    url=f"{home(visit)}runs/{each.id}/",
                    note="dry run" if each.is_dry_run else "",
                    title=each.id,
                ),
                Cell(mark=mark(each.state)),
                f"version {each.rules_version}",
                number(each.lines),
                number(each.entries),
                number(each.matches),
                Cell(moment=moment(each.created_at, visit.now), css="num quiet"),
            )
            for each in runs
        ),
        title=title,
        empty_title="It was never matched",
        empty_words="A run begins by itself when a statement is complete.",
    )


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
def open_one(visit: Visit) -> HttpResponse:
    """Open a reconciled account."""
    if visit.request.method != "POST":
        with tenant_work(visit.workspace):
            return _form(visit, {"settle_days": "1", "kind": "bank", "calendar": "weekdays"})

    def effect() -> Done:
        record = open_reconciled_account(
            ledger_account=words(visit, "ledger_account"),
            kind="rail" if visit.request.POST.get("kind") == "rail" else "bank",
            name=words(visit, "name"),
            external_id=words(visit, "external_id"),
            calendar=words(visit, "calendar"),
            settle_days=_days(visit),
            mapping=None,
            actor=visit.actor(),
            now=visit.now,
        )
        return Done(f"{record.name} is reconciled from now on.", account_url(visit, record.id))

    try:
        with tenant_work(visit.workspace):
            hold_membership(member=visit.member)
            return act_once(visit, operation="recon.open", effect=effect)
    except DomainError as error:
        with tenant_work(visit.workspace):
            typed = {name: visit.request.POST.get(name, "") for name in _TYPED}
            return _form(visit, typed, error)


def _days(visit: Visit) -> int:
    text = visit.request.POST.get("settle_days", "").strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 2:
        raise FormIncomplete("Say after how many business days money arrives, 0 to 60.", field="settle_days")
    return int(text)


def _form(visit: Visit, typed: dict[str, str], error: DomainError | None = None) -> HttpResponse:
    taken = {account.ledger_account_id for account in list_reconciled_accounts(includes_closed=True)}
    able = [each for each in list_accounts(limit=200, account_class="asset") if each.id not in taken]
    choices = [("", "Choose an account"), *((each.id, f"{each.code} · {each.currency}") for each in able)]
    page = FormPage(
        heading="Open a reconciled account",
        words="A ledger account that a bank or a rail keeps too.",
        crumbs=crumbs(visit),
        url=f"{home(visit)}open/",
        back_url=home(visit),
        verb="Open it",
        asks=(
            Ask("ledger_account", "Ledger account", options=options(choices, typed.get("ledger_account", ""))),
            Ask(
                "kind",
                "Who keeps it too",
                options=options((("bank", "a bank"), ("rail", "a rail")), typed.get("kind", "")),
            ),
            Ask("name", "Name", typed.get("name", ""), maximum=120, placeholder="Northwind operating, First Bank"),
            Ask(
                "external_id",
                "How their files name it",
                typed.get("external_id", ""),
                maximum=64,
                hint="The IBAN or account number; of a rail its name.",
            ),
            Ask("calendar", "Business days", options=options(CALENDARS, typed.get("calendar", ""))),
            Ask(
                "settle_days",
                "Money arrives after, business days",
                typed.get("settle_days", ""),
                type="number",
                maximum=2,
                hint="T+1 is 1.",
            ),
        ),
        problem=problem_of(visit, error),
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-open"}
    return render(visit.request, "console/finance/form.html", context, status=error.status if error else 200)


def problem_of(visit: Visit, error: DomainError | None) -> Problem | None:
    """What was refused, for the top of a form."""
    if error is None:
        return None
    refusal = explain(error, workspace_id=visit.workspace.id)
    return Problem(f"{refusal.title}.", f"{refusal.why} {refusal.next}".strip())


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(_account_page, act="change")
def change(visit: Visit, recon_id: str) -> HttpResponseBase:
    """Change what may change of an account."""

    def effect() -> str:
        record = change_reconciled_account(
            account_id=recon_id,
            name=words(visit, "name"),
            external_id=words(visit, "external_id"),
            calendar=words(visit, "calendar"),
            settle_days=_days(visit),
            version=version_of(visit),
        )
        return f"{record.name} is saved."

    return act_once(visit, operation="recon.change", effect=effect, to=account_url(visit, recon_id))


@room(Permission.CLOSEOUT_APPROVE, in_transaction=False, step_up=True)
@keeping(_account_page, act="close")
def close(visit: Visit, recon_id: str) -> HttpResponseBase:
    """Import nothing more for an account."""
    reason = words(visit, "reason")

    def effect() -> str:
        record = close_reconciled_account(
            account_id=recon_id, version=version_of(visit), actor=visit.actor(), reason=reason, now=visit.now
        )
        return f"{record.name} is closed: nothing more is imported for it."

    return act_once(visit, operation="recon.close", effect=effect, to=account_url(visit, recon_id))


@room(Permission.RECONCILIATION_MATCH)
def run(visit: Visit, recon_id: str) -> HttpResponse:
    """Run the account's rules, or say what they would do."""
    account, is_dry_run = get_reconciled_account(account_id=recon_id), visit.request.POST.get("dry") == "yes"

    def effect() -> Done:
        record = request_run(
            account_id=account.id, is_dry_run=is_dry_run, actor=visit.actor(), ws=visit.workspace, now=visit.now
        )
        said = "A dry run has begun; nothing is changed." if is_dry_run else f"{account.name} is being matched."
        return Done(said, f"{home(visit)}runs/{record.id}/")

    return act_once(visit, operation="recon.run", effect=effect)


def version_of(visit: Visit) -> int:
    """The version of what the page showed."""
    text = visit.request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _render(visit: Visit, page: FinancePage) -> HttpResponse:
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "reconciliation"}
    return render(visit.request, "console/finance/page.html", context)
