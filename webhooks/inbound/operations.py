"""Receiving a callback: verify raw bytes, store, recognise repeats, apply once, all in the door's transaction."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks import signing
from webhooks.inbound.payload import MalformedCallback, ProviderOutcome, parse_callback
from webhooks.models import Callback
from webhooks.signing import VerifiedMessage
from webhooks.types import CallbackReceipt, CallbackState
from zentra.core import ids, telemetry
from zentra.core.actors import ANONYMOUS, Actor
from zentra.core.clock import iso
from zentra.core.errors import DomainError
from zentra.routing.queries import callback_secrets, find_attempt_by_key
from zentra.runtime.operations import apply_provider_outcome, count_replay, revise_packet

MAX_BODY_BYTES: Final = 64 * 1024
# Kept with the callback: what identifies it and its sender's software, and nothing that could be a secret.
_KEPT_HEADERS: Final = ("content-type", "user-agent", "traceparent", signing.HEADER_ID, signing.HEADER_TIMESTAMP)
_MAX_KEPT_VALUE: Final = 500

# What the runtime answers, and what we call the callback then.
_STATE_OF_EFFECT: Final[dict[str, CallbackState]] = {
    "applied": "applied",
    "duplicate": "duplicate",
    "late": "late",
    "mismatch": "mismatch",
    "unknown_intent": "unmatched",
}
_EVENT_OF_STATE: Final[dict[CallbackState, str]] = {
    "applied": "callback.applied",
    "duplicate": "callback.duplicate",
    "late": "callback.late",
    "mismatch": "callback.received",
    "unmatched": "callback.received",
}
# These decided nothing, so when the provider repeats them they get another chance.
_UNDECIDED: Final = ("unmatched", "quarantined")
# These may come after the packet was sealed; copies of one callback come together and make one revision.
_LATER_FACTS: Final = ("duplicate", "late", "mismatch")
_GATHER_COPIES: Final = timedelta(seconds=2)


class CallbackTooLarge(DomainError):
    """The body is larger than 64 KB; it was not looked at."""

    code = "callback_too_large"
    status = 413
    title = "The callback is too large"


class CallbackIdReused(DomainError):
    """The provider's event id came before with another body: a replayed id, refused before anything changed."""

    code = "callback_id_reused"
    status = 400
    title = "This event id belongs to another callback"


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A verified callback that is being taken in."""

    rail_id: str
    message: VerifiedMessage
    body: bytes
    sha256: str
    headers: dict[str, str]
    now: datetime
    id: str
    first_id: str = ""
    number: int = 1

    @property
    def actor(self) -> Actor:
        return Actor(kind="provider", id=self.rail_id, role="provider", credential=self.message.message_id)


@dataclass(frozen=True, slots=True)
class _Known:
    """What an event id converged on when it came before."""

    first_id: str
    body_sha256: str
    arrivals: int
    state: CallbackState
    effect: str
    mutations: int
    intent_id: str | None


def receive_callback(*, connection_id: str, headers: Mapping[str, str], body: bytes, now: datetime) -> CallbackReceipt:
    """Take in one callback of a rail connection (``rail_…``) inside the workspace's transaction.

    Nothing is read from the body before its signature is verified. A refusal is *returned* in ``refusal``, with its
    evidence recorded in this transaction: the door lets that commit and raises the refusal afterwards. An unexpected
    error is raised and leaves nothing behind, so that the provider sends again.

    Refusals: CallbackTooLarge 413, InvalidSignature and StaleSignature 401, MalformedCallback and CallbackIdReused 400.
    """
    if len(body) > MAX_BODY_BYTES:
        return _refuse(connection_id, CallbackTooLarge(limit_bytes=MAX_BODY_BYTES), now=now, size=len(body))
    try:
        secrets = callback_secrets(rail_id=connection_id)
        message = signing.verify(headers=headers, body=body, secrets=secrets, now=now)
    except signing.InvalidSignature as refusal:
        return _refuse(connection_id, refusal, now=now, size=len(body))
    arrival = _Arrival(
        rail_id=connection_id,
        message=message,
        body=body,
        sha256=hashlib.sha256(body).hexdigest(),
        headers=_kept_headers(headers),
        now=now,
        id=ids.new_id("cb"),
    )
    receipt = _take_in(arrival)
    if receipt.intent_id is not None and receipt.state in _LATER_FACTS:
        revise_packet(intent_id=receipt.intent_id, now=now, gather=_GATHER_COPIES)
    return receipt


def _take_in(arrival: _Arrival) -> CallbackReceipt:
    known = _remember(arrival)
    if known is None:
        return _decide(replace(arrival, first_id=arrival.id))
    repeat = replace(arrival, first_id=known.first_id, number=known.arrivals + 1)
    if known.state in _UNDECIDED:
        return _decide(repeat)
    if known.body_sha256 != arrival.sha256:
        return _refuse(arrival.rail_id, CallbackIdReused(first=known.first_id), now=arrival.now, size=len(arrival.body))
    return _replay(repeat, known)


def _decide(arrival: _Arrival) -> CallbackReceipt:
    """Read and apply a callback that nothing was decided by yet."""
    try:
        outcome = parse_callback(arrival.body)
    except MalformedCallback as refusal:
        return _quarantine(arrival, refusal)
    result = apply_provider_outcome(
        rail_id=arrival.rail_id,
        intent_id=outcome.reference,  # the runtime's parameter takes our key at the rail
        outcome=outcome.outcome,
        amount_minor=outcome.amount_minor,
        currency=outcome.currency,
        provider_reference=outcome.provider_reference,
        callback_id=arrival.id,
        now=arrival.now,
    )
    receipt = CallbackReceipt(
        status=200,
        state=_STATE_OF_EFFECT[result.effect],
        callback_id=arrival.id,
        first_id=arrival.first_id,
        arrival=arrival.number,
        effect=result.effect,
        mutations=result.mutations,
        intent_id=_intent_of(arrival.rail_id, outcome.reference),
    )
    _store(arrival, receipt, outcome)
    _settle_key(arrival, receipt)
    _record(arrival, _EVENT_OF_STATE[receipt.state], receipt, outcome)
    return receipt


def _intent_of(rail_id: str, reference: str) -> str | None:
    """The intent that our key at this rail belongs to; None for a key that is not ours, or another rail's."""
    attempt = find_attempt_by_key(key=reference)
    return attempt.intent_id if attempt is not None and attempt.rail_id == rail_id else None


