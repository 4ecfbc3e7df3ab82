"""The demo's people: who decides about money has an authenticator, and what people change is kept over a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP

from tests.people import TOTP_SECRET, code_now
from zentra.core.clock import now
from zentra.demo.seed import PEOPLE, _seed_people
from zentra.tenants.members.queries import list_members
from zentra.tenants.models import Membership, User
from zentra.tenants.second_factor.operations import use_code

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

DECIDERS = {
    "operator", "operator2", "finance", "finance2", "compliance", "compliance2", "admin", "admin2",
    "auditor", "developer",
}  # fmt: skip


@pytest.fixture
def seeded(workspace: TenantRef) -> dict[str, Any]:
    """The workspace's part of demo.json."""
    return {"users": _seed_people(workspace, PEOPLE, {}, domain=workspace.slug)}


def login(user: dict[str, Any]) -> str:
    return str(user["email"]).partition("@")[0]


def test_who_decides_about_money_has_a_second_factor_that_works(seeded: dict[str, Any]) -> None:
    secrets = {login(user): user["totp_secret"] for user in seeded["users"]}
    assert {name for name, secret in secrets.items() if secret} == DECIDERS
    assert len({secret for secret in secrets.values() if secret}) == len(DECIDERS)
    for user in seeded["users"]:
        if user["totp_secret"]:
            person = User.objects.get(email=user["email"])
            use_code(user_id=person.id, code=code_now(user["totp_secret"]), now=now())


def test_there_are_two_of_each_role_that_approves(workspace: TenantRef, seeded: dict[str, Any]) -> None:
    roles = [each.role for each in list_members(workspace_id=workspace.id)]
    assert {role: roles.count(role) for role in ("operator", "finance", "compliance", "admin")} == {
        "operator": 2,
        "finance": 2,
        "compliance": 2,
        "admin": 2,
    }


def test_a_restart_keeps_secrets_passwords_and_what_admins_decided(
    workspace: TenantRef, seeded: dict[str, Any]
) -> None:
    gone, changed = f"operator2@{workspace.slug}.example", f"finance2@{workspace.slug}.example"
    Membership.objects.filter(workspace_id=workspace.id, user__email=gone).delete()
    Membership.objects.filter(workspace_id=workspace.id, user__email=changed).update(role="auditor")

    assert _seed_people(workspace, PEOPLE, seeded, domain=workspace.slug) == seeded["users"]

    roles = {each.email: each.role for each in list_members(workspace_id=workspace.id)}
    assert gone not in roles
    assert roles[changed] == "auditor"


def test_people_of_an_earlier_demo_get_an_authenticator_and_their_own_is_left_alone(
    workspace: TenantRef, seeded: dict[str, Any]
) -> None:
    without = {"users": [user | {"totp_secret": None} for user in seeded["users"]]}
    operator = User.objects.get(email=f"operator@{workspace.slug}.example")
    finance = User.objects.get(email=f"finance@{workspace.slug}.example")
    Authenticator.objects.filter(user__in=[operator, finance]).delete()
    own = TOTP.activate(finance, TOTP_SECRET).instance.pk

    people = _seed_people(workspace, PEOPLE, without, domain=workspace.slug)
    after = {login(user): user["totp_secret"] for user in people}

    assert after["operator"]
    assert after["finance"] is None
    assert Authenticator.objects.get(user=finance).pk == own


def test_the_seeded_people_are_those_that_are_listed(seeded: dict[str, Any]) -> None:
    assert [login(user) for user in seeded["users"]] == [person.login for person in PEOPLE]
