"""What templates are given: frozen values that are ready to print, never models or querysets.

Amounts come twice, as grouped minor units and as major units, both as text; times come as text and as ISO 8601.
``tone`` names a colour class of ``static/css/zentra.css`` and always travels with a glyph and a word.
"""

from dataclasses import dataclass, field
from typing import Literal

Tone = Literal[
    "accepted",
    "controlled",
    "ledgered",
    "routed",
    "synchronized",
    "evidenced",
    "review",
    "failed",
    "live",
    "syncing",
    "quiet",
    "ink",
]


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as people read it: a word, and the glyph and tone that go with it."""

    word: str
    glyph: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: ``iso`` for machines, ``text`` for people, ``age`` at the time of rendering."""

    iso: str
    text: str
    age: str


@dataclass(frozen=True, slots=True)
class MoneyView:
    """An amount: ``minor`` "2,480,000", ``major`` "24,800.00", and its currency."""

    minor: str
    major: str
    currency: str


# --- the frame around every page -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NavItem:
    title: str
    url: str
    current: bool = False
    count: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class NavGroup:
    title: str
    items: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True)
class WorkspaceLink:
    name: str
    slug: str
    mode: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class TapeItem:
    """One event on the tape."""

    time: str
    type: str
    tone: Tone
    subject: str
    url: str
    detail: str


@dataclass(frozen=True, slots=True)
class PauseView:
    """The switch over outgoing money, as it stands now."""

    paused: bool
    reason: str = ""
    by: str = ""
    since: str = ""
    rails: tuple[str, ...] = ()
    may_pause: bool = False
    may_resume: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame: where am I, who am I, is it live."""

    workspace: str
    slug: str
    mode: str
    user: str
    role: str
    nav: tuple[NavGroup, ...]
    workspaces: tuple[WorkspaceLink, ...] = ()
    tape: tuple[TapeItem, ...] = ()
    pause: PauseView = PauseView(paused=False)
    clock: str = ""
    cursor: int = 0
    live: bool = True


# --- the operations room ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StageView:
    """One of the six states over the window."""

    number: str
    layer: str
    name: str
    tone: Tone
    count: str
    words: str
    waiting: str
    p95: str
    line: str
    area: str
    alert: bool = False  # what waits asks for attention


@dataclass(frozen=True, slots=True)
class KpiView:
    """One figure, its unit and note; ``more`` is what stands behind it, shown on demand."""

    key: str
    label: str
    value: str
    unit: str = ""
    note: str = ""
    level: Literal["", "alert", "bad"] = ""
    more: tuple[tuple[str, ...], ...] = ()
    more_head: tuple[str, ...] = ()
    more_words: str = ""
    more_url: str = ""
    more_title: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One line of the intent table. ``groups`` are the filters under which it shows."""

    intent_id: str
    url: str
    mark: Mark
    money: MoneyView
    path: str
    evidence: str
    state: str
    moment: Moment
    kind: str = ""
    groups: tuple[str, ...] = ()
    selected: bool = False

    @property
    def dom_id(self) -> str:
        return f"row-{self.intent_id}"


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that lives in the URL."""

    title: str
    url: str
    current: bool = False
    count: int | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class StepView:
    """One event of an intent's timeline: Δt since the first, what it said, and who."""

    type: str
    tone: Tone
    words: str
    who: str
    delta: str = "—"
    iso: str = ""
    url: str = ""
    done: bool = True


@dataclass(frozen=True, slots=True)
class PrimitiveView:
    name: str
    result: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class FlowLine:
    """An account of the flow: what this intent moved through it and what stands there now, signed minor units."""

    account: str
    moved: str
    now: str
    sign: Literal["pos", "neg", "none"]


@dataclass(frozen=True, slots=True)
class Proof:
    """One row of the trust block."""

    name: str
    value: str
    copy: str = ""


@dataclass(frozen=True, slots=True)
class TrustView:
    rows: tuple[Proof, ...]
    status: str
    ready: bool
    sealed_by: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class IntentActions:
    """What can be done with the selected intent by this person, now; an empty URL is a control that is not drawn."""

    intent_id: str = ""
    page_url: str = ""
    export_url: str = ""
    export_note: str = ""
    replay_url: str = ""
    replay_count: int = 0
    assign_url: str = ""
    assignees: tuple[Person, ...] = ()
    owner: str = ""
    review_url: str = ""


@dataclass(frozen=True, slots=True)
class InspectorView:
    intent_id: str
    mark: Mark
    money: MoneyView
    words: str
    timeline: tuple[StepView, ...]
    primitives: tuple[PrimitiveView, ...]
    flow: tuple[FlowLine, ...]
    flow_note: str
    trust: TrustView
    actions: IntentActions
    chosen: bool = False
    close_url: str = ""


@dataclass(frozen=True, slots=True)
class RoomView:
    tab: Literal["24h", "events", "audit"]
    tabs: tuple[Chip, ...]
    stages: tuple[StageView, ...]
    kpis: tuple[KpiView, ...]
    filters: tuple[Chip, ...]
    rows: tuple[RowView, ...]
    events: tuple["EventRow", ...] = ()
    selected: InspectorView | None = None
    next_url: str = ""
    send_url: str = ""
    scope: str = "workspace_scope"
    first_url: str = ""  # back to the newest page, where the feed arrives; empty on that page

    @property
    def is_newest(self) -> bool:
        """Whether new rows belong on this page."""
        return not self.first_url


# --- one intent ------------------------------------------------------------------------------------------------------


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
class AttemptLine:
    """One try at a provider or at an endpoint."""

    number: str
    target: str
    mark: Mark
    detail: str
    at: str
    took: str = ""


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
    decision: "DecisionView | None" = None


# --- review ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleLine:
    name: str
    words: str
    figure: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class DecisionView:
    decision_id: str
    outcome: str
    rule_set: str
    rules: tuple[RuleLine, ...]


@dataclass(frozen=True, slots=True)
class ReviewRow:
    review_id: str
    intent_id: str
    url: str
    money: MoneyView
    reason: Mark
    saw: str
    owner: str
    moment: Moment
    outcome: str = ""
    selected: bool = False


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """The case beside the queue: why it is here, what a decision would do, and whether this person may decide."""

    review_id: str
    intent_id: str
    intent_url: str
    money: MoneyView
    words: str
    mark: Mark
    owner: str
    decision: DecisionView
    account: str
    before: str
    posts: str
    after_approved: str
    after_declined: str
    decide_url: str = ""
    cannot_decide: str = ""
    decided: str = ""
    reason: str = ""
    assign_url: str = ""
    assignees: tuple[Person, ...] = ()
    close_url: str = ""
    trust: TrustView | None = None


@dataclass(frozen=True, slots=True)
class ReviewPage:
    tabs: tuple[Chip, ...]
    filters: tuple[Chip, ...]
    rows: tuple[ReviewRow, ...]
    words: str
    case: ReviewCase | None = None
    chosen: bool = False
    next_url: str = ""


# --- webhooks and events ---------------------------------------------------------------------------------------------


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


# --- send first intent -----------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit of the finder."""

    kind: str
    title: str
    url: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    query: str
    hits: tuple[Finding, ...] = field(default_factory=tuple)
