"""The ledger's background work, for each active workspace."""

from ledger.operations import fold_due, resum_entries, sequence_entries
from ledger.operations.sequencing import BATCH
from ledger.operations.turnover import FOLD_BATCH
from zentra.core import clock
from zentra.core.queue import periodic
from zentra.core.tenancy import TenantRef, tenant_work


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


@periodic("ledger.resum", every_seconds=60.0)
def resum(ws: TenantRef) -> None:
    """Add up all entries again; the room shows the result and its age."""
    with tenant_work(ws.id):
        resum_entries(now=clock.now())
