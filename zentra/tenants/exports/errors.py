"""What is refused about exports of workspaces; raised by ``operations``."""

from zentra.core.errors import DomainError


class WorkspaceExportNotFound(DomainError):
    """There is no export of this id in this workspace."""

    code = "workspace_export_not_found"
    status = 404
    title = "There is no such export"


class WorkspaceExportRunning(DomainError):
    """An export of this workspace is being written; one at a time."""

    code = "workspace_export_running"
    status = 409
    title = "An export is being written already"


class StaffGrantNeeded(DomainError):
    """The platform exports an archived workspace; any other one only while whoever asks has access to it as staff."""

    code = "staff_grant_needed"
    status = 403
    title = "Ask for access to this workspace first"


class WorkspaceExportNotReady(DomainError):
    """The file is not written yet, or is gone: an export is kept for seven days."""

    code = "workspace_export_not_ready"
    status = 409
    title = "There is no file to take"
