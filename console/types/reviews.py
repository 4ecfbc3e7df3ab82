"""The review queue and the case beside it."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, MoneyView, Person, TrustView


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
