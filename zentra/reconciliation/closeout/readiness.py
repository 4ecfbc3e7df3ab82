"""Whether a period may be locked: everything that is left to do, each thing in words.

Looked at twice: thoroughly before postings are held back, and then, while they are, only at what a posting changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ledger.queries import count_postings, has_postings, history_after
from zentra.reconciliation.closeout import calendar
from zentra.reconciliation.closeout.checklist import BEFORE_LOCK, BY_KEY
from zentra.reconciliation.closeout.figures import (
    compute,
    figures_hash,
    figures_json,
    ledger_balances,
    read_figures,
    reconciled_accounts,
)
from zentra.reconciliation.closeout.models import Period, SignOff, TieOut
from zentra.reconciliation.closeout.queries.checklist import list_tasks
from zentra.reconciliation.closeout.store import read_period
from zentra.reconciliation.matching.errors import RunInProgress
from zentra.reconciliation.matching.locks import lock_account
from zentra.reconciliation.statements.types import ReconciledAccountRecord

_NEWEST: Final = 1_000
"""Entries of an account that are looked at; more than that are never left for long."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is missing, in words. ``has_changed``: figures are other ones than those last computed."""

    missing: tuple[str, ...]
    has_changed: bool
    accounts: tuple[ReconciledAccountRecord, ...] = ()
    ledger_minor: Mapping[str, int] | None = None  # by account
    adjustments: int = 0  # postings, all that a softly closed period takes


def look(row: Period, *, now: datetime) -> Readiness:
    """Compute every tie-out again and ask each task. Accounts and tie-outs stay locked: no match changes meanwhile."""
    accounts = reconciled_accounts(row)
    busy = [each for each in accounts if not _hold(each)]
    if busy:
        return Readiness(tuple(f"{each.name} is being matched; wait until that is done." for each in busy), False)
    tie_outs = {
        each.account_id: each
        for each in TieOut.objects.select_for_update().filter(period_id=row.id).order_by("account_id")
    }
    adjustments = count_postings(start=row.starts_at, end=row.ends_at, adjustments=True)
    today = calendar.business_day(at=now, zone=row.time_zone, hour=row.cut_off_hour)
    found = {each.id: figures_json(compute(row, each, today=today)) for each in accounts}
    changed = {
        each.id
        for each in accounts
        if each.id not in tie_outs or tie_outs[each.id].figures_hash != figures_hash(found[each.id])
    }
    missing = [
        *_earlier(row),
        *(f"Entries of {each.name} are not taken over yet; wait for that." for each in _behind(row, accounts)),
        *(words for each in accounts for words in _of_account(each, tie_outs.get(each.id), each.id in changed)),
        *_tasks(row, now),
    ]
    ledger = {key: int(each["ledger_minor"]) for key, each in found.items()}
    return Readiness(tuple(missing), bool(changed), tuple(accounts), ledger, adjustments)


def look_again(row: Period, before: Readiness) -> Readiness:
    """While postings are held back: what has been posted since ``before`` was looked at."""
    now = ledger_balances(before.accounts, before=row.ends_at)
    moved = [each for each in before.accounts if now[each.id] != (before.ledger_minor or {})[each.id]]
    missing = [*_earlier(row), *(_changed(each) for each in moved)]
    # Two that cancel out leave every balance as it was, and are two open entries of an account that was signed.
    has_more = count_postings(start=row.starts_at, end=row.ends_at, adjustments=True) != before.adjustments
    if has_more and not moved:
        missing.append("Adjustments were posted in the meantime; look again.")
    return replace(before, missing=tuple(missing), has_changed=bool(moved) or has_more)


def _behind(row: Period, accounts: Sequence[ReconciledAccountRecord]) -> list[ReconciledAccountRecord]:
    """The accounts with entries before the end of the period that matching has not taken over yet."""
    return [
        each
        for each in accounts
        if each.is_open
        and any(
            entry.effective_at < row.ends_at
            for entry in history_after(
                account_id=each.ledger_account_id, after_version=each.taken_version, limit=_NEWEST
            ).entries
        )
    ]


def _hold(account: ReconciledAccountRecord) -> bool:
    try:
        lock_account(account_id=account.id, waits=False)
    except RunInProgress:
        return False
    return True


def _earlier(row: Period) -> list[str]:
    return [
        f"{read_period(each).name} is not locked."
        for each in Period.objects.filter(starts_on__lt=row.starts_on).exclude(state="closed").order_by("starts_on")
        if has_postings(start=each.starts_at, end=each.ends_at)
    ]


def _of_account(account: ReconciledAccountRecord, tie_out: TieOut | None, has_changed: bool) -> Sequence[str]:
    if tie_out is None:
        return (f"The tie-out of {account.name} is not computed.",)
    if has_changed:
        return (_changed(account),)
    if tie_out.explained_hash != tie_out.figures_hash and not read_figures(tie_out.figures).is_tied:
        return (f"{account.name} is not tied out.",)
    steps = set(
        SignOff.objects.filter(
            tie_out_id=tie_out.id,
            suspended_at__isnull=True,
            figures_hash=tie_out.figures_hash,
            explanation_version=tie_out.explanation_version,
        ).values_list("step", flat=True)
    )
    if tie_out.state != "approved" or steps != {"prepared", "approved"}:
        return (f"The tie-out of {account.name} is not approved.",)
    return ()


def _changed(account: ReconciledAccountRecord) -> str:
    return f"The figures of {account.name} have changed since they were computed."


def _tasks(row: Period, now: datetime) -> list[str]:
    states = {each.key: each for each in list_tasks(period_id=row.id, now=now)}
    open_ones = [states[key] for key in BEFORE_LOCK if key not in states or states[key].state != "done"]
    return [
        f"{BY_KEY[each.key].title}: {each.says}." if each.is_computed else f"{each.title} is not ticked off."
        for each in open_ones
    ]
