"""One attempt to deliver: claim, send, finish. No transaction is open while the endpoint is called.

A claim names the worker (``claim_id``) and the attempt (its number). Finishing is compare-and-set on both, so that a
worker whose claim ran out, because it was slow or its clock jumped, cannot decide over the work of the next one.
What a dead worker had sent is sent again under the same ``webhook-id``: delivery is at least once.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from evidence.operations import record_events
from evidence.queries import find_event
from webhooks import signing
from webhooks.models import Attempt
from webhooks.outbound import directory, endpoints, facts, failing, schedule, streams
from webhooks.outbound.sending import Outgoing, SendResult, send
from webhooks.types import DeliveryState, Trigger
from zentra.core import canonical, ids
from zentra.core.clock import iso
from zentra.core.tenancy import current_tenant

API_VERSION: Final = "v2026.04"
USER_AGENT: Final = f"Zentra-Webhooks/{API_VERSION}"
# Beyond the endpoint's timeout, a claim holds for signing, name look-up and the finishing transaction.
CLAIM_MARGIN: Final = timedelta(seconds=20)

_SELECT = """
SELECT d.endpoint_id, d.event_id, d.event_type, d.intent_id, d.state, d.leaf_index, d.leaf_hash, d.attempts,
       d.failures, d.trigger, d.next_attempt_at, d.claim_id, d.claimed_at, d.claimed_until, d.resolved_at,
       e.state = 'enabled', e.url, e.timeout_seconds
FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
WHERE d.id = %s FOR UPDATE OF d
"""

_CLAIM = """
UPDATE webhooks_delivery SET claim_id = %s, claimed_at = %s, claimed_until = %s, attempts = attempts + 1 WHERE id = %s
"""

_FINISH = """
UPDATE webhooks_delivery
SET state = %s, next_attempt_at = %s, resolved_at = %s, failures = %s, trigger = 'auto',
    claim_id = NULL, claimed_at = NULL, claimed_until = NULL, last_status = %s, last_error = %s
WHERE id = %s AND claim_id = %s AND attempts = %s
"""

_RETAIN = """
UPDATE webhooks_delivery SET next_attempt_at = NULL, last_error = 'endpoint disabled',
       state = CASE WHEN state = 'resolved' THEN state ELSE 'retained' END
