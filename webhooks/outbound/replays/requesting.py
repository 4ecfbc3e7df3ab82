"""Putting deliveries back on their way, in the caller's transaction.

Locks are taken in one order, which disabling an endpoint and finishing attempts keep too: endpoints by id, then
deliveries by id. So two replays of overlapping sets, or a replay and a disable, wait for each other and never deadlock.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from django.db import connection

from evidence.operations import record_events
from webhooks.outbound import facts, health
from webhooks.outbound.fan_out import DELIVER, delivery_ref
from webhooks.types import DeliveryState, Trigger
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.queue import lanes
from zentra.core.tenancy import current_tenant

MAX_REASON: Final = 500

_LOCK_ENDPOINTS: Final = """
SELECT e.id FROM webhooks_endpoint e
WHERE e.id IN (SELECT d.endpoint_id FROM webhooks_delivery d WHERE d.id = ANY(%s)) ORDER BY e.id FOR SHARE
"""

_LOCK: Final = """
SELECT d.id, d.endpoint_id, d.event_id, d.event_type, d.intent_id, d.state, d.purpose, d.next_attempt_at,
       d.trigger, d.claimed_until, d.first_due_at, e.state = 'enabled'
FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
WHERE d.id = ANY(%s) ORDER BY d.id FOR UPDATE OF d
"""

# A replayed delivery starts its schedule anew; one that had arrived stays resolved whatever becomes of the replay.
_REQUEST: Final = """
UPDATE webhooks_delivery
SET next_attempt_at = %(now)s, trigger = %(trigger)s, replay_id = coalesce(%(replay_id)s, replay_id), failures = 0,
    first_due_at = coalesce(first_due_at, %(now)s),
    state = CASE WHEN state = 'resolved' THEN state WHEN attempts = 0 THEN 'queued' ELSE 'retrying' END
WHERE id = ANY(%(ids)s)
"""

Skip = Literal["", "in_flight", "disabled", "not_an_event", "changed"]


class ReplayReasonRequired(DomainError):
    """A replay keeps who asked for it and why."""

    code = "replay_reason_required"
    status = 422
    title = "Say why it is sent again"


@dataclass(frozen=True, slots=True)
class Why:
    """On whose word deliveries are sent again: of a person directly (manual), or of a job (replay)."""

    actor: Actor
    reason: str
    trigger: Trigger = "manual"
    replay_id: str | None = None


@dataclass(frozen=True, slots=True)
class Requested:
    """What became of a list of deliveries: those that will be sent, and why the others will not."""

    delivery_ids: tuple[str, ...]
    skipped: dict[str, Skip]
    first_due: tuple[tuple[str, datetime], ...]

    def count(self, *reasons: Skip) -> int:
        """How many were skipped for one of these reasons."""
        return sum(reason in reasons for reason in self.skipped.values())


@dataclass(frozen=True, slots=True)
class _Row:
    """A delivery as the lock finds it."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    intent_id: str | None
    state: DeliveryState
    purpose: str
    next_attempt_at: datetime | None
    trigger: Trigger
    claimed_until: datetime | None
    first_due_at: datetime | None
    is_enabled: bool


def check_reason(reason: str) -> str:
    """The reason as it is kept; raises ReplayReasonRequired."""
    words = reason.strip()[:MAX_REASON]
    if not words:
        raise ReplayReasonRequired
    return words


def request(
    delivery_ids: Collection[str], *, why: Why, now: datetime, states: Collection[DeliveryState] | None = None
) -> Requested:
    """Have these deliveries sent from now on, as far as they can be; each is looked at under its lock.

    With ``states`` only those that are in one of them still. Nobody else's lock may follow in the transaction: what
    is counted for health is the last write (``count_first_due`` with the answer's ``first_due``).
    """
    rows = _lock(sorted({ids.to_uuid(each, prefix="dlv") for each in delivery_ids}))
    verdicts = {row.id: _verdict(row, why, states, now=now) for row in rows}
    chosen = [row for row in rows if not verdicts[row.id]]
    if chosen:
        _mark(chosen, why, now=now)
        _record(chosen, why, now=now)
        _put_on_their_way(chosen, now=now)
    return Requested(
        delivery_ids=tuple(ids.to_public("dlv", row.id) for row in chosen),
        skipped={ids.to_public("dlv", row.id): verdicts[row.id] for row in rows if verdicts[row.id]},
        first_due=tuple((ids.to_public("whe", row.endpoint_id), now) for row in chosen if row.first_due_at is None),
    )


def count_first_due(requested: Requested) -> None:
    """Count what is due for the first time; the last write of its transaction, as health asks for."""
    if requested.first_due:
        health.count_first_due(rows=requested.first_due)


def _lock(keys: list[UUID]) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ENDPOINTS, [keys])
        cursor.execute(_LOCK, [keys])
        return [_Row(*row) for row in cursor.fetchall()]


def _verdict(row: _Row, why: Why, states: Collection[DeliveryState] | None, *, now: datetime) -> Skip:
    """Why a delivery is not sent; empty when it is."""
    if row.purpose != "event":
        return "not_an_event"
    if states is not None and row.state not in states:
        return "changed"
    if not row.is_enabled:
        return "disabled"
    if row.claimed_until is not None and row.claimed_until > now:
        return "in_flight"
    if why.trigger == "replay" and _is_on_its_way(row, now=now):
        return "in_flight"
    return ""


def _is_on_its_way(row: _Row, *, now: datetime) -> bool:
    """Whether it is due, or somebody asked for it just now: a job would only claim another's work as its own.

    Asked by the trigger too, because a job that waited for another's lock has an older ``now`` than it.
    """
    return row.next_attempt_at is not None and (row.next_attempt_at <= now or row.trigger != "auto")


def _mark(rows: Sequence[_Row], why: Why, *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _REQUEST,
            {
                "now": now,
                "trigger": why.trigger,
                "replay_id": ids.to_uuid(why.replay_id, prefix="rpl") if why.replay_id else None,
                "ids": [row.id for row in rows],
            },
        )


def _record(rows: Sequence[_Row], why: Why, *, now: datetime) -> None:
    details: dict[str, object] = {"reason": why.reason, "trigger": why.trigger, "replay_id": why.replay_id}
    record_events(
        events=[
            facts.delivery_event(
                "webhook.replayed",
                delivery_id=ids.to_public("dlv", row.id),
                endpoint_id=ids.to_public("whe", row.endpoint_id),
                event_id=ids.to_public("evt", row.event_id),
                event_type_delivered=row.event_type,
                intent_id=row.intent_id,
                actor=why.actor,
                details=details,
            )
            for row in rows
        ],
        now=now,
    )


def _put_on_their_way(rows: Sequence[_Row], *, now: datetime) -> None:
    """A delivery that waits for a later attempt has a work item already, which is brought forward."""
    items = []
    for row in rows:
        endpoint_id = ids.to_public("whe", row.endpoint_id)
        ref = delivery_ref(endpoint_id=endpoint_id, delivery_id=ids.to_public("dlv", row.id))
        items.append((ref, endpoint_id))
    lanes.hasten(workspace_id=current_tenant().id, kind=DELIVER, items=items, due_at=now)
