"""Reads of decisions, and under their old names those of the review queue (policy.reviews.queries)."""

import json
from datetime import datetime
from typing import Any

from django.db import connection

from policy.reviews.queries import (
    count_open_by_rule,
    count_open_reviews,
    find_review,
    list_closed_reviews,
    list_open_reviews,
    reviews_of_intents,
)
from policy.types import StoredDecision
from zentra.core import ids

__all__ = [
    "count_open_by_rule",
    "count_open_reviews",
    "find_decision",
    "find_review",
    "list_closed_reviews",
    "list_open_reviews",
    "live_rule_set",
    "reviews_of_intents",
]


def find_decision(*, intent_id: str) -> StoredDecision | None:
    """The latest decision about an intent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, intent_id, rule_set, outcome, lane, rules, decided_at, actor FROM policy_decision"
            " WHERE intent_id = %s ORDER BY decided_at DESC, id DESC LIMIT 1",
            [intent_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    decision_id, intent, rule_set, outcome, lane, rules, decided_at, actor = row
    return StoredDecision(
        ids.to_public("dec", decision_id), intent, rule_set, outcome, lane, _json(rules), decided_at, _json(actor)
    )


def live_rule_set() -> tuple[int, dict[str, Any], datetime, str]:
    """The live rules: version, document, when and by whom they were published."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version, rules, published_at, published_by FROM policy_rule_set ORDER BY version DESC LIMIT 1"
        )
        version, rules, published_at, published_by = cursor.fetchone()
    return version, _json(rules), published_at, published_by


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value
