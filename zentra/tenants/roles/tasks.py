"""What time does to proposals, for each active workspace."""

from zentra.core.clock import now
from zentra.core.queue import periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.roles.operations import expire_changes


@periodic("tenants.roles", every_seconds=300.0)
def end_old_proposals(ws: TenantRef) -> None:
    """End what nobody decided within seven days; harmless twice."""
    with tenant_work(ws):
        expire_changes(workspace=ws, now=now())
