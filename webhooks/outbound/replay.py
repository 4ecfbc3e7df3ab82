"""Sending again what a person asks for. The event keeps its id, so a consumer that has it already can tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from evidence.operations import record_events
from webhooks.outbound import facts
from webhooks.outbound.fan_out import DELIVER, delivery_ref
from webhooks.outbound.queries import DeliveryFilter, get_delivery, list_deliveries
from webhooks.types import DeliveryRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.queue import enqueue_many
from zentra.core.tenancy import current_tenant

MAX_AT_ONCE: Final = 500
# After first attempts and the runtime: a large replay must not delay what happens now.
_PRIORITY: Final = 7
_MAX_REASON: Final = 500

# A replayed delivery starts its schedule anew; one that had arrived stays resolved whatever becomes of the replay.
_REQUEST = """
UPDATE webhooks_delivery d
SET next_attempt_at = %(now)s, trigger = 'replay', failures = 0, first_due_at = coalesce(first_due_at, %(now)s),
    state = CASE WHEN d.state IN ('queued', 'resolved') THEN d.state ELSE 'retrying' END
FROM webhooks_endpoint e
WHERE d.id = ANY(%(ids)s) AND e.id = d.endpoint_id AND e.state = 'enabled'
  AND (d.claimed_until IS NULL OR d.claimed_until <= %(now)s)
RETURNING d.id, d.endpoint_id, d.event_id, d.event_type, d.intent_id
"""


class ReplayReasonRequired(DomainError):
    """A replay keeps who asked for it and why."""

    code = "replay_reason_required"
    status = 422
    title = "Say why it is sent again"


class DeliveryNotReplayable(DomainError):
    """The delivery is being sent at this moment, or its endpoint is disabled: enable it first."""

    code = "delivery_not_replayable"
    status = 409
    title = "The delivery cannot be replayed now"


class TooManyDeliveries(DomainError):
    """A replay takes up to 500 deliveries at once."""

    code = "too_many_deliveries"
    status = 422
    title = "Too many deliveries for one replay"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay of many did: how many deliveries were found, and which of them will be sent again."""

    matched: int
    requested: tuple[str, ...]

    @property
    def skipped(self) -> int:
        """Those on their way at this moment, and those of disabled endpoints."""
        return self.matched - len(self.requested)


@dataclass(frozen=True, slots=True)
class _Requested:
    delivery_id: str
    endpoint_id: str
    event_id: str
    event_type: str
    intent_id: str | None


def replay_delivery(*, delivery_id: str, actor: Actor, reason: str, now: datetime) -> DeliveryRecord:
    """Send one delivery again, now.

    Raises:
        ReplayReasonRequired: no reason.
        DeliveryNotFound: no such delivery in this workspace.
        DeliveryNotReplayable: it is in flight, or its endpoint is disabled.
    """
    record = get_delivery(delivery_id=delivery_id)
    if not _request([delivery_id], actor=actor, reason=reason, now=now):
        raise DeliveryNotReplayable(f"{delivery_id} is {record.state} and cannot be sent again at this moment.")
    return get_delivery(delivery_id=delivery_id)


def replay_many(
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    delivery_ids: Sequence[str] | None = None,
    where: DeliveryFilter | None = None,
) -> Replay:
    """Send these deliveries again, or the newest that match a filter, at most 500.

    Raises:
        ReplayReasonRequired: no reason.
        TooManyDeliveries: more than 500 ids.
    """
    if delivery_ids is None:
        found = list_deliveries(where=where or DeliveryFilter(), limit=MAX_AT_ONCE)
        delivery_ids = [row.id for row in found.rows]
    if len(delivery_ids) > MAX_AT_ONCE:
        raise TooManyDeliveries(f"{len(delivery_ids)} is more than {MAX_AT_ONCE}.")
    requested = _request(delivery_ids, actor=actor, reason=reason, now=now)
    return Replay(matched=len(set(delivery_ids)), requested=tuple(requested))


def _request(delivery_ids: Sequence[str], *, actor: Actor, reason: str, now: datetime) -> list[str]:
    words = reason.strip()[:_MAX_REASON]
    if not words:
        raise ReplayReasonRequired
    with transaction.atomic(savepoint=False):
        # Rows are locked in key order, so that two replays of overlapping sets cannot deadlock.
        keys = _lock(sorted(ids.to_uuid(each, prefix="dlv") for each in set(delivery_ids)))
        rows = _mark_requested(keys, now=now)
        _record(rows, actor=actor, reason=words, now=now)
        _enqueue(rows, now=now)
    return [row.delivery_id for row in rows]


def _lock(keys: list[UUID]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM webhooks_delivery WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [keys])
        return [row[0] for row in cursor.fetchall()]


def _mark_requested(keys: list[UUID], *, now: datetime) -> list[_Requested]:
    with connection.cursor() as cursor:
        cursor.execute(_REQUEST, {"now": now, "ids": keys})
        return [
            _Requested(
                ids.to_public("dlv", delivery),
                ids.to_public("whe", endpoint),
                ids.to_public("evt", event),
                kind,
                intent,
            )
            for delivery, endpoint, event, kind, intent in cursor.fetchall()
        ]


def _record(rows: Sequence[_Requested], *, actor: Actor, reason: str, now: datetime) -> None:
    record_events(
        events=[
            facts.delivery_event(
                "webhook.replayed",
                delivery_id=row.delivery_id,
                endpoint_id=row.endpoint_id,
                event_id=row.event_id,
                event_type_delivered=row.event_type,
                intent_id=row.intent_id,
                actor=actor,
                details={"reason": reason},
            )
            for row in rows
        ],
        now=now,
    )


def _enqueue(rows: Sequence[_Requested], *, now: datetime) -> None:
    workspace_id = current_tenant().id
    enqueue_many(
        [
            (
                workspace_id,
                DELIVER,
                delivery_ref(endpoint_id=row.endpoint_id, delivery_id=row.delivery_id),
                now,
                _PRIORITY,
            )
            for row in rows
        ]
    )
