"""Somebody of each kind: every built-in role, one of the workspace's own, two at once, staff, nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.test import Client

from tests.people import Person, enrol, join
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import Membership, Role, StaffGrant, User
from zentra.tenants.permissions import PERMISSIONS, PLATFORM_PERMISSIONS, STAFF_PERMISSIONS, Permission
from zentra.tenants.queries import platform_ref

CUSTOM = frozenset({Permission.ROOM_READ, Permission.LEDGER_READ, Permission.HOLDS_MANAGE, Permission.KEYS_READ})


@dataclass
class Visitor:
    """Somebody with a session, what they may in our workspace, and whether they are in it at all."""

    name: str
    user: User
    may: frozenset[Permission]
    is_inside: bool = True

    @cached_property
    def client(self) -> Client:
        """A browser in which they are signed in."""
        client = Client()
        client.force_login(self.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client


def make_visitors(ours: TenantRef, theirs: TenantRef) -> list[Visitor]:
    """One of each kind: built-in roles, one of the workspace's own, two at once, staff, nobody, the platform's own."""
    found = [Visitor(role, join(ours, role=role).user, may) for role, may in PERMISSIONS.items()]
    found.append(Visitor("custom", _custom(ours), CUSTOM))
    both = join(ours, role="support", totp=True).user
    Membership.objects.filter(user=both).update(also=["developer"])
    found.append(Visitor("support and developer", both, PERMISSIONS["support"] | PERMISSIONS["developer"]))
    found += [Visitor(f"staff as {role}", _staff(ours, role), may) for role, may in STAFF_PERMISSIONS.items()]
    found += [
        Visitor(role, join(platform_ref(), role=role).user, frozenset(), is_inside=False)
        for role in PLATFORM_PERMISSIONS
    ]
    found.append(Visitor("admin of another", join(theirs, role="admin").user, frozenset(), is_inside=False))
    nobody = User.objects.create(email=f"nobody.{ids.new_id('usr')}@example.test")
    found.append(Visitor("no member anywhere", nobody, frozenset(), is_inside=False))
    assert all(visitor.client for visitor in found)  # signed in before anything is compared
    return found


def _custom(ws: TenantRef) -> User:
    now = clock.now()
    Role.objects.create(
        workspace_id=ws.id, key="night_desk", name="Night desk", permissions=sorted(CUSTOM), created_by="tests",
        created_at=now, changed_by="tests", changed_at=now,
    )  # fmt: skip
    person: Person = join(ws, role="viewer")
    Membership.objects.filter(user=person.user).update(role="night_desk")
    enrol(person.user)
    return person.user


def _staff(ws: TenantRef, role: str) -> User:
    user: User = join(platform_ref(), role="platform_support").user
    enrol(user)
    now = clock.now()
    StaffGrant.objects.create(
        id=ids.new_id("stf"), workspace_id=ws.id, user=user, role=role, reason="a case", starts_at=now,
        ends_at=now + timedelta(hours=1), created_at=now,
    )  # fmt: skip
    return user
