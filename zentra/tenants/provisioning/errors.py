"""What is refused about workspaces as a whole; raised by ``operations``, ``lifecycle`` and ``jobs``."""

from zentra.core.errors import DomainError


class UnknownWorkspace(DomainError):
    """There is no workspace of this id."""

    code = "unknown_workspace"
    status = 404
    title = "There is no such workspace"


class InvalidWorkspaceName(DomainError):
    """A workspace's name is 1 to 80 characters in one line."""

    code = "invalid_workspace_name"
    status = 422
    title = "The workspace's name has another form"


class WorkspaceStateRefused(DomainError):
    """The workspace is in a state in which this cannot be done; ``state`` says which."""

    code = "workspace_state_refused"
    status = 409
    title = "In its present state this cannot be done"


class WorkspaceInUse(DomainError):
    """Intents of the workspace are on their way, and nobody could decide them any more; ``in_flight`` says how many."""

    code = "workspace_in_use"
    status = 409
    title = "Money is on its way in this workspace"


class TwinRefused(DomainError):
    """Only an active sandbox workspace has a live twin, and only one."""

    code = "twin_refused"
    status = 409
    title = "This workspace gets no live twin"


class ClaimEnded(DomainError):
    """Another process has taken the job: what this one was doing is undone."""

    code = "provisioning_claim_ended"
    status = 409
    title = "Another process does this job"
