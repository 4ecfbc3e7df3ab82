"""The mark that every door carries: which permission it needs. A door without one fails the build."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from zentra.core import marks
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

Door = TypeVar("Door", bound=Callable[..., Any])
PUBLIC: Final = "public"
"""The mark of a door that needs no permission: sign-in, health, signed callbacks."""

SIGNED_IN: Final = "signed_in"
"""The mark of a door for any signed-in person: the workspace list."""


class PermissionDenied(DomainError):
    """The actor's role does not include this operation. The attempt is recorded as ``access.denied``."""

    code = "permission_denied"
    status = 403
    title = "This role may not do that"


class MembershipRequired(DomainError):
    """The person is not a member of this workspace; whether it exists is not told. Recorded as ``access.denied``."""

    code = "not_found"
    status = 404
    title = "There is nothing here for you"


def require(permission: Permission | str) -> Callable[[Door], Door]:
    """Mark a view, API operation, consumer or task with what it needs."""

    def mark(door: Door) -> Door:
        marks.put_mark(door, permission)
        return door

    return mark


def required_permission(door: object) -> Permission | str | None:
    """The mark of a door, looked for through decorators; None when there is none."""
    seen = 0
    while door is not None and seen < 20:
        mark: Permission | str | None = marks.get_mark(door)
        if mark is not None:
            return mark
        door, seen = getattr(door, "__wrapped__", None) or getattr(door, "view_class", None), seen + 1
    return None
