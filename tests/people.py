"""The people of the tests: each a role in a workspace, with a password that works in a browser too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from zentra.core.actors import Actor
from zentra.core.clock import now
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef

if TYPE_CHECKING:
    from django.test import Client

    from zentra.tenants.models import User
    from zentra.tenants.types import Member

PASSWORD = "correct horse battery staple"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_now(secret: str = TOTP_SECRET) -> str:
    """The six digits that an authenticator with this secret shows now."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret, int(now().timestamp()) // 30)))


@dataclass(frozen=True)
class Person:
    """A user and their membership in one workspace."""

    user: User
    member: Member
    workspace: TenantRef
    password: str = PASSWORD

    @property
    def id(self) -> str:
        """`usr_…`."""
        return self.member.user_id

    @property
    def email(self) -> str:
        """What they sign in with."""
        return self.member.email

    @property
    def role(self) -> str:
        """Their role in the workspace."""
        return self.member.role

    def actor(self) -> Actor:
        """This person as an actor."""
        return self.member.actor()

    def sign_in(self, client: Client) -> Client:
        """The same client, signed in as this person, by password alone: nothing is stepped up yet."""
        client.force_login(self.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    def sign_in_with_code(self, client: Client) -> Client:
        """The same client, signed in with password and one-time code: stepped up for the next minutes."""
        client.post("/sign-in/", {"login": self.email, "password": self.password})
        answer = client.post("/sign-in/second-step/", {"code": self.totp_code()})
        assert answer.status_code == 302, "this person has no authenticator, or the code was refused"
        return client

    def totp_code(self) -> str:
        """A one-time code that is good now, also when the one of this half minute was used before."""
        from zentra.tenants.models import SecondFactorUse

        SecondFactorUse.objects.filter(user=self.user).update(totp_step=0, failures=0)
        return code_now()


def join(
    workspace: TenantRef, *, role: str, name: str | None = None, on_shift: bool = True, totp: bool | None = None
) -> Person:
    """A new person with a role in `workspace`; committed. With `totp` they have an authenticator: `totp_code()`.

    Unless it is said, they have one where their role is entered with a second factor only.
    """
    from zentra.tenants.models import User
    from zentra.tenants.operations import add_member
    from zentra.tenants.permissions import SECOND_FACTOR_ROLES
    from zentra.tenants.queries import find_membership

    user_id = new_id("usr")
    called = name or role.title()
    user = User.objects.create(
        id=user_id,
        email=f"{role}.{user_id}@example.test",
        name=called,
        password=_password_hash(),
        address_proven_at=now(),
    )
    add_member(workspace_id=workspace.id, user=user, role=role, on_shift=on_shift)
    if role in SECOND_FACTOR_ROLES if totp is None else totp:
        enrol(user)
    member = find_membership(user_id=user_id, slug=workspace.slug)
    if member is None:
        raise LookupError(f"{user_id} did not become a member of {workspace.slug}")
    return Person(user, member, workspace)


def enrol(user: User) -> None:
    """Give somebody an authenticator with the tests' secret, if they have none."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import TOTP

    if not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        TOTP.activate(user, TOTP_SECRET)


def leave_without_factor(user: User) -> None:
    """Take their second factor, as if they had never set one up."""
    from allauth.mfa.models import Authenticator

    Authenticator.objects.filter(user=user).delete()


@cache
def _password_hash() -> str:
    """One slow hash for everybody in the session."""
    from django.contrib.auth.hashers import make_password

    return make_password(PASSWORD)
