"""What is done about roles: a workspace's own ones, and the proposals that a second admin decides."""

from zentra.tenants.roles.operations.changes import approve_change, expire_changes, refuse_change, withdraw_change
from zentra.tenants.roles.operations.definitions import change_role_definition, create_role, retire_role

__all__ = [
    "approve_change",
    "change_role_definition",
    "create_role",
    "expire_changes",
    "refuse_change",
    "retire_role",
    "withdraw_change",
]
