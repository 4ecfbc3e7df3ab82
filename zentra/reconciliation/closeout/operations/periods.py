"""Periods: made month by month, closed softly, locked. The ledger's own switch is turned in the same transaction."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from evidence.types import NewEvent
from ledger.operations import set_period_state
from ledger.queries import count_postings
from zentra.core import clock, ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.closeout import calendar, readiness
from zentra.reconciliation.closeout.checklist import TASKS
from zentra.reconciliation.closeout.errors import NotReady, SameHand, WrongState
from zentra.reconciliation.closeout.models import Period, Task
from zentra.reconciliation.closeout.operations.tie_outs import refresh_tie_outs, suspend_all
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
    """Take a soft close back: everything is posted again, and no signature stands. Not of one that was locked before.

    Raises PeriodNotFound, StalePeriod, WrongState, CloseoutInvalid (no reason), LedgerBusy, BadId.
    """
    reason = check_reason(reason)
    row = lock_row(period_id, version)
    if row.state != "soft" or row.until is not None:
        raise WrongState("Only a softly closed period that was never locked opens so.", state=row.state)
    suspend_all(period_id=row.id, now=now)
    _switch(row, "open", actor, now)
    row.state, row.soft_closed_by, row.soft_closed_maker, row.soft_closed_at = "open", None, "", None
    add_act(row, "soft_opened", by=actor, now=now, reason=reason)
    return save_period(row, "state", "soft_closed_by", "soft_closed_maker", "soft_closed_at")


@transaction.atomic
def lock_period(*, period_id: str, version: int, actor: Actor, now: datetime) -> PeriodRecord:
    """Let nothing be posted into the period any more. The database holds it. Records ``period.locked``.

    Needs: softly closed by another person; every tie-out tied or explained, and signed by two under the figures of
    now, which are computed again here; every task before the lock done, also the computed ones; earlier periods with
    postings locked. Raises NotReady (``missing`` lists what is left; figures that changed are kept, and suspend their
    signatures, although the rest is undone), SameHand, WrongState, PeriodNotFound, StalePeriod, LedgerBusy, BadId.
    """
    row = lock_row(period_id, version)
    if row.state != "soft":
        raise WrongState(f"The period is {row.state}; it is closed softly first.", state=row.state)
    if actor.maker == row.soft_closed_maker:
        raise SameHand("Who closed the period softly does not lock it.")
    # All that takes time comes before the switch, which holds back every posting of the workspace until we commit.
    counted = count_postings(start=row.starts_at, end=row.ends_at, adjustments=False)
    found = readiness.look(row, now=now)
    _refuse(row, found, now)
    _switch(row, "closed", actor, now)
    # Now nothing is posted any more: what was posted between the look and the switch has moved a balance.
    _refuse(row, readiness.look_again(row, found), now)
    return _locked(row, counted, actor, now, again=False)


@transaction.atomic
def lock_expired(*, period_id: str, now: datetime) -> PeriodRecord | None:
    """Lock a re-opened period whose time is up, whatever was left undone; None when it is not, or not any more.

    What changed suspends its signatures when its tie-outs are refreshed, which the caller does next. Raises
    PeriodNotFound, LedgerBusy, BadId.
    """
    row = lock_row(period_id)
    if row.state != "soft" or row.until is None or row.until > now:
        return None
    counted = count_postings(start=row.starts_at, end=row.ends_at, adjustments=False)
    _switch(row, "closed", RECONCILIATION, now)
    return _locked(row, counted, RECONCILIATION, now, again=True)


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


def _refuse(row: Period, found: readiness.Readiness, now: datetime) -> None:
    """Raise NotReady where something is missing. What was seen to have changed is kept: it suspends its signatures."""
    if not found.missing:
        return
    refusal = NotReady("Something is left to do before the period is locked.", missing=list(found.missing))
    if found.has_changed:
        refusal.leaves = partial(refresh_tie_outs, period_id=row.id, now=now)  # type: ignore[assignment]  # its answer is not read
    raise refusal


def _locked(row: Period, counted: int, actor: Actor, now: datetime, *, again: bool) -> PeriodRecord:
    requested = row.request["by"]["id"] if again and row.request else None
    row.state, row.until, row.request = "closed", None, None
    row.locked_by, row.locked_maker, row.locked_at = actor.as_dict(), actor.maker, now
    found = save_period(row, "state", "until", "request", "locked_by", "locked_maker", "locked_at")
    add_act(row, "locked_again" if again else "locked", by=actor, now=now)
    data = {
        **period_facts(row),
        "state": "closed",
        # A softly closed period takes nothing but adjustments, so that the others were counted before the switch.
        "postings": counted + count_postings(start=row.starts_at, end=row.ends_at, adjustments=True),
        "locked_again": again,
    }
    if requested is not None:
        data["requested_by"] = requested
    record_of_period(row.id, [NewEvent(type="period.locked", actor=actor, data=data)], now=now)
    return found
