"""Workspaces of the tests: made as in production, dropped by the database's owner, or emptied and given out again."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from psycopg import sql
from psycopg.errors import DeadlockDetected

from tests import emptying
from zentra.core import ids, schema, tenancy
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef

_CHILDREN = (
    ("tenants_role_version", "role_id", "tenants_role"),
    ("tenants_team_member", "team_id", "tenants_team"),
    ("tenants_client_secret", "client_id", "tenants_api_client"),
    ("tenants_client_certificate", "client_id", "tenants_api_client"),
)
"""Tables of public that hang on one with a workspace: (table, its column, the other table)."""

_spare: list[tuple[str, str]] = []
"""(slug, schema) of emptied workspaces."""


def create(*, slug: str | None, mode: Literal["sandbox", "live"], ledger_currency: str) -> TenantRef:
    """A workspace with what every app puts into a new one, committed: by clone, or in an emptied schema.

    Without a slug it has one of its own. Its id is always new.
    """
    from zentra.tenants.operations import create_workspace, insert_and_provision

    if slug is None and _spare:
        slug, name = _spare.pop()
        ref = TenantRef(ids.new_uuid(), slug, name, mode, ledger_currency)
        insert_and_provision(ref=ref, name=slug.title(), now=now(), make_schema=lambda _name: None)
        return ref
    slug = slug or f"{emptying.OWN_SLUG}{secrets.token_hex(5)}"
    made = create_workspace(slug=slug, name=slug.title(), mode=mode, ledger_currency=ledger_currency, now=now())
    emptying.remember(made)
    return made


def drop(workspace: TenantRef) -> None:
    """Take a workspace away: its rows in public, its entry in the switch's memory, its schema or what is in it."""
    with schema.connect_as_owner() as owner:
        # Running processes pass it by from now on; what they are in the middle of may still be in the way of the drop.
        owner.execute("UPDATE public.tenants_workspace SET state = 'deleted' WHERE id = %s", [workspace.id])
        owner.commit()
        if emptying.empty(workspace):
            _spare.append((workspace.slug, workspace.schema))
        else:
            _drop_schema(workspace, owner)
        for child, key, parent in _CHILDREN:
            owner.execute(
                f"DELETE FROM public.{child} WHERE {key} IN (SELECT id FROM public.{parent} WHERE workspace_id = %s)",
                [workspace.id],
            )
        for table in _public_tables_of_workspaces(owner):
            owner.execute(
                sql.SQL("DELETE FROM public.{} WHERE workspace_id = %s").format(sql.Identifier(table)), [workspace.id]
            )
        owner.execute("DELETE FROM public.tenants_workspace WHERE id = %s", [workspace.id])
    tenancy.forget(workspace.id)


def _drop_schema(workspace: TenantRef, owner: Any) -> None:
    for attempt in range(5):
        try:
            schema.drop_schema(workspace.schema, owner=owner)
            return
        except DeadlockDetected:
            owner.rollback()
            if attempt == 4:
                raise


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
