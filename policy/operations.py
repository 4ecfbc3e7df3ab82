"""Decide about an intent, hold it for a person, take the person's word. The runtime composes these."""

from datetime import datetime

from policy.decisions.errors import NoRuleSet
from policy.decisions.operations import decide, decision_event, recheck
from policy.limits.operations import confirm_limits, count_approved, release_limits
from policy.lists.operations import provision_lists
from policy.reviews.operations import (
    CannotOwnReview,
    MakerCannotDecide,
    NoSuchReview,
    ReasonRequired,
    ReviewAlreadyDecided,
    open_review,
)
from policy.reviews.types import QUEUE_OWNER
from policy.rulesets.operations import provision_rules
from zentra.core.tenancy import TenantRef

__all__ = [
    "QUEUE_OWNER",
    "CannotOwnReview",
    "MakerCannotDecide",
    "NoRuleSet",
    "NoSuchReview",
    "ReasonRequired",
    "ReviewAlreadyDecided",
    "confirm_limits",
    "count_approved",
    "decide",
    "decision_event",
    "open_review",
    "provision",
    "recheck",
    "release_limits",
]


def provision(_tenant: TenantRef, now: datetime) -> None:
    """Give a new workspace its first rule set, and the lists that it asks."""
    provision_rules(now=now)
    provision_lists(now=now)
