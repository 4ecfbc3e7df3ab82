"""Following the leaf index: each sequenced event becomes one delivery for each endpoint that wants it.

The cursor's row is the lock and the proof: what lies before ``next_index`` has its deliveries, in the transaction that
moved the cursor. A killed worker leaves both as they were.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from evidence.operations import record_events
from evidence.queries import events_after, leaves_since
from evidence.types import RecordedEvent
from webhooks.outbound import directory, facts, health
from webhooks.outbound.subscription import TEST, is_delivered, wants
from webhooks.types import DeliveryState, EndpointRecord, Purpose
from zentra.core import ids
from zentra.core.queue import lanes
from zentra.core.tenancy import current_tenant

FAN_OUT: Final = "webhooks.fan_out"
DELIVER: Final = "webhooks.deliver"
BATCH: Final = 200
_CURSOR: Final = "fan_out"

_INSERT = """
INSERT INTO webhooks_delivery (id, recorded_at, event_id, event_recorded_at, event_type, leaf_index, leaf_hash,
    endpoint_id, intent_id, state, is_awaited, attempts, failures, next_attempt_at, first_due_at, trigger,
    purpose, last_error)
SELECT n.id, %(now)s, n.event_id, n.event_recorded_at, n.event_type, n.leaf_index, n.leaf_hash, n.endpoint_id,
    n.intent_id, n.state, n.state = 'queued' AND n.purpose = 'event', 0, 0,
    CASE WHEN n.state = 'queued' THEN %(now)s END, CASE WHEN n.state = 'queued' THEN %(now)s END, 'auto',
    n.purpose, ''
FROM unnest(%(id)s::uuid[], %(event_id)s::uuid[], %(event_recorded_at)s::timestamptz[], %(event_type)s::text[],
            %(leaf_index)s::bigint[], %(leaf_hash)s::bytea[], %(endpoint_id)s::uuid[], %(intent_id)s::text[],
            %(state)s::text[], %(purpose)s::text[])
     AS n (id, event_id, event_recorded_at, event_type, leaf_index, leaf_hash, endpoint_id, intent_id, state, purpose)
ON CONFLICT ON CONSTRAINT webhooks_delivery_once DO NOTHING
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class FannedOut:
    """What one batch did. ``is_busy``: another worker follows the log at this moment, and nothing was done."""

    deliveries: int = 0
    next_index: int = 0
    has_more: bool = False
    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class _SequencedEvent:
    index: int
    hash: bytes
    event: RecordedEvent


@dataclass(frozen=True, slots=True)
class _NewDelivery:
    id: str
    leaf: _SequencedEvent
    endpoint: EndpointRecord
    state: DeliveryState
    purpose: Purpose = "event"

    @property
    def ref(self) -> str:
        return delivery_ref(endpoint_id=self.endpoint.id, delivery_id=self.id)


def fan_out(*, now: datetime, upto: int | None = None) -> FannedOut:
    """Make the deliveries of the next batch of leaves, not beyond index ``upto``, in the caller's transaction."""
    next_index = _lock_cursor()
    if next_index is None:
        return FannedOut(is_busy=True)
    leaves = _read_leaves(next_index, upto)
    if not leaves:
        return FannedOut(next_index=next_index)
    created = _insert(_plan(leaves, directory.list_endpoints(), now=now), now=now)
    _announce(created, now=now)
    reached = leaves[-1].index + 1
    _move_cursor(reached)
    health.count_first_due(
        rows=[(each.endpoint.id, now) for each in created if each.state == "queued" and each.purpose == "event"]
    )
    return FannedOut(deliveries=len(created), next_index=reached, has_more=len(leaves) == BATCH)


def has_passed(*, leaf_index: int) -> bool:
    """Whether the deliveries of this leaf exist, as far as anybody wanted any."""
    return next_leaf_index() > leaf_index


def next_leaf_index() -> int:
    """The first leaf that was not fanned out yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_index FROM webhooks_cursor WHERE name = %s", [_CURSOR])
        found = cursor.fetchone()
    return 0 if found is None else int(found[0])


def delivery_ref(*, endpoint_id: str, delivery_id: str) -> str:
    """What a work item says: the endpoint too, so that its in-flight cap can be asked before any query."""
    return f"{endpoint_id}/{delivery_id}"


def _lock_cursor() -> int | None:
    """The cursor, locked until the transaction ends; None when another worker holds it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_cursor (name, next_index) SELECT %s, 0"
            " WHERE NOT EXISTS (SELECT FROM webhooks_cursor WHERE name = %s) ON CONFLICT (name) DO NOTHING",
            [_CURSOR, _CURSOR],
        )
        cursor.execute("SELECT next_index FROM webhooks_cursor WHERE name = %s FOR UPDATE SKIP LOCKED", [_CURSOR])
        found = cursor.fetchone()
    return None if found is None else int(found[0])


