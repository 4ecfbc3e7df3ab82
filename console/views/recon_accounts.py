"""Reconciliation: the accounts that somebody else keeps too, how each stands, and one of them."""

from datetime import timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console.asked import asked
from console.doors import Visit, room
from console.kept import Refused, again
from console.marks import mark
from console.presenters.ages import age_chart
from console.presenters.finance import amount, columns, day, facts, number, options, row, share, sheet
from console.presenters.rates import rate_chart
from console.presenters.words import NONE, dated, grouped
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
from console.readings.recon_sheets import runs_sheet, statements_sheet
from console.sheet_files import MOST as MOST_ROWS
from console.sheet_files import file_links, sheet_file, wanted
from console.shell import build_shell
from console.types import Chip, Mark
from console.types.finance import Act, Ask, Cell, Fact, Facts, FinancePage, Sheet
from console.types.ledger import Figure
from zentra.reconciliation.matching.desk.queries import count_by_kind_and_age
from zentra.reconciliation.matching.queries import list_runs, match_rates, summarize, summarize_all
from zentra.reconciliation.matching.types import Summary
from zentra.reconciliation.statements.queries import (
    get_reconciled_account,
    latest_statements,
    list_reconciled_accounts,
    list_statements,
)
from zentra.reconciliation.statements.types import ReconciledAccountRecord
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
    latest = latest_statements(account_ids=[each.id for each in accounts])

    def line(account: ReconciledAccountRecord) -> tuple[Cell | str, ...]:
        stands = summaries.get(account.id)
        last = latest.get(account.id)
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
        css="accounts",
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
    return account_page(visit, None, recon_id)


def account_page(visit: Visit, refused: Refused | None, recon_id: str) -> HttpResponse:
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


def _render(visit: Visit, page: FinancePage) -> HttpResponse:
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "reconciliation"}
    return render(visit.request, "console/finance/page.html", context)
