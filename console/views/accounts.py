"""Accounts with their balances, one account with its entries, and the ledger's postings."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.marks import mark
from console.presenters.entries import entry_row, posted_rows
from console.presenters.words import grouped, stamp
from console.shell import build_shell
from console.types import AccountPage, AccountRow, Chip, Proof
from ledger.queries import account_history, find_account, list_accounts, list_balances, list_postings
from ledger.types import AccountRecord, Balances
from zentra.tenants.permissions import Permission

PAGE: Final = 100
ENTRIES: Final = 50


@room(Permission.ACCOUNTS_READ)
def show_accounts(visit: Visit) -> HttpResponse:
    """Accounts, the chart's first."""
    currency = visit.request.GET.get("currency", "")
    before = paging.decode(visit.request.GET.get("before", ""))
    records = list_accounts(limit=PAGE + 1, before=before, currency=currency or None)
    shown, here = records[:PAGE], f"{visit.base}accounts/"
    balances = list_balances(account_ids=[record.id for record in shown])
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(records) > PAGE else ""
    known = dict.fromkeys([visit.workspace.ledger_currency, *sorted({record.currency for record in shown}), currency])
    page = {
        "rows": [_row(visit, record, balances[record.id]) for record in shown if record.id in balances],
        "filters": [
            Chip("All", here, not currency),
            *(Chip(c, paging.link(here, currency=c), c == currency) for c in known if c),
        ],
        "next_url": paging.link(here, currency=currency, before=following) if following else "",
    }
    return render(visit.request, "console/accounts.html", {"shell": build_shell(visit, room="accounts"), "page": page})


def _row(visit: Visit, record: AccountRecord, balances: Balances) -> AccountRow:
    return AccountRow(
        account_id=record.id,
        url=f"{visit.base}accounts/{record.id}/",
        code=record.code,
        name=record.name,
        kind=record.account_type,
        currency=record.currency,
        posted=grouped(balances.posted_minor),
        pending=grouped(balances.pending_minor),
        available=grouped(balances.available_minor),
        state=mark(record.state),
    )


@room(Permission.ACCOUNTS_READ)
def show_account(visit: Visit, account_id: str) -> HttpResponse:
    """One account: its facts, and its entries in order, each with the balance after it."""
    record = find_account(ref=account_id)
    before = visit.request.GET.get("before", "")
    entries = account_history(
        account_id=record.id, limit=ENTRIES + 1, before_version=int(before) if before.isdigit() else None
    )
    balances = list_balances(account_ids=[record.id])[record.id]
    more = entries[ENTRIES - 1].version if len(entries) > ENTRIES else None
    page = AccountPage(
        row=_row(visit, record, balances),
        entries=tuple(entry_row(entry, base=visit.base) for entry in entries[:ENTRIES]),
        facts=(
            Proof("account", record.id, record.id),
            Proof("code", record.code),
            Proof("type", f"{record.account_type} · {record.type}"),
            Proof("normal", record.normal_balance),
            Proof("currency", record.currency),
            Proof("customer", record.customer or "—"),
            Proof("floor", "none" if record.floor_minor is None else grouped(record.floor_minor)),
            Proof("posted", grouped(balances.posted_minor)),
            Proof("pending", grouped(balances.pending_minor)),
            Proof("available", grouped(balances.available_minor)),
            Proof("version", grouped(balances.version)),
            Proof("being placed", f"{grouped(balances.unsequenced)} entries"),
            Proof("opened", stamp(record.created_at)),
        ),
        next_url=paging.link(f"{visit.base}accounts/{record.id}/", before=more) if more else "",
    )
    return render(visit.request, "console/account.html", {"shell": build_shell(visit, room="accounts"), "page": page})


@room(Permission.LEDGER_READ)
def show_ledger(visit: Visit) -> HttpResponse:
    """Entries of the newest postings."""
    before = paging.decode(visit.request.GET.get("before", ""))
    postings = list_postings(limit=ENTRIES + 1, before=before)
    shown = postings[:ENTRIES]
    last = shown[-1].posted if len(postings) > ENTRIES else None
    following = paging.encode((last.recorded_at, last.posting_id)) if last else ""
    page = {
        "entries": [row for posting in shown for row in posted_rows(posting, base=visit.base)],
        "next_url": paging.link(f"{visit.base}ledger/", before=following) if following else "",
    }
    return render(visit.request, "console/entries.html", {"shell": build_shell(visit, room="ledger"), "page": page})
