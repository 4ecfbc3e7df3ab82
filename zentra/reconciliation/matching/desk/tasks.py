"""The desk's background work: pairing what was posted, and the watcher."""

from datetime import timedelta
from typing import Final

from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem, enqueue, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching.desk.errors import NoSuchAdjustment
from zentra.reconciliation.matching.desk.operations.adjusting import ADJUSTED
from zentra.reconciliation.matching.desk.pairing import NotTakenYet, account_of_adjustment, pair_adjustment
from zentra.reconciliation.matching.desk.watching import watch
from zentra.reconciliation.matching.taking import take_all
from zentra.reconciliation.matching.types import RUN
from zentra.tenants.denials import of_this_workspace

_A_MOMENT: Final = timedelta(seconds=1)
_MOST_ROUNDS: Final = 20
"""In one beat; after an outage the next beat goes on where this one stopped."""


@handles(ADJUSTED)
@of_this_workspace(NoSuchAdjustment)
def pair_what_was_posted(item: WorkItem, ws: TenantRef) -> None:
    """Match an adjustment with the line and entry it was for; later, while the ledger has not numbered it.

    A run follows whether they became one or not: whoever takes an entry over sees to it that it is asked about.
    """
    moment = now()
    with tenant_work(ws):
        account_id = account_of_adjustment(adjustment_id=item.ref, now=moment)
    take_all(account_id=account_id, ws=ws)
    try:
        with tenant_work(ws):
            pair_adjustment(adjustment_id=item.ref, now=moment)
            enqueue(workspace_id=ws.id, kind=RUN, ref=account_id, due_at=moment)
    except NotTakenYet:
        raise Defer(moment + _A_MOMENT, "entries are not numbered yet") from None


@periodic("recon.watch", every_seconds=2.0)
def watch_intents(ws: TenantRef) -> None:
    """Compare what happened since the last beat."""
    for _ in range(_MOST_ROUNDS):
        with tenant_work(ws):
            done = watch(now=now())
        if not done.more:
            return
