"""One account: what it holds, its course, its entries, what is held on it, its limits, and what people may do."""

from datetime import datetime, timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_moment, read_place
from console.doors import Visit, room
from console.marks import mark
from console.presenters.accounts import Names, figures, history_line, hold_line, monitor_line, person
from console.presenters.plot import draw
from console.presenters.words import NONE, dated, grouped
from console.readings.ledger import account_of, names_of, reconciliation_of
from console.shell import build_shell
from console.types import Chip, Proof
from console.types.ledger import AccountActs, AccountView, AsOfView, Figure, Plot
from ledger.queries import (
    Basis,
    CategoryRecord,
    account_history,
    balance_as_of,
    balance_history,
    find_category,
    list_balances,
    list_holds,
    list_monitors,
)
from ledger.types import AccountRecord, Balances
from zentra.core.money import format_minor
from zentra.tenants.permissions import Permission

ENTRIES: Final = 50
HOLDS: Final = 20
POINTS: Final = 160
_RANGES: Final = (("24h", 1), ("7d", 7), ("30d", 30), ("90d", 90), ("1y", 365))


@room(Permission.ACCOUNTS_READ)
def show_account(visit: Visit, account_id: str) -> HttpResponse:
    """The page of an account, by id or code."""
    record = account_of(account_id)
    page = _page(visit, record)
    return render(visit.request, "console/account.html", {"shell": build_shell(visit, room="accounts"), "page": page})


def _here(visit: Visit, record: AccountRecord, **changes: object) -> str:
    kept = {name: asked(visit, name) for name in ("range", "basis", "at", "by")}
    return paging.link(f"{visit.base}accounts/{record.id}/", **{**kept, **changes})


def _page(visit: Visit, record: AccountRecord) -> AccountView:
    balances = list_balances(account_ids=[record.id])[record.id]
    before = asked(visit, "before")
    entries = account_history(account_id=record.id, limit=ENTRIES + 1, before_version=read_place(before))
    shown = entries[:ENTRIES]
    known = reconciliation_of(entry.intent_id for entry in shown)
    names = names_of([record.state_changed_by, record.limits_changed_by])
    category = find_category(ref=record.category_id) if record.category_id else None
    as_of, problem = _as_of(visit, record)
    return AccountView(
        account_id=record.id,
        code=record.code,
        name=record.name if record.name != record.code else "",
        currency=record.currency,
        state=mark(record.state),
        state_words=_state_words(record, names),
        figures=figures(record, balances),
        facts=_facts(record, balances, category),
        category_url=paging.link(f"{visit.base}accounts/", category=category.code) if category else "",
        plot=_plot(visit, record),
        entries=tuple(
            history_line(entry, base=visit.base, normal=record.normal_balance, reconciliation=known) for entry in shown
        ),
        holds=tuple(
            hold_line(hold, base=visit.base, now=visit.now)
            for hold in list_holds(limit=HOLDS, state="held", account_id=record.id, order="oldest")
        ),
        holds_url=paging.link(f"{visit.base}holds/", account=record.id),
        monitors=tuple(monitor_line(monitor) for monitor in list_monitors(account_id=record.id, limit=HOLDS)),
        acts=_acts(visit, record),
        being_placed=f"{grouped(balances.unsequenced)} more are being numbered" if balances.unsequenced else "",
        floor="" if record.floor_minor is None else str(record.floor_minor),
        ceiling="" if record.ceiling_minor is None else str(record.ceiling_minor),
        floor_words="none" if record.floor_minor is None else grouped(record.floor_minor),
        ceiling_words="none" if record.ceiling_minor is None else grouped(record.ceiling_minor),
        limits_note=_limits_note(record, names),
        as_of=as_of,
        as_of_at=asked(visit, "at"),
        as_of_basis=_basis(asked(visit, "by")),
        problem=problem,
        next_url=_here(visit, record, before=shown[-1].version) if len(entries) > ENTRIES else "",
        first_url=_here(visit, record) if before else "",
    )


def _limits_note(record: AccountRecord, names: Names) -> str:
    if record.sequencing == "deferred":
        return "A deferred account has no limits: its entries are numbered after their commit."
    if record.limits_changed_at is None:
        return ""
    who = person(record.limits_changed_by, names)
    return f"Set by {who}, {dated(record.limits_changed_at)} UTC: “{record.limits_reason}”"


def _state_words(record: AccountRecord, names: Names) -> str:
    if not record.state_changed_at:
        return ""
    return f"{person(record.state_changed_by, names)}, {dated(record.state_changed_at)} UTC: “{record.state_reason}”"


