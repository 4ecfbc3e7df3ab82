"""The values that cross the runtime's door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from zentra.runtime.states import END_STATES, Status

ProviderOutcome = Literal["accepted", "succeeded", "settled", "declined", "failed"]
Effect = Literal["applied", "duplicate", "late", "unknown_intent", "mismatch"]
Stream = Literal["pending", "syncing", "synchronized", "degraded"]


@dataclass(frozen=True, slots=True)
class CreateIntent:
    """An intent as its caller words it. Without ``amount_minor`` it names no movement."""

    intent_id: str | None
    kind: str = "payment"
    amount_minor: int | None = None
    currency: str | None = None
    debit_account: str | None = None
    credit_account: str | None = None
    payee: str | None = None
    corridor: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    primitives: tuple[str, ...] = ()
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One reached state."""

    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IntentRecord:
    """An intent as others see it: the row, in the words of the API."""

    id: str
    intent_id: str
    kind: str
    status: Status
    amount_minor: int
    currency: str
    source_account: str
    destination_account: str
    source_label: str
    destination_label: str
    corridor: dict[str, Any]
    metadata: dict[str, Any]
    primitives: tuple[str, ...]
    is_rehearsal: bool
    actor: dict[str, Any]
    trace_id: str
    idempotency_key: str
    created_at: datetime
    updated_at: datetime
    version: int
    gate: str | None
    has_rule_fired: bool
    decision_id: str | None
    rule_set: int
    lane: str
    reserve_entry_id: str | None
    entry_hash: str
    reviewed_by: str | None
    rail: str | None
    is_failover: bool
    outcome: str | None
    outcome_at: datetime | None
    is_outcome_unknown: bool
    failure: str | None
    provider_reference: str | None
    callback_id: str | None
    provider_amount_minor: int | None
    event_stream: Stream
    mutations: int
    replays: int
    undelivered: int
    closed_at: datetime | None
    packet_revision: int
    packet_sealed_at: datetime | None

    @property
    def final_state(self) -> str | None:
        """The end state, once it is reached."""
        return self.status if self.status in END_STATES else None

    @property
    def audit_packet(self) -> Literal["pending", "ready"]:
        """Whether the packet can be downloaded."""
        return "ready" if self.packet_revision else "pending"

    @property
    def has_settled(self) -> bool:
        """Whether the provider's last word is that the money arrived."""
        return self.outcome == "settled"


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One transition of the kept history."""

    before: str | None
    after: str
    at: datetime
    actor: dict[str, Any]
    reason: str
    version: int


@dataclass(frozen=True, slots=True)
class OutcomeResult:
    """What a provider's word changed: ``mutations`` postings were made for it, which a repeat never adds to."""

    effect: Effect
    mutations: int
    status: str | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CreatedIntent:
    """A new intent with the path it has come so far."""

    intent: IntentRecord
    path: tuple[Step, ...]
