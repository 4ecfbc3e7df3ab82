"""Events of the log, as a list and each by itself."""

from dataclasses import dataclass

from console.types import Chip, Proof, Tone
from console.types.webhooks import DeliveryRow


@dataclass(frozen=True, slots=True)
class EventRow:
    event_id: str
    url: str
    type: str
    title: str
    tone: Tone
    sequence: str
    who: str
    subject: str
    subject_url: str
    detail: str
    time: str
    iso: str


@dataclass(frozen=True, slots=True)
class EventsPage:
    filters: tuple[Chip, ...]
    rows: tuple[EventRow, ...]
    types: tuple[tuple[str, str], ...] = ()
    type: str = ""
    query: str = ""
    next_url: str = ""


@dataclass(frozen=True, slots=True)
class EventPage:
    row: EventRow
    description: str
    body: str
    facts: tuple[Proof, ...]
    announced: tuple[str, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()
    links: tuple[Chip, ...] = ()  # the objects that it speaks of
