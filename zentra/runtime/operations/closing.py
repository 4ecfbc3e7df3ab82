"""The last stages: synchronized, compared, sealed. And later facts, which make a further revision of the packet."""

from datetime import datetime, timedelta
from typing import Any, Literal

from evidence.operations import NotYetCheckpointed, record_events, seal_packet, sealed_event
from evidence.types import NewEvent
from ledger.queries import entries_of_intent
from zentra.core import actors, clock, queue
from zentra.core.errors import DomainError
from zentra.core.queue import Defer
from zentra.core.tenancy import TenantRef, current_tenant, tenant_work
from zentra.runtime import store
from zentra.runtime.states import END_STATES, Status
from zentra.runtime.types import IntentRecord

UNTIL_SIGNED = timedelta(milliseconds=250)
LONGEST_UNTIL_SIGNED = timedelta(seconds=10)


class NotReconciled(DomainError):
    """Entries, provider outcome and amount are not equal; the intent is not sealed until a person has looked."""

    code = "not_reconciled"
    status = 409
    title = "Entries, provider outcome and amount differ"


def synchronize_intent(
    *, intent_id: str, stream: Literal["synchronized", "degraded"], undelivered: int, now: datetime
) -> bool:
    """Note how the event stream ended and go on to evidence. In the caller's transaction; harmless twice.

    False while the intent's money is still moving: nothing was noted, and it will be asked again.
    """
    intent = store.lock(intent_id)
    now = store.moment_of(intent, now)
    if intent.status in END_STATES and intent.status is not Status.EVIDENCED:
        # Declined or failed: it is sealed without waiting; only how its events arrived is kept up to date.
        store.note(intent, at=now, event_stream=stream, undelivered=undelivered)
        return True
    if intent.status is not Status.ROUTED or not intent.has_settled:
        return intent.status in (Status.SYNCHRONIZED, Status.EVIDENCED)
    said = NewEvent(
        type="money_runtime.synchronized",
        actor=actors.EVENTS,
        intent_id=intent_id,
        trace_id=intent.trace_id,
        data={
            "event_stream": stream,
            "undelivered": undelivered,
            "outcome": intent.outcome,
            "signature": "verified" if intent.callback_id else "not_applicable",
            "callback_id": intent.callback_id,
            "mutations": intent.mutations,
        },
    )
    store.advance(
        intent, Status.SYNCHRONIZED, actor=actors.EVENTS, at=now, event_stream=stream, undelivered=undelivered
    )
    record_events(events=[said], now=now)
    _enqueue("runtime.close", intent_id, now)
    return True


def close_intent(*, intent_id: str, now: datetime) -> None:
    """Compare entries, provider outcome and amount, keep the comparison, and ask for the packet.

    In the caller's transaction; harmless twice. Raises NotReconciled, and the work item stays and says so.
    """
    intent = store.lock(intent_id)
    now = store.moment_of(intent, now)
    if intent.closed_at is not None:
        return
    if intent.status is not Status.SYNCHRONIZED and intent.status not in END_STATES:
        return
    comparison = _compare(intent)
    if not comparison["equal"]:
        raise NotReconciled(f"{intent_id}: {comparison}", **comparison)
    reviewer = intent.reviewed_by
    closed = NewEvent(
        type="review.closed",
        actor=actors.EVIDENCE,
        intent_id=intent_id,
        trace_id=intent.trace_id,
        data={"closed_by": reviewer or actors.EVIDENCE.id, "status": intent.status, "comparison": comparison},
    )
    export = NewEvent(
        type="ledger.export.ready",
        actor=actors.EVIDENCE,
        intent_id=intent_id,
        trace_id=intent.trace_id,
        data={
            "entries": comparison["entries"],
            "posted_minor": comparison["posted_minor"],
            "currency": intent.currency,
        },
    )
    record_events(events=[closed, export], now=now)
    store.note(intent, at=now, closed_at=now)
    _enqueue("runtime.seal", intent_id, now + UNTIL_SIGNED)
    if not intent.has_settled:
        _enqueue("webhooks.check_stream", intent_id, now)


