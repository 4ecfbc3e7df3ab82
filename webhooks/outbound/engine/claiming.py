"""Claiming deliveries: the right to make one attempt of each, and all that it needs, in one transaction.

A claim names the batch (``claim_id``) and the attempt (its number). Finishing is compare-and-set on both, so that a
worker whose claim ran out, because it was slow or its clock jumped, cannot decide over the work of the next one.
What a dead worker had sent is sent again under the same ``webhook-id``: delivery is at least once.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from evidence.queries import find_events
from webhooks.outbound import directory, health, streams
from webhooks.outbound.directory import EndpointSettings
from webhooks.outbound.engine import attempts
from webhooks.types import DeliveryState, Purpose, Trigger
from zentra.core import canonical, ids
from zentra.core.db.hot import execute_bulk

# Beyond the endpoint's timeout, a claim holds for signing, name look-up and the finishing transaction.
CLAIM_MARGIN: Final = timedelta(seconds=20)
# No claim is longer: one that ends later was written by a clock that has gone back since.
_LONGEST_CLAIM: Final = timedelta(seconds=60)
_LOCKED_FOR_NOW: Final = timedelta(milliseconds=200)

# A row that somebody else is changing at this moment is left for a little later, not waited for.
_SELECT: Final = """
SELECT d.id, d.endpoint_id, d.event_id, d.event_type, d.intent_id, d.state, d.leaf_index, d.leaf_hash, d.attempts,
       d.failures, d.trigger, d.purpose, d.replay_id, d.next_attempt_at, d.claim_id, d.claimed_at, d.claimed_until,
       d.first_due_at, d.resolved_at
  FROM webhooks_delivery d WHERE d.id = ANY(%s::uuid[]) ORDER BY d.id FOR UPDATE SKIP LOCKED
"""

_CLAIM: Final = """
UPDATE webhooks_delivery d
   SET claim_id = %s::uuid, claimed_at = %s::timestamptz, claimed_until = n.claimed_until, attempts = d.attempts + 1
  FROM unnest(%s::uuid[], %s::timestamptz[]) AS n (id, claimed_until) WHERE d.id = n.id
"""

_RELEASE: Final = """
UPDATE webhooks_delivery SET claim_id = NULL, claimed_at = NULL, claimed_until = NULL WHERE id = ANY(%s)
"""

_RETAIN: Final = """
UPDATE webhooks_delivery SET next_attempt_at = NULL, last_error = 'endpoint disabled',
       state = CASE WHEN state = 'resolved' THEN state ELSE 'retained' END
 WHERE id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send before this moment. Not an attempt."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make one attempt, until ``claimed_until``, and all that it needs."""

    delivery_id: str
    id: UUID
    number: int
    trigger: Trigger
    purpose: Purpose
    replay_id: str | None
    failures: int
    first_due_at: datetime | None
    resolved_at: datetime | None
    claimed_until: datetime
    endpoint: EndpointSettings
    event_id: str
    event_type: str
    intent_id: str | None
    leaf_index: int
    leaf_hash: bytes
    body: bytes = field(repr=False)

    @property
    def endpoint_id(self) -> str:
        """Where it goes."""
        return self.endpoint.endpoint_id

    @property
    def is_intact(self) -> bool:
        """Whether the stored bytes still are what was sequenced."""
        return hmac.compare_digest(canonical.leaf_hash(self.body), self.leaf_hash)


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """What became of the deliveries asked for; those in neither have nothing to send."""

    claims: tuple[Claim, ...] = ()
    waits: Mapping[str, Wait] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery as the claim reads it."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    intent_id: str | None
    state: DeliveryState
    leaf_index: int
    leaf_hash: bytes
    attempts: int
    failures: int
    trigger: Trigger
    purpose: Purpose
    replay_id: UUID | None
    next_attempt_at: datetime | None
    claim_id: UUID | None
    claimed_at: datetime | None
    claimed_until: datetime | None
    first_due_at: datetime | None
    resolved_at: datetime | None

    @property
    def key(self) -> str:
        """The public id."""
        return ids.to_public("dlv", self.id)

    @property
    def whe(self) -> str:
        """The endpoint's public id."""
        return ids.to_public("whe", self.endpoint_id)


def claim_deliveries(*, delivery_ids: Sequence[str], now: datetime) -> ClaimedBatch:
    """Claim the next attempt of each of these deliveries, in the caller's transaction.

    Nothing is sent for what is resolved, exhausted, retained, or meant for a disabled endpoint (it is retained then).
    """
    rows = _read(delivery_ids)
    waits = _waits(rows, now=now) | _locked_elsewhere(delivery_ids, rows, now=now)
    due = [row for row in rows if row.next_attempt_at is not None and row.key not in waits]
    lapsed = [row for row in rows if row.claim_id is not None and row.key not in waits]
    settings = directory.settings_of(endpoint_ids=sorted({row.whe for row in (*due, *lapsed)}), now=now)
    sendable = [row for row in due if _may_be_sent(row, settings[row.whe])]
    _retain([row for row in due if row not in sendable], now=now)
    _keep_lost_attempts(lapsed, settings, now=now)
    _release([row for row in lapsed if row not in sendable])
    return ClaimedBatch(claims=tuple(_claim(sendable, settings, now=now)), waits=waits)