def _replay(arrival: _Arrival, known: _Known) -> CallbackReceipt:
    """Keep a repeat and say what it converged on; nothing else changes."""
    receipt = CallbackReceipt(
        status=200,
        state="duplicate",
        callback_id=arrival.id,
        first_id=known.first_id,
        arrival=arrival.number,
        effect=known.effect,
        mutations=known.mutations,
        intent_id=known.intent_id,
    )
    _store(arrival, receipt, None, detail=f"repeat of {known.first_id}, which was {known.state}")
    _execute(
        "UPDATE webhooks_callback_key SET arrivals = arrivals + 1, last_received_at = %s WHERE id = %s",
        [arrival.now, _uuid("cb", known.first_id)],
    )
    _record(arrival, "callback.replayed", receipt, None)
    if known.intent_id is not None:
        count_replay(intent_id=known.intent_id)
    return receipt


def _quarantine(arrival: _Arrival, refusal: MalformedCallback) -> CallbackReceipt:
    """Keep a signed body that cannot be read, so that a person can see what the provider sent."""
    receipt = CallbackReceipt(
        status=refusal.status,
        state="quarantined",
        callback_id=arrival.id,
        first_id=arrival.first_id,
        arrival=arrival.number,
        refusal=refusal,
    )
    _store(arrival, receipt, None, detail=refusal.detail)
    _settle_key(arrival, receipt)
    _record_refusal(arrival.rail_id, refusal, now=arrival.now, size=len(arrival.body), callback_id=arrival.id)
    return receipt


def _refuse(rail_id: str, refusal: DomainError, *, now: datetime, size: int) -> CallbackReceipt:
    _record_refusal(rail_id, refusal, now=now, size=size, callback_id=None)
    return CallbackReceipt(status=refusal.status, state="refused", refusal=refusal)


