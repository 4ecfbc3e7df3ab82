"""Policy's tables: rule sets and decisions, movements and limits, lists, reviews. Private to policy."""

from policy.models.backtests import Backtest
from policy.models.limits import LimitChange, LimitCounter, LimitCounterparty, LimitSubject, Movement
from policy.models.lists import PolicyList, PolicyListItem
from policy.models.reviews import (
    Review,
    ReviewAlert,
    ReviewApproval,
    ReviewAttachment,
    ReviewNote,
    ReviewStep,
    SavedView,
)
from policy.models.rulesets import Decision, RuleDraft, RuleSet

__all__ = [
    "Backtest",
    "Decision",
    "LimitChange",
    "LimitCounter",
    "LimitCounterparty",
    "LimitSubject",
    "Movement",
    "PolicyList",
    "PolicyListItem",
    "Review",
    "ReviewAlert",
    "ReviewApproval",
    "ReviewAttachment",
    "ReviewNote",
    "ReviewStep",
    "RuleDraft",
    "RuleSet",
    "SavedView",
]
