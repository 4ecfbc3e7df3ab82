"""The books as a whole: the trial balance, and whether the ledger is what its entries say."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_moment
from console.doors import Visit, room
from console.forms import act_once
from console.marks import mark
from console.presenters.words import NONE, age, dated, grouped, moment
from console.readings.ledger import names_of
from console.shell import build_shell
from console.types import Chip
from console.types.books import CheckLine, DriftLine, FindingLine, HealthPage, TrialGroup, TrialLine, TrialPage
from console.views.ledger import tabs
from ledger.integrity.types import CHECKS, CheckRunRecord, Finding
from ledger.operations import request_check
from ledger.queries import Basis, TrialBalance, TrialRow, drift_by_currency, list_checks, list_currencies, trial_balance
from ledger.statements import harmless
from ledger.types import Drift
from zentra.core.money import currencies, format_minor
from zentra.tenants.permissions import Permission

RUNS: Final = 12
MOST: Final = 200
_ROWS: Final = 5


# --- the trial balance -----------------------------------------------------------------------------------------------


@room(Permission.LEDGER_READ)
def show_trial(visit: Visit) -> HttpResponse:
    """Every account of a currency in the debit or credit column, now or as of a moment."""
    found, problem = _trial(visit)
    here = f"{visit.base}ledger/trial-balance/"
    basis = found.basis
    kept = {"at": asked(visit, "at"), "basis": asked(visit, "basis")}
    page = TrialPage(
        tabs=tabs(visit, "trial"),
        currencies=tuple(
            Chip(each, paging.link(here, **kept, currency=each), each == found.currency)
            for each in _currencies(visit, found.currency)
        ),
        currency=found.currency,
        at=asked(visit, "at"),
        basis=basis,
        words=f"as of {found.at:%d %b %Y %H:%M:%S} UTC, by {basis} time" if found.at else "now",
        groups=tuple(
            TrialGroup(
                each.type,
                tuple(_row(row, visit.base) for row in _told(each.rows)),
                _amount(each.debit_minor),
                _amount(each.credit_minor),
                _quiet(each.rows),
            )
            for each in found.classes
        ),
        debit=grouped(found.debit_minor),
        credit=grouped(found.credit_minor),
        debit_major=format_minor(found.debit_minor, found.currency),
        tied=mark("sound", says="both columns are equal")
        if found.is_balanced
        else mark("diverged", says=f"differs by {grouped(found.difference_minor)}"),
        csv_url=paging.link(f"{visit.base}ledger/trial-balance.csv", **kept, currency=found.currency),
        problem=problem,
    )
    return render(visit.request, "console/trial.html", {"shell": build_shell(visit, room="ledger"), "page": page})


@room(Permission.LEDGER_READ)
def download_trial(visit: Visit) -> HttpResponse:
    """The same as CSV, with the totals last."""
    found, _ = _trial(visit)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("class", "account_id", "code", "name", "type", "state", "debit_minor", "credit_minor", "currency"))
    for row in found.rows:
        writer.writerow(
            (
                row.type,
                row.account_id,
                harmless(row.account_code),
                harmless(row.account_name),
                row.account_type,
                row.state,
                row.debit_minor,
                row.credit_minor,
                found.currency,
            )
        )
    writer.writerow(("total", "", "", "", "", "", found.debit_minor, found.credit_minor, found.currency))
    name = f"trial-balance-{found.currency}-{found.at or visit.now:%Y%m%dT%H%M%SZ}.csv"
    return HttpResponse(
        text.getvalue().encode(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def _trial(visit: Visit) -> tuple[TrialBalance, str]:
    currency = asked(visit, "currency")
    chosen = currency if currency in currencies() else visit.workspace.ledger_currency
    at: datetime | None = read_moment(asked(visit, "at"))
    problem = "That is no moment: give a day and a time, in UTC." if asked(visit, "at") and at is None else ""
    basis: Basis = "recorded" if asked(visit, "basis") == "recorded" else "effective"
    return trial_balance(currency=chosen, at=at, basis=basis), problem


def _currencies(visit: Visit, chosen: str) -> list[str]:
    return list(dict.fromkeys([visit.workspace.ledger_currency, *list_currencies(), chosen]))


def _row(row: TrialRow, base: str) -> TrialLine:
    return TrialLine(
        account_id=row.account_id,
        url=f"{base}accounts/{row.account_id}/",
        code=row.account_code,
        name=row.account_name if row.account_name != row.account_code else "",
        kind=row.account_type,
        state=mark(row.state) if row.state != "active" else None,
        debit=_amount(row.debit_minor),
        credit=_amount(row.credit_minor),
    )


def _amount(amount: int) -> str:
    return grouped(amount) if amount else ""


def _told(rows: Sequence[TrialRow]) -> list[TrialRow]:
    """The largest balances of a class, in the order of their codes; the file has all of them."""
    largest = sorted(rows, key=lambda row: -row.debit_minor - row.credit_minor)[:MOST]
    return sorted((row for row in largest if row.debit_minor or row.credit_minor), key=lambda row: row.account_code)


def _quiet(rows: Sequence[TrialRow]) -> str:
    """Accounts with nothing on them, and those beyond the largest, are counted, not listed."""
    moved = sum(1 for row in rows if row.debit_minor or row.credit_minor)
    parts = []
    if moved > MOST:
        parts.append(f"the {MOST} largest of {grouped(moved)}; the CSV has all")
    if len(rows) > moved:
        parts.append(f"{grouped(len(rows) - moved)} more with nothing on {'it' if len(rows) - moved == 1 else 'them'}")
    return " · ".join(parts)


# --- health ----------------------------------------------------------------------------------------------------------


@room(Permission.LEDGER_READ)
def show_health(visit: Visit) -> HttpResponse:
    """Drift now, and what the integrity checks found."""
    runs = list_checks(limit=RUNS)
    names = names_of([{"id": run.started_by} for run in runs])
    latest = runs[0] if runs else None
    page = HealthPage(
        tabs=tabs(visit, "health"),
        drift=tuple(_drift(visit, each) for each in drift_by_currency()),
        latest=_check(visit, latest, names) if latest else None,
        findings=tuple(_finding(visit, each) for each in latest.findings) if latest else (),
        checks=tuple(CHECKS.values()),
        runs=tuple(_check(visit, run, names) for run in runs),
        check_url=f"{visit.base}ledger/health/check/" if visit.may(Permission.LEDGER_EXPORT) else "",
        poll_url=f"{visit.base}ledger/health/",
    )
    if visit.is_partial:
        return render(visit.request, "console/parts/health.html", {"page": page})
    return render(visit.request, "console/health.html", {"shell": build_shell(visit, room="ledger"), "page": page})


@room(Permission.LEDGER_EXPORT)
def check_now(visit: Visit) -> HttpResponse:
    """Have the ledger checked by a worker. It reads everything, as an export does, so it takes the same permission."""

    def effect() -> str:
        request_check(started_by=visit.member.user_id, now=visit.now)
        return "The check is asked for: a worker reads the whole ledger in one snapshot and says here what it found."

    return act_once(visit, operation="ledger.check", effect=effect, to=f"{visit.base}ledger/health/")


def _drift(visit: Visit, each: Drift) -> DriftLine:
    is_off = bool(each.drift_minor or each.resum_minor or each.diverging_accounts)
    return DriftLine(
        currency=each.currency,
        url=paging.link(f"{visit.base}accounts/", view="tree", currency=each.currency),
        drift=grouped(each.drift_minor),
        resum=NONE if each.resum_minor is None else grouped(each.resum_minor),
        entries=NONE if each.resum_entries is None else grouped(each.resum_entries),
        accounts=grouped(each.accounts),
        waiting=grouped(each.unsequenced),
        age=f"{age(visit.now - each.resummed_at)} ago" if each.resummed_at else "not yet",
        state=mark("diverged", says="drifts") if is_off else mark("sound", says="level"),
    )


def _check(visit: Visit, run: CheckRunRecord, names: dict[str, str]) -> CheckLine:
    found = sum(finding.count for finding in run.findings)
    said = {"sound": "sound", "diverged": f"{grouped(found)} divergent", "failed": "did not finish"}
    return CheckLine(
        check_id=run.id,
        state=mark(run.state, says=said.get(run.state, run.state)),
        by=names.get(run.started_by, run.started_by),
        postings=grouped(run.postings),
        entries=grouped(run.entries),
        accounts=grouped(run.accounts),
        took=NONE if run.seconds is None else f"{run.seconds:.1f} s",
        moment=moment(run.started_at, visit.now),
        stamp=dated(run.started_at),
    )


def _finding(visit: Visit, finding: Finding) -> FindingLine:
    first = finding.first
    posting, account = first.subject.get("posting_id"), first.subject.get("account_id")
    url = ""
    if isinstance(posting, str) and posting.startswith("posting_"):
        url = f"{visit.base}ledger/postings/{posting}/"
    elif isinstance(account, str) and account.startswith("acct_"):
        url = f"{visit.base}accounts/{account}/"
    return FindingLine(
        title=finding.title,
        count=grouped(finding.count),
        sentences=tuple(row.sentence for row in finding.rows[:_ROWS]),
        url=url,
        subject=" · ".join(f"{name} {value}" for name, value in first.subject.items()),
        expected=" · ".join(f"{name} {value}" for name, value in first.expected.items()),
        found=" · ".join(f"{name} {value}" for name, value in first.found.items()),
    )
