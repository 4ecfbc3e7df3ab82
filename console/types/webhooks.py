"""Deliveries, their attempts, and the endpoints that they go to."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof, Tone


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One try at a provider or at an endpoint."""

    number: str
    target: str
    mark: Mark
    detail: str
    at: str
    took: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    delivery_id: str
    url: str
    event_type: str
    tone: Tone
    intent_id: str
    intent_url: str
    endpoint: str
    mark: Mark
    attempts: str
    last: str
    next: str
    moment: Moment
    replay_url: str = ""
    selected: bool = False


@dataclass(frozen=True, slots=True)
class EndpointCard:
    endpoint_id: str
    url: str
    state: Mark
    health: str
    waiting: str
    note: str


@dataclass(frozen=True, slots=True)
class DeliveryDetail:
    row: DeliveryRow
    attempts: tuple[AttemptLine, ...]
    facts: tuple[Proof, ...]
    body: str
    close_url: str = ""


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    filters: tuple[Chip, ...]
    endpoints: tuple[EndpointCard, ...]
    rows: tuple[DeliveryRow, ...]
    selected: DeliveryDetail | None = None
    chosen: bool = False
    replay_url: str = ""
    replay_all: str = ""
    next_url: str = ""
