"""Who works on a case now: one person at a time, for a lease unless they go on."""

from dataclasses import replace
from datetime import datetime

from django.db import connection

from policy.reviews import events, people, store
from policy.reviews.errors import already_decided, claimed
from policy.reviews.filters import where_of
from policy.reviews.times import lease
from policy.reviews.types import ReviewFilter, ReviewRecord
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

LEASES_A_ROUND = 200


class ClaimLost(DomainError):
    """The claim was released, ran out, or is somebody else's now."""

    code = "claim_lost"
    status = 409
    title = "This review is no longer claimed by you"


def claim_review(*, review_id: str, actor: Actor, now: datetime, version: int | None = None) -> ReviewRecord:
    """Take a case to work on it. Of those who race one has it, and the others are told who; one's own is renewed.

    Raises NoSuchReview, ReviewAlreadyDecided, StaleReview, ReviewClaimed, RoleCannotDecide, MakerCannotDecide.
    """
    review = store.lock_open(review_id, version=version)
    people.check_may_decide(review, actor)
    store.check_not_claimed_by_another(review, actor, now)
    return _take(review, actor, now)


def _take(review: ReviewRecord, actor: Actor, now: datetime) -> ReviewRecord:
    """Have the actor work on an open case that the caller holds locked and nobody else works on."""
    if store.holder(review, now) == actor.id:
        return store.change(review, actor=None, at=now, claimed_until=now + lease())
    taken = store.change(
        review, actor=None, at=now, claimed_by=actor.id, claim_id=ids.new_uuid(), claimed_until=now + lease(),
        snoozed_until=None, snoozed_by=None,
    )  # fmt: skip
    store.keep_step(review.id, "claimed", actor=actor, at=now, before=review.claimed_by or "", after=actor.id)
    events.record("claimed", taken, actor=actor, now=now, claimed_by=actor.id)
    return taken


def claim_next(
    *, actor: Actor, now: datetime, queue: str | None = None, where: ReviewFilter | None = None
) -> ReviewRecord | None:
    """Take the most urgent case that this person may decide: breached ones first, then by when they are due.

    None when nothing waits for them. Of people who race each has another case. What they made, have approved
    or changed last where four eyes rule, and what is snoozed or claimed, is passed over.
    """
    asked = replace(where or ReviewFilter(), state="open")
    if queue is not None:
        asked = replace(asked, queue=queue)
    condition, values = where_of(asked, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id FROM policy_review r"  # noqa: S608  # constant text of the queue's own modules
            f" WHERE {condition} AND r.state = 'open' AND r.queue = ANY(%s) AND r.maker <> ALL(%s)"
            " AND (r.snoozed_until IS NULL OR r.snoozed_until <= %s)"
            " AND (r.claimed_until IS NULL OR r.claimed_until <= %s OR r.claimed_until > %s)"
            " AND NOT EXISTS (SELECT 1 FROM policy_review_approval a WHERE a.review_id = r.id"
            "                  AND (a.by_user = %s OR r.edited_by = %s))"
            " ORDER BY r.breached_at IS NULL, r.due_at, r.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED",
            [*values, sorted(people.queues_of(actor.id)), people.made_by(actor.id), now, now, now + 2 * lease(),
             actor.id, actor.id],
        )  # fmt: skip
        row = cursor.fetchone()
    if row is None or actor.kind != "user":
        return None
    return _take(store.get(ids.to_public("rev", row[0])), actor, now)


def renew_claim(*, review_id: str, actor: Actor, now: datetime) -> ReviewRecord:
    """Go on working on a case for another lease. Raises NoSuchReview, ReviewAlreadyDecided, ClaimLost."""
    review = _own(review_id, actor, now)
    return store.change(review, actor=None, at=now, claimed_until=now + lease())


def release_claim(*, review_id: str, actor: Actor, now: datetime) -> ReviewRecord:
    """Let go of a case, undecided. Raises NoSuchReview, ReviewAlreadyDecided, ClaimLost."""
    review = _own(review_id, actor, now)
    free = store.change(review, actor=None, at=now, **store.FREE)
    store.keep_step(review.id, "released", actor=actor, at=now, before=actor.id)
    events.record("released", free, actor=actor, now=now, released_by=actor.id, reason="released")
    return free


def _own(review_id: str, actor: Actor, now: datetime) -> ReviewRecord:
    """The open case that this actor works on now, held by us."""
    review = store.lock(review_id)
    if not review.is_open:
        raise already_decided(review)
    holder = store.holder(review, now)
    if holder == actor.id:
        return review
    if holder is not None:
        raise ClaimLost(claimed(review).detail, claimed_by=holder)
    raise ClaimLost("Its lease ran out, or it was released. Claim it again.", claimed_by=None)


def expire_claims(*, now: datetime) -> int:
    """Free the cases whose lease ran out, a batch of them; how many there were. Each is recorded once."""
    expired = store.select(
        "WHERE state = 'open' AND claimed_until IS NOT NULL AND (claimed_until <= %s OR claimed_until > %s)"
        " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
        [now, now + 2 * lease(), LEASES_A_ROUND],
    )
    for review in expired:
        was = review.claimed_by or ""
        free = store.change(review, actor=None, at=now, **store.FREE)
        store.keep_step(review.id, "claim_expired", actor=actors.POLICY, at=now, before=was)
        events.record("released", free, actor=actors.POLICY, now=now, released_by=was, reason="lease_expired")
    return len(expired)
