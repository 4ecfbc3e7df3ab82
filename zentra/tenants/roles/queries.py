"""Reads of roles: who holds which permission, by built-in and custom roles alike."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef
from zentra.tenants.permissions import PERMISSIONS, PLATFORM_PERMISSIONS, Permission, known_permissions
from zentra.tenants.queries import find_membership
from zentra.tenants.roles.types import CustomRole, RoleChangeRecord, RoleVersionRecord

_HOLDERS = """
    SELECT m.user_id, m.role, m.on_shift
      FROM public.tenants_membership m JOIN public.tenants_user u ON u.id = m.user_id
     WHERE m.workspace_id = %s AND u.is_active
       AND ((m.role || m.also) && %s::text[]
            OR EXISTS (SELECT 1 FROM public.tenants_role r
                        WHERE r.workspace_id = m.workspace_id AND r.state = 'active' AND r.key = ANY(m.role || m.also)
                          AND r.permissions @> %s::text[] AND NOT r.permissions && %s::text[]))
     ORDER BY m.created_at, m.user_id
"""


def list_holders(
    *, workspace_id: UUID, having: Collection[Permission], lacking: Collection[Permission] = ()
) -> list[tuple[str, str, bool]]:
    """The people of whose roles one has all of ``having`` and none of ``lacking``: (user id, main role, on shift)."""
    wanted, unwanted = frozenset(having), frozenset(lacking)
    built_in = [role for role, may in PERMISSIONS.items() if wanted <= may and not unwanted & may]
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, [workspace_id, built_in, sorted(wanted), sorted(unwanted)])
        return [(ids.to_public("usr", user_id), role, on_shift) for user_id, role, on_shift in cursor.fetchall()]


def list_member_ids(*, workspace_id: UUID) -> list[str]:
    """Everybody who is a member, whatever their roles; those who came first, first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.user_id FROM public.tenants_membership m JOIN public.tenants_user u ON u.id = m.user_id"
            " WHERE m.workspace_id = %s AND u.is_active ORDER BY m.created_at, m.user_id",
            [workspace_id],
        )
        return [ids.to_public("usr", user_id) for (user_id,) in cursor.fetchall()]


def permissions_by_role(*, workspace_id: UUID, mode: str = "sandbox") -> dict[str, frozenset[Permission]]:
    """Every role that can be given in a workspace, the built-in ones first, with what it includes."""
    if mode == "platform":
        return dict(PLATFORM_PERMISSIONS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, permissions FROM public.tenants_role"
            " WHERE workspace_id = %s AND state = 'active' ORDER BY key",
            [workspace_id],
        )
        return dict(PERMISSIONS) | {key: known_permissions(names) for key, names in cursor.fetchall()}


_ROLES: Final = """
    SELECT r.key, r.name, r.words, r.permissions, r.state, r.version, r.created_by, r.created_at, r.changed_by,
           r.changed_at, (SELECT count(*) FROM public.tenants_membership m
                           WHERE m.workspace_id = r.workspace_id AND r.key = ANY(m.role || m.also))
      FROM public.tenants_role r WHERE r.workspace_id = %s
"""


def list_custom_roles(*, workspace_id: UUID, retired: bool = False) -> list[CustomRole]:
    """The roles that a workspace made for itself, by key; with ``retired`` also those that ended."""
    return _roles(_ROLES + ("" if retired else " AND r.state = 'active'") + " ORDER BY r.key", [workspace_id])


def find_custom_role(*, workspace_id: UUID, key: str) -> CustomRole | None:
    """One of them, retired or not; None where there is none."""
    return next(iter(_roles(_ROLES + " AND r.key = %s", [workspace_id, key])), None)


def _roles(query: str, values: Sequence[Any]) -> list[CustomRole]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [_role(*row) for row in cursor.fetchall()]


def _role(key: str, name: str, words: str, permissions: list[str], *rest: Any) -> CustomRole:
    return CustomRole(key, name, words, known_permissions(permissions), *rest)


def list_role_versions(*, workspace_id: UUID, key: str) -> list[RoleVersionRecord]:
    """What a custom role was, the newest version first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.version, v.name, v.permissions, v.by, v.at FROM public.tenants_role_version v"
            " JOIN public.tenants_role r ON r.id = v.role_id WHERE r.workspace_id = %s AND r.key = %s"
            " ORDER BY v.version DESC",
            [workspace_id, key],
        )
        return [RoleVersionRecord(number, name, frozenset(may), by, at) for number, name, may, by, at in cursor]


_CHANGES: Final = """
    SELECT id, kind, user_id, roles, role_key, definition, based_on, reason,
           CASE WHEN state = 'pending' AND expires_at <= %s THEN 'expired' ELSE state END, sole_admin, asked_by,
           asked_at, expires_at, decided_by, decided_at, note
      FROM public.tenants_role_change WHERE workspace_id = %s
