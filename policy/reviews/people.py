"""Who may own and decide which case: by what their roles include here and now, and the least loaded who are there."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db import connection

from policy.reviews.errors import CannotOwnReview, MakerCannotDecide, RoleCannotDecide
from policy.reviews.types import QUEUE_OWNER, ReviewRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import permissions_in_workspace
from zentra.tenants.roles.queries import credentials_made_by, list_holders, people_behind
from zentra.tenants.teams.queries import list_team_workers

DECIDE: Final = Permission.REVIEWS_DECIDE
DECIDE_COMPLIANCE: Final = Permission.REVIEWS_DECIDE_COMPLIANCE


@dataclass(frozen=True, slots=True)
class Holders:
    """The people of whose roles one has all of ``having`` and none of ``lacking``."""

    having: frozenset[Permission]
    lacking: frozenset[Permission] = frozenset()


DECIDES: Final[dict[str, frozenset[Permission]]] = {
    "operations": frozenset({DECIDE, DECIDE_COMPLIANCE}),
    "compliance": frozenset({DECIDE_COMPLIANCE}),
}
"""Which permissions decide the cases of each queue; one is enough."""

_MANAGES: Final = frozenset({Permission.PEOPLE_MANAGE})

OWNERS: Final[dict[str, Holders]] = {
    "operations": Holders(frozenset({DECIDE}), lacking=_MANAGES),
    "compliance": Holders(frozenset({DECIDE_COMPLIANCE}), lacking=_MANAGES),
}
"""Who is given cases of each queue: a role that decides them and is not the admins'."""

ESCALATED_TO: Final[dict[int, Holders]] = {
    1: OWNERS["compliance"],
    2: Holders(frozenset({DECIDE_COMPLIANCE}) | _MANAGES),
}
"""Who is given a case at each step of its escalation: who decides compliance's, then the admins."""


def queues_of(person: str) -> frozenset[str]:
    """The queues whose cases a person decides here, by their roles now."""
    may = _permissions(person)
    return frozenset(queue for queue, permissions in DECIDES.items() if may & permissions)


def _permissions(person: str) -> frozenset[Permission]:
    try:
        return permissions_in_workspace(user_id=person, workspace_id=current_tenant().id)
    except ids.BadId:
        return frozenset()


def check_may_decide(review: ReviewRecord, actor: Actor) -> None:
    """Raises RoleCannotDecide or MakerCannotDecide. Keys and services decide nothing: a decision is a person's."""
    if actor.kind != "user":
        raise RoleCannotDecide("A person decides reviews, with their own session.")
    if review.queue not in queues_of(actor.id):
        raise RoleCannotDecide(
            f"Cases of the {review.queue} queue are not decided as {actor.role}.", queue=review.queue
        )
    if actor.id in makers_of(review.maker):
        raise MakerCannotDecide("You made it, or the key or secret that did; another person has to decide it.")


def may_decide(review: ReviewRecord, person: str) -> bool:
    """Whether a person may decide a case by their roles now."""
    return review.queue in queues_of(person)


def check_can_own(review: ReviewRecord, person: str) -> None:
    """Raises CannotOwnReview for somebody who could not decide the case."""
    if review.queue not in queues_of(person):
        raise CannotOwnReview("Choose somebody whose role may decide this review in this workspace.")
    if person in makers_of(review.maker):
        raise CannotOwnReview("Who made it cannot own its review.")


def makers_of(maker: str) -> frozenset[str]:
    """The people who made it, also where a key or a client did that is theirs."""
    return people_behind(who=maker, workspace_id=current_tenant().id)


def made_by(person: str) -> list[str]:
    """As whom a person may have made something: as themselves, and by each key and client that is theirs."""
    return [person, *credentials_made_by(user_id=person, workspace_id=current_tenant().id)]


def owner_of_queue(queue: str, *, leave_out: Collection[str]) -> str:
    """Who is given a new case of a queue: of its teams where one of them is on shift, else of everybody who is."""
    able = _on_shift(OWNERS[queue], leave_out)
    teams = list_team_workers(workspace_id=current_tenant().id, queue=queue) if able else frozenset()
    return _least_loaded([person for person in able if person in teams] or able)


def owner_at_step(step: int, *, leave_out: Collection[str]) -> str:
    """Who is given a case at a step of its escalation."""
    return _least_loaded(_on_shift(ESCALATED_TO[step], leave_out))


def able_to_decide(queue: str) -> list[str]:
    """Everybody who may decide the cases of a queue."""
    found = (
        person
        for permission in DECIDES[queue]
        for person, _role, _there in list_holders(workspace_id=current_tenant().id, having=[permission])
    )
    return sorted(set(found))


def _on_shift(holders: Holders, leave_out: Collection[str]) -> list[str]:
    found = list_holders(workspace_id=current_tenant().id, having=holders.having, lacking=holders.lacking)
    return [person for person, _role, is_there in found if is_there and person not in leave_out]


def _least_loaded(able: list[str]) -> str:
    """Of several people the one with the fewest open cases; QUEUE_OWNER when there is nobody."""
    if not able:
        return QUEUE_OWNER
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT who FROM unnest(%s::text[]) WITH ORDINALITY AS r(who, place)"
            " LEFT JOIN policy_review v ON v.owner = who AND v.state = 'open'"
            " GROUP BY who, place ORDER BY count(v.id), place LIMIT 1",
            [able],
        )
        return str(cursor.fetchone()[0])
