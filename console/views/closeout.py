"""Closeout: the periods, and one of them with its five steps, checklist, exceptions, trial balance and packet."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console.asked import asked
from console.doors import Visit, room
from console.kept import Refused, again
from console.marks import mark
from console.presenters.accounts import person
from console.presenters.closeout import (
    flux_sheet,
    money_reckoning,
    period_mark,
    roll_sheet,
    rules_reckoning,
    steps,
    tasks_sheet,
    tie_reckoning,
    tie_sheet,
)
from console.presenters.finance import amount, columns, day, facts, number, row, sheet
from console.presenters.words import NONE, dated, grouped, moment
from console.readings.closeout import (
    ROOM,
    TABS,
    crumbs,
    home,
    period_acts,
    period_of,
    period_url,
    tabs,
    whose_turn,
    words_of,
)
from console.readings.recon import people
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Act, Ask, Cell, CloseoutPage, Fact, Facts, FinancePage, Reckoning, Sheet
from console.types.ledger import Figure
from console.views.exceptions import difference_words, kind_mark, name_of
from console.views.recon_matches import RULES
from zentra.reconciliation.closeout.queries import (
    customer_money,
    drawn_sample,
    flux,
    get_overview,
    list_aged,
    list_gl_accounts,
    list_in_flight,
    list_late,
    list_overviews,
    list_packets,
    list_periods,
    list_tasks,
    list_tie_outs,
    matched_by_rule,
    period_history,
    roll_forward,
)
from zentra.reconciliation.closeout.types import (
    AuditSample,
    Overview,
    PacketRecord,
    PeriodAct,
    PeriodRecord,
    TieOutRecord,
)
from zentra.reconciliation.matching.desk.queries import list_exceptions
from zentra.reconciliation.matching.desk.types import MOST, ExceptionFilter, ExceptionRecord
from zentra.reconciliation.matching.errors import EntryNotFound
from zentra.reconciliation.matching.queries import get_entries, suggest
from zentra.reconciliation.matching.types import EntryRecord, Suggestion
from zentra.reconciliation.statements.errors import LineNotFound
from zentra.reconciliation.statements.queries import get_lines
from zentra.reconciliation.statements.types import LineRecord
from zentra.tenants.permissions import Permission

SUGGESTED: Final = 12
SAMPLE: Final = 25
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
    shows = {"checklist": _checklist, "exceptions": _exceptions, "trial": _trial, "packet": _packet}
    reckonings, sheets, below, acts, links = shows[tab](visit, period, view)
    page = FinancePage(
        heading=f"Closeout · {period.name}",
        words=words_of(period),
        mark=period_mark(period),
        crumbs=crumbs(visit),
        tabs=tabs(visit, period, tab, view.exceptions),
        facts=(_period_facts(visit, period), _history(period)) if tab == "checklist" else (),
        acts=(*acts, *(period_acts(visit, period, view) if tab == "checklist" else ())),
        side_note=whose_turn(visit, period, people([dict(period.soft_closed_by)] if period.soft_closed_by else []))
        if tab == "checklist"
        else "",
        links=(*links, Chip("Report", f"{period_url(visit, period)}report/")),
    )
    return CloseoutPage(page, steps(view, period_url(visit, period)), tab, reckonings, sheets, below)


Shown = tuple[tuple[Reckoning, ...], tuple[Sheet, ...], tuple[Sheet, ...], tuple[Act, ...], tuple[Chip, ...]]


def _checklist(visit: Visit, period: PeriodRecord, view: Overview) -> Shown:
    del view
    tasks = list_tasks(period_id=period.id, now=visit.now)
    ties = list_tie_outs(period_id=period.id)
    actors = [dict(each.done_by) for each in tasks if each.done_by]
    signers = [dict(signed.by) for tie in ties for signed in tie.sign_offs]
    names = people([*actors, *signers], [each.owner_id for each in tasks])
    link = period_url(visit, period)
    return (
        (),
        (
            tasks_sheet(tasks, names, link=link),
            tie_sheet(ties, names, link),
            *_in_flight(visit, period),
            *_late(visit, period),
        ),
        (),
        (),
        (),
    )


def _in_flight(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
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


def _late(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
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


def _exceptions(visit: Visit, period: PeriodRecord, view: Overview) -> Shown:
    del view
    found = [
        each
        for each in list_exceptions(where=ExceptionFilter(), now=visit.now, order="oldest", limit=MOST)
        if each.happened_on <= period.ends_on
    ]
    ties = list_tie_outs(period_id=period.id)
    until = f"{period.ends_on:%d %B}".lstrip("0")
    here = period_url(visit, period)
    reckonings = tuple(tie_reckoning(tie, until=until, link=here) for tie in _by_size(ties))
    shares = rules_reckoning(matched_by_rule(period_id=period.id), RULES)
    return ((*reckonings[:1], shares, *reckonings[1:]), (_exception_sheet(visit, found),), _aged(visit, period), (), ())


def _by_size(ties: Sequence[TieOutRecord]) -> list[TieOutRecord]:
    return sorted(ties, key=lambda tie: -abs(tie.figures.unexplained_minor))


def _exception_sheet(visit: Visit, found: list[ExceptionRecord]) -> Sheet:
    best = _best(found[:SUGGESTED])

    def cells(each: ExceptionRecord) -> tuple[Cell | str, ...]:
        link = f"{visit.base}reconciliation/exceptions/{each.id}/"
        told = best.get(each.id, "")
        return (
            Cell(mark=kind_mark(each), url=link),
            day(each.happened_on),
            Cell(f"{name_of(each):.48}", css="id", title=name_of(each)),
            amount(each.amount_minor, each.currency),
            difference_words(each),
            Cell(f"{told:.34}" or _expected(each), css="id", title=told),
            Cell("Match" if told else "Explain", url=link),
        )

    return sheet(
        "Exceptions of the period",
        columns("Exception", "Date", "Line", "Minor units|r", "Difference", "Best suggestion", "|fit"),
        (row(each.id, *cells(each)) for each in found),
        empty_title="Nothing is left to resolve",
        empty_words="What banks and rails said of this period pairs with the ledger, or was dealt with.",
        css="period-exceptions",
    )


def _best(found: Sequence[ExceptionRecord]) -> dict[str, str]:
    """``0.62 intent_A7D1``: the best suggestion of each, by what people know the other side by."""
    first = {each.id: hint for each in found if (hint := _first(each)) is not None}
    entries = {each.id: each for each in get_entries(entry_ids=_ids(each.entry_ids for each in first.values()))}
    lines = {each.id: each for each in get_lines(line_ids=_ids(each.line_ids for each in first.values()))}
    told: dict[str, str] = {}
    for each in found:
        hint = first.get(each.id)
        if hint is None:
            continue
        others: list[EntryRecord | LineRecord] = (
            [entries[at] for at in hint.entry_ids if at in entries]
            if each.line_id
            else [lines[at] for at in hint.line_ids if at in lines]
        )
        if others:
            more = f" +{len(others) - 1}" if len(others) > 1 else ""
            told[each.id] = f"{hint.score:.2f} {_known_by(others[0])}{more}"
    return told


def _first(each: ExceptionRecord) -> Suggestion | None:
    try:
        if each.line_id:
            return next(iter(suggest(line_id=each.line_id, limit=1)), None)
        return next(iter(suggest(entry_id=each.entry_id, limit=1)), None) if each.entry_id else None
    except (LineNotFound, EntryNotFound):
        return None


def _ids(groups: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(each for group in groups for each in group))


def _known_by(other: EntryRecord | LineRecord) -> str:
    """An entry's intent or a reference, else the end of its id."""
    intent = other.intent_id if isinstance(other, EntryRecord) else None
    return intent or other.reference or f"…{other.id[-8:]}"


