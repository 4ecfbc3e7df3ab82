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
class StaffBanner:
    """That the platform's staff is inside: said to themselves (``is_me``), and to the workspace's admins."""

    is_me: bool
    names: str
    role: str
    until: Moment
    url: str
    end_url: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame: where am I, who am I, is it live. ``base`` is where the pages of this place begin."""

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
    base: str = ""
    staff: StaffBanner | None = None


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


# --- find -------------------------------------------------------------------------------------------------------------


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
