"""Roles of the workspace's own, a team, and a dangerous grant that waits for a second admin."""

from datetime import datetime
from typing import Final

from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.permissions import PERMISSIONS, Permission
from zentra.tenants.queries import find_member
from zentra.tenants.roles.operations import create_role
from zentra.tenants.roles.queries import find_custom_role
from zentra.tenants.services.operations.clients import create_client
from zentra.tenants.teams.operations import create_team

TEAM: Final = "First line"
_LOOKS: Final = PERMISSIONS["viewer"]


def seed_access(*, ref: TenantRef, admin: Actor, operators: list[str], now: datetime) -> None:
    """Make them, unless they were made before; ``operators`` are the user ids of the team. Enters the workspace."""
    if find_custom_role(workspace_id=ref.id, key="desk_lead") is not None:
        return
    with tenant_work(ref):
        create_role(
            workspace=ref, key="desk_lead", name="Desk lead", words="hands out the cases, decides none",
            permissions=_LOOKS | {Permission.REVIEWS_ASSIGN, Permission.ALARMS_ACKNOWLEDGE}, actor=admin, now=now,
        )  # fmt: skip
        create_role(
            workspace=ref, key="treasurer", name="Treasurer", words="lets outgoing money stand still, and go on",
            permissions=_LOOKS | {Permission.ROUTING_PAUSE, Permission.ROUTING_RESUME}, actor=admin, now=now,
            reason="The treasury asked to stop payouts by itself at night.",
        )  # fmt: skip
        create_team(workspace=ref, name=TEAM, queue="operations", members=operators, actor=admin, now=now)


def seed_client(*, ref: TenantRef, admin_email: str, now: datetime) -> dict[str, str]:
    """An OAuth client that reads the books: its id and secret for ``demo.json``. Enters the workspace."""
    issuer = find_member(email=admin_email, slug=ref.slug)
    if issuer is None:
        raise LookupError(f"{admin_email} is no member of {ref.slug}.")
    with tenant_work(ref):
        made = create_client(
            workspace=ref, name="books reader", scopes={Permission.ACCOUNTS_READ, Permission.LEDGER_READ},
            issuer=issuer, now=now,
        )  # fmt: skip
    return {"client_id": made.client_id, "client_secret": made.secret}
