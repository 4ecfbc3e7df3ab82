"""What one admin alone, or who manages people and no more, does not get by going round a second one."""

from __future__ import annotations

import pytest

from tests.people import Person, join
from tests.tenants.test_roles import approve, give, inside, make, may, redefine, roles_of
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef
from zentra.tenants.members.invitations import check_invitation
from zentra.tenants.members.operations import add_person, renew_invitation
from zentra.tenants.models import RoleChange
from zentra.tenants.permissions import DANGEROUS, Permission
from zentra.tenants.roles import conflicts
from zentra.tenants.roles.errors import BeyondOwnPermissions, RoleChangeOutdated, SecondAdminNeeded
from zentra.tenants.roles.queries import list_role_changes

P = Permission
NOTES = ["webhooks.replay"]
LINKS = ["people.manage"]


def test_who_gives_a_role_to_the_other_admin_does_not_make_it_dangerous_alone(
    workspace: TenantRef, admin: Person
) -> None:
    bob, mallory = join(workspace, role="admin"), join(workspace, role="viewer")
    make(workspace, admin, "notes", NOTES)
    give(workspace, admin, mallory, "notes")
    give(workspace, admin, bob, "admin", "notes")

    with pytest.raises(SecondAdminNeeded):
        redefine(workspace, admin, ["holds.manage"], key="notes")

    assert P.HOLDS_MANAGE not in may(workspace, mallory)
    assert list_role_changes(workspace_id=workspace.id, now=now()) == []
    give(workspace, admin, bob, "admin")  # without the role he can agree
    asked = redefine(workspace, admin, ["holds.manage"], key="notes").change
    approve(workspace, bob, asked)
    assert P.HOLDS_MANAGE in may(workspace, mallory)


def test_an_admin_alone_still_changes_a_role_that_others_have(workspace: TenantRef, admin: Person) -> None:
    make(workspace, admin, "notes", NOTES)
    person = join(workspace, role="notes")
    done = redefine(workspace, admin, ["holds.manage"], key="notes").change
    assert done is not None
    assert done.sole_admin
    assert P.HOLDS_MANAGE in may(workspace, person)


def test_who_took_an_admin_away_and_gave_something_in_one_act_is_remembered(
    workspace: TenantRef, admin: Person
) -> None:
    make(workspace, admin, "desk", LINKS)
    desk, person = join(workspace, role="desk"), join(workspace, role="viewer")
    give(workspace, admin, desk, "finance")  # people.manage goes, ledger.post comes, with nobody to agree
    assert roles_of(workspace, desk) == ("finance",)
    with pytest.raises(SecondAdminNeeded):
        give(workspace, admin, person, "finance")
    assert roles_of(workspace, person) == ("viewer",)


def test_who_took_it_by_the_definition_of_a_role_is_remembered_too(workspace: TenantRef, admin: Person) -> None:
    make(workspace, admin, "desk", LINKS)
    join(workspace, role="desk")
    redefine(workspace, admin, ["holds.manage"], key="desk")
    with pytest.raises(SecondAdminNeeded):
        give(workspace, admin, join(workspace, role="viewer"), "finance")


def test_a_proposal_about_a_role_does_not_fit_who_got_the_role_since(workspace: TenantRef, admin: Person) -> None:
    second, early, late = (join(workspace, role=role) for role in ("admin", "viewer", "viewer"))
    make(workspace, admin, "notes", NOTES)
    give(workspace, admin, early, "notes")
    asked = redefine(workspace, admin, ["holds.manage"], key="notes").change
    give(workspace, admin, late, "notes")
    with pytest.raises(RoleChangeOutdated):
        approve(workspace, second, asked)
    assert P.HOLDS_MANAGE not in may(workspace, late)
    give(workspace, admin, late, "viewer")
    give(workspace, admin, early, "viewer")  # of those who had it, one less is no other grant
    approve(workspace, second, asked)


def test_what_the_asker_does_not_have_any_more_is_not_given(workspace: TenantRef, admin: Person) -> None:
    second, person = join(workspace, role="admin"), join(workspace, role="viewer")
    make(workspace, admin, "roles_desk", ["roles.manage", "people.manage"])
    approve(workspace, second, list_role_changes(workspace_id=workspace.id, now=now(), pending=True)[0])
    asker = join(workspace, role="admin")
    by_role = make(workspace, asker, "poster", ["ledger.post"]).change
    by_member = give(workspace, asker, person, "finance").change
    asked = give(workspace, admin, asker, "roles_desk").change
    assert asked is None
    for change in (by_role, by_member):
        with pytest.raises(RoleChangeOutdated):
            approve(workspace, second, change)
    assert roles_of(workspace, person) == ("viewer",)
    assert RoleChange.objects.filter(workspace_id=workspace.id, state="pending").count() == 2


def test_who_may_do_less_gets_no_link_of_who_may_do_more(workspace: TenantRef, admin: Person) -> None:
    make(workspace, admin, "desk", LINKS)
    desk = join(workspace, role="desk")
    first = inside(workspace, add_person, admin, email=f"one.{workspace.slug}@example.test", role="admin")
    join(workspace, role="admin")
    waiting = inside(workspace, add_person, admin, email=f"two.{workspace.slug}@example.test", role="finance")
    assert (first.member.role, waiting.member.role) == ("admin", "viewer")
    plain = inside(workspace, add_person, admin, email=f"three.{workspace.slug}@example.test", role="viewer")
    for each in (first, waiting, plain):  # a viewer reads what the desk does not
        with pytest.raises(BeyondOwnPermissions):
            inside(workspace, renew_invitation, desk, user_id=each.member.user_id)
        assert check_invitation(user_id=each.member.user_id, token=each.token, now=now())
        assert inside(workspace, renew_invitation, admin, user_id=each.member.user_id).token


def test_what_screens_a_party_and_what_sends_an_intent_take_two(workspace: TenantRef, admin: Person) -> None:
    second = join(workspace, role="admin")
    assert {P.PARTIES_SCREEN, P.INTENTS_CREATE} <= DANGEROUS
    for key, permission in (("screener", P.PARTIES_SCREEN), ("sender", P.INTENTS_CREATE)):
        asked = make(workspace, admin, key, [permission]).change
        assert asked is not None
        assert asked.is_pending
        approve(workspace, second, asked)


def test_who_issues_keys_does_not_publish_what_they_draft() -> None:
    found = conflicts.conflicts_in({P.KEYS_MANAGE, P.POLICY_PUBLISH})
    assert [each.why for each in found] == ["who issues keys does not publish what they draft"]
