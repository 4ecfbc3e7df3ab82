"""Closeout's background work, for each active workspace."""

from datetime import timedelta
from typing import Final

from evidence.operations import NotYetCheckpointed
from zentra.core import clock
from zentra.core.ids import BadId
from zentra.core.queue import Defer, WorkItem, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout.errors import CloseoutPacketNotFound
from zentra.reconciliation.closeout.operations import ensure_periods, lock_expired, refresh_tie_outs, seal_requested
from zentra.reconciliation.closeout.operations.packets import SEAL
from zentra.reconciliation.closeout.queries import list_periods
from zentra.tenants.denials import of_this_workspace

_AGAIN: Final = timedelta(seconds=1)
_WATCHED: Final = 4
"""Of so many newest periods the tie-outs are kept current; an older one's when somebody looks at it."""


@handles(SEAL)
@of_this_workspace(CloseoutPacketNotFound, BadId)
def seal(item: WorkItem, ws: TenantRef) -> None:
    """Seal a packet; until the log has signed its events, ask again."""
    try:
        with tenant_work(ws):
            seal_requested(packet_id=item.ref, now=clock.now())
    except NotYetCheckpointed as error:
        raise Defer(clock.now() + _AGAIN, "its events are not under a signed checkpoint yet") from error


@periodic("closeout.periods", every_seconds=600.0)
def make_periods(ws: TenantRef) -> None:
    """A new month is there when it begins."""
    with tenant_work(ws):
        ensure_periods(now=clock.now())


@periodic("closeout.lock_again", every_seconds=5.0)
def lock_again(ws: TenantRef) -> None:
    """A re-opened period locks when its time is up."""
    with tenant_work(ws):
        lock_expired(now=clock.now())


@periodic("closeout.tie_out", every_seconds=30.0)
def keep_tied(ws: TenantRef) -> None:
    """What changes after a signature suspends it, whether or not somebody looks."""
    _refresh(ws, locked=False)


@periodic("closeout.tie_out_locked", every_seconds=300.0)
def keep_locked_tied(ws: TenantRef) -> None:
    """In a locked period only matches and exceptions can still change: those are looked at less often."""
    _refresh(ws, locked=True)


def _refresh(ws: TenantRef, *, locked: bool) -> None:
    with tenant_work(ws):
        newest = [each for each in list_periods(limit=_WATCHED) if (each.state == "closed") == locked]
    for period in newest:
        with tenant_work(ws):  # a transaction each, so that none is long
            refresh_tie_outs(period_id=period.id, now=clock.now())
