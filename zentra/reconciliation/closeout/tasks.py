"""Closeout's background work, for each active workspace."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from evidence.operations import NotYetCheckpointed
from zentra.core import clock
from zentra.core.errors import DomainError
from zentra.core.ids import BadId
from zentra.core.queue import Defer, WorkItem, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout.errors import CloseoutPacketNotFound
from zentra.reconciliation.closeout.operations import (
    ensure_periods,
    fail_packet,
    lock_expired,
    mark_stated_days,
    open_money_days,
    prove_money_day,
    refresh_for_packet,
    refresh_tie_outs,
    seal_requested,
)
from zentra.reconciliation.closeout.operations.money import SETTLING
from zentra.reconciliation.closeout.operations.packets import SEAL
from zentra.reconciliation.closeout.queries import get_packet, get_period, list_expired, watched_periods
from zentra.reconciliation.statements.errors import StatementNotFound
from zentra.reconciliation.statements.queries import get_statement
from zentra.reconciliation.statements.types import PERIODS_WORK
from zentra.tenants.denials import of_this_workspace

_AGAIN: Final = timedelta(seconds=1)


@handles(SEAL)
@of_this_workspace(CloseoutPacketNotFound, BadId)
def seal(item: WorkItem, ws: TenantRef) -> None:
    """Seal a packet; until the log has signed its events, ask again. What refuses it for good is kept with it."""
    try:
        with tenant_work(ws):
            refresh_for_packet(packet_id=item.ref, now=clock.now())
            due = _money_days(get_packet(packet_id=item.ref).period_id)
        _prove(ws, due)
        with tenant_work(ws):
            seal_requested(packet_id=item.ref, now=clock.now())
    except (CloseoutPacketNotFound, BadId):
        raise
    except NotYetCheckpointed as error:
        raise Defer(clock.now() + _AGAIN, "its events are not under a signed checkpoint yet") from error
    except DomainError as error:
        if error.retryable:
            raise
        with tenant_work(ws):
            fail_packet(packet_id=item.ref, problem=error.detail)


@handles(PERIODS_WORK)
@of_this_workspace(StatementNotFound, BadId)
def make_periods_of(item: WorkItem, ws: TenantRef) -> None:
    """A statement is complete: its month, and those since, are there at once."""
    with tenant_work(ws):
        get_statement(statement_id=item.ref)  # of this workspace, else what asked is kept as a denial
        ensure_periods(now=clock.now())
        mark_stated_days(statement_id=item.ref)


@periodic("closeout.periods", every_seconds=600.0)
def make_periods(ws: TenantRef) -> None:
    """A new month is there when it begins."""
    with tenant_work(ws):
        ensure_periods(now=clock.now())


@periodic("closeout.money", every_seconds=20.0)
def prove_customer_money(ws: TenantRef) -> None:
    """Every business day that is over has its proof of customers' money, and a new one when something came late."""
    with tenant_work(ws):
        due = open_money_days(now=clock.now())
    _prove(ws, due)


@periodic("closeout.lock_again", every_seconds=5.0)
def lock_again(ws: TenantRef) -> None:
    """A re-opened period locks when its time is up; what was posted in it meanwhile suspends its signatures."""
    with tenant_work(ws):
        expired = list_expired(now=clock.now())
    for period_id in expired:
        with tenant_work(ws):  # a transaction each, so that no posting waits for more than one
            lock_expired(period_id=period_id, now=clock.now())
        with tenant_work(ws):
            refresh_tie_outs(period_id=period_id, now=clock.now())


@periodic("closeout.tie_out", every_seconds=30.0)
def keep_tied(ws: TenantRef) -> None:
    """What changes after a signature suspends it, whether or not somebody looks."""
    _refresh(ws, is_locked=False)


@periodic("closeout.tie_out_locked", every_seconds=300.0)
def keep_locked_tied(ws: TenantRef) -> None:
    """In a locked period only matches and exceptions can still change: those are looked at less often."""
    _refresh(ws, is_locked=True)


def _money_days(period_id: str) -> list[date]:
    """The days of a period that are to be proven before its packet is sealed; Defer while its last one settles."""
    settled = get_period(period_id=period_id).ends_at + SETTLING
    if clock.now() < settled:
        raise Defer(settled, "the last day of the period is not proven yet")
    return open_money_days(now=clock.now(), period_id=period_id)


def _prove(ws: TenantRef, days: Sequence[date]) -> None:
    for day in days:
        with tenant_work(ws):  # a transaction each: what is done stays done, whenever the process dies
            prove_money_day(day=day, now=clock.now())


def _refresh(ws: TenantRef, *, is_locked: bool) -> None:
    with tenant_work(ws):
        watched = watched_periods(is_locked=is_locked)
    for period_id in watched:
        with tenant_work(ws):  # a transaction each, so that none is long
            refresh_tie_outs(period_id=period_id, now=clock.now())
