"""A second admin's word on a dangerous grant: it is applied, refused, withdrawn by who asked, or runs out."""

from datetime import datetime

from zentra.core.actors import RUNTIME, Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.members import held
from zentra.tenants.members.errors import UnknownMember
from zentra.tenants.members.queries import find_member_record
from zentra.tenants.members.types import MemberRecord
from zentra.tenants.models import RoleChange
from zentra.tenants.permissions import Permission, known_permissions
from zentra.tenants.roles import store, writing
from zentra.tenants.roles.errors import OwnRoleChange, RoleChangeEnded, RoleChangeOutdated
from zentra.tenants.roles.queries import find_custom_role
from zentra.tenants.roles.types import Definition, RoleChangeRecord


def approve_change(
    *, workspace: TenantRef, change_id: str, actor: Actor, now: datetime, note: str = ""
) -> RoleChangeRecord:
    """Agree to a dangerous grant, which counts at once. Neither the asker nor the receiver can.

    Raises:
        UnknownRoleChange.
        RoleChangeEnded: decided, withdrawn, or older than seven days.
        OwnRoleChange: the actor asked for it or would get it.
        RoleChangeOutdated: the member, the role or who has it changed since, or the asker may not ask for it now.
        BeyondOwnPermissions: the actor does not have all that is given.
        RolesConflict, InvalidRole, LastAdmin: what stands against it by now.
        PermissionDenied: the actor may no longer decide it.
    """
    change, by = _begin(workspace, change_id, actor, now)
    if actor.id in (change.asked_by, change.user_id):
        raise OwnRoleChange("You asked for it." if actor.id == change.asked_by else "It is for you.")
    asker = _asker(workspace, change)
    ended = store.decide(workspace, change, "applied", actor=actor, now=now, note=note)
    if change.kind == "member_roles":
        _apply_roles(workspace, change, (by, asker), actor=actor, now=now)
    else:
        _apply_definition(workspace, change, (by, asker), actor=actor, now=now)
    return ended


def refuse_change(
    *, workspace: TenantRef, change_id: str, actor: Actor, now: datetime, note: str = ""
) -> RoleChangeRecord:
    """Say no to a grant; nothing changes. Raises UnknownRoleChange, RoleChangeEnded, OwnRoleChange, PermissionDenied.

    Who asked withdraws it instead.
    """
    change, _by = _begin(workspace, change_id, actor, now)
    if actor.id == change.asked_by:
        raise OwnRoleChange("You asked for it: withdraw it.")
    return store.decide(workspace, change, "refused", actor=actor, now=now, note=note)


def withdraw_change(*, workspace: TenantRef, change_id: str, actor: Actor, now: datetime) -> RoleChangeRecord:
    """Take back what one asked for. Raises UnknownRoleChange, RoleChangeEnded, OwnRoleChange, PermissionDenied."""
    change, _by = _begin(workspace, change_id, actor, now)
    if actor.id != change.asked_by:
        raise OwnRoleChange("Only who asked for it withdraws it; you can refuse it.")
    return store.decide(workspace, change, "withdrawn", actor=actor, now=now)


def expire_changes(*, workspace: TenantRef, now: datetime) -> int:
    """End the proposals that nobody decided within seven days; how many there were."""
    rows = RoleChange.objects.filter(workspace_id=workspace.id, state="pending", expires_at__lte=now)
    if not rows.exists():
        return 0
    held.lock_people(workspace)
    found = [store.get_change(workspace, row.id, now) for row in rows.order_by("id")]
    for change in found:
        store.decide(workspace, change, "expired", actor=RUNTIME, now=now)
    return len(found)


def _begin(workspace: TenantRef, change_id: str, actor: Actor, now: datetime) -> tuple[RoleChangeRecord, MemberRecord]:
    held.lock_people(workspace)
    change = store.get_change(workspace, change_id, now)
    by = held.acting_member(workspace, actor, store.MANAGES[change.kind])
    if not change.is_pending:
        raise RoleChangeEnded(f"It is {change.state}.", state=change.state)
    return change, by


def _asker(workspace: TenantRef, change: RoleChangeRecord) -> MemberRecord:
    asker = find_member_record(workspace_id=workspace.id, user_id=change.asked_by)
    if asker is None or store.MANAGES[change.kind] not in asker.permissions:
        raise RoleChangeOutdated("Who asked for it may not ask for it any more.")
    return asker


def _check_given(given: frozenset[Permission], by: MemberRecord, asker: MemberRecord) -> None:
    if given - asker.permissions:
        raise RoleChangeOutdated("Who asked for it does not have all of it any more.")
    held.check_within(given, by)


def _apply_roles(
    workspace: TenantRef,
    change: RoleChangeRecord,
    two: tuple[MemberRecord, MemberRecord],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    try:
        member = held.get_member(workspace, change.user_id)
    except UnknownMember as gone:
        raise RoleChangeOutdated("They are no member here any more.") from gone
    if member.version != change.based_on:
        raise RoleChangeOutdated("Their roles were changed since it was asked for.")
    roles = held.check_roles(workspace, change.roles)
    _check_given(held.permissions_with(workspace, roles) - member.permissions, *two)
    held.write_roles(workspace, member, roles, actor=actor, now=now, change_id=change.id)


def _apply_definition(
    workspace: TenantRef,
    change: RoleChangeRecord,
    two: tuple[MemberRecord, MemberRecord],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    holders = {each.user_id for each in writing.holders_of(workspace, change.role_key)}
    if actor.id in holders:
        raise OwnRoleChange("You have that role.")
    stands = find_custom_role(workspace_id=workspace.id, key=change.role_key)
    if (stands.version if stands else 0) != change.based_on:
        raise RoleChangeOutdated("The role was changed since it was asked for.")
    said = change.definition or {}
    if holders.difference(said.get("holders", ())):
        raise RoleChangeOutdated("Others have the role now than when it was asked for.")
    wanted = Definition(change.role_key, said["name"], said["words"], known_permissions(said["permissions"]))
    before: frozenset[Permission] = stands.permissions if stands else frozenset()
    _check_given(wanted.permissions - before, *two)
    writing.check_holders(workspace, wanted)
    writing.write_definition(workspace, wanted, actor=actor, now=now)
