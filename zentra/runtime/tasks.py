"""The runtime's work, by kind. Doing an item twice is harmless."""

from collections.abc import Callable
from functools import wraps

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import actors
from zentra.core.clock import now
from zentra.core.queue import WorkItem, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime import operations, rollups
from zentra.runtime.errors import IntentNotFound

Handler = Callable[[WorkItem, TenantRef], None]


def of_this_workspace(handler: Handler) -> Handler:
    """End an item that names an intent which is not its workspace's, and record that it tried.

    An item is committed with its intent, so one without can only be misdirected: trying again would change nothing.
    """

    @wraps(handler)
    def guarded(item: WorkItem, ws: TenantRef) -> None:
        try:
            handler(item, ws)
        except IntentNotFound as refusal:
            data: dict[str, object] = {"action": item.kind, "ref": item.ref[:80], "code": refusal.code}
            with tenant_work(ws):
                record_events(events=[NewEvent(type="access.denied", actor=actors.RUNTIME, data=data)], now=now())

    return guarded


@handles("runtime.route")
@of_this_workspace
def route(item: WorkItem, ws: TenantRef) -> None:
    """Send a ledgered intent out."""
    operations.route_intent(intent_id=item.ref, ws=ws)


@handles("runtime.ask")
@of_this_workspace
def ask(item: WorkItem, ws: TenantRef) -> None:
    """Ask the rail what became of it."""
    operations.ask_provider(intent_id=item.ref, ws=ws)


@handles("runtime.close")
@of_this_workspace
def close(item: WorkItem, ws: TenantRef) -> None:
    """Compare and ask for the packet."""
    with tenant_work(ws):
        operations.close_intent(intent_id=item.ref, now=now())


@handles("runtime.seal")
@of_this_workspace
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
