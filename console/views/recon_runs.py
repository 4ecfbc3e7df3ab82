"""Runs of the rules, the rules themselves, and money that is expected."""

from dataclasses import replace
from typing import Any, Final, get_args

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked, read_whole
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once, words
from console.marks import mark
from console.presenters.finance import amount, columns, day, facts, number, options, row, sheet
from console.presenters.matches import RULES
from console.presenters.words import dated, grouped, moment
from console.readings.recon import (
    PAGE,
    ROOM,
    account_chips,
    account_tabs,
    account_url,
    accounts_by_id,
    crumbs,
    home,
    people,
    problem_of,
    room_tabs,
    who,
)
from console.readings.recon_sheets import runs_sheet
from console.readings.settlements import waiting_sheet
from console.sheet_files import MOST as MOST_ROWS
from console.sheet_files import file_links, sheet_file, wanted
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Ask, Cell, Fact, Facts, FinancePage, Problem, RuleForm, RulesPage, Sheet
from console.types.ledger import Figure
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.matching.operations import request_run, save_rules
from zentra.reconciliation.matching.queries import get_rules, get_run, list_expected, list_rule_sets, list_runs
from zentra.reconciliation.matching.types import ExpectedState, Rule, RuleKind, RuleSetRecord, RunRecord
from zentra.reconciliation.statements.queries import get_reconciled_account
from zentra.tenants.operations import hold_membership
from zentra.tenants.permissions import Permission
from zentra.tenants.step_up import require_step_up

KINDS: Final[tuple[RuleKind, ...]] = get_args(RuleKind)
_NUMBERS: Final = (
    ("within_days", "Within, business days"),
    ("tolerance_minor", "Tolerance, minor units"),
    ("tolerance_bp", "Tolerance, 1/100 %"),
    ("fee_percent_bp", "Fee, 1/100 %"),
    ("fee_fixed_minor", "Fee, fixed"),
)
_EXPECTED: Final[tuple[tuple[ExpectedState, str], ...]] = (
    ("expected", "Expected"),
    ("missing", "Missing"),
    ("arrived", "Arrived"),
    ("written_off", "Written off"),
)
_DIFFERS: Final = ("The same|r", "New|r", "Lost|r")
MAX_RULES: Final = 20


@room(Permission.RECONCILIATION_READ)
def show_runs(visit: Visit) -> HttpResponse:
    """Runs, newest first."""
    here, before = f"{home(visit)}runs/", asked(visit, "before")
    accounts = accounts_by_id()
    account_id = asked(visit, "account") if asked(visit, "account") in accounts else None
    kind = wanted(visit)
    page_size = MOST_ROWS if kind else PAGE
    found = list_runs(limit=page_size + 1, account_id=account_id, before=paging.decode(before))
    shown = found[:page_size]
    if kind:
        return sheet_file(runs_sheet(visit, shown), f"runs-{visit.now:%Y-%m-%d}", kind)
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(found) > PAGE else ""
    listed = replace(
        runs_sheet(visit, shown),
        next_url=paging.link(here, account=account_id, before=following) if following else "",
        first_url=paging.link(here, account=account_id) if before else "",
    )
    page = FinancePage(
        heading="Runs",
        words="Each pass of an account's rules over what was open.",
        crumbs=crumbs(visit),
        tabs=room_tabs(visit, "runs"),
        filters=account_chips(here, account_id),
        links=file_links(here, account=account_id),
        sheets=(listed,),
    )
    return _render(visit, page)


@room(Permission.RECONCILIATION_READ)
def show_run(visit: Visit, run_id: str) -> HttpResponse:
    """One run: what each rule did, and of a dry run what would differ."""
    run = get_run(run_id=run_id)
    account = get_reconciled_account(account_id=run.account_id)
    names = people([run.started_by])
    is_done = run.state in {"done", "failed"}
    page = FinancePage(
        heading="Dry run" if run.is_dry_run else "Run",
        words=f"{account.name} · "
        + ("rules that are not saved" if run.rules is not None else f"rules version {run.rules_version}"),
        mark=mark(run.state),
        crumbs=crumbs(visit, (account.name, account_url(visit, account.id)), ("Runs", f"{home(visit)}runs/")),
        figures=_figures(run),
        problem=Problem("The run failed.", run.problem) if run.problem else None,
        poll_url="" if is_done else f"{home(visit)}runs/{run.id}/",
        note="Nothing was changed: these are the matches that the rules would make." if run.is_dry_run else "",
        sheets=(_by_rule(run),),
        facts=(
            Facts(
                "Run",
                facts(
                    Fact("account", account.name, url=account_url(visit, account.id)),
                    Fact(
                        "rules",
                        f"version {run.rules_version}",
                        url=f"{account_url(visit, account.id)}rules/?version={run.rules_version}",
                    ),
                    ("by", who(run.started_by, names).text),
                    ("began", f"{dated(run.created_at)} UTC"),
                    ("ended", f"{dated(run.finished_at)} UTC" if run.finished_at else "—"),
                    Fact("id", run.id, copy=run.id),
                ),
            ),
        ),
    )
    if visit.is_partial:
        return render(visit.request, "console/finance/body.html", {"page": page})
    return _render(visit, page)


