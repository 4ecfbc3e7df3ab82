"""What a decision makes of the results of its rules: outcome, score, lane, tags, and whether two people approve."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from policy.rules.nodes import Settings
from policy.rules.types import HOLDS, SEVERITY, Outcome, RuleResult

HIGHEST_SCORE: Final = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """What all results come to."""

    outcome: Outcome
    gate: RuleResult | None
    score: int
    lane: str
    tags: tuple[str, ...]
    four_eyes: bool


def outcome_of(results: Sequence[RuleResult]) -> Outcome:
    """The greatest severity wins. What compliance blocks is held."""
    worst = max((SEVERITY[result.outcome] for result in results), default=0)
    return "declined" if worst == SEVERITY["declined"] else "review" if worst >= HOLDS else "accepted"


def gate_of(results: Sequence[RuleResult]) -> RuleResult | None:
    """The rule that holds or declines: the most severe, the first in the set's order among equals."""
    return max((r for r in results if SEVERITY[r.outcome] >= HOLDS), key=lambda r: SEVERITY[r.outcome], default=None)


def judge(results: Sequence[RuleResult], settings: Settings, *, kind: str, currency: str, amount_minor: int) -> Judged:
    """Sum the scores, find the lane, and say whether two people have to approve what is held."""
    fired = [result for result in results if SEVERITY[result.outcome] > SEVERITY["passed"]]
    outcome, score = outcome_of(results), min(sum(result.score for result in fired), HIGHEST_SCORE)
    return Judged(
        outcome,
        gate_of(results),
        score,
        lane_of(score, fired, settings),
        tuple(dict.fromkeys(tag for result in fired for tag in result.tags)),
        outcome == "review" and _needs_two(fired, settings, kind=kind, currency=currency, amount_minor=amount_minor),
    )


def lane_of(score: int, fired: Sequence[RuleResult], settings: Settings) -> str:
    """The lane that the score enters, or a riskier one that a rule which fired names."""
    names = [lane.lane for lane in settings.lanes]
    entered = [place for place, lane in enumerate(settings.lanes) if lane.from_score <= score]
    named = [names.index(result.lane) for result in fired if result.lane in names]
    return names[max([*entered, *named], default=0)]


def _needs_two(fired: Sequence[RuleResult], settings: Settings, *, kind: str, currency: str, amount_minor: int) -> bool:
    rule = settings.four_eyes
    if rule.amount_minor is not None and amount_minor >= rule.amount_minor.of(currency):
        return True
    return kind in rule.kinds or any(
        result.four_eyes or result.outcome == "blocked" or result.rule in rule.rules for result in fired
    )
