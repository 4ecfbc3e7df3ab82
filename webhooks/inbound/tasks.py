"""The work of callbacks in: match what waited, ask rails for what we missed."""

import structlog

from webhooks.inbound.matching import MATCH
from webhooks.inbound.polling import PollInProgress, due_rails, poll_rail
from webhooks.inbound.taking import match_waiting
from zentra.core.clock import now
from zentra.core.queue import WorkItem, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work

log = structlog.get_logger(__name__)


@handles(MATCH)
def match(item: WorkItem, ws: TenantRef) -> None:
    """An attempt began that a callback had named before."""
    match_waiting(workspace=ws, now=now(), reference=item.ref)


@periodic("webhooks.match", every_seconds=5.0)
def match_all(ws: TenantRef) -> None:
    """Match also what was committed side by side with its attempt, so that neither saw the other."""
    match_waiting(workspace=ws, now=now())


@periodic("webhooks.poll", every_seconds=5.0)
def poll_rails(ws: TenantRef) -> None:
    """Ask the rails whose time has come for what we missed."""
    with tenant_work(ws):
        due = due_rails(now=now())
    for rail_id in due:
        try:
            result = poll_rail(rail_id=rail_id, now=now())
        except PollInProgress:
            continue
        if result.error:
            # A rail that is down is told of by its attempts and its health; the next question is put off.
            log.info("rail.poll_failed", workspace=ws.slug, rail_id=rail_id, error=result.error)
