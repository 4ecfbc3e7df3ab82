"""When somebody's role ends or changes: what they worked on is free at once, what was theirs gets another owner."""

from datetime import datetime
from typing import Final
from uuid import UUID

from policy.reviews import events, people, store
from policy.reviews.types import QUEUE_OWNER, ReviewRecord
from zentra.core import actors
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.tenants.queries import list_reviewers

ABANDONED_A_ROUND: Final = 200


def follow_member(
    *, workspace_id: UUID, user_id: str, role_before: str, role: str, actor: Actor, now: datetime
) -> None:
    """Free the person's claims and give their cases to others, where the role they have now may not decide them.

    Registered with ``zentra.tenants.members.registry``; in the transaction that changes the role, so that nobody sees
    a case of somebody who is gone.
    """
    del workspace_id, role_before  # the transaction is inside the workspace; what counts is the role now
    decides = people.DECIDES.get(role, frozenset())
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
    able = {queue: _able(queue) for queue in people.OWNERS}
    abandoned = store.select(
        "WHERE state = 'open' AND owner LIKE 'usr\\_%%' AND (%s::text IS NULL OR owner = %s)"
        " AND owner <> ALL(CASE queue WHEN 'compliance' THEN %s::text[] ELSE %s::text[] END)"
        " ORDER BY id LIMIT %s FOR UPDATE",
        [person, person, able["compliance"], able["operations"], ABANDONED_A_ROUND],
    )
    for review in abandoned:
        _give_away(review, actor, now)
    return len(abandoned)


def _able(queue: str) -> list[str]:
    roles = tuple(role for role, queues in people.DECIDES.items() if queue in queues)
    return [person for person, _role, _there in list_reviewers(workspace_id=current_tenant().id, roles=roles)]


def _give_away(review: ReviewRecord, actor: Actor, now: datetime) -> None:
    roles = people.ESCALATED_TO.get(review.escalation, people.OWNERS[review.queue])
    owner = people.least_loaded(roles=roles, leave_out={review.maker, review.owner})
    if owner == QUEUE_OWNER and review.escalation:
        owner = people.least_loaded(roles=people.OWNERS[review.queue], leave_out={review.maker, review.owner})
    given = store.change(review, actor=actor, at=now, owner=owner)
    store.keep_step(review.id, "assigned", actor=actor, at=now, before=review.owner, after=owner)
    events.record("assigned", given, actor=actor, now=now, previous_owner=review.owner)
