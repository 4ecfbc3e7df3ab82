"""Access of staff ends by itself, at its time."""

from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem, handles
from zentra.core.tenancy import TenantRef
from zentra.tenants.denials.tasks import of_this_workspace
from zentra.tenants.staff.errors import StaffGrantNotFound
from zentra.tenants.staff.operations import END_WORK, end_when_over


@handles(END_WORK)
@of_this_workspace(StaffGrantNotFound)
def end_grant(item: WorkItem, ws: TenantRef) -> None:
    """End the grant that the item names, if it did not end before."""
    found = end_when_over(workspace=ws, grant_id=item.ref, now=now())
    if found.ended_at is None:
        raise Defer(found.ends_at, "its time is not over")
