"""What time does to limits and lists, for each active workspace: a transaction per batch, safe to repeat."""

from policy.limits.operations import EXPIRED_AT_ONCE, SWEPT_AT_ONCE, expire_reservations, sweep_counters
from policy.lists.operations import expire_items
from zentra.core import clock
from zentra.core.queue import periodic
from zentra.core.tenancy import TenantRef, tenant_work


@periodic("policy.expire", every_seconds=5.0)
def expire(ws: TenantRef) -> None:
    """Say of reservations and of values on lists that their time is over; they stopped counting by themselves."""
    while True:
        with tenant_work(ws.id):
            ended = expire_reservations(now=clock.now())
        if ended < EXPIRED_AT_ONCE:
            break
    with tenant_work(ws.id):
        expire_items(now=clock.now())


@periodic("policy.sweep", every_seconds=600.0)
def sweep(ws: TenantRef) -> None:
    """Take away what no limit counts by any more."""
    while True:
        with tenant_work(ws.id):
            swept = sweep_counters(now=clock.now())
        if swept < SWEPT_AT_ONCE:
            return
