"""Whose a case is, and when it is looked at again: assign, hand over, escalate, snooze."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from policy.reviews import codes, events, people, store
from policy.reviews.types import QUEUE_OWNER, BulkAssigned, ReviewRecord
from zentra.core import actors
from zentra.core.actors import Actor
from zentra.core.clock import iso
from zentra.core.errors import DomainError

LONGEST_SNOOZE: Final = timedelta(days=7)
MOST_AT_ONCE: Final = 200
LAST_STEP: Final = max(people.ESCALATED_TO)
WAKES_A_ROUND: Final = 200


class FullyEscalated(DomainError):
    """The case has gone up as far as it goes."""

    code = "fully_escalated"
    status = 409
    title = "This review cannot be escalated further"


class InvalidSnooze(DomainError):
    """A case sleeps until a moment of the next seven days."""

    code = "invalid_snooze"
    status = 422
    title = "A review cannot be snoozed until then"


class TooManyReviews(DomainError):
    """More cases than one request may change."""

    code = "too_many_reviews"
    status = 422
    title = "Too many reviews at once"


def assign_review(
    *, review_id: str, owner: str, actor: Actor, now: datetime, version: int | None = None
) -> ReviewRecord:
    """Make another person accountable for an open case; who works on it goes on. Recorded as ``review.assigned``.

    Raises NoSuchReview, ReviewAlreadyDecided, StaleReview, CannotOwnReview.
    """
    review = store.lock_open(review_id, version=version)
    people.check_can_own(review, owner)
    if review.owner == owner:
        return review
    assigned = store.change(review, actor=actor, at=now, owner=owner)
    store.keep_step(review.id, "assigned", actor=actor, at=now, before=review.owner, after=owner)
    events.record("assigned", assigned, actor=actor, now=now, previous_owner=review.owner)
    return assigned


def bulk_assign(*, review_ids: Sequence[str], owner: str, actor: Actor, now: datetime) -> BulkAssigned:
    """Make one person accountable for several cases; each that cannot be theirs is named with its refusal.

    At most 200. Cases are locked in the order of their ids, so that two who do this at once wait for each other and
    never in a circle. Raises TooManyReviews.
    """
    wanted = sorted(set(review_ids))
    if len(wanted) > MOST_AT_ONCE:
        raise TooManyReviews(f"Choose at most {MOST_AT_ONCE}.", most=MOST_AT_ONCE)
    assigned: list[ReviewRecord] = []
    refused: list[tuple[str, str]] = []
    for review_id in wanted:
        try:
            assigned.append(assign_review(review_id=review_id, owner=owner, actor=actor, now=now))
        except DomainError as refusal:
            refused.append((review_id, refusal.code))
    return BulkAssigned(tuple(assigned), tuple(refused))


def hand_over(
    *, review_id: str, to: str, note: str, actor: Actor, now: datetime, version: int | None = None
) -> ReviewRecord:
    """Give a case to another person with a note: they own it, and it is free for them to claim.

    Raises NoSuchReview, ReviewAlreadyDecided, StaleReview, ReviewClaimed, CannotOwnReview, ReasonRequired.
    """
    words = codes.check_words(note)
    review = store.lock_open(review_id, version=version)
    store.check_not_claimed_by_another(review, actor, now)
    people.check_can_own(review, to)
    given = store.change(review, actor=actor, at=now, owner=to, **store.FREE)
    store.keep_step(review.id, "handed_over", actor=actor, at=now, before=review.owner, after=to, words=words)
    events.record("handed_over", given, actor=actor, now=now, previous_owner=review.owner)
    return given


def snooze_review(
    *, review_id: str, until: datetime, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> ReviewRecord:
    """Put a case aside until a moment of the next seven days. Its time limit runs on.

    Raises NoSuchReview, ReviewAlreadyDecided, StaleReview, ReviewClaimed, InvalidSnooze, ReasonRequired.
    """
    words = codes.check_words(reason)
    if not now < until <= now + LONGEST_SNOOZE:
        raise InvalidSnooze(f"Choose a moment of the next {LONGEST_SNOOZE.days} days.")
    review = store.lock_open(review_id, version=version)
    store.check_not_claimed_by_another(review, actor, now)
    aside = store.change(review, actor=actor, at=now, snoozed_until=until, snoozed_by=actor.id, **store.FREE)
    store.keep_step(review.id, "snoozed", actor=actor, at=now, after=until.isoformat(), words=words)
    events.record("snoozed", aside, actor=actor, now=now, until=iso(until), snoozed_by=actor.id)
    return aside


def escalate_review(
    *, review_id: str, note: str, actor: Actor, now: datetime, version: int | None = None
) -> ReviewRecord:
    """Take a case a step up: to compliance, then to an admin. It is free to claim there.

    Raises NoSuchReview, ReviewAlreadyDecided, StaleReview, ReviewClaimed, FullyEscalated, ReasonRequired.
    """
    words = codes.check_words(note)
    review = store.lock_open(review_id, version=version)
    store.check_not_claimed_by_another(review, actor, now)
    if review.escalation >= LAST_STEP:
        raise FullyEscalated("It is with the admins; nobody stands above them here.")
    raised = raise_level(review=review, actor=actor, now=now, changes={"queue": "compliance", **store.FREE})
    store.keep_step(review.id, "escalated", actor=actor, at=now, before=review.owner, after=raised.owner, words=words)
    return raised


def raise_level(
    *, review: ReviewRecord, actor: Actor, now: datetime, changes: Mapping[str, Any] | None = None
) -> ReviewRecord:
    """Give a case that we hold locked to the roles of its next step; recorded as ``review.escalated``.

    Where nobody of them is there, it keeps its owner as long as they may decide it, else the queue owns it.
    """
    level = review.escalation + 1
    owner = people.owner_at_step(level, leave_out=people.makers_of(review.maker))
    if owner == QUEUE_OWNER and (changes or {}).get("queue", review.queue) == review.queue:
        owner = review.owner
    raised = store.change(
        review, actor=actor if actor.kind == "user" else None, at=now, escalation=level, escalated_at=now,
        escalated_by=actor.id, owner=owner, **(changes or {}),
    )  # fmt: skip
    events.record("escalated", raised, actor=actor, now=now, level=level, previous_owner=review.owner)
    return raised


def wake_snoozed(*, now: datetime) -> int:
    """Bring back the cases whose moment has come, a batch of them; how many there were."""
    due = store.select(
        "WHERE state = 'open' AND snoozed_until <= %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED", [now, WAKES_A_ROUND]
    )
    for review in due:
        store.change(review, actor=None, at=now, snoozed_until=None, snoozed_by=None)
        store.keep_step(review.id, "woken", actor=actors.POLICY, at=now)
    return len(due)
