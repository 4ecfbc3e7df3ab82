"""Whose an exception is."""

from collections.abc import Sequence
from datetime import datetime

from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.reconciliation.matching.desk import people, store
from zentra.reconciliation.matching.desk.errors import TooManyExceptions
from zentra.reconciliation.matching.desk.types import MOST, BulkDone, ExceptionRecord
from zentra.tenants.permissions import Permission


def assign_exception(
    *, exception_id: str, owner_id: str | None, actor: Actor, now: datetime, version: int | None = None
) -> ExceptionRecord:
    """Give an unresolved exception to a person, or to nobody.

    Raises NoSuchException, ExceptionResolved, StaleException, CannotOwnException, DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    found = store.lock_unresolved(exception_id, now=now, version=version)
    if found.owner_id == owner_id:
        return found
    if owner_id is not None:
        people.check_can_own(owner_id)
    assigned = store.change(found, now=now, owner_id=owner_id)
    store.keep_step(
        found.id, "assigned", actor=actor, now=now, before=found.owner_id or "", after=assigned.owner_id or ""
    )
    return assigned


def take_exception(*, exception_id: str, actor: Actor, now: datetime, version: int | None = None) -> ExceptionRecord:
    """Make an unresolved exception one's own; raises what ``assign_exception`` does."""
    return assign_exception(exception_id=exception_id, owner_id=actor.id, actor=actor, now=now, version=version)


def bulk_assign(*, exception_ids: Sequence[str], owner_id: str | None, actor: Actor, now: datetime) -> BulkDone:
    """Give several to one person; each that cannot be given is named with its refusal.

    At most 200, locked in the order of their ids, so that two who do this at once never wait in a circle. Raises
    TooManyExceptions, DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    done: list[ExceptionRecord] = []
    refused: list[tuple[str, str]] = []
    for each in in_order(exception_ids=exception_ids):
        try:
            done.append(assign_exception(exception_id=each, owner_id=owner_id, actor=actor, now=now))
        except DomainError as refusal:
            refused.append((each, refusal.code))
    return BulkDone(tuple(done), tuple(refused))


def in_order(*, exception_ids: Sequence[str]) -> list[str]:
    """Each once, in the order in which they are locked; raises TooManyExceptions."""
    wanted = sorted(set(exception_ids))
    if len(wanted) > MOST:
        raise TooManyExceptions(f"Choose at most {MOST}.", most=MOST)
    return wanted
