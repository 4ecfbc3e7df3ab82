"""Rules: read, compiled and answered. What others need of them by these names."""

from policy.rules.defaults import DEFAULT_RULES
from policy.rules.judging import gate_of, outcome_of
from policy.rules.types import SEVERITY, Outcome, RuleOutcome, RuleResult
from policy.subjects import PartyFacts, Subject

__all__ = [
    "DEFAULT_RULES",
    "SEVERITY",
    "Outcome",
    "PartyFacts",
    "RuleOutcome",
    "RuleResult",
    "Subject",
    "gate_of",
    "outcome_of",
]