def _remember(arrival: _Arrival) -> _Known | None:
    """Claim the provider's event id, or say what it converged on before.

    A twin that is being taken in at this moment holds the unique key: we wait for its commit and then see its result.
    """
    inserted = _execute(
        "INSERT INTO webhooks_callback_key (id, rail_id, provider_event_id, body_sha256, arrivals, state, effect,"
        " mutations, first_received_at, last_received_at) VALUES (%s, %s, %s, %s, 0, 'unmatched', '', 0, %s, %s)"
        " ON CONFLICT ON CONSTRAINT webhooks_callback_once DO NOTHING",
        [
            _uuid("cb", arrival.id),
            _uuid("rail", arrival.rail_id),
            arrival.message.message_id,
            arrival.sha256,
            arrival.now,
            arrival.now,
        ],
    )
    if inserted == 1:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, body_sha256, arrivals, state, effect, mutations, intent_id FROM webhooks_callback_key"
            " WHERE rail_id = %s AND provider_event_id = %s FOR UPDATE",
            [_uuid("rail", arrival.rail_id), arrival.message.message_id],
        )
        first_id, *rest = cursor.fetchone()
    return _Known(ids.to_public("cb", first_id), *rest)


def _settle_key(arrival: _Arrival, receipt: CallbackReceipt) -> None:
    _execute(
        "UPDATE webhooks_callback_key SET arrivals = arrivals + 1, body_sha256 = %s, state = %s, effect = %s,"
        " mutations = %s, intent_id = %s, last_received_at = %s WHERE id = %s",
        [
            arrival.sha256,
            receipt.state,
            receipt.effect,
            receipt.mutations,
            receipt.intent_id,
            arrival.now,
            _uuid("cb", arrival.first_id),
        ],
    )


def _store(arrival: _Arrival, receipt: CallbackReceipt, outcome: ProviderOutcome | None, *, detail: str = "") -> None:
    Callback.objects.create(
        id=arrival.id,
        recorded_at=arrival.now,
        rail_id=arrival.rail_id,
        provider_event_id=arrival.message.message_id,
        arrival=arrival.number,
        first_id=arrival.first_id,
        signed_at=arrival.message.signed_at,
        scheme=arrival.message.scheme,
        headers=arrival.headers,
        body=arrival.body,
        body_sha256=arrival.sha256,
        reference=outcome.reference if outcome else "",
        intent_id=receipt.intent_id,
        provider_type=outcome.type if outcome else "",
        state=receipt.state,
        effect=receipt.effect,
        mutations=receipt.mutations,
        detail=detail,
    )


def _record(arrival: _Arrival, event_type: str, receipt: CallbackReceipt, outcome: ProviderOutcome | None) -> None:
    data: dict[str, object] = {
        "callback_id": arrival.id,
        "rail_id": arrival.rail_id,
        "provider_event_id": arrival.message.message_id,
        "arrival": arrival.number,
        "converged_on": arrival.first_id,
        "effect": receipt.effect,
        "mutations": receipt.mutations,
        "body_sha256": arrival.sha256,
        "signature": "verified",
        "scheme": arrival.message.scheme,
        "signed_at": iso(arrival.message.signed_at),
    }
    if outcome is not None:
        data |= {"outcome": outcome.outcome, "provider_reference": outcome.provider_reference}
    event = NewEvent(
        type=event_type, actor=arrival.actor, data=data, intent_id=receipt.intent_id, trace_id=telemetry.trace_id()
    )
    record_events(events=[event], now=arrival.now)


def _record_refusal(rail_id: str, refusal: DomainError, *, now: datetime, size: int, callback_id: str | None) -> None:
    # Who sent it is not known: the claim to be the provider is exactly what did not hold.
    data: dict[str, object] = {
        "reason": refusal.code,
        "cause": str(refusal.extra.get("reason", "")),
        "rail_id": rail_id,
        "body_bytes": size,
        "callback_id": callback_id,
    }
    event = NewEvent(type="callback.refused", actor=ANONYMOUS, data=data, trace_id=telemetry.trace_id())
    record_events(events=[event], now=now)


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    present = {name.lower(): value for name, value in headers.items()}
    # jsonb holds no NUL.
    return {name: present[name].replace("\x00", "")[:_MAX_KEPT_VALUE] for name in _KEPT_HEADERS if name in present}


def _execute(statement: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _uuid(prefix: str, value: str) -> UUID:
    return ids.to_uuid(value, prefix=prefix)
