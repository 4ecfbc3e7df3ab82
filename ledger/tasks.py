"""The ledger's background work, for each active workspace."""

from contextlib import suppress
from typing import Final

from ledger.errors import CheckRunning
from ledger.files import tasks as _files  # noqa: F401  # registers the handlers of imports and exports
from ledger.operations import (
    check_monitors,
    expire_holds,
    fold_due,
    is_check_due,
    resum_entries,
    run_check,
    sequence_entries,
)
from ledger.operations.checking import REST_PER_SECOND, SCHEDULE, WORK_KIND
from ledger.operations.sequencing import BATCH
from ledger.operations.turnover import FOLD_BATCH
from ledger.pace import Pace
from zentra.core import actors, clock
from zentra.core.queue import WorkItem, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work

# A re-sum reads every entry: on a large ledger a minute would be no more than the time it takes.
_resum_pace: Final = Pace(rest=REST_PER_SECOND)
EXPIRY_BATCH: Final = 200


@periodic("ledger.sequence", every_seconds=1.0)
def sequence(ws: TenantRef) -> None:
    """Place what waits, a transaction per batch, so that no lock on a hot account's balance is held for long."""
    while True:
        with tenant_work(ws.id):
            placed = sequence_entries(now=clock.now())
        if placed < BATCH:
            return


@periodic("ledger.fold", every_seconds=5.0)
def fold(ws: TenantRef) -> None:
    """Add up what was placed since, for balances as of a moment; a transaction per batch."""
    while True:
        with tenant_work(ws.id):
            folded = fold_due()
        if folded < FOLD_BATCH:
            return


@periodic("ledger.expire", every_seconds=5.0)
def expire(ws: TenantRef) -> None:
    """Give back what is held past its expiry; a transaction per batch, and a crash repeats only what it undid."""
    while True:
        with tenant_work(ws.id):
            ended = expire_holds(now=clock.now(), actor=actors.LEDGER, limit=EXPIRY_BATCH)
        if ended < EXPIRY_BATCH:
            return


@periodic("ledger.resum", every_seconds=60.0)
def resum(ws: TenantRef) -> None:
    """Add up all entries again, once a minute while that is quick; the room shows the result and its age."""
    if not _resum_pace.is_due(ws.id):
        return
    with _resum_pace.measured(ws.id), tenant_work(ws.id):
        resum_entries(now=clock.now())


@periodic("ledger.monitors", every_seconds=1.0)
def watch_balances(ws: TenantRef) -> None:
    """Tell of thresholds that balances crossed, a transaction per round, in sweeps until no monitor is behind."""
    last, is_behind = None, False
    while True:
        with tenant_work(ws.id):
            found = check_monitors(now=clock.now(), after=last)
        last, is_behind = found.last, is_behind or found.is_behind
        if last is None and not is_behind:
            return
        if last is None:
            is_behind = False  # the next sweep says


@periodic("ledger.check", every_seconds=60.0)
def check_when_due(ws: TenantRef) -> None:
    """Check the whole ledger against its entries, hourly while that is quick."""
    with tenant_work(ws.id):
        if not is_check_due(now=clock.now()):
            return
    _check(ws, SCHEDULE)


@handles(WORK_KIND)
def check_on_request(item: WorkItem, ws: TenantRef) -> None:
    """The same check, because a person asked for it."""
    _check(ws, item.ref)


def _check(ws: TenantRef, started_by: str) -> None:
    with suppress(CheckRunning):  # whoever runs it tells its result
        run_check(workspace=ws, started_by=started_by, now=clock.now())
