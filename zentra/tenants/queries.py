"""Reads of the public schema: who and where. Each is one statement."""

import json
from collections.abc import Collection, Iterable
from functools import cache
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from zentra.core import clock, ids
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef, current_tenant
from zentra.tenants.permissions import (
    DANGEROUS,
    PERMISSIONS,
    PLATFORM_PERMISSIONS,
    SECOND_FACTOR_ROLES,
    STAFF_PERMISSIONS,
    STAFF_ROLE,
    Permission,
    known_permissions,
)
from zentra.tenants.types import ClosedWorkspace, Member, WorkspaceSummary

_REF = "w.id, w.slug, w.schema_name, w.mode, w.ledger_currency"
# What the custom roles of a member include, and whether the person has a second factor.
_CUSTOM = (
    "array(SELECT DISTINCT unnest(r.permissions) FROM public.tenants_role r WHERE r.workspace_id = m.workspace_id"
    " AND r.state = 'active' AND r.key = ANY(m.role || m.also))"
)
_HAS_FACTOR = (
    "EXISTS (SELECT 1 FROM public.mfa_authenticator a WHERE a.user_id = u.id AND a.type IN ('totp', 'webauthn'))"
)


def tenant_ref(workspace_id: UUID) -> TenantRef | None:
    """The workspace of an id."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_REF} FROM public.tenants_workspace w WHERE w.id = %s", [workspace_id])  # noqa: S608  # constant columns
        row = cursor.fetchone()
    return TenantRef(*row) if row else None


def find_workspace(*, slug: str) -> TenantRef | None:
    """The workspace of a slug, whatever its state."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_REF} FROM public.tenants_workspace w WHERE w.slug = %s", [slug])  # noqa: S608  # constant columns
        row = cursor.fetchone()
    return TenantRef(*row) if row else None


def platform_ref() -> TenantRef:
    """The schema that keeps events which belong to no workspace."""
    found = find_workspace(slug=PLATFORM_SCHEMA)
    if found is None:
        raise LookupError("The platform schema is missing; run `manage.py migrate_all`.")
    return found


def list_active_refs() -> list[TenantRef]:
    """Every workspace in which work goes on, suspended ones too, and ``platform``."""
    return _refs_in(["active", "suspended"])


def list_kept_refs() -> list[TenantRef]:
    """Every workspace that has a schema, and ``platform``."""
    return _refs_in(["active", "suspended", "archived"])


def _refs_in(states: list[str]) -> list[TenantRef]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_REF} FROM public.tenants_workspace w WHERE w.state = ANY(%s) ORDER BY w.slug",  # noqa: S608  # constant columns
            [states],
        )
        return [TenantRef(*row) for row in cursor.fetchall()]


def _as_list(value: object) -> list[str]:
    return list(json.loads(value)) if isinstance(value, str) else list(value)  # type: ignore[call-overload]  # jsonb arrives as text from a raw cursor


_MEMBER = f"""
    SELECT u.email, u.name, m.role, m.also, {_CUSTOM}, {_HAS_FACTOR},
           coalesce(w.settings -> 'second_factor_roles', '[]'), w.name, m.last_seen_at, {_REF}
      FROM public.tenants_membership m
      JOIN public.tenants_user u ON u.id = m.user_id JOIN public.tenants_workspace w ON w.id = m.workspace_id
     WHERE m.user_id = %s AND w.slug = %s AND u.is_active AND w.state = 'active'
"""  # noqa: S608  # constant columns


def find_membership(*, user_id: str, slug: str) -> Member | None:
    """The person's membership in an active workspace, or what a staff grant lets them be there, or None."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMBER, [ids.to_uuid(user_id, prefix="usr"), slug])
        row = cursor.fetchone()
    if row is None:
        return find_staff_member(user_id=user_id, slug=slug)
    email, name, role, also, custom, has_factor, needing, workspace_name, last_seen_at, *ref = row
    workspace, roles = TenantRef(*ref), (role, *also)
    return Member(
        user_id=user_id, email=email, name=name, role=role, workspace=workspace, workspace_name=workspace_name,
        last_seen_at=last_seen_at, roles=roles, permissions=permissions_of(roles, custom, mode=workspace.mode),
        needs_second_factor=needs_second_factor(roles, custom, _as_list(needing)), has_second_factor=has_factor,
    )  # fmt: skip


def find_closed_workspace(*, user_id: str, slug: str = "") -> ClosedWorkspace | None:
    """A suspended or archived workspace of which the person is a member, or None: this one, or with no slug the last.

    ``by`` is the name of who closed it, where a person did.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLOSED, [ids.to_uuid(user_id, prefix="usr"), slug, slug])
        row = cursor.fetchone()
    return ClosedWorkspace(*row) if row else None


_CLOSED = """
    SELECT w.slug, w.name, w.mode, w.state, m.role, coalesce(w.archived_at, w.suspended_at), w.suspended_by,
           w.suspension_reason, w.delete_after
      FROM public.tenants_membership m JOIN public.tenants_workspace w ON w.id = m.workspace_id
      JOIN public.tenants_user u ON u.id = m.user_id
     WHERE m.user_id = %s AND (%s = '' OR w.slug = %s) AND u.is_active AND w.state IN ('suspended', 'archived')
     ORDER BY coalesce(w.archived_at, w.suspended_at) DESC NULLS LAST LIMIT 1
"""


