"""What is refused about staff access; raised by ``operations``."""

from zentra.core.errors import DomainError


class InvalidStaffRequest(DomainError):
    """Staff enter as viewer or support, with a reason, for 1 to 8 hours."""

    code = "invalid_staff_request"
    status = 422
    title = "Staff access needs a role, a reason and an end"


class StaffInsideAlready(DomainError):
    """This person has an open grant in this workspace, or is a member of it."""

    code = "staff_inside_already"
    status = 409
    title = "They may enter this workspace already"


class StaffKeptOut(DomainError):
    """An admin of the workspace ended this person's access within the last 24 hours; they do not come back so soon."""

    code = "staff_kept_out"
    status = 409
    title = "An admin of the workspace ended this access"


class StaffGrantNotFound(DomainError):
    """There is no such grant in this workspace."""

    code = "staff_grant_not_found"
    status = 404
    title = "There is no such staff access"


class WorkspaceNotOpen(DomainError):
    """Nobody enters a workspace that is suspended, archived or deleted; staff do not either."""

    code = "workspace_not_open"
    status = 409
    title = "Nobody enters this workspace now"
