"""Work of this app: follow the log, deliver, check streams. Each handler opens the workspace itself."""

from datetime import timedelta
from functools import cache
from typing import Final

import structlog

from webhooks.inbound import tasks as _inbound  # noqa: F401  # registers the work of callbacks in
from webhooks.outbound import failing, health, retention, sweeping
from webhooks.outbound.endpoints import forget_expired_secrets
from webhooks.outbound.engine.loop import Engine
from webhooks.outbound.fan_out import FAN_OUT, FannedOut, fan_out
from webhooks.outbound.replays import tasks as _replays  # noqa: F401  # registers the work of replays
from webhooks.outbound.streams import CHECK, check_stream
from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem, handles, periodic
from zentra.core.queue.registry import register_engine
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.errors import IntentNotFound
from zentra.tenants.denials import of_this_workspace

log = structlog.get_logger(__name__)

_BUSY_LOG: Final = timedelta(milliseconds=100)
# The minutes that a worker of the version before, or a mistake, may have left uncounted.
_RECOUNTED: Final = timedelta(hours=2)
_SETTLED: Final = timedelta(minutes=2)
# Older figures of health are kept by the hour.
_BY_THE_MINUTE: Final = timedelta(days=8)


@register_engine
@cache
def delivery_engine() -> Engine:
    """What sends deliveries in this process; their items are in lanes."""
    return Engine()


@handles(FAN_OUT)
def follow_log(_: WorkItem, ws: TenantRef) -> None:
    """Make the deliveries of everything sequenced so far."""
    if _follow_log(ws).is_busy:
        # The worker that holds the cursor may have read the log just before our leaves were added.
        raise Defer(now() + _BUSY_LOG, "another worker follows the log")


@periodic("webhooks.catch_up", every_seconds=5.0)
def catch_up(ws: TenantRef) -> None:
    """Follow the log also when nobody asked: an item lost between two databases costs seconds, not events."""
    _follow_log(ws)


@periodic("webhooks.sweep", every_seconds=30.0)
def sweep(ws: TenantRef) -> None:
    """Give an item to each delivery that is overdue without one: nothing stays because a row was lost elsewhere."""
    with tenant_work(ws):
        sweeping.find_overdue(now=now())
        sweeping.bring_back(now=now())


@periodic("webhooks.probe", every_seconds=10.0)
def probe(ws: TenantRef) -> None:
    """Ask endpoints that were disabled for failing whether they are back; each has its own time for that."""
    with tenant_work(ws):
        failing.send_due_probes(now=now())


@periodic("webhooks.forget_secrets", every_seconds=3600.0)
def forget_secrets(ws: TenantRef) -> None:
    """Delete keys that expired a month ago."""
    with tenant_work(ws):
        forget_expired_secrets(now=now())


@periodic("webhooks.history", every_seconds=3600.0)
def keep_history(ws: TenantRef) -> None:
    """Make the next month's partitions, drop what is too old, and count the last hours' health again from the rows."""
    with tenant_work(ws):
        retention.make_partitions(now=now())
    with tenant_work(ws):
        retention.prune_history(now=now())
    with tenant_work(ws):
        corrected = health.recount_minutes(since=now() - _RECOUNTED, until=now() - _SETTLED)
    with tenant_work(ws):
        health.fold_hours(before=now() - _BY_THE_MINUTE)
    if corrected:
        log.warning("webhooks.health_corrected", minutes=corrected, workspace=ws.slug)


@handles(CHECK)
@of_this_workspace(IntentNotFound)
def check(item: WorkItem, ws: TenantRef) -> None:
    """Decide whether an intent's events have arrived, or look again when that may have changed."""
    with tenant_work(ws):
        again_at = check_stream(intent_id=item.ref, now=now())
    if again_at is not None:
        raise Defer(again_at, "waiting for deliveries")


def _follow_log(ws: TenantRef) -> FannedOut:
    while True:
        with tenant_work(ws):
            done = fan_out(now=now())
        if done.is_busy or not done.has_more:
            return done
