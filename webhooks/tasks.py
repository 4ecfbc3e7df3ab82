"""Work of this app: follow the log, deliver, check streams. Each handler opens the workspace itself."""

import random
from datetime import timedelta
from typing import Final

from webhooks.outbound.delivering import Claim, Wait, claim_delivery, finish_attempt, send_claimed
from webhooks.outbound.fan_out import DELIVER, FAN_OUT, FannedOut, fan_out
from webhooks.outbound.inflight import in_flight
from webhooks.outbound.streams import CHECK, check_stream
from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work

_BUSY_SECONDS: Final = (0.1, 0.4)
_BUSY_LOG: Final = timedelta(milliseconds=100)


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


@handles(DELIVER)
def deliver(item: WorkItem, ws: TenantRef) -> None:
    """Make one attempt; a delivery that needs another keeps this item, put off to its time."""
    endpoint_id, _, delivery_id = item.ref.partition("/")
    with in_flight().slot(endpoint_id) as has_room:
        if not has_room:
            pause = random.uniform(*_BUSY_SECONDS)  # noqa: S311  # spreads work, guards nothing
            raise Defer(now() + timedelta(seconds=pause), "the endpoint is busy")
        _attempt(ws, delivery_id)


@handles(CHECK)
def check(item: WorkItem, ws: TenantRef) -> None:
    """Decide whether an intent's events have arrived, or look again when that may have changed."""
    with tenant_work(ws):
        again_at = check_stream(intent_id=item.ref, now=now())
    if again_at is not None:
        raise Defer(again_at, "waiting for deliveries")


def _attempt(ws: TenantRef, delivery_id: str) -> None:
    with tenant_work(ws):
        claim = claim_delivery(delivery_id=delivery_id, now=now())
    if isinstance(claim, Wait):
        raise Defer(claim.until, claim.reason)
    if isinstance(claim, Claim):
        _send_and_finish(ws, claim)


def _send_and_finish(ws: TenantRef, claim: Claim) -> None:
    sent = send_claimed(claim=claim, now=now())
    in_flight().count_outcome(claim.endpoint_id, succeeded=sent.result.succeeded)
    with tenant_work(ws):
        finished = finish_attempt(claim=claim, sent=sent, now=now())
    if finished.next_attempt_at is not None:
        raise Defer(finished.next_attempt_at, f"attempt {claim.number} failed: {sent.result.error_class}")


def _follow_log(ws: TenantRef) -> FannedOut:
    while True:
        with tenant_work(ws):
            done = fan_out(now=now())
        if done.is_busy or not done.has_more:
            return done
