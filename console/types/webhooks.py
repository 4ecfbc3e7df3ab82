"""Deliveries and their attempts: in lists, beside a list, and on a delivery's own page."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof, Tone
from console.types.ledger import Field, Figure


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
    page_url: str
    event_type: str
    tone: Tone
    intent_id: str
    intent_url: str
    endpoint: str
    endpoint_url: str
    mark: Mark
    attempts: str
    last: str
    next: str
    moment: Moment
    replay_url: str = ""
    selected: bool = False
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryDetail:
    """The selected delivery, beside the list."""

    row: DeliveryRow
    attempts: tuple[AttemptLine, ...]
    facts: tuple[Proof, ...]
    body: str
    close_url: str = ""


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    tabs: tuple[Chip, ...]
    states: tuple[Chip, ...]
    fields: tuple[Field, ...]
    chosen: tuple[Chip, ...]
    types: tuple[str, ...]
    rows: tuple[DeliveryRow, ...]
    kept: tuple[tuple[str, str], ...] = ()
    selected: DeliveryDetail | None = None
    is_chosen: bool = False
    replay_url: str = ""
    replay_range_url: str = ""
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt in a list over deliveries."""

    attempt_id: str
    url: str
    started: str
    number: str
    mark: Mark
    trigger: str
    endpoint: str
    endpoint_url: str
    detail: str
    took: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class AttemptsPage:
    tabs: tuple[Chip, ...]
    fields: tuple[Field, ...]
    filters: tuple[Chip, ...]
    rows: tuple[AttemptRow, ...]
    kept: tuple[tuple[str, str], ...] = ()
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of an attempt went, as widths in a box 1000 wide that the longest attempt fills."""

    connect: str
    wait_at: str
    wait: str
    read_at: str
    read: str
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AttemptColumn:
    """One attempt as a column beside the others."""

    attempt_id: str
    number: str
    mark: Mark
    trigger: str
    started: Moment
    timing: Timing
    took: str
    error: str
    detail: str
    address: str
    next: str
    request_headers: tuple[tuple[str, str], ...]
    response_headers: tuple[tuple[str, str], ...]
    response_body: str
    body_note: str
    replay_url: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A delivery by itself: all attempts side by side, and the bytes that each of them carried."""

    row: DeliveryRow
    figures: tuple[Figure, ...]
    columns: tuple[AttemptColumn, ...]
    facts: tuple[Proof, ...]
    body: str
    event_url: str
    replay_url: str = ""
    replay_note: str = ""
    hidden: str = ""
    poll_url: str = ""
