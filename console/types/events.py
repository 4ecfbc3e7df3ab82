"""Events of the log, as a list and each by itself; the catalogue of their types."""

from dataclasses import dataclass

from console.types import Chip, Mark, Proof, Tone
from console.types.ledger import Field


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
    tabs: tuple[Chip, ...]
    filters: tuple[Chip, ...]
    rows: tuple[EventRow, ...]
    types: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    chosen: tuple[Chip, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    problem: str = ""

    @property
    def is_newest(self) -> bool:
        """Whether news belong on this page."""
        return not self.first_url


@dataclass(frozen=True, slots=True)
class ReachRow:
    """An endpoint and whether this event went there; if not, why not."""

    endpoint_id: str
    endpoint: str
    endpoint_url: str
    mark: Mark
    words: str
    attempts: str = ""
    delivery_url: str = ""
    can_send: bool = False
    send_words: str = ""


@dataclass(frozen=True, slots=True)
class EventPage:
    row: EventRow
    description: str
    body: str
    exact: str
    size: str
    facts: tuple[Proof, ...]
    announced: tuple[Chip, ...] = ()
    reach: tuple[ReachRow, ...] = ()
    reach_words: str = ""
    send_all_url: str = ""
    can_send_all: bool = False
    links: tuple[Chip, ...] = ()  # the objects that it speaks of


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    name: str
    url: str
    title: str
    description: str
    actor: str
    proof: str
    delivered: bool
    subscribers: str


@dataclass(frozen=True, slots=True)
class CatalogueStage:
    key: str
    title: str
    words: str
    tone: Tone
    rows: tuple[CatalogueRow, ...]


@dataclass(frozen=True, slots=True)
class CataloguePage:
    tabs: tuple[Chip, ...]
    filters: tuple[Chip, ...]
    fields: tuple[Field, ...]
    stages: tuple[CatalogueStage, ...]
    words: str
    kept: tuple[tuple[str, str], ...] = ()
    clear_url: str = ""


@dataclass(frozen=True, slots=True)
class SchemaLine:
    """A field of an event's schema; ``depth`` indents it."""

    name: str
    kind: str
    words: str
    required: bool
    depth: int = 0


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    endpoint_id: str
    url: str
    address: str
    state: Mark
    pattern: str


@dataclass(frozen=True, slots=True)
class TypePage:
    name: str
    tone: Tone
    title: str
    description: str
    facts: tuple[Proof, ...]
    fields: tuple[SchemaLine, ...]
    schema: str
    example: str
    delivered: bool
    subscribers: tuple[SubscriberRow, ...]
    log_url: str
    subscribe_url: str = ""
