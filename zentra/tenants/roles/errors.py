"""What is refused about roles and grants."""

from collections.abc import Iterable

from zentra.core.errors import DomainError
from zentra.tenants.roles.conflicts import Conflict


class UnknownRole(DomainError):
    """This workspace has no such role of its own."""

    code = "unknown_role"
    status = 404
    title = "There is no such role here"


class InvalidRoleDefinition(DomainError):
    """The key, the name or a permission of a role has another form."""

    code = "invalid_role_definition"
    status = 422
    title = "A role cannot be like that"


class RoleExists(DomainError):
    """The key is a built-in role's, or another role of this workspace has it or had it."""

    code = "role_exists"
    status = 409
    title = "There is a role of that key"


class StaleRole(DomainError):
    """Somebody changed the role since the page was read; nothing was changed."""

    code = "stale_role"
    status = 409
    title = "Somebody changed this role meanwhile"


class RoleHeld(DomainError):
    """Members have the role; ``holders`` says how many."""

    code = "role_held"
    status = 409
    title = "People have this role"


class RolesConflict(DomainError):
    """Roles or permissions that must not meet in one person would; ``conflicts`` names each pair and why."""

    code = "roles_conflict"
    status = 409
    title = "These must not meet in one person"


class BeyondOwnPermissions(DomainError):
    """Nobody gives, takes or approves what they do not have themselves; ``missing`` names it."""

    code = "beyond_own_permissions"
    status = 403
    title = "Nobody gives more than they have"


class SecondAdminNeeded(DomainError):
    """Nobody can decide the grant: who could has the role, or the asker took them away within seven days."""

    code = "second_admin_needed"
    status = 409
    title = "A second admin has to agree"


class UnknownRoleChange(DomainError):
    """This workspace has no such proposal."""

    code = "unknown_role_change"
    status = 404
    title = "There is no such proposal"


class RoleChangeEnded(DomainError):
    """The proposal was decided, was withdrawn, or ran out; ``state`` says which."""

    code = "role_change_ended"
    status = 409
    title = "This proposal is not open any more"


class RoleChangeOutdated(DomainError):
    """What the proposal starts from has changed, or its asker may not ask for it any more."""

    code = "role_change_outdated"
    status = 409
    title = "This proposal does not fit any more"


class OwnRoleChange(DomainError):
    """Neither who asked for a grant nor who would get it approves it."""

    code = "own_role_change"
    status = 403
    title = "Another admin decides this"


class RoleChangePending(DomainError):
    """The same member or role has an open proposal."""

    code = "role_change_pending"
    status = 409
    title = "There is an open proposal already"


def conflict(pairs: Iterable[Conflict]) -> RolesConflict:
    """The refusal that names each pair and why."""
    found = list(pairs)
    return RolesConflict(
        "; ".join(f"{pair.one} and {pair.other}: {pair.why}" for pair in found) + ".",
        conflicts=[{"one": str(pair.one), "other": str(pair.other), "why": pair.why} for pair in found],
    )
