"""Reads of decisions (policy.decisions.queries) and of the review queue (policy.reviews.queries), by short names."""

from policy.decisions.queries import find_decision, live_rule_set
from policy.reviews.queries import (
    count_open_by_rule,
    count_open_reviews,
    find_review,
    list_closed_reviews,
    list_open_reviews,
    reviews_of_intents,
)

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
