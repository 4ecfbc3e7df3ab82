"""Decide about an intent, hold it for a person, take the person's word. The runtime composes these."""

import json
from datetime import datetime

from django.db import connection

from policy import rules
from policy.decisions.errors import NoRuleSet
from policy.decisions.operations import decide, decision_event, recheck
from policy.limits.operations import confirm_limits, count_approved, release_limits
from policy.reviews.operations import (
    CannotOwnReview,
    MakerCannotDecide,
    NoSuchReview,
    ReasonRequired,
    ReviewAlreadyDecided,
    open_review,
)
from policy.reviews.types import QUEUE_OWNER
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
    """Give a new workspace its first rule set."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_rule_set (version, rules, published_at, published_by) VALUES (1, %s, %s, 'svc_policy')"
            " ON CONFLICT DO NOTHING",
            [json.dumps(rules.DEFAULT_RULES), now],
        )