def _read(delivery_ids: Sequence[str]) -> list[Row]:
    keys = [ids.to_uuid(each, prefix="dlv") for each in delivery_ids]
    return [Row(*row) for row in execute_bulk(_SELECT, [keys]).fetchall()]


def _waits(rows: Sequence[Row], *, now: datetime) -> dict[str, Wait]:
    waits = {}
    for row in rows:
        if row.claimed_until is not None and now < row.claimed_until <= now + _LONGEST_CLAIM:
            waits[row.key] = Wait(row.claimed_until, "another worker is sending it")
        elif row.next_attempt_at is not None and row.next_attempt_at > now:
            waits[row.key] = Wait(row.next_attempt_at, "not due yet")
    return waits


def _locked_elsewhere(delivery_ids: Sequence[str], rows: Sequence[Row], *, now: datetime) -> dict[str, Wait]:
    """Those whose row is being changed; a delivery that does not exist at all is not waited for."""
    missing = sorted(set(delivery_ids) - {row.key for row in rows})
    if not missing:
        return {}
    with connection.cursor() as cursor:
        keys = [ids.to_uuid(each, prefix="dlv") for each in missing]
        cursor.execute("SELECT id FROM webhooks_delivery WHERE id = ANY(%s)", [keys])
        present = [ids.to_public("dlv", row[0]) for row in cursor.fetchall()]
    return {each: Wait(now + _LOCKED_FOR_NOW, "somebody is changing it") for each in present}


def _may_be_sent(row: Row, settings: EndpointSettings) -> bool:
    """A test, or the probe of a failing endpoint, is sent although the endpoint is disabled."""
    return not settings.removed and (settings.enabled or row.purpose != "event")


def _retain(rows: Sequence[Row], *, now: datetime) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_RETAIN, [[row.id for row in rows]])
    streams.deliveries_settled(intent_ids={row.intent_id for row in rows if row.intent_id is not None}, now=now)


def _release(rows: Sequence[Row]) -> None:
    """End the claims of dead workers on what is not sent any more; else it would look claimed for ever."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [[row.id for row in rows]])


def _keep_lost_attempts(rows: Sequence[Row], settings: Mapping[str, EndpointSettings], *, now: datetime) -> None:
    """Their last claim ran out without a word: whether the consumer got the event is not known, and it says so."""
    if not rows:
        return
    attempts.keep([_lost(row, settings[row.whe].url, now=now) for row in rows], now=now)
    counts = [health.AttemptCount(row.whe, succeeded=False, duration_ms=_lasted(row, now)) for row in rows]
    health.count_attempts(rows=counts, resolved=(), now=now)


def _lasted(row: Row, now: datetime) -> int:
    """Milliseconds that the claim was held: until its end at most, however much later somebody looks."""
    ended = min(now, row.claimed_until or now)
    return max(0, int((ended - (row.claimed_at or ended)).total_seconds() * 1000))


def _lost(row: Row, url: str, *, now: datetime) -> attempts.NewAttempt:
    return attempts.NewAttempt(
        delivery_id=row.key,
        endpoint_id=row.whe,
        number=row.attempts,
        trigger=row.trigger,
        replay_id=None,
        started_at=row.claimed_at or now,
        duration_ms=_lasted(row, now),
        url=url,
        error_class="worker_lost",
        error_detail="the worker ended before it could say what came of the call",
        next_attempt_at=row.next_attempt_at and now,
    )


def _claim(rows: Sequence[Row], settings: Mapping[str, EndpointSettings], *, now: datetime) -> list[Claim]:
    if not rows:
        return []
    claim_id = ids.new_uuid()
    until = {row.id: now + timedelta(seconds=settings[row.whe].timeout_seconds) + CLAIM_MARGIN for row in rows}
    execute_bulk(_CLAIM, [claim_id, now, list(until), list(until.values())])
    event_ids = sorted({ids.to_public("evt", row.event_id) for row in rows})
    bodies = {event.id: event.body for event in find_events(event_ids=event_ids)}
    return [_to_claim(row, claim_id, until[row.id], settings[row.whe], bodies) for row in rows]


def _to_claim(
    row: Row, claim_id: UUID, until: datetime, settings: EndpointSettings, bodies: Mapping[str, Any]
) -> Claim:
    event_id = ids.to_public("evt", row.event_id)
    return Claim(
        delivery_id=row.key,
        id=claim_id,
        number=row.attempts + 1,
        trigger=row.trigger,
        purpose=row.purpose,
        replay_id=ids.to_public("rpl", row.replay_id) if row.replay_id and row.trigger == "replay" else None,
        failures=row.failures,
        first_due_at=row.first_due_at,
        resolved_at=row.resolved_at,
        claimed_until=until,
        endpoint=settings,
        event_id=event_id,
        event_type=row.event_type,
        intent_id=row.intent_id,
        leaf_index=row.leaf_index,
        leaf_hash=bytes(row.leaf_hash),
        # An event that is gone has no bytes, which do not match its leaf hash: it is not sent, and says so.
        body=bodies.get(event_id, b""),
    )
