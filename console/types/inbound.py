"""Callbacks in: the list, one with its arrivals side by side, the quarantine, what was refused, and the rails."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof
from console.types.ledger import Field, Figure, Option, PlotLabel


@dataclass(frozen=True, slots=True)
class CallbackRow:
    callback_id: str
    url: str
    event_id: str
    kind: str
    mark: Mark
    rail: str
    intent_id: str
    intent_url: str
    source: str
    number: str
    detail: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """How many callbacks of one outcome there were, what that outcome means, and the list of them."""

    mark: Mark
    count: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class OutcomePlot:
    """Callbacks over time as bars: ``taken`` and ``again`` above the line, ``waiting`` below it; rows behind them."""

    words: str
    height: str = ""
    zero: str = ""
    taken: str = ""
    again: str = ""
    waiting: str = ""
    grid: tuple[str, ...] = ()
    labels: tuple[PlotLabel, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw; ``words`` says so then."""
        return not (self.taken or self.again or self.waiting)


@dataclass(frozen=True, slots=True)
class OutcomesView:
    plot: OutcomePlot
    lines: tuple[OutcomeLine, ...]


@dataclass(frozen=True, slots=True)
class CallbacksPage:
    tabs: tuple[Chip, ...]
    states: tuple[Chip, ...]
    fields: tuple[Field, ...]
    chosen: tuple[Chip, ...]
    rows: tuple[CallbackRow, ...]
    kept: tuple[tuple[str, str], ...] = ()
    outcomes: OutcomesView | None = None
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ArrivalColumn:
    """One arrival of a provider's event, as a column beside the others."""

    callback_id: str
    url: str
    title: str
    mark: Mark
    at: Moment
    source: str
    said: str
    posting_id: str
    posting_url: str
    scheme: str
    signed: str
    body: str
    sha256: str
    is_this: bool = False


@dataclass(frozen=True, slots=True)
class BodyView:
    """Exact bytes as text, or as hex where they are no text; ``note`` says what is to know of them."""

    text: str
    sha256: str
    note: str
    is_text: bool = True


@dataclass(frozen=True, slots=True)
class CallbackPage:
    row: CallbackRow
    kind: str
    outcome: str
    figures: tuple[Figure, ...]
    columns: tuple[ArrivalColumn, ...]
    facts: tuple[Proof, ...]
    signature: tuple[Proof, ...]
    headers: tuple[tuple[str, str], ...]
    body: BodyView
    posting_id: str = ""
    posting_url: str = ""
    intent_id: str = ""
    intent_url: str = ""
    first_id: str = ""
    first_url: str = ""
    quarantine_url: str = ""
    is_held: bool = False
    hidden: str = ""


# --- quarantine ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    callback_id: str
    url: str
    event_id: str
    mark: Mark
    why: str
    detail: str
    rail: str
    by: str
    note: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    tabs: tuple[Chip, ...]
    states: tuple[Chip, ...]
    rows: tuple[QuarantineRow, ...]
    is_open: bool = False
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class RepairForm:
    """The form that corrects a body, with what was typed before it was refused."""

    action: str
    dismiss_url: str
    text: str
    note: str = ""
    words: str = ""
    may_repeat: bool = False
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class QuarantinedPage:
    row: QuarantineRow
    words: str
    body: BodyView
    facts: tuple[Proof, ...]
    fixed: BodyView | None = None
    form: RepairForm | None = None
    form_note: str = ""
    arrivals_url: str = ""
    result: str = ""
    posting_id: str = ""
    posting_url: str = ""
    intent_id: str = ""
    intent_url: str = ""
    problem: str = ""
    problem_next: str = ""
    typed: str = ""
    typed_note: str = ""


# --- refused, rails --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RefusedRow:
    event_id: str
    url: str
    reason: Mark
    words: str
    rail: str
    size: str
    callback_url: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class RefusedPage:
    tabs: tuple[Chip, ...]
    fields: tuple[Field, ...]
    rows: tuple[RefusedRow, ...]
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RailSecretLine:
    secret_id: str
    shown: str
    since: str
    until: str
    is_current: bool
    expire_url: str = ""


@dataclass(frozen=True, slots=True)
class RailView:
    """A rail: how it signs, with which secrets, and how far it was asked for what we missed."""

    rail_id: str
    name: str
    provider: str
    state: Mark
    callback_url: str
    scheme: tuple[Proof, ...]
    secrets: tuple[RailSecretLine, ...]
    poll: Mark
    polls: tuple[Proof, ...]
    list_url: str
    poll_error: str = ""
    poll_url: str = ""
    rotate_url: str = ""
    secret_label: str = ""
    secret_hint: str = ""
    secret_needed: bool = False


@dataclass(frozen=True, slots=True)
class RailsPage:
    tabs: tuple[Chip, ...]
    rails: tuple[RailView, ...]
    overlaps: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class RailSecretShown:
    """A rail's new secret, shown once after it was made."""

    rail: str
    value: str
    words: str
    rails_url: str
