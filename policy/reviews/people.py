"""Who may own and decide which case: data about roles, and the least loaded of those who are there."""

from collections.abc import Collection
from typing import Final

from django.db import connection

from policy.reviews.errors import CannotOwnReview, MakerCannotDecide, RoleCannotDecide
from policy.reviews.types import QUEUE_OWNER, ReviewRecord
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.tenants.queries import list_reviewers

DECIDES: Final[dict[str, frozenset[str]]] = {
    "operator": frozenset({"operations"}),
    "compliance": frozenset({"operations", "compliance"}),
    "admin": frozenset({"operations", "compliance"}),
}
"""Which queues each role decides."""

OWNERS: Final[dict[str, tuple[str, ...]]] = {"operations": ("operator", "compliance"), "compliance": ("compliance",)}
"""Roles that are given cases of each queue."""

ESCALATED_TO: Final[dict[int, tuple[str, ...]]] = {1: ("compliance",), 2: ("admin",)}
"""Roles that are given a case at each step of its escalation."""


def check_may_decide(review: ReviewRecord, actor: Actor) -> None:
    """Raises RoleCannotDecide or MakerCannotDecide. Keys and services decide nothing: a decision is a person's."""
    if actor.kind != "user":
        raise RoleCannotDecide("A person decides reviews, with their own session.")
    if review.queue not in DECIDES.get(actor.role, frozenset()):
        raise RoleCannotDecide(
            f"Cases of the {review.queue} queue are not decided as {actor.role}.", queue=review.queue
        )
    if actor.id == review.maker:
        raise MakerCannotDecide("You made it; another person has to decide it.")


def check_can_own(review: ReviewRecord, person: str) -> None:
    """Raises CannotOwnReview for somebody who could not decide the case."""
    roles = {role for role, queues in DECIDES.items() if review.queue in queues}
    if person not in _people(tuple(roles), on_shift=False):
        raise CannotOwnReview("Choose somebody whose role may decide this review in this workspace.")
    if person == review.maker:
        raise CannotOwnReview("Who made it cannot own its review.")


def least_loaded(*, roles: tuple[str, ...], leave_out: Collection[str]) -> str:
    """Of the people of these roles on shift the one with the fewest open cases; QUEUE_OWNER when there is nobody."""
    able = [person for person in _people(roles, on_shift=True) if person not in leave_out]
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


def _people(roles: tuple[str, ...], *, on_shift: bool) -> list[str]:
    found = list_reviewers(workspace_id=current_tenant().id, roles=roles)
    return [person for person, _role, is_there in found if is_there or not on_shift]
