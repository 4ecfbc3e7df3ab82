"""Give roles and take them away. Whoever acts is looked at again under the workspace's lock (``held``).

That an admin remains, and which roles must not meet in one person, is held by triggers too (``sql/members.sql``).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.configuration.queries import read_settings
from zentra.tenants.mail.notices import tell_added
from zentra.tenants.members import held
from zentra.tenants.members.addresses import check_proven
from zentra.tenants.members.errors import (
    AccountNotReady,
    AlreadyMember,
    EmailDomainRefused,
    InvalidMemberEmail,
    NoInvitationNeeded,
)
from zentra.tenants.members.invitations import issue_invitation
from zentra.tenants.members.queries import find_member_record
from zentra.tenants.members.types import AddedMember, MemberRecord, RolesSet
from zentra.tenants.models import Membership, TeamMember, User
from zentra.tenants.permissions import Permission
from zentra.tenants.roles import store
from zentra.tenants.roles.queries import list_role_changes

MAX_EMAIL: Final = 254
MAX_NAME: Final = 80
UNTIL_APPROVED: Final = "viewer"
"""What a new person is while a second admin has not agreed to the roles that were asked for."""


def add_person(
    *,
    workspace: TenantRef,
    email: str,
    role: str,
    actor: Actor,
    now: datetime,
    name: str = "",
    on_shift: bool = True,
    also: Sequence[str] = (),
    reason: str = "",
) -> AddedMember:
    """Give a person roles by their address; who has no account gets one, and a link to set its password.

    Where the roles are dangerous and another admin could agree, the person is a viewer until one does.

    Raises:
        InvalidMemberEmail, InvalidRole: what was asked for has another form.
        EmailDomainRefused: the workspace takes people of other mail domains only.
        AlreadyMember: they have a role here; change it instead.
        AccountNotReady: they have an account elsewhere and never set its password, so nobody knows whose it is.
        AddressNotProven: its password was set by a link that another workspace was shown.
        RolesConflict, BeyondOwnPermissions, SecondAdminNeeded.
        PermissionDenied: the actor may no longer manage people.
    """
    address = _address(email)
    by = _lock_and_check(workspace, actor)
    _check_domain(workspace, address)
    roles = held.check_roles(workspace, (role, *also))
    given = held.permissions_with(workspace, roles)
    held.check_within(given, by)
    user, is_new = _account(address, name)
    there = find_member_record(workspace_id=workspace.id, user_id=user.id)
    if there is not None:
        raise AlreadyMember(f"They are a member already, as {there.role}.")
    if not is_new and not user.has_usable_password():
        raise AccountNotReady
    if not is_new:
        check_proven(user=user, workspace_id=workspace.id)
    is_dangerous = bool(store.dangers_of(given))
    waits = is_dangerous and _takes_two(workspace, given, actor, user.id, now)
    main, *others = (UNTIL_APPROVED,) if waits else roles
    Membership.objects.create(workspace_id=workspace.id, user=user, role=main, also=others, on_shift=on_shift)
    data: dict[str, object] = {
        "user_id": user.id, "role": main, "also": others, "on_shift": on_shift, "is_new_account": is_new,
    }  # fmt: skip
    _record("member.added", actor, data, now)
    member = held.get_member(workspace, user.id)
    change = None
    if is_dangerous:
        change = store.keep_change(
            workspace, kind="member_roles", actor=actor, now=now, reason=reason, based_on=member.version,
            user_id=user.id, roles=roles, sole_admin=not waits,
        )  # fmt: skip
    if not is_new:
        tell_added(email=user.email, workspace_id=workspace.id, role=main, actor=actor, now=now)
        return AddedMember(member, None, change)
    token = issue_invitation(workspace=workspace, user=user, role=main, actor=actor, now=now)
    return AddedMember(member, token, change)


def _check_domain(workspace: TenantRef, address: str) -> None:
    allowed = read_settings(workspace_id=workspace.id).allowed_email_domains
    if allowed and address.rpartition("@")[2] not in allowed:
        raise EmailDomainRefused(f"People here have an address of {', '.join(sorted(allowed))}.")


def _takes_two(workspace: TenantRef, given: frozenset[Permission], actor: Actor, receiver: str, now: datetime) -> bool:
    return store.takes_two(workspace, kind="member_roles", given=given, asker=actor.id, receivers=[receiver], now=now)


def renew_invitation(*, workspace: TenantRef, user_id: str, actor: Actor, now: datetime) -> AddedMember:
    """Another link for a new person who has none any more; the one before ends.

    Only while they have set no password and are a member nowhere else: else it would be a way into their account.

    Raises:
        UnknownMember: nobody of this id here.
        NoInvitationNeeded: they can sign in, or belong to another workspace too.
        BeyondOwnPermissions: who has the link could do, now or once it is agreed to, what the actor may not.
        PermissionDenied: the actor may no longer manage people.
    """
    by = _lock_and_check(workspace, actor)
    user = User.objects.select_for_update().filter(id=held.get_member(workspace, user_id).user_id).get()
    member = held.get_member(workspace, user_id)
    _check_link_within(workspace, member, by, now)
    if member.has_password or not member.is_only_here:
        raise NoInvitationNeeded
    token = issue_invitation(workspace=workspace, user=user, role=member.role, actor=actor, now=now)
    return AddedMember(member, token)


def _check_link_within(workspace: TenantRef, member: MemberRecord, by: MemberRecord, now: datetime) -> None:
    held.check_within(member.permissions, by)
    for each in list_role_changes(workspace_id=workspace.id, now=now, pending=True, user_id=member.user_id):
        held.check_within(held.permissions_with(workspace, each.roles), by)


def set_roles(
    *,
    workspace: TenantRef,
    user_id: str,
    roles: Sequence[str],
    version: int | None,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> RolesSet:
    """Give a member these roles and no others, the main one first; their next request and open sockets have them.

    What is dangerous in what they gain waits as a proposal until a second admin agrees (``zentra.tenants.roles``);
    nothing changes until then. Where nobody else could agree it is done at once, and recorded as such.

    Raises:
        InvalidRole: no such role.
        RolesConflict: roles that must not meet in one person.
        UnknownMember: nobody of this id here.
        StaleMember: somebody changed them since ``version``.
        OwnRole: nobody changes the own roles.
        BeyondOwnPermissions: the actor does not have what is given, or what the member has.
        LastAdmin: no admin would remain.
        RoleChangePending, SecondAdminNeeded.
        PermissionDenied: the actor may no longer manage people.
    """
    by = _lock_and_check(workspace, actor)
    wanted = held.check_roles(workspace, roles)
    member = held.changeable(workspace, user_id, version, by)
    if wanted == member.roles:
        return RolesSet(member, None)
    given = held.permissions_with(workspace, wanted) - member.permissions
    held.check_within(given, by)
    if not store.dangers_of(given):
        return RolesSet(_set_alone(workspace, member, wanted, actor, now), None)
    waits = _takes_two(workspace, given, actor, user_id, now)
    change = store.keep_change(
        workspace, kind="member_roles", actor=actor, now=now, reason=reason, based_on=member.version,
        user_id=user_id, roles=wanted, sole_admin=not waits,
    )  # fmt: skip
    if waits:
        return RolesSet(member, change)
    return RolesSet(_set_alone(workspace, member, wanted, actor, now, change_id=change.id), change)


def _set_alone(
    workspace: TenantRef,
    member: MemberRecord,
    roles: Sequence[str],
    actor: Actor,
    now: datetime,
    change_id: str | None = None,
) -> MemberRecord:
    changed = held.write_roles(
        workspace, member, roles, actor=actor, now=now, change_id=change_id, sole_admin=change_id is not None
    )
    if store.MANAGING & member.permissions - changed.permissions:
        store.keep_taken_admin(workspace, member, actor=actor, now=now)
    return changed


def remove_member(
    *, workspace: TenantRef, user_id: str, version: int | None, actor: Actor, now: datetime
) -> MemberRecord:
    """Take a member's roles away, at once. The person keeps their account and their other workspaces.

    Raises:
        UnknownMember: nobody of this id here.
        StaleMember: somebody changed them since ``version``.
        OwnRole: nobody removes themselves.
        BeyondOwnPermissions: the member may do what the actor may not.
        LastAdmin: no admin would remain.
        PermissionDenied: the actor may no longer manage people.
    """
    by = _lock_and_check(workspace, actor)
    member = held.changeable(workspace, user_id, version, by)
    if held.ADMIN in member.roles:
        held.keep_an_admin(workspace, but=user_id)
    Membership.objects.filter(workspace_id=workspace.id, user_id=user_id).delete()
    TeamMember.objects.filter(team__workspace_id=workspace.id, user_id=user_id).delete()
    _record("member.removed", actor, {"user_id": user_id, "role": member.role, "also": list(member.also)}, now)
    store.end_changes_of(workspace, user_id, actor=actor, now=now)
    store.keep_taken_admin(workspace, member, actor=actor, now=now)
    held.spread(workspace, member, role="", actor=actor, now=now)
    return member


def set_shift(*, workspace: TenantRef, user_id: str, on_shift: bool, actor: Actor, now: datetime) -> MemberRecord:
    """Whether new cases come to this person: for oneself, or as somebody who manages people. Repeating it is safe.

    Raises:
        UnknownMember: nobody of this id here.
        PermissionDenied: somebody else's shift, and the actor may not manage people.
    """
    held.lock_people(workspace)
    if actor.id != user_id:
        held.acting_member(workspace, actor, Permission.PEOPLE_MANAGE)
    member = held.get_member(workspace, user_id)
    if member.on_shift == on_shift:
        return member
    Membership.objects.filter(workspace_id=workspace.id, user_id=user_id).update(on_shift=on_shift)
    _record("member.shift_changed", actor, {"user_id": user_id, "role": member.role, "on_shift": on_shift}, now)
    return replace(member, on_shift=on_shift)


def _lock_and_check(workspace: TenantRef, actor: Actor) -> MemberRecord:
    held.lock_people(workspace)
    return held.acting_member(workspace, actor, Permission.PEOPLE_MANAGE)


def _record(kind: str, actor: Actor, data: dict[str, object], now: datetime) -> None:
    record_events(events=[NewEvent(type=kind, actor=actor, data=data)], now=now)


def _account(address: str, name: str) -> tuple[User, bool]:
    """The account of an address, and whether it was made now; a twin who makes it too waits for us."""
    made = User(email=address, name=name.strip()[:MAX_NAME], password=make_password(None))
    User.objects.bulk_create([made], ignore_conflicts=True)
    user = User.objects.get(email=address)
    return user, user.id == made.id


def _address(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise InvalidMemberEmail from error
    if len(address) > MAX_EMAIL:
        raise InvalidMemberEmail
    return address