def _move_cursor(next_index: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_cursor SET next_index = %s WHERE name = %s", [next_index, _CURSOR])


def _read_leaves(next_index: int, upto: int | None) -> list[_SequencedEvent]:
    """The next batch, with the hashes under which the log holds them, not ones computed from what is stored now."""
    hashes = {leaf.index: leaf.leaf_hash for leaf in leaves_since(index=next_index - 1, limit=BATCH)}
    return [
        _SequencedEvent(index=event.index, hash=hashes[event.index], event=event)
        for event in events_after(index=next_index - 1, limit=BATCH)
        if event.index in hashes and (upto is None or event.index <= upto)
    ]


def _plan(leaves: Sequence[_SequencedEvent], known: Sequence[EndpointRecord], *, now: datetime) -> list[_NewDelivery]:
    return [
        delivery
        for leaf in leaves
        if is_delivered(leaf.event.type)
        for delivery in (_plan_test(leaf, known) if leaf.event.type == TEST else _plan_event(leaf, known, now))
    ]


def _plan_event(leaf: _SequencedEvent, known: Sequence[EndpointRecord], now: datetime) -> Iterator[_NewDelivery]:
    for endpoint in known:
        # One from the future was made before the clock went back; it must not miss what occurs until then.
        is_older = endpoint.created_at < leaf.event.recorded_at or endpoint.created_at > now
        if is_older and wants(endpoint.event_filter, leaf.event.names):
            # A disabled endpoint keeps its rows, so that everything it missed can be replayed.
            state: DeliveryState = "queued" if endpoint.state == "enabled" else "retained"
            yield _NewDelivery(id=ids.new_id("dlv"), leaf=leaf, endpoint=endpoint, state=state)


def _plan_test(leaf: _SequencedEvent, known: Sequence[EndpointRecord]) -> Iterator[_NewDelivery]:
    """To the endpoint that is tried out alone, enabled or not: whether it answers is the question."""
    data: dict[str, Any] = json.loads(leaf.event.body)["data"]
    purpose: Purpose = "probe" if data.get("probe") is True else "test"
    for endpoint in known:
        if endpoint.id == data.get("endpoint_id"):
            yield _NewDelivery(id=ids.new_id("dlv"), leaf=leaf, endpoint=endpoint, state="queued", purpose=purpose)


def _insert(planned: Sequence[_NewDelivery], *, now: datetime) -> list[_NewDelivery]:
    if not planned:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "now": now,
                "id": [ids.to_uuid(each.id, prefix="dlv") for each in planned],
                "event_id": [ids.to_uuid(each.leaf.event.id, prefix="evt") for each in planned],
                "event_recorded_at": [each.leaf.event.recorded_at for each in planned],
                "event_type": [each.leaf.event.type for each in planned],
                "leaf_index": [each.leaf.index for each in planned],
                "leaf_hash": [each.leaf.hash for each in planned],
                "endpoint_id": [ids.to_uuid(each.endpoint.id, prefix="whe") for each in planned],
                "intent_id": [each.leaf.event.intent_id for each in planned],
                "state": [each.state for each in planned],
                "purpose": [each.purpose for each in planned],
            },
        )
        inserted = {ids.to_public("dlv", row[0]) for row in cursor.fetchall()}
    return [each for each in planned if each.id in inserted]


def _announce(created: Sequence[_NewDelivery], *, now: datetime) -> None:
    """Record what was queued, and put the work into the queue, with the rows themselves."""
    queued = [each for each in created if each.state == "queued"]
    if not queued:
        return
    record_events(
        events=[
            facts.delivery_event(
                "webhook.queued",
                delivery_id=each.id,
                endpoint_id=each.endpoint.id,
                event_id=each.leaf.event.id,
                event_type_delivered=each.leaf.event.type,
                intent_id=each.leaf.event.intent_id,
                details={"leaf_index": each.leaf.index},
            )
            for each in queued
        ],
        now=now,
    )
    workspace_id = current_tenant().id
    lanes.enqueue_in_lanes([(workspace_id, DELIVER, each.ref, now, each.endpoint.id) for each in queued])
