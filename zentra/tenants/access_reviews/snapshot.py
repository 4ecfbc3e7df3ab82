"""Who may do what at this moment, as lines of plain values: ids and codes, and the names of keys."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.db import connection

from zentra.core import ids
from zentra.core.clock import iso
from zentra.core.tenancy import TenantRef
from zentra.tenants.members.queries import list_members
from zentra.tenants.permissions import STAFF_PERMISSIONS
from zentra.tenants.roles.queries import list_custom_roles

Line = dict[str, Any]
NEVER: Final = "never"


def take_snapshot(*, workspace: TenantRef, now: datetime) -> dict[str, Any]:
    """All lines: people, roles of the workspace's own, keys, clients, open staff grants; canonical values only."""
    lines = [*_people(workspace), *_roles(workspace), *_credentials(workspace, now), *_grants(workspace, now)]
    return {"workspace": ids.to_public("ws", workspace.id), "taken_at": iso(now), "lines": lines}


def _people(workspace: TenantRef) -> Iterator[Line]:
    for each in list_members(workspace_id=workspace.id):
        facts = {
            "last seen": _moment(each.last_seen_at), "member since": iso(each.joined_at),
            "second factor": "set up" if each.has_second_factor else "none",
            "password": "set" if each.has_password else "not set",
        }  # fmt: skip
        yield _line(each.user_id, "person", each.user_id, "", each.roles, sorted(each.permissions), facts)


def _roles(workspace: TenantRef) -> Iterator[Line]:
    for each in list_custom_roles(workspace_id=workspace.id):
        facts = {"version": str(each.version), "holders": str(each.holders), "changed": iso(each.changed_at)}
        yield _line(f"role_{each.key}", "role", "", each.key, (), sorted(each.permissions), facts)


_CREDENTIALS: Final = """
    SELECT 'key', id, name, issued_by, scopes, channel, created_at, last_used_at, expires_at
      FROM public.tenants_api_credential
     WHERE workspace_id = %(ws)s AND revoked_at IS NULL AND coalesce(expires_at, 'infinity') > %(now)s
     UNION ALL
    SELECT 'client', id, name, issued_by, scopes, channel, created_at, last_used_at, NULL
      FROM public.tenants_api_client WHERE workspace_id = %(ws)s AND revoked_at IS NULL
     ORDER BY 1 DESC, 7, 2
"""


def _credentials(workspace: TenantRef, now: datetime) -> Iterator[Line]:
    with connection.cursor() as cursor:
        cursor.execute(_CREDENTIALS, {"ws": workspace.id, "now": now})
        rows = cursor.fetchall()
    for kind, key, name, issued_by, scopes, channel, created, used, expires in rows:
        facts = {
            "last used": _moment(used), "made": iso(created), "expires": _moment(expires), "channel": channel,
            "issued by": issued_by or "a command",
        }  # fmt: skip
        public = ids.to_public("key" if kind == "key" else "cli", key)
        yield _line(public, kind, issued_by, name, (), sorted(_names(scopes)), facts)


def _grants(workspace: TenantRef, now: datetime) -> Iterator[Line]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, user_id, role, starts_at, ends_at FROM public.tenants_staff_grant"
            " WHERE workspace_id = %s AND ended_at IS NULL AND ends_at > %s ORDER BY starts_at, id",
            [workspace.id, now],
        )
        rows = cursor.fetchall()
    for key, user, role, starts, ends in rows:
        person, may = ids.to_public("usr", user), sorted(STAFF_PERMISSIONS[role])
        facts = {"from": iso(starts), "until": iso(ends)}
        yield _line(ids.to_public("stf", key), "grant", person, person, (role,), may, facts)


def _line(
    line_id: str, kind: str, person: str, label: str, roles: Any, permissions: list[Any], facts: dict[str, str]
) -> Line:
    return {
        "id": line_id, "kind": kind, "person": person, "label": label, "roles": list(roles),
        "permissions": [str(each) for each in permissions], "facts": facts,
    }  # fmt: skip


def _names(scopes: Any) -> list[str]:
    return json.loads(scopes) if isinstance(scopes, str) else list(scopes)


def _moment(at: datetime | None) -> str:
    return iso(at) if at else NEVER
