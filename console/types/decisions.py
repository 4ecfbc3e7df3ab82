"""A policy decision as a compliance officer reads it: every rule's tree with the values that it saw."""

from dataclasses import dataclass

from console.types import Mark, MoneyView, Proof


@dataclass(frozen=True, slots=True)
class NodeView:
    """A line of a rule's tree. ``depth`` is how far in it stands; ``saw`` is empty where nothing was looked at."""

    depth: int
    words: str
    saw: str
    state: str  # "true", "false", "missing", "" when it was not needed
    mark: Mark | None = None
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class RuleTrace:
    name: str
    mark: Mark
    reason: str
    action: str
    score: str
    took: str
    scope: str = ""
    nodes: tuple[NodeView, ...] = ()
    fired: bool = False
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitBar:
    """A limit with what was used, and what this intent would add."""

    name: str
    mark: Mark
    words: str
    used: str
    cap: str
    percent: int
    figure: str
    window: str
    took: str
    fired: bool = False
    applies: bool = True


@dataclass(frozen=True, slots=True)
class DecisionPage:
    decision_id: str
    outcome: Mark
    sentence: str
    intent_id: str
    intent_url: str
    words: str
    money: MoneyView | None
    facts: tuple[Proof, ...]
    saw: tuple[Proof, ...]
    rules: tuple[RuleTrace, ...]
    quiet_rules: tuple[RuleTrace, ...]
    limits: tuple[LimitBar, ...]
    rule_set_url: str = ""
    case_url: str = ""
    case_words: str = ""
    tags: tuple[str, ...] = ()
    lane: str = ""
    score: str = ""
    timing: str = ""
    note: str = ""