WHERE id = %s
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
    failures: int
    resolved_at: datetime | None
    claimed_until: datetime
    endpoint_id: str
    url: str
    timeout_seconds: int
    event_id: str
    event_type: str
    intent_id: str | None
    leaf_index: int
    leaf_hash: bytes
    body: bytes
    keys: directory.SigningKeys

    @property
    def is_intact(self) -> bool:
        """Whether the stored bytes still are what was sequenced."""
        return hmac.compare_digest(canonical.leaf_hash(self.body), self.leaf_hash)


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt that was made: the headers that went out, and what came of it."""

    headers: dict[str, str]
    result: SendResult
    is_signature_verified: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """What the attempt made of its delivery; ``next_attempt_at`` None when nothing more will be sent by itself."""

    state: DeliveryState
    next_attempt_at: datetime | None
    is_superseded: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """A delivery and its endpoint as the claim reads them."""

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
    next_attempt_at: datetime | None
    claim_id: UUID | None
    claimed_at: datetime | None
    claimed_until: datetime | None
    resolved_at: datetime | None
    is_enabled: bool
    url: str
    timeout_seconds: int


def claim_delivery(*, delivery_id: str, now: datetime) -> Claim | Wait | None:
    """Claim the next attempt of a delivery. None when there is nothing to send: resolved, exhausted or retained."""
    row = _read(delivery_id)
    if row is None or row.next_attempt_at is None:
        return None
    if row.claimed_until is not None and row.claimed_until > now:
        return Wait(row.claimed_until, "another worker is sending it")
    if row.next_attempt_at > now:
        return Wait(row.next_attempt_at, "not due yet")
    if not row.is_enabled:
        _retain(delivery_id, row, now=now)
        return None
    if row.claim_id is not None:
        _keep_lost_attempt(delivery_id, row, now=now)
    return _claim(delivery_id, row, now=now)


def send_claimed(*, claim: Claim, now: datetime) -> Sent:
    """Verify what is stored, sign it, verify the signature, and call the endpoint. Outside any transaction."""
    if not claim.is_intact:
        # Bytes that are not what was sealed must not leave under our signature.
        detail = "the stored bytes do not match their leaf hash"
        refused = SendResult(started_at=now, duration_ms=0, error_class="tampered", error_detail=detail)
        return Sent(headers={}, result=refused, is_signature_verified=False)
    signature = signing.sign(message_id=claim.event_id, signed_at=now, body=claim.body, secrets=claim.keys.signing)
    signing.verify(headers=signature, body=claim.body, secrets=claim.keys.verifying, now=now)
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **signature,
        "zentra-version": API_VERSION,
        "zentra-sequence": str(claim.leaf_index),
        "zentra-attempt": str(claim.number),
    }
    result = send(
        Outgoing(
            url=claim.url,
            headers=headers,
            body=claim.body,
            timeout_seconds=claim.timeout_seconds,
            allow_local=directory.allows_local(),
            started_at=now,
        )
    )
    return Sent(headers=headers, result=result, is_signature_verified=True)


def finish_attempt(*, claim: Claim, sent: Sent, now: datetime) -> Finished:
    """Keep the attempt and move the delivery on, if the claim still holds.

    The endpoint's row is locked before the delivery's, as disabling does it.
    """
    result = sent.result
    failing.note_outcomes(
        endpoint_id=claim.endpoint_id,
        succeeded=int(result.succeeded),
        failed=int(not result.succeeded),
        last_error=result.error_detail or str(result.error_class),
        now=now,
    )
    finished = _decide(claim, result, now=now)
    if not _compare_and_set(claim, finished, result, now=now):
        finished = Finished(state=finished.state, next_attempt_at=None, is_superseded=True)
    _keep_attempt(claim, sent, finished, now=now)
    if finished.is_superseded:
        return finished
    _record(claim, sent, finished, now=now)
    if result.is_gone:
        endpoints.disable_gone_endpoint(endpoint_id=claim.endpoint_id, now=now)
    if claim.intent_id is not None and finished.next_attempt_at is None:
        streams.delivery_settled(intent_id=claim.intent_id, now=now)
    return finished


def _read(delivery_id: str) -> _Row | None:
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, [ids.to_uuid(delivery_id, prefix="dlv")])
        found = cursor.fetchone()
    return None if found is None else _Row(*found)


def _claim(delivery_id: str, row: _Row, *, now: datetime) -> Claim:
    claim_id = ids.new_uuid()
    claimed_until = now + timedelta(seconds=row.timeout_seconds) + CLAIM_MARGIN
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [claim_id, now, claimed_until, ids.to_uuid(delivery_id, prefix="dlv")])
    endpoint_id = ids.to_public("whe", row.endpoint_id)
    event = find_event(event_id=ids.to_public("evt", row.event_id))
    return Claim(
        delivery_id=delivery_id,
        id=claim_id,
        number=row.attempts + 1,
        trigger=row.trigger,
        failures=row.failures,
        resolved_at=row.resolved_at,
        claimed_until=claimed_until,
        endpoint_id=endpoint_id,
        url=row.url,
        timeout_seconds=row.timeout_seconds,
        event_id=event.id,
        event_type=row.event_type,
        intent_id=row.intent_id,
        leaf_index=row.leaf_index,
        leaf_hash=bytes(row.leaf_hash),
        body=event.body,
        keys=directory.signing_keys(endpoint_id=endpoint_id, now=now),
    )


def _decide(claim: Claim, result: SendResult, *, now: datetime) -> Finished:
    if result.succeeded:
        return Finished("resolved", None)
    if claim.resolved_at is not None:
        # A replay of what arrived before: its failure takes nothing back, and nobody asked for more than one try.
        return Finished("resolved", None)
    if result.is_gone or result.error_class == "tampered":
        return Finished("retained", None)
    again = schedule.next_attempt_at(
        failures=claim.failures + 1,
        mode=current_tenant().mode,
        retry_after_seconds=result.retry_after_seconds,
        now=now,
    )
    return Finished("exhausted", None) if again is None else Finished("retrying", again)


def _compare_and_set(claim: Claim, finished: Finished, result: SendResult, *, now: datetime) -> bool:
    resolved_at = (claim.resolved_at or now) if finished.state == "resolved" else None
    with connection.cursor() as cursor:
        cursor.execute(
            _FINISH,
            [
                finished.state,
                finished.next_attempt_at,
                resolved_at,
                0 if result.succeeded else claim.failures + 1,
                result.status,
                "" if result.succeeded else (result.error_detail or str(result.error_class)),
                ids.to_uuid(claim.delivery_id, prefix="dlv"),
                claim.id,
                claim.number,
            ],
        )
        return int(cursor.rowcount) == 1


def _keep_attempt(claim: Claim, sent: Sent, finished: Finished, *, now: datetime) -> None:
    result = sent.result
    Attempt.objects.create(
        id=ids.new_id("att"),
        recorded_at=now,
        delivery_id=claim.delivery_id,
        endpoint_id=claim.endpoint_id,
        number=claim.number,
        trigger=claim.trigger,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        url=claim.url,
        request_headers=sent.headers,
        response_status=result.status,
        # jsonb holds no NUL.
        response_headers=[[name, value.replace("\x00", "")] for name, value in result.headers],
        response_body=result.body,
        is_truncated=result.is_truncated,
        error_class=result.error_class,
        error_detail=result.error_detail.replace("\x00", ""),
        next_attempt_at=finished.next_attempt_at,
        is_signature_verified=sent.is_signature_verified,
        is_superseded=finished.is_superseded,
    )


def _keep_lost_attempt(delivery_id: str, row: _Row, *, now: datetime) -> None:
    """The last claim ran out without a word: whether the consumer got the event is not known, and it says so."""
    started_at = row.claimed_at or now
    Attempt.objects.create(
        id=ids.new_id("att"),
        recorded_at=now,
        delivery_id=delivery_id,
        endpoint_id=ids.to_public("whe", row.endpoint_id),
        number=row.attempts,
        trigger=row.trigger,
        started_at=started_at,
        duration_ms=int((now - started_at).total_seconds() * 1000),
        url=row.url,
        error_class="worker_lost",
        error_detail="the worker ended before it could say what came of the call",
        next_attempt_at=now,
        is_signature_verified=False,
    )


def _retain(delivery_id: str, row: _Row, *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_RETAIN, [ids.to_uuid(delivery_id, prefix="dlv")])
    if row.intent_id is not None:
        streams.delivery_settled(intent_id=row.intent_id, now=now)


def _record(claim: Claim, sent: Sent, finished: Finished, *, now: datetime) -> None:
    result = sent.result
    event_type = "webhook.delivered" if result.succeeded else f"webhook.{finished.state}"
    if event_type == "webhook.resolved":
        return  # a failed replay of what had arrived: the attempt says it, the delivery did not change
    details: dict[str, object] = {
        "attempt": claim.number,
        "trigger": claim.trigger,
        "status": result.status,
        "error_class": result.error_class,
        "duration_ms": result.duration_ms,
        "signature_verified": sent.is_signature_verified,
        "next_attempt_at": iso(finished.next_attempt_at) if finished.next_attempt_at else None,
    }
    event = facts.delivery_event(
        event_type,
        delivery_id=claim.delivery_id,
        endpoint_id=claim.endpoint_id,
        event_id=claim.event_id,
        event_type_delivered=claim.event_type,
        intent_id=claim.intent_id,
        details=details,
    )
    record_events(events=[event], now=now)
