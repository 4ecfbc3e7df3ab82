"""One intent as its page prints it, and the first one that a newcomer sends."""

from dataclasses import dataclass
from typing import Literal

from console.types import Chip, InspectorView, Mark, Tone
from console.types.reviews import DecisionView
from console.types.webhooks import AttemptLine, DeliveryRow


@dataclass(frozen=True, slots=True)
class LensStage:
    """A column of the six-stage grid: layer · state · event · proof."""

    number: str
    layer: str
    name: str
    tone: Tone
    state: str
    event: str
    proof: tuple[str, ...]
    at: str
    done: bool


@dataclass(frozen=True, slots=True)
class TransitionRow:
    before: str
    after: Mark
    at: str
    iso: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class EntryRow:
    entry_id: str
    posting_id: str
    account: str
    account_url: str
    direction: str
    signed: str
    currency: str
    purpose: str
    at: str
    sign: Literal["pos", "neg"]
    posting_url: str = ""

    @property
    def posting_short(self) -> str:
        """The end of the id, which differs; the start is its time."""
        return f"…{self.posting_id[-8:]}"


@dataclass(frozen=True, slots=True)
class CandidateRow:
    rail: str
    verdict: str
    score: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class RouteView:
    decision_id: str
    why: str
    at: str
    candidates: tuple[CandidateRow, ...]


@dataclass(frozen=True, slots=True)
class PacketView:
    status: str
    ready: bool
    revision: str = ""
    packet_id: str = ""
    sealed_at: str = ""
    tree: str = ""
    export_url: str = ""
    rows: tuple[tuple[str, str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class IntentPage:
    inspector: InspectorView
    lens: str
    lenses: tuple[Chip, ...]
    stages: tuple[LensStage, ...]
    transitions: tuple[TransitionRow, ...]
    entries: tuple[EntryRow, ...]
    routes: tuple[RouteView, ...]
    attempts: tuple[AttemptLine, ...]
    deliveries: tuple["DeliveryRow", ...]
    packet: PacketView
    decision: DecisionView | None = None


@dataclass(frozen=True, slots=True)
class FirstStep:
    title: str
    mark: Mark
    words: str


@dataclass(frozen=True, slots=True)
class FirstIntent:
    """The documents' first call on one page: request, answer, webhook attempts, entries, packet."""

    intent_id: str
    request: str
    curl: str
    answer_status: str = ""
    answer: str = ""
    steps: tuple[FirstStep, ...] = ()
    stages: tuple[LensStage, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()
    attempts: tuple[AttemptLine, ...] = ()
    entries: tuple[EntryRow, ...] = ()
    packet: PacketView | None = None
    sent: bool = False
    done: bool = False
    intent_url: str = ""
    poll_url: str = ""
    send_url: str = ""
