"""A rule set after it has been read: typed, immutable, every default filled in. Amounts are integer minor units."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from policy.rules.types import Action, Dimension, Measure, Window

Unanswered = Literal["review", "decline"]
"""What stands for a rule that could not be answered."""

Standing = Literal["review", "decline", "workspace"]
"""As documents leave it: ``workspace`` where neither rule nor set says, so that the workspace's setting does."""

Comparison = Literal["gt", "gte", "lt", "lte", "eq", "ne"]
TextTest = Literal["starts_with", "ends_with", "contains", "equals_ignoring_case"]


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of minor units that depends on the currency."""

    otherwise: int
    by_currency: Mapping[str, int] = field(default_factory=dict)

    def of(self, currency: str) -> int:
        """The amount in this currency."""
        return self.by_currency.get(currency, self.otherwise)

    def spread(self) -> Iterator[str | None]:
        """Every currency that has an amount of its own, and None for the others."""
        yield from self.by_currency
        yield None

    def at(self, currency: str | None) -> int:
        """The amount in this currency; None is any that has none of its own."""
        return self.otherwise if currency is None else self.of(currency)


@dataclass(frozen=True, slots=True)
class Group:
    """``all`` or ``any`` of several."""

    op: Literal["all", "any"]
    of: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against a value."""

    op: Comparison
    field: str
    value: Amount | int | str | bool


@dataclass(frozen=True, slots=True)
class Between:
    """A field from ``low`` to ``high``, both included."""

    field: str
    low: Amount | int
    high: Amount | int


@dataclass(frozen=True, slots=True)
class Among:
    """A field that is, or is not, one of these."""

    field: str
    values: tuple[int | str, ...]
    is_in: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A field whose value is, or is not, on a list of the workspace."""

    field: str
    list: str
    is_in: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A test of a text, character by character; no patterns."""

    op: TextTest
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Presence:
    """A field that is missing, or is there. The one test that a missing field answers."""

    field: str
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What a window or a limit counts: intents of these kinds (none: all), amounts in [from, below)."""

    kinds: tuple[str, ...] = ()
    from_minor: Amount | None = None
    below_minor: Amount | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """What a window of the subject comes to, this intent included, against a value."""

    measure: Measure
    by: Dimension
    window: Window
    counts: Counted
    compare: Literal["gt", "gte", "lt", "lte"]
    value: Amount | int


@dataclass(frozen=True, slots=True)
class Structuring:
    """So many amounts just under a limit in a window: from ``within_percent`` below it up to it, this one included."""

    by: Dimension
    window: Window
    limit: Amount
    within_percent: int
    at_least: int

    @property
    def counts(self) -> Counted:
        """The amounts that lie just under the limit, the limit itself included."""
        low, high = Amount(self.lowest(self.limit.otherwise)), Amount(self.limit.otherwise + 1)
        if self.limit.by_currency:
            by = self.limit.by_currency
            low = Amount(low.otherwise, {code: self.lowest(limit) for code, limit in by.items()})
            high = Amount(high.otherwise, {code: limit + 1 for code, limit in by.items()})
        return Counted((), low, high)

    def lowest(self, limit: int) -> int:
        """The least amount that is just under ``limit``, rounded up to a whole minor unit."""
        return -(-limit * (100 - self.within_percent) // 100)


Leaf = Compare | Between | Among | Listed | Text | Presence | Total | Structuring
Node = Group | Not | Leaf


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right under one."""
    if isinstance(node, Group):
        return node.of
    return (node.of,) if isinstance(node, Not) else ()


def preorder(node: Node) -> Iterator[Node]:
    """The node and all under it, each before its own: the order in which a trace keeps their values."""
    yield node
    for child in children(node):
        yield from preorder(child)


@dataclass(frozen=True, slots=True)
class Corridor:
    """From where, to where, how; ``*`` is any."""

    source: str = "*"
    destination: str = "*"
    method: str = "*"


@dataclass(frozen=True, slots=True)
class Scope:
    """The intents that a rule is asked of; what is empty leaves nobody out."""

    kinds: tuple[str, ...] = ()
    corridors: tuple[Corridor, ...] = ()
    accounts: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Common:
    """What rules and limits have alike. ``lane`` is "" where none is named."""

    name: str
    action: Action
    score: int
    scope: Scope
    reason: str
    lane: str
    tags: tuple[str, ...]
    four_eyes: bool
    is_enabled: bool
    on_missing: Standing
    on_error: Standing


@dataclass(frozen=True, slots=True)
class Rule:
    """A tree and what follows when it holds."""

    common: Common
    when: Node


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a subject may reach in a window, this intent included, and what follows beyond."""

    common: Common
    measure: Measure
    by: Dimension
    window: Window
    counts: Counted
    limit: Amount


@dataclass(frozen=True, slots=True)
class Lane:
    """A risk lane and the score from which on it is entered."""

    lane: str
    from_score: int


@dataclass(frozen=True, slots=True)
class FourEyes:
    """When two people have to approve: from an amount on, when one of these rules fired, for these kinds."""

    amount_minor: Amount | None = None
    rules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole set. ``lanes`` stand from the least risky to the riskiest."""

    on_missing: Standing = "workspace"
    on_error: Standing = "workspace"
    lanes: tuple[Lane, ...] = (Lane("A", 0), Lane("B", 30), Lane("C", 60))
    four_eyes: FourEyes = FourEyes()
    hold_expires_after_seconds: int = 604_800


@dataclass(frozen=True, slots=True)
class RuleSetSpec:
    """A whole rule set."""

    settings: Settings
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...]
