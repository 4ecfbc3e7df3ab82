"""The queue's work of this package: a job that works itself off, one slice a turn."""

from webhooks.outbound.replays.jobs import REPLAY
from webhooks.outbound.replays.queries import ReplayNotFound
from webhooks.outbound.replays.working import work_off_replay
from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem, handles
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import of_this_workspace


@handles(REPLAY)
@of_this_workspace(ReplayNotFound)
def replay(item: WorkItem, ws: TenantRef) -> None:
    """Request the next slice, and put the item off until the one after it is due."""
    with tenant_work(ws):
        again_at = work_off_replay(replay_id=item.ref, now=now())
    if again_at is not None:
        raise Defer(again_at, "the rest of the replay, at its rate")
