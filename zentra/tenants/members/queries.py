"""Reads of a workspace's people."""

from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.tenants.members.types import MemberRecord
from zentra.tenants.queries import permissions_of

_MEMBERS: Final = """
    SELECT m.user_id, u.email, u.name, m.role, m.on_shift, m.version, m.created_at, m.last_seen_at,
           EXISTS (SELECT 1 FROM public.mfa_authenticator a
                    WHERE a.user_id = u.id AND a.type IN ('totp', 'webauthn')),
           u.password NOT LIKE '!%%',
           NOT EXISTS (SELECT 1 FROM public.tenants_membership o
                        WHERE o.user_id = u.id AND o.workspace_id <> m.workspace_id),
           m.also,
           array(SELECT DISTINCT unnest(r.permissions) FROM public.tenants_role r
                  WHERE r.workspace_id = m.workspace_id AND r.state = 'active' AND r.key = ANY(m.role || m.also)),
           w.mode
      FROM public.tenants_membership m JOIN public.tenants_user u ON u.id = m.user_id
      JOIN public.tenants_workspace w ON w.id = m.workspace_id
     WHERE m.workspace_id = %s AND u.is_active
"""


def list_members(*, workspace_id: UUID) -> list[MemberRecord]:
    """Everybody with a role in a workspace, by name and address. One statement."""
    return _read(_MEMBERS + " ORDER BY coalesce(nullif(u.name, ''), u.email), u.email", [workspace_id])


def find_member_record(*, workspace_id: UUID, user_id: str) -> MemberRecord | None:
    """One person's membership, or None."""
    found = _read(_MEMBERS + " AND m.user_id = %s", [workspace_id, ids.to_uuid(user_id, prefix="usr")])
    return found[0] if found else None


def _read(query: str, values: list[UUID]) -> list[MemberRecord]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [_record(row) for row in cursor.fetchall()]


def _record(row: tuple[Any, ...]) -> MemberRecord:
    user_id, email, name, role, shift, version, joined, seen, factor, password, only_here, also, custom, mode = row
    may = permissions_of((role, *also), custom, mode=mode)
    return MemberRecord(
        ids.to_public("usr", user_id), email, name, role, shift, version, joined, seen, factor, password, only_here,
        tuple(also), may,
    )  # fmt: skip
