"""The public schema's own tables: workspaces, people, roles, staff, and what services prove themselves with."""

from zentra.tenants.models.people import (
    Invitation,
    Membership,
    OutgoingMail,
    SecondFactorUse,
    User,
    UserManager,
    _new_user_id,
)
from zentra.tenants.models.roles import AccessReview, Role, RoleChange, RoleVersion, Team, TeamMember
from zentra.tenants.models.services import (
    ApiClient,
    ApiCredential,
    ClientCertificate,
    ClientSecret,
    RevokedToken,
    SigningKey,
)
from zentra.tenants.models.sessions import SignInSession
from zentra.tenants.models.staff import StaffGrant
from zentra.tenants.models.workspaces import Domain, ProvisioningJob, SettingChange, Workspace, WorkspaceExport

__all__ = [
    "AccessReview",
    "ApiClient",
    "ApiCredential",
    "ClientCertificate",
    "ClientSecret",
    "Domain",
    "Invitation",
    "Membership",
    "OutgoingMail",
    "ProvisioningJob",
    "RevokedToken",
    "Role",
    "RoleChange",
    "RoleVersion",
    "SecondFactorUse",
    "SettingChange",
    "SignInSession",
    "SigningKey",
    "StaffGrant",
    "Team",
    "TeamMember",
    "User",
    "UserManager",
    "Workspace",
    "WorkspaceExport",
    "_new_user_id",  # the first migration names it here
]
