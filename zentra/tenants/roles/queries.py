"""Reads of roles: who holds which permission, by built-in and custom roles alike."""

from collections.abc import Collection
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.tenants.permissions import PERMISSIONS, Permission

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