def _figures(run: RunRecord) -> tuple[Figure, ...]:
    told = (
        Figure("open lines", grouped(run.lines), note="when it began"),
        Figure("open entries", grouped(run.entries), note="when it began"),
        Figure("matches", grouped(run.matches), note="it would confirm" if run.is_dry_run else "confirmed"),
    )
    if not run.is_dry_run:
        return told
    return (
        *told,
        Figure("the same", grouped(run.same), note="stand already"),
        Figure("new", grouped(run.fresh), note="would be made", level="good" if run.fresh else ""),
        Figure("lost", grouped(run.lost), note="stand, would not be made", level="alert" if run.lost else ""),
    )


def _by_rule(run: RunRecord) -> Sheet:
    return sheet(
        "What each rule did",
        columns("Rule", "Matches|r", "Lines|r", "Entries|r", *_DIFFERS[: len(_DIFFERS) * run.is_dry_run]),
        (
            row(
                each.rule,
                RULES.get(each.rule, each.rule),
                number(each.matches),
                number(each.lines),
                number(each.entries),
                *((number(each.same), number(each.fresh), number(each.lost)) if run.is_dry_run else ()),
            )
            for each in run.by_rule
        ),
        title="By rule",
        empty_title="Nothing was matched" if run.state == "done" else "It has not ended yet",
        empty_words="What is open has no certain counterpart; suggestions stand at each line.",
    )


# --- rules -----------------------------------------------------------------------------------------------------------


@room(Permission.RECONCILIATION_READ)
def show_rules(visit: Visit, recon_id: str) -> HttpResponse:
    """The rules of an account, as a form for those who may change them; older versions to read."""
    version = read_whole(asked(visit, "version"))
    return _rules_page(visit, recon_id, get_rules(account_id=recon_id, version=version))


