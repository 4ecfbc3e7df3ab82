"""The values that cross policy's door."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from policy.rules import Outcome, RuleResult, Subject

ReviewState = Literal["open", "approved", "declined"]


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What policy decided about an intent, and why."""

    id: str
    intent_id: str
    rule_set: int
    outcome: Outcome
    lane: str
    results: tuple[RuleResult, ...]
    gate: RuleResult | None
    decided_at: datetime
    subject: Subject
    score: int = 0
    tags: tuple[str, ...] = ()
    four_eyes: bool = False

    @property
    def has_rule_fired(self) -> bool:
        """Whether any rule said more than passed."""
        return any(result.outcome not in ("passed", "not_applicable") for result in self.results)


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """A review as the desk shows it. ``owner`` is accountable; ``maker`` may not decide."""

    id: str
    intent_id: str
    decision_id: str
    rule: str
    saw: str
    amount_minor: int
    currency: str
    kind: str
    state: ReviewState
    owner: str
    maker: str
    opened_at: datetime
    due_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decided_role: str | None
    note: str
    version: int


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A kept decision as pages and packets show it; ``rules`` as ``RuleResult.as_dict`` wrote them."""

    id: str
    intent_id: str
    rule_set: int
    outcome: Outcome
    lane: str
    rules: list[dict[str, Any]]
    decided_at: datetime
    actor: dict[str, Any]
