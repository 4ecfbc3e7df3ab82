"""View-models of the rule builder: inputs, nodes with their inputs, and what a test found."""

from dataclasses import dataclass
from typing import Literal

from console.types import Mark
from console.types.ledger import Option


@dataclass(frozen=True, slots=True)
class AmountLine:
    """One currency's amount as typed, in major units."""

    number: int
    currency: str
    amount: str


@dataclass(frozen=True, slots=True)
class Input:
    """A field of the builder. ``kind`` chooses how it is drawn; ``refreshes`` shows other fields when it changes."""

    kind: Literal["select", "text", "whole", "lines", "amount", "ticks", "span", "corridors"]
    name: str
    label: str
    value: str = ""
    options: tuple[Option, ...] = ()
    hint: str = ""
    problem: str = ""
    refreshes: bool = False
    lines: tuple[AmountLine, ...] = ()
    corridors: tuple[tuple[str, str, str], ...] = ()
    otherwise: str = ""
    length: str = ""
    units: tuple[Option, ...] = ()
    placeholder: str = ""
    is_folded: bool = False

    @property
    def id(self) -> str:
        """As HTML has it."""
        return self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node with everything that is drawn of it. ``number`` is how people call it: "1.2"."""

    id: str
    path: str
    number: str
    kind: str
    title: str
    is_group: bool
    inputs: tuple[Input, ...]
    of: tuple["NodeView", ...] = ()
    problems: tuple[str, ...] = ()
    held: Mark | None = None
    is_focus: bool = False
    is_root: bool = False
    is_first: bool = False
    is_last: bool = False
    may_grow: bool = True
    may_unwrap: bool = False
    between: str = ""


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """A line of the summary of what is wrong, leading to its place."""

    place: str
    message: str
    url: str


@dataclass(frozen=True, slots=True)
class TrialView:
    """What the rule, and the whole set with it, would have said of a past intent."""

    intent_id: str
    intent_url: str
    amount: str
    rule: Mark
    words: str
    outcome: Mark
    outcome_words: str
    took: str
    others: tuple[tuple[str, Mark, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BuilderPage:
    """The builder of one rule or limit of a draft."""

    what: Literal["rule", "limit"]
    title: str
    draft_name: str
    draft_url: str
    action: str
    version: str
    is_new: bool
    around: tuple[Input, ...]
    scope: tuple[Input, ...]
    measures: tuple[Input, ...]
    root: NodeView | None
    sentence: str
    scope_words: str = ""
    has_scope: bool = False
    said: str = ""
    problems: tuple[ProblemLine, ...] = ()
    problem: str = ""
    problem_next: str = ""
    test: TrialView | None = None
    test_intent: str = ""
    test_problem: str = ""
    recent: tuple[Option, ...] = ()
    may_save: bool = True
    currencies: tuple[str, ...] = ()
