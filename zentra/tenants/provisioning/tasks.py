"""What happened to a workspace as a whole is written into its own log."""

from zentra.core.clock import now
from zentra.core.queue import WorkItem, handles
from zentra.core.tenancy import TenantRef
from zentra.tenants.provisioning.lifecycle import RECORD, record_turn


@handles(RECORD)
def record(item: WorkItem, ws: TenantRef) -> None:
    """Record the turn that the item tells of."""
    record_turn(workspace=ws, said=item.ref, now=now())
