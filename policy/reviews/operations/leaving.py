"""When somebody's role ends or changes: what they worked on is free at once, what was theirs gets another owner."""

from datetime import datetime
from typing import Final
from uuid import UUID

from policy.reviews import events, people, store
from policy.reviews.types import QUEUE_OWNER, ReviewRecord
from zentra.core import actors
from zentra.core.actors import Actor

ABANDONED_A_ROUND: Final = 200


def follow_member(
    *, workspace_id: UUID, user_id: str, role_before: str, role: str, actor: Actor, now: datetime
) -> None:
    """Free the person's claims and give their cases to others, where the role they have now may not decide them.

    Registered with ``zentra.tenants.members.registry``; in the transaction that changes the role, so that nobody sees
    a case of somebody who is gone.
    """
    del workspace_id, role_before, role  # the transaction is inside the workspace; what counts is what they may now
    decides = people.queues_of(user_id)
    for review in store.select("WHERE state = 'open' AND claimed_by = %s ORDER BY id FOR UPDATE", [user_id]):
        if review.queue not in decides:
            free = store.change(review, actor=None, at=now, **store.FREE)
            store.keep_step(review.id, "released", actor=actor, at=now, before=user_id)
            events.record("released", free, actor=actor, now=now, released_by=user_id, reason="member_left")
    while reown_abandoned(now=now, actor=actor, person=user_id):
        pass


def reown_abandoned(*, now: datetime, actor: Actor = actors.POLICY, person: str | None = None) -> int:
    """Give cases whose owner may not decide them any more to somebody who may, a batch; how many there were.

    Also asked every few seconds for everybody: a case that was opened while its owner's role was taken away is found.
    """
    able = {queue: people.able_to_decide(queue) for queue in people.OWNERS}
    abandoned = store.select(
        "WHERE state = 'open' AND owner LIKE 'usr\\_%%' AND (%s::text IS NULL OR owner = %s)"
        " AND owner <> ALL(CASE queue WHEN 'compliance' THEN %s::text[] ELSE %s::text[] END)"
        " ORDER BY id LIMIT %s FOR UPDATE",
        [person, person, able["compliance"], able["operations"], ABANDONED_A_ROUND],
    )
    for review in abandoned:
        _give_away(review, actor, now)
    return len(abandoned)


def _give_away(review: ReviewRecord, actor: Actor, now: datetime) -> None:
    not_them = {*people.makers_of(review.maker), review.owner}
    owner = people.owner_at_step(review.escalation, leave_out=not_them) if review.escalation else QUEUE_OWNER
    if owner == QUEUE_OWNER:
        owner = people.owner_of_queue(review.queue, leave_out=not_them)
    given = store.change(review, actor=actor, at=now, owner=owner)
    store.keep_step(review.id, "assigned", actor=actor, at=now, before=review.owner, after=owner)
    events.record("assigned", given, actor=actor, now=now, previous_owner=review.owner)
