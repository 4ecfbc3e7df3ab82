"""Matches: those that stand, wait for a second person, or were undone, each with what agreed part by part."""

from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import act_once, words
from console.kept import Refused, again, keeping
from console.marks import mark
from console.presenters.finance import facts
from console.presenters.matches import how_words, match_mark, said_of, told_as
from console.presenters.words import dated, grouped
from console.readings.match_forms import match_acts
from console.readings.recon import (
    PAGE,
    ROOM,
    account_chips,
    account_url,
    accounts_by_id,
    crumbs,
    home,
    people,
    room_tabs,
    who,
)
from console.readings.recon_sheets import entries_sheet, lines_sheet, matches_sheet
from console.sheet_files import MOST as MOST_ROWS
from console.sheet_files import file_links, sheet_file, wanted
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Fact, Facts, FinancePage
from console.types.ledger import Figure
from zentra.reconciliation.matching.operations import approve_match, decline_match, keep_match, undo_match
from zentra.reconciliation.matching.queries import get_entries, get_entry, get_match, list_matches, matches_of
from zentra.reconciliation.matching.types import MatchState
from zentra.reconciliation.statements.queries import get_lines, get_reconciled_account
from zentra.tenants.permissions import Permission

_STATES: Final[tuple[tuple[MatchState, str], ...]] = (
    ("proposed", "Wait for a second person"),
    ("confirmed", "Confirmed"),
    ("undone", "Undone"),
    ("declined", "Declined"),
)


@room(Permission.RECONCILIATION_READ)
def show_matches(visit: Visit) -> HttpResponse:
    """Matches, newest first."""
    here, before = f"{home(visit)}matches/", asked(visit, "before")
    state = next((key for key, _ in _STATES if key == asked(visit, "state")), None)
    accounts = accounts_by_id()
    account_id = asked(visit, "account") if asked(visit, "account") in accounts else None
    kind = wanted(visit)
    page_size = MOST_ROWS if kind else PAGE
    found = list_matches(limit=page_size + 1, account_id=account_id, state=state, before=paging.decode(before))
    shown = found[:page_size]
    if kind:
        return sheet_file(matches_sheet(visit, shown), f"matches-{visit.now:%Y-%m-%d}", kind)
    kept = {"account": account_id, "state": state}
    following = paging.encode((shown[-1].made_at, shown[-1].id)) if len(found) > PAGE else ""
    page = FinancePage(
        heading="Matches",
        words="Lines and entries that are the same money.",
        crumbs=crumbs(visit),
        tabs=room_tabs(visit, "matches"),
        filters=(
            Chip("All", paging.link(here, account=account_id), state is None),
            *(Chip(title, paging.link(here, account=account_id, state=key), key == state) for key, title in _STATES),
        ),
        more_filters=account_chips(here, account_id, state=state),
        links=file_links(here, account=account_id, state=state),
        sheets=(
            matches_sheet(
                visit,
                shown,
                next_url=paging.link(here, **kept, before=following) if following else "",
                first_url=paging.link(here, **kept) if before else "",
            ),
        ),
    )
    return _render(visit, page)


@room(Permission.RECONCILIATION_READ)
def show_match(visit: Visit, match_id: str) -> HttpResponse:
    """One match: both sides, what agreed, who made and decided it."""
    return _match_page(visit, None, match_id)


def _match_page(visit: Visit, refused: Refused | None, match_id: str) -> HttpResponse:
    match = get_match(match_id=match_id)
    account = get_reconciled_account(account_id=match.account_id)
    names = people([match.made_by, match.decided_by, match.undone_by, match.undo_asked_by])
    page = FinancePage(
        heading=match.id,
        is_code=True,
        words=f"{how_words(match)} · {account.name}",
        mark=match_mark(match),
        crumbs=crumbs(visit, ("Matches", f"{home(visit)}matches/"), (account.name, account_url(visit, account.id))),
        figures=(
            Figure("lines", grouped(match.line_minor), note=f"{grouped(match.lines)} of statements"),
            Figure("entries", grouped(match.entry_minor), note=f"{grouped(match.entries)} of the ledger"),
            Figure("fee", grouped(match.fee_minor)),
            Figure("difference", grouped(match.difference_minor), level="alert" if match.difference_minor else ""),
        ),
        note=match.reason,
        sheets=(
            lines_sheet(visit, get_lines(line_ids=match.line_ids)),
            entries_sheet(visit, get_entries(entry_ids=match.entry_ids)),
        ),
        facts=(
            Facts("What agreed", _explanation(match.explanation)),
            Facts(
                "Who",
                facts(
                    ("made by", f"{who(match.made_by, names).text}, {dated(match.made_at)} UTC"),
                    ("decided by", _did(match.decided_by, match.decided_at, names)),
                    ("undone by", _did(match.undone_by, match.undone_at, names)),
                    ("undone for", match.undone_reason),
                    ("undoing asked by", _did(match.undo_asked_by, match.undo_asked_at, names)),
                    ("because", match.undo_asked_reason if match.undo_asked_by else ""),
                    ("rules", f"version {match.rules_version}" if match.rules_version else ""),
                    Fact("run", f"…{match.run_id[-8:]}", url=f"{home(visit)}runs/{match.run_id}/")
                    if match.run_id
                    else Fact("run", ""),
                ),
            ),
        ),
        acts=match_acts(visit, match),
    )
    return _render(visit, again(page, refused, at=f"{home(visit)}matches/{match_id}/"))