def _facts(record: AccountRecord, balances: Balances, category: CategoryRecord | None) -> tuple[Proof, ...]:
    return (
        Proof("account", record.id, record.id),
        Proof("code", record.code, record.code),
        Proof("type", f"{record.account_type} · {record.type}"),
        Proof("normal", record.normal_balance),
        Proof("category", category.name if category else "none"),
        Proof("currency", record.currency),
        Proof("customer", record.customer or NONE, record.customer or ""),
        Proof("external id", record.external_id or NONE, record.external_id or ""),
        Proof("sequencing", record.sequencing),
        Proof("version", grouped(balances.version)),
        Proof("opened", f"{dated(record.created_at)} UTC"),
    )


def _basis(text: str) -> Basis:
    return "recorded" if text == "recorded" else "effective"


def _plot(visit: Visit, record: AccountRecord) -> Plot:
    """The course over the chosen range, from the account's opening when it is younger."""
    old = visit.now - record.created_at
    fitting = next((key for key, days in _RANGES if old <= timedelta(days=days)), "90d")
    chosen = asked(visit, "range") if asked(visit, "range") in dict(_RANGES) else fitting
    basis = _basis(asked(visit, "basis"))
    start = visit.now - timedelta(days=dict(_RANGES)[chosen])
    opened = record.created_at - timedelta(minutes=10)
    start = _clip(start, opened, visit.now)
    points = balance_history(account_id=record.id, start=start, end=visit.now, points=POINTS, basis=basis)
    drawn = draw(points, currency=record.currency)
    ranges = tuple(Chip(key, _here(visit, record, range=key), key == chosen) for key, _ in _RANGES)
    bases = tuple(
        Chip(word, _here(visit, record, basis="" if word == "effective" else word), word == basis)
        for word in ("effective", "recorded")
    )
    return Plot(
        **{name: getattr(drawn, name) for name in Plot.__slots__ if name not in {"ranges", "bases"}},
        ranges=ranges,
        bases=bases,
    )


def _clip(start: datetime, opened: datetime, now: datetime) -> datetime:
    """Not much before the account was opened: an hour of nothing says as much as a month of it."""
    return max(start, opened) if now - opened < timedelta(days=1) else start


def _as_of(visit: Visit, record: AccountRecord) -> tuple[AsOfView | None, str]:
    text = asked(visit, "at")
    if not text:
        return None, ""
    at = read_moment(text)
    if at is None:
        return None, "That is no moment: give a day and a time, in UTC."
    basis = _basis(asked(visit, "by"))
    if basis == "recorded":
        found = balance_as_of(account_id=record.id, recorded_at=at)
    else:
        found = balance_as_of(account_id=record.id, effective_at=at)
    amounts = (
        ("posted", found.posted_minor),
        ("pending in", found.pending_in_minor),
        ("pending out", -found.pending_out_minor),
        ("available", found.available_minor),
    )
    shown = tuple(
        Figure(label, grouped(amount), f"{format_minor(amount, record.currency)} {record.currency}")
        for label, amount in amounts
    )
    verb = "counted" if basis == "effective" else "were written"
    return AsOfView(f"{grouped(found.entries)} entries that {verb} up to {at:%d %b %Y %H:%M:%S} UTC", shown), ""


def _acts(visit: Visit, record: AccountRecord) -> AccountActs:
    """The forms that this person may use, in this state."""
    here = f"{visit.base}accounts/{record.id}/"
    is_open = record.state != "closed"
    may_freeze = visit.may(Permission.ACCOUNTS_FREEZE) and is_open
    may_manage = visit.may(Permission.ACCOUNTS_MANAGE) and is_open
    may_limit = may_manage and record.sequencing == "immediate"
    return AccountActs(
        freeze=f"{here}freeze/" if may_freeze and record.state == "active" else "",
        unfreeze=f"{here}unfreeze/" if may_freeze and record.state == "frozen" else "",
        close=f"{here}close/" if may_manage else "",
        limits=f"{here}limits/" if may_limit else "",
        monitor=f"{here}monitors/" if may_manage else "",
        unmonitor=f"{here}monitors/remove/" if may_manage else "",
        statement=f"{here}statement/" if visit.may(Permission.LEDGER_READ) else "",
        post=paging.link(f"{visit.base}ledger/post/", account=record.id, currency=record.currency)
        if visit.may(Permission.LEDGER_POST) and record.state == "active"
        else "",
    )
