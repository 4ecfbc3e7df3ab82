"""Do cases find a person, and in time."""

from datetime import datetime

from policy.reviews.queries import count_breached, count_owned_by_queue
from zentra.alarms.types import Finding, Sight
from zentra.core.clock import iso


def see_reviews_unowned(_now: datetime) -> Sight:
    """Open cases that the queue itself owns, because nobody on shift may: its owner is who hears this alarm."""
    count, oldest = count_owned_by_queue()
    if not count or oldest is None:
        return Sight()
    words = f"{count} reviews have no person as owner; the oldest was opened at {iso(oldest)}."
    return Sight((Finding("", words, {"reviews": count, "oldest_opened_at": iso(oldest)}),))


def see_reviews_overdue(_now: datetime) -> Sight:
    """Open cases whose time ran out."""
    count, oldest = count_breached()
    if not count or oldest is None:
        return Sight()
    words = f"{count} reviews are overdue; the first was due at {iso(oldest)}."
    return Sight((Finding("", words, {"reviews": count, "oldest_due_at": iso(oldest)}),))