def _did(actor: dict[str, Any] | None, at: Any, names: Any) -> str:
    return f"{who(actor, names).text}, {dated(at)} UTC" if actor else ""


def _explanation(parts: dict[str, Any]) -> tuple[Fact, ...]:
    said = facts(*((told_as(name), said_of(value)) for name, value in parts.items()))
    return said or (Fact("nothing", "a person said so"),)


@room(Permission.RECONCILIATION_READ)
def show_entry(visit: Visit, entry_id: str) -> HttpResponse:
    """One entry of a reconciled account, and what it was ever matched with."""
    entry = get_entry(entry_id=entry_id)
    account = get_reconciled_account(account_id=entry.account_id)
    bench = f"{account_url(visit, account.id)}workbench/"
    page = FinancePage(
        heading=entry.reference or entry.id,
        words=f"{entry.purpose} · version {grouped(entry.version)} of {account.ledger_account_code}",
        mark=mark("matched") if entry.match_id else mark("unmatched", says="open"),
        crumbs=crumbs(visit, (account.name, account_url(visit, account.id))),
        figures=(
            Figure("amount", grouped(entry.amount_minor), note=entry.currency),
            Figure("effective", f"{entry.effective_on:%Y-%m-%d}", note=f"recorded {dated(entry.recorded_at)} UTC"),
        ),
        links=() if entry.match_id else (Chip("Find its line", f"{bench}?entry={entry.id}&for={entry.id}"),),
        sheets=(matches_sheet(visit, matches_of(entry_id=entry.id), title="Matches"),),
        facts=(
            Facts(
                "Entry",
                facts(
                    Fact(
                        "posting", f"…{entry.posting_id[-8:]}", url=f"{visit.base}ledger/postings/{entry.posting_id}/"
                    ),
                    Fact("intent", entry.intent_id, url=f"{home(visit)}intents/{entry.intent_id}/")
                    if entry.intent_id
                    else Fact("intent", ""),
                    ("batch", entry.batch),
                    *((name.replace("_", " "), str(value)) for name, value in entry.references.items() if value),
                    Fact("id", entry.id, copy=entry.id),
                ),
            ),
        ),
    )
    return _render(visit, page)


@room(Permission.RECONCILIATION_APPROVE, in_transaction=False, step_up=True)
@keeping(_match_page, act="approve")
def approve(visit: Visit, match_id: str) -> HttpResponseBase:
    """Let a proposed match stand, as a second person."""

    def effect() -> str:
        approve_match(match_id=match_id, actor=visit.actor(), now=visit.now)
        return "The match stands."

    return act_once(visit, operation="recon.match.approve", effect=effect, to=f"{home(visit)}matches/{match_id}/")


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(_match_page, act="decline")
def decline(visit: Visit, match_id: str) -> HttpResponseBase:
    """Refuse a proposed match, or withdraw one's own."""
    reason = words(visit, "reason")

    def effect() -> str:
        decline_match(match_id=match_id, actor=visit.actor(), reason=reason, now=visit.now)
        return "The match is declined; its lines and entries are open again."

    return act_once(visit, operation="recon.match.decline", effect=effect, to=f"{home(visit)}matches/{match_id}/")


@room(Permission.RECONCILIATION_MATCH, in_transaction=False, step_up=True)
@keeping(_match_page, act="undo")
def undo(visit: Visit, match_id: str) -> HttpResponseBase:
    """Undo a confirmed match; it stays as history."""
    reason = words(visit, "reason")

    def effect() -> str:
        made = undo_match(match_id=match_id, actor=visit.actor(), reason=reason, now=visit.now)
        if made.state == "confirmed":
            return "It is much money: another person undoes it. Until then it stays matched."
        return "The match is undone; its lines and entries are open again."

    return act_once(visit, operation="recon.match.undo", effect=effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(_match_page, act="keep")
def keep(visit: Visit, match_id: str) -> HttpResponseBase:
    """Leave a match as it is that somebody asked to undo."""
    reason = words(visit, "reason")

    def effect() -> str:
        keep_match(match_id=match_id, actor=visit.actor(), reason=reason, now=visit.now)
        return "The match stays."

    return act_once(visit, operation="recon.match.keep", effect=effect, to=f"{home(visit)}matches/{match_id}/")


def _render(visit: Visit, page: FinancePage) -> HttpResponse:
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-matches"}
    return render(visit.request, "console/finance/page.html", context)
