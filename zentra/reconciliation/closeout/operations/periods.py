"""Periods: made month by month, closed softly, locked. The ledger's own switch is turned in the same transaction."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction

from evidence.types import NewEvent
from ledger.operations import set_period_state
from ledger.queries import count_postings
from zentra.core import clock, ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.closeout import calendar
from zentra.reconciliation.closeout.checklist import TASKS
from zentra.reconciliation.closeout.errors import NotReady, SameHand, WrongState
from zentra.reconciliation.closeout.figures import ledger_balance, reconciled_accounts
from zentra.reconciliation.closeout.models import Period, Task, TieOut
from zentra.reconciliation.closeout.reasons import check_reason
from zentra.reconciliation.closeout.store import (
    add_act,
    period_facts,
    read_period,
    record_of_period,
    rows,
    save_period,
)
from zentra.reconciliation.closeout.store import (
    lock_period as lock_row,
)
from zentra.reconciliation.closeout.types import PeriodRecord
from zentra.tenants.configuration.queries import read_settings

LONGEST_BACK: Final = 36
"""So many months are made at most."""

_FIRST_DAY: Final = """
SELECT least((SELECT min(e.effective_on) FROM recon_entry e), (SELECT min(s.starts_on) FROM recon_statement s))
"""
_MANUAL: Final = tuple(each for each in TASKS if not each.is_computed and each.key != "packet")


def ensure_periods(*, now: datetime) -> list[PeriodRecord]:
    """Make the months from the first one with a statement or a reconciled entry to the one of now; those just made.

    Each begins where the one before ended, in the workspace's time zone and at its cut-off, and gets its checklist.
    Harmless when all are there.
    """
    settings = read_settings(workspace_id=current_tenant().id)
    zone, hour = settings.time_zone, settings.cut_off_hour
    today = calendar.business_day(at=now, zone=zone, hour=hour)
    ((first,),) = rows(_FIRST_DAY, [])
    oldest = (today - timedelta(days=31 * (LONGEST_BACK - 1))).replace(day=1)
    wanted = list(calendar.months_between(first=max(min(first or today, today), oldest), last=today))
    known = {row.starts_on: row for row in Period.objects.all()}
    made = []
    for day in wanted:
        if day not in known:
            row = _make(day, known, zone, hour, now)
            if row is not None:
                known[day] = row
                made.append(read_period(row))
    return made


@transaction.atomic
def soft_close_period(*, period_id: str, version: int, actor: Actor, now: datetime) -> PeriodRecord:
    """From here only adjustments are posted into the period. Records ``period.soft_closed``.

    Raises PeriodNotFound, StalePeriod, WrongState (not open), NotReady (it is not over), LedgerBusy, BadId.
    """
    row = lock_row(period_id, version)
    if row.state != "open":
        raise WrongState(f"The period is {row.state}, not open.", state=row.state)
    if now < row.ends_at:
        raise NotReady("The period is not over yet.", missing=[f"It ends at {clock.iso(row.ends_at)}."])
    _switch(row, "soft", actor, now)
    row.state, row.soft_closed_by, row.soft_closed_maker = "soft", actor.as_dict(), actor.maker
    row.soft_closed_at, row.locked_by, row.locked_maker, row.locked_at = now, None, "", None
    found = save_period(
        row, "state", "soft_closed_by", "soft_closed_maker", "soft_closed_at", "locked_by", "locked_maker", "locked_at"
    )
    add_act(row, "soft_closed", by=actor, now=now)
    data = {**period_facts(row), "state": "soft"}
    record_of_period(row.id, [NewEvent(type="period.soft_closed", actor=actor, data=data)], now=now)
    return found


@transaction.atomic
def soft_open_period(*, period_id: str, reason: str, version: int, actor: Actor, now: datetime) -> PeriodRecord:
    """Take a soft close back: everything is posted again. Not of one that was locked before.

    Raises PeriodNotFound, StalePeriod, WrongState, CloseoutInvalid (no reason), LedgerBusy, BadId.
    """
    check_reason(reason)
    row = lock_row(period_id, version)
    if row.state != "soft" or row.until is not None:
        raise WrongState("Only a softly closed period that was never locked opens so.", state=row.state)
    _switch(row, "open", actor, now)
    row.state, row.soft_closed_by, row.soft_closed_maker, row.soft_closed_at = "open", None, "", None
    add_act(row, "soft_opened", by=actor, now=now, reason=reason)
    return save_period(row, "state", "soft_closed_by", "soft_closed_maker", "soft_closed_at")


@transaction.atomic
def lock_period(*, period_id: str, version: int, actor: Actor, now: datetime) -> PeriodRecord:
    """Let nothing be posted into the period any more. The database holds it. Records ``period.locked``.

    Needs: softly closed by another person; every tie-out approved, of figures whose ledger balance still stands; the
    tasks that people tick off done; earlier periods with postings locked. Raises NotReady (``missing`` lists what is
    left), SameHand, WrongState, PeriodNotFound, StalePeriod, LedgerBusy, BadId.
    """
    row = lock_row(period_id, version)
    if row.state != "soft":
        raise WrongState(f"The period is {row.state}; it is closed softly first.", state=row.state)
    if actor.maker == row.soft_closed_maker:
        raise SameHand("Who closed the period softly does not lock it.")
    # First the switch: it waits for the postings in flight, so that the balances after it are the last ones.
    _switch(row, "closed", actor, now)
    missing = _missing(row)
    if missing:
        raise NotReady("Something is left to do before the period is locked.", missing=missing)
    return _locked(row, actor, now, again=False)


def lock_expired(*, now: datetime) -> list[PeriodRecord]:
    """Lock the re-opened periods whose time is up, whatever was left undone; what changed suspends its signatures."""
    done = []
    for (key,) in rows("SELECT id FROM recon_period WHERE until IS NOT NULL AND until <= %s ORDER BY id", [now]):
        row = lock_row(ids.to_public("prd", key))
        if row.state == "soft" and row.until is not None and row.until <= now:
            _switch(row, "closed", RECONCILIATION, now)
            done.append(_locked(row, RECONCILIATION, now, again=True))
    return done


def _make(day: date, known: dict[date, Period], zone: str, hour: int, now: datetime) -> Period | None:
    before = known.get((day - timedelta(days=1)).replace(day=1))
    after = known.get((day + timedelta(days=31)).replace(day=1))
    month = calendar.month_of(day=day, zone=zone, hour=hour, starts_at=before.ends_at if before else None)
    ends_at = after.starts_at if after else month.ends_at
    if ends_at <= month.starts_at:
        return None
    row, is_made = Period.objects.get_or_create(
        starts_on=month.starts_on,
        defaults={
            "id": ids.new_id("prd"), "ends_on": month.ends_on, "starts_at": month.starts_at, "ends_at": ends_at,
            "time_zone": zone, "cut_off_hour": hour, "created_at": now,
        },
    )  # fmt: skip
    if is_made:
        row.version = 1
        add_act(row, "made", by=RECONCILIATION, now=now)
        Task.objects.bulk_create(
            Task(id=ids.new_id("tsk"), period_id=row.id, key=kind.key, due_on=_due(month.ends_on, kind.due))
            for kind in TASKS
        )
    return row


def _due(day: date, days: int) -> date:
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < 5  # Saturday
    return day


def _switch(row: Period, state: str, actor: Actor, now: datetime) -> None:
    set_period_state(
        period_id=row.id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        before=row.state,  # type: ignore[arg-type]  # held by a constraint
        state=state,  # type: ignore[arg-type]  # ours
        actor=actor,
        now=now,
    )


def _missing(row: Period) -> list[str]:
    """What is left to do before a lock, in words."""
    missing = [
        f"{read_period(earlier).name} is not locked."
        for earlier in Period.objects.filter(starts_on__lt=row.starts_on).exclude(state="closed").order_by("starts_on")
        if count_postings(start=earlier.starts_at, end=earlier.ends_at)
    ]
    tie_outs = {each.account_id: each for each in TieOut.objects.filter(period_id=row.id)}
    for account in reconciled_accounts():
        tie_out = tie_outs.get(account.id)
        if tie_out is None or tie_out.state != "approved":
            missing.append(f"The tie-out of {account.name} is not approved.")
        elif tie_out.figures["ledger_minor"] != ledger_balance(account, before=row.ends_at):
            missing.append(f"The ledger balance of {account.name} has changed since it was signed.")
    done = set(Task.objects.filter(period_id=row.id, done_at__isnull=False).values_list("key", flat=True))
    missing.extend(f"{kind.title} is not ticked off." for kind in _MANUAL if kind.key not in done)
    return missing


def _locked(row: Period, actor: Actor, now: datetime, *, again: bool) -> PeriodRecord:
    requested = row.request["by"]["id"] if again and row.request else None
    row.state, row.until, row.request = "closed", None, None
    row.locked_by, row.locked_maker, row.locked_at = actor.as_dict(), actor.maker, now
    found = save_period(row, "state", "until", "request", "locked_by", "locked_maker", "locked_at")
    add_act(row, "locked_again" if again else "locked", by=actor, now=now)
    data = {
        **period_facts(row),
        "state": "closed",
        "postings": count_postings(start=row.starts_at, end=row.ends_at),
        "locked_again": again,
    }
    if requested is not None:
        data["requested_by"] = requested
    record_of_period(row.id, [NewEvent(type="period.locked", actor=actor, data=data)], now=now)
    return found
