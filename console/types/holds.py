"""View-models of the Holds room."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, MoneyView, Proof, StepView
from console.types.ledger import Field, Figure, HoldLine
from console.types.postings import PostingLine


@dataclass(frozen=True, slots=True)
class HoldsPage:
    tabs: tuple[Chip, ...]
    figures: tuple[Figure, ...]
    states: tuple[Chip, ...]
    fields: tuple[Field, ...]
    rows: tuple[HoldLine, ...]
    kept: tuple[tuple[str, str], ...] = ()
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReservedRow:
    """An intent whose reserve is posted and not moved on yet."""

    intent_id: str
    url: str
    mark: Mark
    money: MoneyView
    source: str
    account_url: str
    rail: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class ReservedPage:
    tabs: tuple[Chip, ...]
    rows: tuple[ReservedRow, ...]
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class HoldActs:
    """Where the forms go; an empty address is a control that is not drawn."""

    release: str = ""
    capture: str = ""
    extend: str = ""
    review: str = ""


@dataclass(frozen=True, slots=True)
class HoldPage:
    row: HoldLine
    kind: str
    major: str
    figures: tuple[Figure, ...]
    steps: tuple[StepView, ...]
    postings: tuple[PostingLine, ...]
    facts: tuple[Proof, ...]
    acts: HoldActs
    can_split: bool
    left: str
    expiry: str
    note: str = ""