def _rules_page(
    visit: Visit, recon_id: str, shown: RuleSetRecord, *, rules: tuple[Rule, ...] = (), error: DomainError | None = None
) -> HttpResponse:
    account = get_reconciled_account(account_id=recon_id)
    versions = list_rule_sets(account_id=recon_id)
    newest = versions[0].version if versions else shown.version
    here = f"{account_url(visit, recon_id)}rules/"
    names = people(each.created_by for each in versions)
    may = visit.may(Permission.RECONCILIATION_MATCH) and shown.version == newest and account.is_open
    page = RulesPage(
        heading=f"Rules of {account.name}",
        words=f"version {shown.version}" + ("" if shown.version == newest else f", superseded by {newest}"),
        crumbs=crumbs(visit, (account.name, account_url(visit, recon_id))),
        tabs=account_tabs(visit, recon_id, "rules"),
        url=f"{here}save/" if may else "",
        version=shown.version,
        rules=tuple(_rule_form(at, each) for at, each in enumerate((*(rules or shown.rules), *_blank(may)))),
        note=visit.request.POST.get("note", "") if error else "",
        problem=problem_of(visit, error),
        details=tuple(str(each) for each in error.extra.get("problems", ()))[:20] if error else (),
        versions=sheet(
            "Versions, newest first",
            columns("Version|num", "Note|wrap", "Rules|r", "By", "Age|r"),
            (
                row(
                    str(each.version),
                    Cell(str(each.version), url=paging.link(here, version=each.version)),
                    each.note or "—",
                    number(sum(1 for rule in each.rules if rule.is_on)),
                    who(each.created_by, names),
                    Cell(moment=moment(each.created_at, visit.now), css="num quiet"),
                    is_selected=each.version == shown.version,
                )
                for each in versions
            ),
            title="Versions",
            label="never changed",
        ),
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-rules"}
    return render(visit.request, "console/finance/rules.html", context, status=error.status if error else 200)


def _blank(may: bool) -> tuple[Rule, ...]:
    return (Rule(key="", kind="tolerance", is_on=False),) if may else ()


def _rule_form(at: int, rule: Rule) -> RuleForm:
    def typed(name: str) -> str:
        value = getattr(rule, name)
        return "" if value is None else str(value)

    kinds = options(((kind, RULES[kind]) for kind in KINDS), rule.kind)
    return RuleForm(
        number=at + 1,
        key=rule.key,
        is_on=rule.is_on,
        kind=Ask(f"kind_{at}", "What must agree", options=kinds, is_required=False),
        numbers=tuple(
            Ask(f"{name}_{at}", title, typed(name), type="number", is_required=False, maximum=16)
            for name, title in _NUMBERS
        ),
        words=RULES[rule.kind],
        source=rule.source,
    )


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
def save(visit: Visit, recon_id: str) -> HttpResponseBase:
    """Save the next version of the rules, or try what is typed against history first."""
    is_dry_run = visit.request.POST.get("do") == "dry"
    rules: tuple[Rule, ...] = ()

    def effect() -> Done:
        if is_dry_run:
            run = request_run(
                account_id=recon_id,
                is_dry_run=True,
                rules=rules,
                actor=visit.actor(),
                ws=visit.workspace,
                now=visit.now,
            )
            told = "Nothing is saved: what these rules would change on history is being counted."
            return Done(told, f"{home(visit)}runs/{run.id}/")
        saved = save_rules(
            account_id=recon_id,
            rules=rules,
            note=words(visit, "note"),
            after_version=read_whole(visit.request.POST.get("version", "")) or 0,
            actor=visit.actor(),
            now=visit.now,
        )
        said = f"Version {saved.version} of the rules is saved; the next run goes by it."
        return Done(said, f"{account_url(visit, recon_id)}rules/")

    if not is_dry_run:
        require_step_up(visit.request, visit.now)

    try:
        rules = _typed_rules(visit)
        with tenant_work(visit.workspace):
            hold_membership(member=visit.member)
            return act_once(visit, operation="recon.rules", effect=effect)
    except DomainError as error:
        if error.status == 404:
            raise
        with tenant_work(visit.workspace):
            return _rules_page(visit, recon_id, get_rules(account_id=recon_id), rules=rules, error=error)


def _typed_rules(visit: Visit) -> tuple[Rule, ...]:
    """The rules of the form in the order of its numbers; lines without a key are none."""
    post = visit.request.POST
    found: list[tuple[int, Rule]] = []
    for at in range(MAX_RULES):
        key = post.get(f"key_{at}", "").strip()
        if not key or post.get(f"drop_{at}") == "yes":
            continue
        kind = next((each for each in KINDS if each == post.get(f"kind_{at}")), None)
        if kind is None:
            raise FormIncomplete(f"Say what must agree in the rule “{key[:40]}”.")
        numbers: dict[str, Any] = {name: _number(post.get(f"{name}_{at}", ""), key, title) for name, title in _NUMBERS}
        within = numbers.pop("within_days")
        place = _number(post.get(f"place_{at}", ""), key, "Place") or at + 1
        rule = Rule(
            key=key,
            kind=kind,
            is_on=post.get(f"on_{at}") == "yes",
            within_days=within,
            source=post.get(f"source_{at}", "").strip()[:40],
            **{name: value or 0 for name, value in numbers.items()},
        )
        found.append((place, rule))
    return tuple(rule for _, rule in sorted(found, key=lambda pair: pair[0]))


def _number(text: str, key: str, title: str) -> int | None:
    if not text.strip():
        return None
    value = read_whole(text)
    if value is None:
        raise FormIncomplete(f"“{title}” of the rule “{key[:40]}” is a whole number.")
    return value


# --- what is expected ------------------------------------------------------------------------------------------------


@room(Permission.RECONCILIATION_READ)
def show_expected(visit: Visit) -> HttpResponse:
    """What rails owe us and when it is due."""
    here, after = f"{home(visit)}expected/", asked(visit, "after")
    state = next((key for key, _ in _EXPECTED if key == asked(visit, "state")), None)
    accounts = accounts_by_id()
    last = after if after.startswith("exd_") and len(after) < 40 else None
    kind = wanted(visit)
    page_size = MOST_ROWS if kind else PAGE
    found = list_expected(limit=page_size + 1, state=state, after=last)
    shown = found[:page_size]
    listed = sheet(
        "Expected money, newest first",
        columns("Reference", "State", "From", "To|opt", "Gross|r opt", "Fee|r opt", "Net|r", "Due|r"),
        (
            row(
                each.id,
                Cell(each.reference, url=f"{home(visit)}lines/{each.line_id}/" if each.line_id else ""),
                Cell(mark=_expected_mark(each.state)),
                each.source,
                accounts[each.account_id].name if each.account_id in accounts else "—",
                amount(each.gross_minor),
                amount(each.fee_minor),
                amount(each.amount_minor, each.currency),
                day(each.due_on),
            )
            for each in shown
        ),
        empty_title="Nothing is expected here",
        empty_words="A settlement report says what a rail pays out and when; it stands here until the bank has it.",
        next_url=paging.link(here, state=state, after=shown[-1].id) if len(found) > PAGE else "",
        first_url=paging.link(here, state=state) if after else "",
    )
    if kind:
        return sheet_file(listed, f"expected-{visit.now:%Y-%m-%d}", kind)
    page = FinancePage(
        heading="Expected",
        words="What rails owe us, and when it should arrive.",
        crumbs=crumbs(visit),
        tabs=room_tabs(visit, "expected"),
        filters=(
            Chip("All", here, state is None),
            *(Chip(title, paging.link(here, state=key), key == state) for key, title in _EXPECTED),
        ),
        links=file_links(here, state=state),
        sheets=(*waiting_sheet(visit), listed) if state is None and last is None else (listed,),
    )
    return _render(visit, page)


def _expected_mark(state: str) -> Any:
    marks = {"expected": "pending", "arrived": "matched", "missing": "overdue", "written_off": "reversed"}
    return mark(marks[state], says=state.replace("_", " "))


def _render(visit: Visit, page: FinancePage) -> HttpResponse:
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-runs"}
    return render(visit.request, "console/finance/page.html", context)
