"""The runtime's work, by kind. Doing an item twice is harmless."""

from zentra.core.clock import now
from zentra.core.queue import WorkItem, handles
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime import operations


@handles("runtime.route")
def route(item: WorkItem, ws: TenantRef) -> None:
    """Send a ledgered intent out."""
    operations.route_intent(intent_id=item.ref, ws=ws)


@handles("runtime.ask")
def ask(item: WorkItem, ws: TenantRef) -> None:
    """Ask the rail what became of it."""
    operations.ask_provider(intent_id=item.ref, ws=ws)


@handles("runtime.close")
def close(item: WorkItem, ws: TenantRef) -> None:
    """Compare and ask for the packet."""
    with tenant_work(ws):
        operations.close_intent(intent_id=item.ref, now=now())


@handles("runtime.seal")
def seal(item: WorkItem, ws: TenantRef) -> None:
    """Seal the packet."""
    operations.seal_intent(intent_id=item.ref, ws=ws)