"""


def list_role_changes(
    *, workspace_id: UUID, now: datetime, pending: bool = False, user_id: str | None = None, limit: int = 50
) -> list[RoleChangeRecord]:
    """Proposals of a workspace, newest first; with ``pending`` those that somebody has to decide."""
    query, values = _CHANGES, [now, workspace_id]
    if pending:
        query, values = query + " AND state = 'pending' AND expires_at > %s", [*values, now]
    if user_id is not None:
        query, values = query + " AND user_id = %s", [*values, ids.to_uuid(user_id, prefix="usr")]
    return _changes(query + " ORDER BY asked_at DESC, id DESC LIMIT %s", [*values, limit])


def find_role_change(*, workspace_id: UUID, change_id: str, now: datetime) -> RoleChangeRecord | None:
    """One proposal, or None."""
    try:
        key = ids.to_uuid(change_id, prefix="rch")
    except ids.BadId:
        return None
    return next(iter(_changes(_CHANGES + " AND id = %s", [now, workspace_id, key])), None)


def count_pending_changes(*, workspace_id: UUID, now: datetime) -> int:
    """How many proposals wait for a second admin."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM public.tenants_role_change"
            " WHERE workspace_id = %s AND state = 'pending' AND expires_at > %s",
            [workspace_id, now],
        )
        return int(cursor.fetchone()[0])


def _changes(query: str, values: Sequence[Any]) -> list[RoleChangeRecord]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [_change(row) for row in cursor.fetchall()]


def _change(row: Sequence[Any]) -> RoleChangeRecord:
    key, kind, user_id, roles, role_key, definition, *rest = row
    return RoleChangeRecord(
        ids.to_public("rch", key), kind, ids.to_public("usr", user_id) if user_id else "", tuple(roles), role_key,
        json.loads(definition) if isinstance(definition, str) else definition, *rest,
    )  # fmt: skip


def may_still(*, workspace: TenantRef, asked_by: Mapping[str, object], permission: Permission) -> bool:
    """Whether who started long work, as its row keeps them (``Actor.as_dict``), may go on with it now.

    For work that runs part by part: what was taken away, of a person, a key or a client, ends it at the next part.
    """
    kind, who = asked_by.get("kind"), str(asked_by.get("id") or "")
    if kind == "user":
        member = find_membership(user_id=who, slug=workspace.slug)
        return member is not None and member.may(permission)
    if kind not in _CREDENTIALS:
        return True  # a service of ours
    table, prefix, condition = _CREDENTIALS[str(kind)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT scopes ? %s FROM public.{table} WHERE id = %s AND workspace_id = %s AND revoked_at IS NULL"  # noqa: S608  # constant words
            f" AND {condition}",
            [permission, ids.to_uuid(who, prefix=prefix), workspace.id, clock.now()],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


_CREDENTIALS: Final = {
    "key": ("tenants_api_credential", "key", "coalesce(expires_at, 'infinity') > %s"),
    "client": ("tenants_api_client", "cli", "%s::timestamptz IS NOT NULL"),
}


_MAKERS: Final = {
    "key_": "SELECT issued_by AS who FROM public.tenants_api_credential WHERE id = %(id)s AND workspace_id = %(ws)s",
    "cli_": (
        "SELECT x.who FROM public.tenants_api_client c, LATERAL (SELECT c.issued_by AS who"
        " UNION ALL SELECT s.created_by FROM public.tenants_client_secret s WHERE s.client_id = c.id"
        " UNION ALL SELECT t.created_by FROM public.tenants_client_certificate t WHERE t.client_id = c.id) x"
        " WHERE c.id = %(id)s AND c.workspace_id = %(ws)s"
    ),
}


def people_behind(*, who: str, workspace_id: UUID) -> frozenset[str]:
    """Who issued a key; who made a client, a secret or a certificate of it, ended ones too; anybody else themselves.

    What a credential made is its makers' too, so that nobody is a second pair of eyes on their own.
    """
    prefix, alone = who[:4], frozenset({who})
    if prefix not in _MAKERS:
        return alone
    try:
        key = ids.to_uuid(who, prefix=prefix[:-1])
    except ids.BadId:
        return alone
    with connection.cursor() as cursor:
        cursor.execute(_MAKERS[prefix], {"id": key, "ws": workspace_id})
        return frozenset(person for (person,) in cursor.fetchall() if person) or alone


def credentials_made_by(*, user_id: str, workspace_id: UUID) -> list[str]:
    """The keys and clients behind which this person stands, ended ones too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'key', id FROM public.tenants_api_credential WHERE workspace_id = %(ws)s AND issued_by = %(who)s"
            " UNION ALL SELECT 'cli', c.id FROM public.tenants_api_client c WHERE c.workspace_id = %(ws)s"
            " AND (c.issued_by = %(who)s OR EXISTS (SELECT 1 FROM public.tenants_client_secret s"
            "                                       WHERE s.client_id = c.id AND s.created_by = %(who)s)"
            " OR EXISTS (SELECT 1 FROM public.tenants_client_certificate t"
            "             WHERE t.client_id = c.id AND t.created_by = %(who)s))",
            {"ws": workspace_id, "who": user_id},
        )
        return [ids.to_public(prefix, key) for prefix, key in cursor.fetchall()]
