"""Tries rules that are not in force on an intent of the past."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policy.decisions.explaining import ExplainedRule, explain
from policy.decisions.queries import find_decision
from policy.rules.sets import compile_set
from policy.rules.types import Outcome
from policy.rulesets.errors import IntentNotDecided
from policy.rulesets.replaying import replay_decision


@dataclass(frozen=True, slots=True)
class Preview:
    """What rules would have decided about an intent, beside what was decided (``was``). Minor units."""

    intent_id: str
    decision_id: str
    decided_at: datetime
    amount_minor: int
    currency: str
    was: Outcome
    was_rule_set: int
    outcome: Outcome
    score: int
    lane: str
    tags: tuple[str, ...]
    four_eyes: bool
    gate: str
    rules: tuple[ExplainedRule, ...]


def test_rule_set(*, document: Any, intent_id: str, now: datetime) -> Preview:  # noqa: ARG001  # the moment is the decision's
    """What ``document`` would have decided about a past intent, as things stood then; nothing is written.

    Raises:
        InvalidRuleSet: the document has errors.
        IntentNotDecided: no decision is kept under this id.
        FactsNotKept: it was decided before decisions kept what the rules saw.
    """
    rules = compile_set(version=0, document=document)
    decision = find_decision(intent_id=intent_id)
    if decision is None:
        raise IntentNotDecided(f"No decision is kept about {intent_id[:64]!r}.")
    replayed = replay_decision(rules=rules, decision=decision)
    judged, facts = replayed.judged, replayed.facts
    return Preview(
        intent_id=intent_id,
        decision_id=decision.id,
        decided_at=decision.decided_at,
        amount_minor=facts["amount_minor"],
        currency=facts["currency"],
        was=decision.outcome,
        was_rule_set=decision.rule_set,
        outcome=judged.outcome,
        score=judged.score,
        lane=judged.lane,
        tags=judged.tags,
        four_eyes=judged.four_eyes,
        gate=judged.gate.rule if judged.gate else "",
        rules=explain(
            spec=rules.spec, results=[result.as_trace() for result in replayed.results], currency=facts["currency"]
        ),
    )
