"""One arrival of a callback: the rows that recognise it and keep it, and the facts that are recorded of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks.inbound.payload import ProviderOutcome
from webhooks.inbound.schemes.types import Proven
from webhooks.models import Callback
from webhooks.types import CallbackReceipt, CallbackSource, CallbackState
from zentra.core import ids, telemetry
from zentra.core.actors import ANONYMOUS, Actor
from zentra.core.clock import iso
from zentra.core.errors import DomainError

# Kept beside the headers that prove it: what identifies its sender's software, and nothing that could be a secret.
_KEPT_HEADERS: Final = ("content-type", "user-agent", "traceparent")
_MAX_KEPT_VALUE: Final = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified callback that is being taken in. ``number`` counts how often the provider's event has come."""

    rail_id: str
    event_id: str
    proven: Proven
    body: bytes
    sha256: str
    headers: Mapping[str, str]
    now: datetime
    source: CallbackSource = "callback"
    id: str = field(default_factory=lambda: ids.new_id("cb"))
    first_id: str = ""
    number: int = 1
    by: Actor | None = None

    @property
    def actor(self) -> Actor:
        """The provider; of a repair the person."""
        return self.by or Actor(kind="provider", id=self.rail_id, role="provider", credential=self.event_id)

    @property
    def has_come(self) -> bool:
        """Whether the provider sent it: a repair and a match look again at what had come before."""
        return self.source in {"callback", "poll"}


@dataclass(frozen=True, slots=True)
class Known:
    """What an event id converged on when it came before."""

    first_id: str
    body_sha256: str
    arrivals: int
    state: CallbackState
    effect: str
    mutations: int
    intent_id: str | None
    posting_id: str | None


def remember(arrival: Arrival) -> Known | None:
    """Claim the provider's event id, or say what it converged on before, holding its row.

    A twin that is being taken in at this moment holds the unique key: we wait for its commit and then see its result.
    """
    inserted = execute(
        "INSERT INTO webhooks_callback_key (id, rail_id, provider_event_id, body_sha256, arrivals, state, effect,"
        " mutations, reference, first_received_at, last_received_at)"
        " VALUES (%s, %s, %s, %s, 0, 'quarantined', '', 0, '', %s, %s)"
        " ON CONFLICT ON CONSTRAINT webhooks_callback_once DO NOTHING",
        [
            cb_uuid(arrival.id),
            ids.to_uuid(arrival.rail_id, prefix="rail"),
            arrival.event_id,
            arrival.sha256,
            arrival.now,
            arrival.now,
        ],
    )
    return None if inserted == 1 else lock_event(rail_id=arrival.rail_id, event_id=arrival.event_id)


def lock_event(*, rail_id: str, event_id: str) -> Known | None:
    """What a provider's event converged on, held by us until the transaction ends."""
    return _lock("rail_id = %s AND provider_event_id = %s", [ids.to_uuid(rail_id, prefix="rail"), event_id])


def lock_key(*, first_id: str) -> Known | None:
    """The same by the callback that came first."""
    return _lock("id = %s", [cb_uuid(first_id)])


def _lock(condition: str, values: list[Any]) -> Known | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, body_sha256, arrivals, state, effect, mutations, intent_id, posting_id"  # noqa: S608  # our own words only
            f" FROM webhooks_callback_key WHERE {condition} FOR UPDATE",
            values,
        )
        row = cursor.fetchone()
    if row is None:
        return None
    first_id, sha256, arrivals, state, effect, mutations, intent_id, posting = row
    posting_id = ids.to_public("posting", posting) if posting else None
    return Known(ids.to_public("cb", first_id), sha256, arrivals, state, effect, mutations, intent_id, posting_id)


def came_before(arrival: Arrival) -> bool:
    """Whether these very bytes came under this event id before, perhaps not as the first."""
    return Callback.objects.filter(
        rail_id=arrival.rail_id, provider_event_id=arrival.event_id, body_sha256=arrival.sha256
    ).exists()


def settle_key(arrival: Arrival, receipt: CallbackReceipt, *, reference: str = "") -> None:
    """Keep what the event converged on."""
    execute(
        "UPDATE webhooks_callback_key SET arrivals = arrivals + %s, body_sha256 = %s, state = %s, effect = %s,"
        " mutations = %s, intent_id = %s, posting_id = %s, reference = %s, last_received_at = %s WHERE id = %s",
        [
            int(arrival.has_come),
            arrival.sha256,
            receipt.state,
            receipt.effect,
            receipt.mutations,
            receipt.intent_id,
            receipt.posting_id and ids.to_uuid(receipt.posting_id, prefix="posting"),
            reference,
            arrival.now,
            cb_uuid(arrival.first_id),
        ],
    )


