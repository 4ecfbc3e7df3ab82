"""The review queue: its tabs, filters and rows, and how a decision's rules are told beside an intent."""

from dataclasses import dataclass
from typing import Literal

from console.types import Chip, Mark, Moment, MoneyView, Person
from console.types.cases import CaseView


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
    url: str = ""


@dataclass(frozen=True, slots=True)
class DueView:
    """What is left of a case's time: "0:51" in hours and minutes, "breached 0:04" once it ran out."""

    iso: str
    text: str
    title: str
    level: Literal["", "soon", "breached", "done"] = ""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A line of the queue. ``groups`` are the tabs and filters under which it shows; ``place`` sorts it, ascending."""

    review_id: str
    subject: str
    url: str
    reason: Mark
    saw: str
    owner: str
    waiting: Moment
    due: DueView
    kind: str
    money: MoneyView | None = None
    owner_id: str = ""
    claimed_by: str = ""
    claimed_by_id: str = ""
    claimed_until: str = ""
    second: str = ""
    escalated: bool = False
    groups: tuple[str, ...] = ()
    place: str = ""
    is_mine_made: bool = False
    selected: bool = False


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A set of filters that somebody gave a name."""

    name: str
    url: str
    remove_url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A filter that is chosen from a list."""

    name: str
    label: str
    options: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The queue with its filters; ``wants`` are those that a live row must meet to show here."""

    tabs: tuple[Chip, ...]
    reasons: tuple[Chip, ...]
    fields: tuple[Field, ...]
    views: tuple[SavedQuery, ...]
    rows: tuple[QueueRow, ...]
    words: str
    me: str
    tab: str = "open"
    text: str = ""
    wants: tuple[str, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    here: str = ""
    query: str = ""
    claim_next_url: str = ""
    assign_url: str = ""
    assignees: tuple[Person, ...] = ()
    save_view_url: str = ""
    case: CaseView | None = None
    chosen: bool = False
    next_url: str = ""
    first_url: str = ""
    empty_title: str = ""
    empty_words: str = ""
    clear_url: str = ""
