"""The values that cross policy's door."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.reviews.types import ReviewRecord, ReviewState
from policy.rules import Outcome, RuleResult, Subject

__all__ = ["DecisionRecord", "ReviewRecord", "ReviewState", "StoredDecision"]


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
class StoredDecision:
    """A kept decision as pages and packets show it; ``rules`` as ``RuleResult.as_trace`` wrote them.

    ``gate`` is the rule that held or declined it, else "". ``facts`` are what the rules saw (``policy.rules.facts``);
    decisions by the first rules kept none. ``duration_us`` is how long it took, in microseconds.
    """

    id: str
    intent_id: str
    rule_set: int
    outcome: Outcome
    lane: str
    rules: list[dict[str, Any]]
    decided_at: datetime
    actor: dict[str, Any]
    score: int = 0
    gate: str = ""
    tags: tuple[str, ...] = ()
    four_eyes: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    duration_us: int | None = None