def count_repeat(arrival: Arrival) -> None:
    """Count one more arrival of an event that is decided."""
    execute(
        "UPDATE webhooks_callback_key SET arrivals = arrivals + 1, last_received_at = %s WHERE id = %s",
        [arrival.now, cb_uuid(arrival.first_id)],
    )


def keep_arrival(
    arrival: Arrival, receipt: CallbackReceipt, outcome: ProviderOutcome | None, *, detail: str = ""
) -> None:
    """Keep the arrival with its exact bytes; nothing ever changes the row."""
    Callback.objects.create(
        id=arrival.id,
        recorded_at=arrival.now,
        rail_id=arrival.rail_id,
        provider_event_id=arrival.event_id,
        arrival=arrival.number,
        first_id=arrival.first_id,
        signed_at=arrival.proven.signed_at,
        scheme=arrival.proven.scheme,
        headers=dict(arrival.headers),
        body=arrival.body,
        body_sha256=arrival.sha256,
        reference=outcome.reference if outcome else "",
        intent_id=receipt.intent_id,
        provider_type=outcome.type if outcome else "",
        state=receipt.state,
        effect=receipt.effect,
        mutations=receipt.mutations,
        detail=detail,
        posting_id=receipt.posting_id,
        source=arrival.source,
    )


def record_arrival(
    arrival: Arrival, event_type: str, receipt: CallbackReceipt, outcome: ProviderOutcome | None
) -> None:
    """Record what the arrival did."""
    data: dict[str, object] = {
        "callback_id": arrival.id,
        "rail_id": arrival.rail_id,
        "provider_event_id": arrival.event_id,
        "arrival": arrival.number,
        "source": arrival.source,
        "converged_on": arrival.first_id,
        "effect": receipt.effect,
        "mutations": receipt.mutations,
        "posting_id": receipt.posting_id,
        "body_sha256": arrival.sha256,
        "signature": "repaired" if arrival.source == "repair" else "verified",
        "scheme": arrival.proven.scheme,
        "signed_at": iso(arrival.proven.signed_at) if arrival.proven.signed_at else None,
    }
    if outcome is not None:
        data |= {"outcome": outcome.outcome, "provider_reference": outcome.provider_reference}
    record(event_type, arrival.actor, data, now=arrival.now, intent_id=receipt.intent_id)


def record_refusal(rail_id: str, refusal: DomainError, *, now: datetime, size: int, callback_id: str | None) -> None:
    """Record a callback that was refused."""
    # Who sent it is not known: the claim to be the provider is exactly what did not hold.
    data: dict[str, object] = {
        "reason": refusal.code,
        "cause": str(refusal.extra.get("reason", "")),
        "rail_id": rail_id,
        "body_bytes": size,
        "callback_id": callback_id,
    }
    record("callback.refused", ANONYMOUS, data, now=now)


def record(
    event_type: str, actor: Actor, data: dict[str, object], *, now: datetime, intent_id: str | None = None
) -> None:
    """Record one fact in the caller's transaction."""
    event = NewEvent(type=event_type, actor=actor, data=data, intent_id=intent_id, trace_id=telemetry.trace_id())
    record_events(events=[event], now=now)


def kept_headers(headers: Mapping[str, str], proof: tuple[str, ...]) -> dict[str, str]:
    """The headers that are kept with a callback, by their names in lower case."""
    present = {name.lower(): value for name, value in headers.items()}
    return {name: _storable(present[name]) for name in (*_KEPT_HEADERS, *proof) if name in present}


def _storable(value: str) -> str:
    # jsonb holds no NUL and no half of a surrogate pair.
    return value.replace("\x00", "")[:_MAX_KEPT_VALUE].encode("utf-8", "replace").decode()


def cb_uuid(callback_id: str) -> UUID:
    """A callback's id as the database keeps it. Raises BadId."""
    return ids.to_uuid(callback_id, prefix="cb")


def execute(statement: str, values: list[Any]) -> int:
    """Run one statement; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