def find_staff_member(*, user_id: str, slug: str) -> Member | None:
    """One of the platform's staff as an open grant lets them be in an active workspace, or None.

    A grant ends with the membership of the platform that it was given to: one that begins later does not revive it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STAFF, [clock.now(), ids.to_uuid(user_id, prefix="usr"), slug])
        row = cursor.fetchone()
    if row is None:
        return None
    grant_id, granted, email, name, has_factor, workspace_name, *ref = row
    return Member(
        user_id=user_id, email=email, name=name, role=STAFF_ROLE, workspace=TenantRef(*ref),
        workspace_name=workspace_name, roles=(STAFF_ROLE,), permissions=STAFF_PERMISSIONS[granted],
        grant_id=ids.to_public("stf", grant_id), needs_second_factor=True, has_second_factor=has_factor,
    )  # fmt: skip


_STAFF = f"""
    SELECT g.id, g.role, u.email, u.name, {_HAS_FACTOR}, w.name, {_REF}
      FROM public.tenants_staff_grant g
      JOIN public.tenants_user u ON u.id = g.user_id JOIN public.tenants_workspace w ON w.id = g.workspace_id
     WHERE g.ended_at IS NULL AND %s BETWEEN g.starts_at AND g.ends_at
       AND g.user_id = %s AND w.slug = %s AND u.is_active AND w.state = 'active'
       AND EXISTS (SELECT 1 FROM public.tenants_membership p JOIN public.tenants_workspace x ON x.id = p.workspace_id
                    WHERE p.user_id = u.id AND x.mode = 'platform' AND p.created_at <= g.created_at)
"""  # noqa: S608  # constant columns


def permissions_of(roles: Collection[str], custom: Iterable[str], *, mode: str) -> frozenset[Permission]:
    """What built-in roles include together with the named permissions of custom ones, in a workspace of this mode."""
    table = PLATFORM_PERMISSIONS if mode == "platform" else PERMISSIONS
    built_in = (table.get(role, frozenset()) for role in roles)
    return frozenset().union(*built_in, known_permissions(custom) if mode != "platform" else ())


def needs_second_factor(roles: Collection[str], custom: Iterable[str], needing: Collection[str] = ()) -> bool:
    """Whether one of these roles is entered with a second factor only; ``needing`` are those the workspace added."""
    return not SECOND_FACTOR_ROLES.union(needing).isdisjoint(roles) or not DANGEROUS.isdisjoint(custom)


def permissions_in_workspace(*, user_id: str, workspace_id: UUID) -> frozenset[Permission]:
    """What a person may do in a workspace by their roles now; nothing when they are no member. Held by nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT m.role, m.also, {_CUSTOM}, w.mode FROM public.tenants_membership m"  # noqa: S608  # constant columns
            " JOIN public.tenants_user u ON u.id = m.user_id JOIN public.tenants_workspace w ON w.id = m.workspace_id"
            " WHERE m.user_id = %s AND w.id = %s AND u.is_active",
            [ids.to_uuid(user_id, prefix="usr"), workspace_id],
        )
        row = cursor.fetchone()
    return permissions_of((row[0], *row[1]), row[2], mode=row[3]) if row else frozenset()


def find_member(*, email: str, slug: str) -> Member | None:
    """The membership of the person of this address in an active workspace, or None."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM public.tenants_user WHERE email = %s", [email.strip().lower()])
        row = cursor.fetchone()
    return find_membership(user_id=ids.to_public("usr", row[0]), slug=slug) if row else None


def list_workspaces_of(*, user_id: str) -> list[WorkspaceSummary]:
    """The workspaces that a person may enter, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.slug, w.name, w.mode, m.role FROM public.tenants_membership m"
            " JOIN public.tenants_workspace w ON w.id = m.workspace_id"
            " WHERE m.user_id = %s AND w.state = 'active' ORDER BY w.name",
            [ids.to_uuid(user_id, prefix="usr")],
        )
        return [WorkspaceSummary(*row) for row in cursor.fetchall()]


def names_of_users(*, user_ids: list[str], workspace_id: UUID | None = None) -> dict[str, str]:
    """Display names (the part before the @ when a person gave none) by user id, of this workspace's members only.

    The workspace is the one of this unit of work unless it is given. What is no user id, or no member's, is left out.
    """
    wanted = [found for user_id in user_ids if (found := _user_uuid(user_id)) is not None]
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.id, coalesce(nullif(u.name, ''), split_part(u.email, '@', 1)) FROM public.tenants_user u"
            " JOIN public.tenants_membership m ON m.user_id = u.id WHERE u.id = ANY(%s) AND m.workspace_id = %s",
            [wanted, workspace_id or current_tenant().id],
        )
        return {ids.to_public("usr", user_id): name for user_id, name in cursor.fetchall()}


def _user_uuid(user_id: str) -> UUID | None:
    try:
        return ids.to_uuid(user_id, prefix="usr")
    except ids.BadId:
        return None


@cache
def head_migrations(*, public: bool) -> frozenset[tuple[str, str]]:
    """The newest migration (app label, name) of each public or each tenant app."""
    names = settings.SHARED_APPS if public else settings.TENANT_APPS
    labels = {config.label for config in apps.get_app_configs() if config.name in names}
    leaves = MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes()
    return frozenset(key for key in leaves if key[0] in labels)