def _compare(intent: IntentRecord) -> dict[str, object]:
    """What was expected beside what stands, per step, in minor units."""
    entries = entries_of_intent(intent_id=intent.intent_id)
    debits = {
        purpose: min((e.amount_minor for e in entries if e.purpose == purpose and e.direction == "debit"), default=0)
        for purpose in ("reserve", "success", "settle", "release")
    }
    expected = _expected(intent)
    sums_to_zero = sum(entry.signed_minor for entry in entries) == 0
    provider_equal = intent.provider_amount_minor in (None, intent.amount_minor)
    return {
        "amount_minor": intent.amount_minor,
        "currency": intent.currency,
        "outcome": intent.outcome,
        "provider_amount_minor": intent.provider_amount_minor,
        "expected_minor": expected,
        "posted_minor": debits,
        "entries": len(entries),
        "sums_to_zero": sums_to_zero,
        "equal": debits == expected and sums_to_zero and provider_equal,
    }


def _expected(intent: IntentRecord) -> dict[str, int]:
    """The amount that each step must have posted for an intent that ended so."""
    reached = {
        "settled": {"reserve", "success", "settle"},
        "nothing": set[str](),
        "released": {"reserve", "release"},
    }
    if intent.has_settled:
        steps = reached["settled"]
    else:
        steps = reached["released"] if intent.reserve_entry_id else reached["nothing"]
    return {s: intent.amount_minor if s in steps else 0 for s in ("reserve", "success", "settle", "release")}


def _until_signed(asked_at: datetime) -> timedelta:
    """A quarter of a second at first, longer the longer it takes: a sealer that is away shall not be hammered for."""
    return min(max((clock.now() - asked_at) / 4, UNTIL_SIGNED), LONGEST_UNTIL_SIGNED)


def seal_intent(*, intent_id: str, ws: TenantRef) -> None:
    """Seal the packet once a signed checkpoint covers the intent's events; then the intent is evidenced.

    The whole of one work item: sealing reads committed, signed leaves, and what follows is one transaction with it.
    Raises Defer until a checkpoint covers them.
    """
    try:
        with tenant_work(ws):
            asked_at = store.get(intent_id).closed_at or clock.now()
            _seal(intent_id, ws, now=clock.now())
    except NotYetCheckpointed as wait:
        raise Defer(clock.now() + _until_signed(asked_at), "waiting for a signed checkpoint") from wait


def _seal(intent_id: str, ws: TenantRef, *, now: datetime) -> None:
    intent = store.lock(intent_id)
    packet = seal_packet(intent_id=intent_id, ws=ws, now=now)
    if packet.revision <= intent.packet_revision:
        return
    facts: dict[str, Any] = {"packet_revision": packet.revision, "packet_sealed_at": now}
    if intent.status is Status.SYNCHRONIZED:
        store.advance(intent, Status.EVIDENCED, actor=actors.EVIDENCE, at=now, **facts)
    else:
        store.note(intent, at=now, **facts)
    record_events(events=[sealed_event(sealed=packet, trace_id=intent.trace_id)], now=now)


def revise_packet(
    *, intent_id: str, now: datetime, undelivered: int | None = None, gather: timedelta = timedelta(0)
) -> None:
    """A later fact (a delivery after sealing, a late callback) makes revision n+1, which names n.

    Facts that come within ``gather`` of the first make one revision together. ``undelivered`` is how many awaited
    deliveries are still missing, when that is what changed.
    """
    intent = store.lock(intent_id)
    if not intent.packet_revision:
        return
    if undelivered is not None:
        stream = "degraded" if undelivered else "synchronized"
        store.note(intent, at=now, event_stream=stream, undelivered=undelivered)
    _enqueue("runtime.seal", intent_id, now + UNTIL_SIGNED + gather)


def _enqueue(kind: str, intent_id: str, due_at: datetime) -> None:
    queue.enqueue(workspace_id=current_tenant().id, kind=kind, ref=intent_id, due_at=due_at, priority=3)
