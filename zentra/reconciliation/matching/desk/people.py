"""Who may act at the desk, by what their roles include here and now."""

from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.desk.errors import CannotOwnException, DeskRoleRefused
from zentra.reconciliation.matching.desk.types import ExceptionRecord
from zentra.tenants.configuration.queries import read_settings
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import permissions_in_workspace


def check_person(actor: Actor, permission: Permission) -> None:
    """Raises DeskRoleRefused. Keys and services end no exception: that is a person's, whose roles are read now."""
    if actor.kind != "user" or permission not in _permissions(actor.id):
        raise DeskRoleRefused(f"It takes a person with {permission}.", permission=str(permission))


def check_actor(actor: Actor, permission: Permission) -> None:
    """The same for what the house's own services do too; raises DeskRoleRefused for a key, or a person without it."""
    if actor.kind != "service":
        check_person(actor, permission)


def takes_two(found: ExceptionRecord) -> bool:
    """Whether an exception is too large for one person to end it without money."""
    limit = read_settings(workspace_id=current_tenant().id).explain_approval_minor
    return abs(found.difference_minor or found.amount_minor) > limit


def check_can_own(person: str) -> None:
    """Raises CannotOwnException for somebody who could not work on it."""
    if Permission.RECONCILIATION_MATCH not in _permissions(person):
        raise CannotOwnException("Choose somebody whose role may match in this workspace.")


def _permissions(person: str) -> frozenset[Permission]:
    try:
        return permissions_in_workspace(user_id=person, workspace_id=current_tenant().id)
    except ids.BadId:
        return frozenset()
