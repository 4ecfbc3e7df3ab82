"""Workspaces of the tests: made as in production, dropped by the database's owner."""

from __future__ import annotations

from typing import Any, Literal

from psycopg import sql
from psycopg.errors import DeadlockDetected

from zentra.core import schema, tenancy
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef


def create(*, slug: str, mode: Literal["sandbox", "live"], ledger_currency: str) -> TenantRef:
    """A workspace by clone, with what every app puts into a new one; committed."""
    from zentra.tenants.operations import create_workspace

    return create_workspace(slug=slug, name=slug.title(), mode=mode, ledger_currency=ledger_currency, now=now())


def drop(workspace: TenantRef) -> None:
    """Remove a workspace: its schema, its rows in public, its entry in the switch's memory."""
    with schema.connect_as_owner() as owner:
        # Running processes pass it by from now on; what they are in the middle of may still be in the way of the drop.
        owner.execute("UPDATE public.tenants_workspace SET state = 'suspended' WHERE id = %s", [workspace.id])
        owner.commit()
        for attempt in range(5):
            try:
                schema.drop_schema(workspace.schema, owner=owner)
                break
            except DeadlockDetected:
                owner.rollback()
                if attempt == 4:
                    raise
        for table in _public_tables_of_workspaces(owner):
            owner.execute(
                sql.SQL("DELETE FROM public.{} WHERE workspace_id = %s").format(sql.Identifier(table)), [workspace.id]
            )
        owner.execute("DELETE FROM public.tenants_workspace WHERE id = %s", [workspace.id])
    tenancy.forget(workspace.id)


def issue_token(workspace: TenantRef) -> str:
    """A new key with every API scope; its token."""
    from zentra.tenants.operations import issue_key
    from zentra.tenants.permissions import API_SCOPES

    return issue_key(workspace=workspace, name="test", scopes=API_SCOPES, now=now()).token


def _public_tables_of_workspaces(owner: Any) -> list[str]:
    query = (
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'workspace_id' ORDER BY table_name"
    )
    return [name for (name,) in owner.execute(query)]
