"""The runtime's work, by kind. Doing an item twice is harmless."""

from typing import Final

from zentra.core.clock import now
from zentra.core.queue import WorkItem, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime import operations, rollups
from zentra.runtime.errors import IntentNotFound
from zentra.tenants.denials import of_this_workspace

_HERE: Final = of_this_workspace(IntentNotFound)


@handles("runtime.route")
@_HERE
def route(item: WorkItem, ws: TenantRef) -> None:
    """Send a ledgered intent out."""
    operations.route_intent(intent_id=item.ref, ws=ws)


@handles("runtime.ask")
@_HERE
def ask(item: WorkItem, ws: TenantRef) -> None:
    """Ask the rail what became of it."""
    operations.ask_provider(intent_id=item.ref, ws=ws)


@handles("runtime.close")
@_HERE
def close(item: WorkItem, ws: TenantRef) -> None:
    """Compare and ask for the packet."""
    with tenant_work(ws):
        operations.close_intent(intent_id=item.ref, now=now())


@handles("runtime.seal")
@_HERE
def seal(item: WorkItem, ws: TenantRef) -> None:
    """Seal the packet."""
    operations.seal_intent(intent_id=item.ref, ws=ws)


@periodic("runtime.cases", every_seconds=30.0)
def open_cases(ws: TenantRef) -> None:
    """Have a person look at what should have ended by itself; a transaction per kind."""
    with tenant_work(ws):
        operations.sweep_holds(now=now())
    with tenant_work(ws):
        operations.sweep_unknown(now=now())


@periodic("runtime.rollup", every_seconds=1.0)
def follow_leaves(ws: TenantRef) -> None:
    """Keep the figures of the last 24 hours level with the log."""
    with tenant_work(ws):
        rollups.follow_leaves(now=now())


@periodic("runtime.prune_rollup", every_seconds=3600.0)
def prune_rollup(ws: TenantRef) -> None:
    """Drop per-minute rows that no window reaches any more."""
    with tenant_work(ws):
        rollups.prune(now=now())