def _expected(each: ExceptionRecord) -> str:
    return "matched once" if each.kind == "duplicate" else NONE


def _aged(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
    found = list_aged(period_id=period.id, now=visit.now)
    if not found:
        return ()
    return (
        sheet(
            "Suspense and aged items",
            columns("What", "Account", "Age", "Count|r", "Minor units|r"),
            (
                row(
                    f"aged-{at}",
                    each.kind.replace("_", " "),
                    Cell(each.account_code, css="id"),
                    "balance" if each.bucket == "balance" else f"{each.bucket} days",
                    number(each.count),
                    amount(each.amount_minor, each.currency),
                )
                for at, each in enumerate(found)
            ),
            title="Suspense and aged items",
        ),
    )


def _trial(visit: Visit, period: PeriodRecord, view: Overview) -> Shown:
    del view
    here = period_url(visit, period)
    at = min(period.ends_at, visit.now)
    return (
        tuple(money_reckoning(each) for each in customer_money(at=at) if each.held_minor or each.owed_minor),
        (
            *_rolls(visit, period),
            flux_sheet(flux(period_id=period.id)),
        ),
        (),
        (),
        (
            Chip("Trial CSV", f"{here}trial-balance.csv", True, key="e"),
            Chip("Trial XLSX", f"{here}trial-balance.xlsx", True),
            Chip("Journal CSV", f"{here}journal.csv", True),
            Chip("Journal XLSX", f"{here}journal.xlsx", True),
        ),
    )


def _rolls(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
    """The trial balance of each currency in which anything is or moved; of all when nothing did."""
    rolls = roll_forward(period_id=period.id)
    there = [
        roll
        for roll in rolls
        if any(row.opening_minor or row.debits_minor or row.credits_minor or row.closing_minor for row in roll.rows)
    ]
    return tuple(roll_sheet(each, visit.base) for each in there or rolls)


def _packet(visit: Visit, period: PeriodRecord, view: Overview) -> Shown:
    del view
    here = period_url(visit, period)
    packets = list_packets(period_id=period.id)
    acts: tuple[Act, ...] = ()
    if visit.may(Permission.CLOSEOUT_PREPARE) and period.state == "closed":
        acts = (
            Act(
                "packet",
                "Seal a packet…",
                f"{here}packets/",
                verb="Seal it",
                is_primary=True,
                shortcut="s",
                words="Trial balance, tie-outs, matches, exceptions, statements, an audit sample. Verifiable offline.",
                asks=(Ask("sample_size", "Postings in the audit sample", str(SAMPLE), type="number", maximum=4),),
            ),
        )
    drawn = _sample_sheet(visit, drawn_sample(period_id=period.id))
    return (), (_packets_sheet(visit, here, packets), drawn, _gl_sheet(visit, here)), (), acts, ()


def _sample_sheet(visit: Visit, sample: AuditSample | None) -> Sheet:
    """The postings that the newest packet took for the auditor."""
    return sheet(
        "Audit sample",
        columns("Place|r fit", "Posting", "Purpose", "Effective, UTC|opt", "Minor units|r", "Hash|opt"),
        (
            row(
                f"sample-{each.place}",
                number(each.place),
                Cell(
                    f"…{each.posting_id[-8:]}",
                    url=f"{visit.base}ledger/postings/{each.posting_id}/",
                    title=each.posting_id,
                ),
                each.purpose,
                Cell(dated(each.effective_at), css="num"),
                amount(each.amount_minor, each.currency),
                Cell(f"{each.digest[:12]}…", css="num quiet", title=each.digest),
            )
            for each in (sample.items if sample else ())
        ),
        title="Audit sample",
        label=f"seed {sample.seed[:12]}… · {grouped(len(sample.items))} of {grouped(sample.population)} postings"
        if sample
        else "",
        empty_title="No sample was drawn yet",
        empty_words="It is drawn when a packet is asked for, by a seed that nobody chooses, and stays with it.",
    )


def _packets_sheet(visit: Visit, here: str, packets: list[PacketRecord]) -> Sheet:
    names = people([dict(each.requested_by) for each in packets])
    marks = {
        "pending": mark("running", says="being sealed"),
        "ready": mark("ready", says="sealed"),
        "failed": mark("failed"),
    }
    return sheet(
        "Packets, newest first",
        columns("Packet", "State", "SHA-256|opt", "Bytes|r opt", "By|opt", "Age|r"),
        (
            row(
                each.id,
                Cell(
                    f"revision {each.revision}",
                    url=f"{here}packets/{each.id}/" if each.state == "ready" else "",
                    note=each.problem,
                ),
                Cell(mark=marks[each.state]),
                Cell(f"{each.sha256[:20]}…" if each.sha256 else NONE, css="num quiet", title=each.sha256),
                number(each.size_bytes),
                Cell(person(dict(each.requested_by), names), css="quiet"),
                Cell(moment=moment(each.created_at, visit.now), css="num quiet"),
            )
            for each in packets
        ),
        title="Closeout packets",
        label="verify with python -m evidence.verifier",
        empty_title="No packet was sealed yet",
        empty_words="A locked period's packet holds everything that an auditor samples, and is verified without us.",
    )


def _gl_sheet(visit: Visit, here: str) -> Sheet:
    del visit
    accounts = list_gl_accounts()
    return sheet(
        "General-ledger accounts",
        columns("Ledger account", "Currency", "General ledger", "Name"),
        (
            row(
                each.ledger_account_id,
                Cell(each.ledger_account_code, url=f"{here}gl/{each.ledger_account_id}/"),
                each.currency,
                Cell(each.gl_code or "not mapped", css="num" if each.gl_code else "quiet"),
                each.gl_name or NONE,
            )
            for each in accounts
        ),
        title="General ledger",
        label=f"{sum(1 for each in accounts if each.gl_code)} of {len(accounts)} mapped",
    )


def _period_facts(visit: Visit, period: PeriodRecord) -> Facts:
    actors = [dict(each) for each in (period.soft_closed_by, period.locked_by) if each]
    if period.request:
        actors.append(dict(period.request.by))
    names = people(actors)
    del visit
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


def _history(period: PeriodRecord) -> Facts:
    acts = period_history(period_id=period.id)
    names = people([dict(each.by) for each in acts])

    def said(each: PeriodAct) -> str:
        return " · ".join(part for part in (person(dict(each.by), names), dated(each.at), each.reason) if part)

    told = (Fact(_ACTS.get(each.act, each.act.replace("_", " ")), said(each)) for each in acts)
    return Facts("History", tuple(told), label="never changed")


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
    _, exceptions, aged, _, _ = _exceptions(visit, period, view)
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
        *exceptions,
        *aged,
        *_rolls(visit, period),
        *_in_flight(visit, period),
        *_late(visit, period),
    )
    report = CloseoutPage(page, steps(view, link), "report", reckonings, sheets)
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "view": report, "room": "closeout-report"}
    return render(visit.request, "console/finance/closeout.html", context)
