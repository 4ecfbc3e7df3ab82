"""Give roles and take them away. Whoever acts is looked at again under the workspace's lock.

One change of people at a time in a workspace: each takes its row first (``FOR NO KEY UPDATE``), so that two admins
who remove each other, or two who step down, are one after the other. That an admin remains is held by a trigger too
(``sql/members.sql``).
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.access import MembershipRequired, PermissionDenied
from zentra.tenants.members.errors import (
    AccountNotReady,
    AlreadyMember,
    InvalidMemberEmail,
    InvalidRole,
    LastAdmin,
    NoInvitationNeeded,
    OwnRole,
    StaleMember,
    UnknownMember,
)
from zentra.tenants.members.news import announce_change
from zentra.tenants.members.queries import find_member_record, list_members
from zentra.tenants.members.registry import tell_hooks
from zentra.tenants.members.types import AddedMember, MemberRecord
from zentra.tenants.models import Membership, User
from zentra.tenants.permissions import PERMISSIONS, Permission, allows

ADMIN: Final = "admin"
MAX_EMAIL: Final = 254
MAX_NAME: Final = 80


def add_person(
    *,
    workspace: TenantRef,
    email: str,
    role: str,
    actor: Actor,
    now: datetime,
    name: str = "",
    on_shift: bool = True,
) -> AddedMember:
    """Give a person a role by their address; who has no account gets one, and a link to set its password.

    Raises:
        InvalidMemberEmail, InvalidRole: what was asked for has another form.
        AlreadyMember: they have a role here; change it instead.
        AccountNotReady: they have an account elsewhere and never set its password, so nobody knows whose it is.
        PermissionDenied: the actor may no longer manage people.
    """
    address = _address(email)
    _check_role(role)
    _lock_and_check(workspace, actor)
    user, is_new = _account(address, name)
    there = find_member_record(workspace_id=workspace.id, user_id=user.id)
    if there is not None:
        raise AlreadyMember(f"They are a member already, as {there.role}.")
    if not is_new and not user.has_usable_password():
        raise AccountNotReady
    Membership.objects.create(workspace_id=workspace.id, user=user, role=role, on_shift=on_shift)
    data: dict[str, object] = {"user_id": user.id, "role": role, "on_shift": on_shift, "is_new_account": is_new}
    _record("member.added", actor, data, now)
    return AddedMember(_get(workspace, user.id), default_token_generator.make_token(user) if is_new else None)


def renew_invitation(*, workspace: TenantRef, user_id: str, actor: Actor, now: datetime) -> AddedMember:  # noqa: ARG001  # every operation takes now
    """Another link for a new person who has none any more; the one before ends.

    Only while they have set no password and are a member nowhere else: else it would be a way into their account.

    Raises:
        UnknownMember: nobody of this id here.
        NoInvitationNeeded: they can sign in, or belong to another workspace too.
        PermissionDenied: the actor may no longer manage people.
    """
    _lock_and_check(workspace, actor)
    user = User.objects.select_for_update().filter(id=_get(workspace, user_id).user_id).get()
    member = _get(workspace, user_id)
    if member.has_password or not member.is_only_here:
        raise NoInvitationNeeded
    user.password = make_password(None)  # a new unusable one: the link before was made from the old
    user.save(update_fields=["password"])
    return AddedMember(member, default_token_generator.make_token(user))


def change_role(
    *, workspace: TenantRef, user_id: str, role: str, version: int | None, actor: Actor, now: datetime
) -> MemberRecord:
    """Give a member another role, at once: their next request and their open sockets have it.

    Raises:
        InvalidRole: no such role.
        UnknownMember: nobody of this id here.
        StaleMember: somebody changed them since ``version``.
        OwnRole: nobody changes the own role.
        LastAdmin: no admin would remain.
        PermissionDenied: the actor may no longer manage people.
    """
    _check_role(role)
    member = _changeable(workspace, user_id, version, actor)
    if role == member.role:
        return member
    if member.role == ADMIN:
        _keep_an_admin(workspace, but=user_id)
    _change(workspace, member, role=role)
    data: dict[str, object] = {"user_id": user_id, "from_role": member.role, "role": role}
    _record("member.role_changed", actor, data, now)
    _spread(workspace, member, role=role, actor=actor, now=now)
    return replace(member, role=role, version=member.version + 1)


def remove_member(
    *, workspace: TenantRef, user_id: str, version: int | None, actor: Actor, now: datetime
) -> MemberRecord:
    """Take a member's role away, at once. The person keeps their account and their other workspaces.

    Raises:
        UnknownMember: nobody of this id here.
        StaleMember: somebody changed them since ``version``.
        OwnRole: nobody removes themselves.
        LastAdmin: no admin would remain.
        PermissionDenied: the actor may no longer manage people.
    """
    member = _changeable(workspace, user_id, version, actor)
    if member.role == ADMIN:
        _keep_an_admin(workspace, but=user_id)
    Membership.objects.filter(workspace_id=workspace.id, user_id=user_id).delete()
    _record("member.removed", actor, {"user_id": user_id, "role": member.role}, now)
    _spread(workspace, member, role="", actor=actor, now=now)
    return member


def set_shift(*, workspace: TenantRef, user_id: str, on_shift: bool, actor: Actor, now: datetime) -> MemberRecord:
    """Whether new cases come to this person: for oneself, or as somebody who manages people. Repeating it is safe.

    Raises:
        UnknownMember: nobody of this id here.
        PermissionDenied: somebody else's shift, and the actor may not manage people.
    """
    _lock(workspace)
    if actor.id != user_id:
        _check_actor(workspace, actor)
    member = _get(workspace, user_id)
    if member.on_shift == on_shift:
        return member
    Membership.objects.filter(workspace_id=workspace.id, user_id=user_id).update(on_shift=on_shift)
    _record("member.shift_changed", actor, {"user_id": user_id, "role": member.role, "on_shift": on_shift}, now)
    return replace(member, on_shift=on_shift)


def _lock_and_check(workspace: TenantRef, actor: Actor) -> None:
    _lock(workspace)
    _check_actor(workspace, actor)


def _lock(workspace: TenantRef) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM public.tenants_workspace WHERE id = %s FOR NO KEY UPDATE", [workspace.id])


def _check_actor(workspace: TenantRef, actor: Actor) -> None:
    """The actor as they are now, not as their request found them."""
    member = find_member_record(workspace_id=workspace.id, user_id=actor.id)
    if member is None:
        raise MembershipRequired
    if not allows(member.role, Permission.PEOPLE_MANAGE):
        raise PermissionDenied(f"As {member.role} you do not manage people here.")


def _changeable(workspace: TenantRef, user_id: str, version: int | None, actor: Actor) -> MemberRecord:
    _lock_and_check(workspace, actor)
    if user_id == actor.id:
        raise OwnRole
    member = _get(workspace, user_id)
    if version is not None and member.version != version:
        raise StaleMember(f"They are {member.role} now.", role=member.role, version=member.version)
    return member


def _get(workspace: TenantRef, user_id: str) -> MemberRecord:
    try:
        member = find_member_record(workspace_id=workspace.id, user_id=user_id)
    except ids.BadId:
        member = None
    if member is None:
        raise UnknownMember
    return member


def _change(workspace: TenantRef, member: MemberRecord, *, role: str) -> None:
    changed = Membership.objects.filter(
        workspace_id=workspace.id, user_id=member.user_id, version=member.version
    ).update(role=role, version=member.version + 1)
    if changed != 1:
        raise StaleMember


def _keep_an_admin(workspace: TenantRef, *, but: str) -> None:
    others = (each for each in list_members(workspace_id=workspace.id) if each.user_id != but)
    # One who never set a password cannot act, and so is none who remains.
    if not any(each.role == ADMIN and each.has_password for each in others):
        raise LastAdmin


def _spread(workspace: TenantRef, member: MemberRecord, *, role: str, actor: Actor, now: datetime) -> None:
    tell_hooks(
        workspace_id=workspace.id, user_id=member.user_id, role_before=member.role, role=role, actor=actor, now=now
    )
    announce_change(workspace_id=workspace.id, user_id=member.user_id)


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


def _check_role(role: str) -> None:
    if role not in PERMISSIONS:
        raise InvalidRole(f"Choose one of {', '.join(PERMISSIONS)}.")
