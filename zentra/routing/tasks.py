"""Routing's background work."""

from zentra.core.clock import now
from zentra.core.queue import periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import refresh_health


@periodic("routing.health", every_seconds=10)
def measure_rails(ws: TenantRef) -> None:
    """Keep the figures fresh by which rails are chosen."""
    with tenant_work(ws):
        refresh_health(now=now())
