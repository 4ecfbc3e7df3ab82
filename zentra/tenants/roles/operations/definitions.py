"""A workspace's own roles: made, changed, ended. What a change takes away is gone at once; each version is kept."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final

from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.members import held
from zentra.tenants.permissions import PERMISSIONS, PLATFORM_PERMISSIONS, STAFF_ROLE, Permission, known_permissions
from zentra.tenants.roles import conflicts, store, writing
from zentra.tenants.roles.errors import InvalidRoleDefinition, RoleExists, RoleHeld, StaleRole, UnknownRole, conflict
from zentra.tenants.roles.queries import find_custom_role, list_custom_roles
from zentra.tenants.roles.types import ChangeKind, CustomRole, Definition, RoleOutcome

_KEY: Final = re.compile(r"[a-z][a-z0-9_]{2,39}")
RESERVED: Final = frozenset({*PERMISSIONS, *PLATFORM_PERMISSIONS, STAFF_ROLE, "service", "none", "anonymous"})
MOST_ROLES: Final = 50
MAX_NAME: Final = 60
MAX_WORDS: Final = 160


def create_role(
    *,
    workspace: TenantRef,
    key: str,
    name: str,
    permissions: Collection[str],
    actor: Actor,
    now: datetime,
    words: str = "",
    reason: str = "",
) -> RoleOutcome:
    """Make a role. What its permissions are of no use without is added; a dangerous one waits for a second admin.

    Raises:
        InvalidRoleDefinition: the key (``[a-z][a-z0-9_]{2,39}``), the name or a permission.
        RoleExists: the key is taken; that of a retired role stays taken, for events name it.
        RolesConflict: permissions that must not meet.
        BeyondOwnPermissions: the actor does not have all of it.
        RoleChangePending, SecondAdminNeeded.
        PermissionDenied: the actor may no longer manage roles.
    """
    wanted = _definition(key, name, words, permissions)
    held.lock_people(workspace)
    by = held.acting_member(workspace, actor, Permission.ROLES_MANAGE)
    if key in RESERVED or find_custom_role(workspace_id=workspace.id, key=key) is not None:
        raise RoleExists(f"The key {key!r} is taken.")
    if len(list_custom_roles(workspace_id=workspace.id)) >= MOST_ROLES:
        raise InvalidRoleDefinition(f"At most {MOST_ROLES} roles; retire one first.")
    held.check_within(wanted.permissions, by)
    return _propose_or_write(workspace, wanted, None, actor=actor, now=now, reason=reason)


def change_role_definition(
    *,
    workspace: TenantRef,
    key: str,
    version: int | None,
    name: str,
    permissions: Collection[str],
    actor: Actor,
    now: datetime,
    words: str = "",
    reason: str = "",
) -> RoleOutcome:
    """Say anew what a role includes; it counts at once for all who have it, also on open pages.

    Raises:
        UnknownRole, StaleRole, InvalidRoleDefinition.
        RolesConflict: in the role, or with the other roles of somebody who has it.
        BeyondOwnPermissions, RoleChangePending, SecondAdminNeeded, PermissionDenied.
    """
    wanted = _definition(key, name, words, permissions)
    held.lock_people(workspace)
    by = held.acting_member(workspace, actor, Permission.ROLES_MANAGE)
    stands = _get(workspace, key, version)
    held.check_within(wanted.permissions ^ stands.permissions, by)
    writing.check_holders(workspace, wanted)
    return _propose_or_write(workspace, wanted, stands, actor=actor, now=now, reason=reason)


def retire_role(*, workspace: TenantRef, key: str, version: int | None, actor: Actor, now: datetime) -> CustomRole:
    """End a role that nobody has. Its key stays taken.

    Raises:
        UnknownRole, StaleRole.
        RoleHeld: members have it.
        PermissionDenied: the actor may no longer manage roles.
    """
    held.lock_people(workspace)
    held.acting_member(workspace, actor, Permission.ROLES_MANAGE)
    stands = _get(workspace, key, version)
    if stands.holders:
        raise RoleHeld(f"{stands.holders} members have it; give them another one first.", holders=stands.holders)
    writing.role_rows(workspace, stands).update(
        state="retired", version=stands.version + 1, changed_by=actor.id, changed_at=now
    )
    writing.tell("retired", workspace, key, actor, now, added=(), taken=stands.permissions)
    return writing.current_role(workspace, key)


def _propose_or_write(
    workspace: TenantRef, wanted: Definition, stands: CustomRole | None, *, actor: Actor, now: datetime, reason: str
) -> RoleOutcome:
    given = wanted.permissions - (stands.permissions if stands else frozenset())
    if not store.dangers_of(given):
        _remember_taken(workspace, wanted, stands, actor=actor, now=now)
        return RoleOutcome(writing.write_definition(workspace, wanted, actor=actor, now=now), None)
    kind: ChangeKind = "role_definition" if stands else "role_new"
    receivers = sorted(each.user_id for each in writing.holders_of(workspace, wanted.key))
    waits = store.takes_two(workspace, kind=kind, given=given, asker=actor.id, receivers=receivers, now=now)
    change = store.keep_change(
        workspace, kind=kind, actor=actor, now=now, reason=reason, based_on=stands.version if stands else 0,
        role_key=wanted.key, definition=wanted.as_json() | {"holders": receivers}, sole_admin=not waits,
    )  # fmt: skip
    if waits:
        return RoleOutcome(stands, change)
    _remember_taken(workspace, wanted, stands, actor=actor, now=now)
    return RoleOutcome(writing.write_definition(workspace, wanted, actor=actor, now=now), change)


def _remember_taken(
    workspace: TenantRef, wanted: Definition, stands: CustomRole | None, *, actor: Actor, now: datetime
) -> None:
    taken = (stands.permissions if stands else frozenset()) - wanted.permissions
    if taken & store.MANAGING:
        for member in writing.holders_of(workspace, wanted.key):
            if held.ADMIN not in member.roles:
                store.keep_taken_admin(workspace, member, actor=actor, now=now)


def _definition(key: str, name: str, words: str, permissions: Collection[str]) -> Definition:
    plain, said, known = " ".join(name.split()), " ".join(words.split()), known_permissions(permissions)
    if not _KEY.fullmatch(key):
        raise InvalidRoleDefinition("The key has 3 to 40 small letters, digits and _, and begins with a letter.")
    if not plain or len(plain) > MAX_NAME or len(said) > MAX_WORDS:
        raise InvalidRoleDefinition(f"A name of at most {MAX_NAME} characters, and at most {MAX_WORDS} about it.")
    if not known or len(known) != len(set(permissions)):
        raise InvalidRoleDefinition("Choose permissions of the table, at least one.")
    wanted = conflicts.complete(known)
    if pairs := conflicts.conflicts_in(wanted):
        raise conflict(pairs)
    return Definition(key, plain, said, wanted)


def _get(workspace: TenantRef, key: str, version: int | None) -> CustomRole:
    found = find_custom_role(workspace_id=workspace.id, key=key)
    if found is None or not found.is_active:
        raise UnknownRole
    if version is not None and version != found.version:
        raise StaleRole(f"It is at version {found.version} now.", version=found.version)
    return found
