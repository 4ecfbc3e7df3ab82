"""Roles of a workspace's own, several roles a person, and what a second admin has to agree to."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection, transaction

from evidence.queries import latest_events
from tests.ledger.book import at_once
from tests.people import join
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.access import MembershipRequired, PermissionDenied
from zentra.tenants.members.errors import InvalidRole, OwnRole
from zentra.tenants.members.operations import add_person, remove_member, set_roles
from zentra.tenants.models import Membership, Role, RoleChange, RoleVersion, User
from zentra.tenants.operations import hold_membership
from zentra.tenants.permissions import DANGEROUS, PERMISSIONS, Permission
from zentra.tenants.queries import find_membership
from zentra.tenants.roles import conflicts, operations
from zentra.tenants.roles.errors import (
    BeyondOwnPermissions,
    InvalidRoleDefinition,
    OwnRoleChange,
    RoleChangeEnded,
    RoleChangeOutdated,
    RoleChangePending,
    RoleExists,
    RoleHeld,
    RolesConflict,
    SecondAdminNeeded,
    StaleRole,
    UnknownRole,
    UnknownRoleChange,
)
from zentra.tenants.roles.queries import find_custom_role, list_custom_roles, list_role_changes, list_role_versions
from zentra.tenants.roles.store import OPEN_FOR

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.tenants.members.types import RolesSet
    from zentra.tenants.roles.types import RoleChangeRecord, RoleOutcome

P = Permission
HARMLESS = ["webhooks.replay", "alarms.acknowledge"]


def inside(workspace: TenantRef, act: Any, by: Person, **said: Any) -> Any:
    with tenant_work(workspace):
        return act(workspace=workspace, actor=by.actor(), **{"now": now()} | said)


def make(workspace: TenantRef, by: Person, key: str = "night_shift", may: Any = HARMLESS, **more: Any) -> RoleOutcome:
    said = {"key": key, "name": key.replace("_", " ").title(), "permissions": may} | more
    outcome: RoleOutcome = inside(workspace, operations.create_role, by, **said)
    return outcome


def redefine(workspace: TenantRef, by: Person, may: Any, key: str = "night_shift", version: Any = None) -> RoleOutcome:
    outcome: RoleOutcome = inside(
        workspace, operations.change_role_definition, by, key=key, name="Night shift", permissions=may, version=version
    )
    return outcome


def give(workspace: TenantRef, by: Person, whom: Person, *roles: str, **more: Any) -> RolesSet:
    done: RolesSet = inside(
        workspace, set_roles, by, **{"user_id": whom.id, "roles": list(roles), "version": None} | more
    )
    return done


def approve(workspace: TenantRef, by: Person, change: RoleChangeRecord | None, **more: Any) -> RoleChangeRecord:
    assert change is not None
    done: RoleChangeRecord = inside(workspace, operations.approve_change, by, change_id=change.id, **more)
    return done


def may(workspace: TenantRef, whom: Person) -> frozenset[Permission]:
    found = find_membership(user_id=whom.id, slug=workspace.slug)
    assert found is not None
    return found.permissions


def roles_of(workspace: TenantRef, whom: Person) -> tuple[str, ...]:
    found = find_membership(user_id=whom.id, slug=workspace.slug)
    assert found is not None
    return found.roles


def told(workspace: TenantRef, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    with tenant_work(workspace):
        events = [each for each in latest_events(limit=80) if each.type.startswith(kinds or ("role", "member"))]
    return [(each.type, json.loads(each.body)["data"]) for each in reversed(events)]


# -- The tables --------------------------------------------------------------------------------------------------------


def test_a_built_in_role_alone_never_conflicts_and_those_that_are_exempt_are_known() -> None:
    exempt = {role: conflicts.conflicts_in(may) for role, may in PERMISSIONS.items() if conflicts.conflicts_in(may)}
    assert set(exempt) == {"admin", "compliance"}
    assert [(each.one, each.other) for each in exempt["compliance"]] == [("parties.manage", "parties.screen")]
    assert set(exempt["admin"]) == set(conflicts.PERMISSION_CONFLICTS)
    for role in PERMISSIONS:
        assert conflicts.conflicts_of_roles([role], {}) == ()


def test_conflicts_are_pairs_of_what_there_is_each_with_its_reason() -> None:
    for pair in conflicts.ROLE_CONFLICTS:
        assert {pair.one, pair.other} <= set(PERMISSIONS)
        assert pair.one < pair.other
        assert pair.why
    for pair in conflicts.PERMISSION_CONFLICTS:
        assert isinstance(pair.one, Permission)
        assert isinstance(pair.other, Permission)
        assert pair.why
        assert {pair.one, pair.other} & DANGEROUS or "parties" in pair.one
    everything = [*conflicts.ROLE_CONFLICTS, *conflicts.PERMISSION_CONFLICTS]
    assert len({frozenset((each.one, each.other)) for each in everything}) == len(everything)


def test_a_permission_takes_along_what_it_is_of_no_use_without() -> None:
    assert conflicts.complete([P.REVIEWS_DECIDE_COMPLIANCE]) == {
        P.ROOM_READ, P.REVIEWS_READ, P.REVIEWS_DECIDE, P.REVIEWS_DECIDE_COMPLIANCE,
    }  # fmt: skip
    for permission in Permission:
        assert conflicts.complete(conflicts.complete([permission])) == conflicts.complete([permission])


def test_the_database_holds_the_roles_that_there_are_and_the_pairs_that_must_not_meet(
    workspace: TenantRef, admin: Person
) -> None:
    person = join(workspace, role="viewer")
    row = Membership.objects.get(workspace_id=workspace.id, user_id=person.id)
    apart = {frozenset((each.one, each.other)) for each in conflicts.ROLE_CONFLICTS}
    pairs = [(one, other) for one in PERMISSIONS for other in PERMISSIONS if one != other]
    for one, other in pairs:
        try:
            with transaction.atomic():
                Membership.objects.filter(id=row.id).update(role=one, also=[other])
            assert frozenset((one, other)) not in apart, (one, other)
        except IntegrityError:
            assert frozenset((one, other)) in apart, (one, other)
    for wrong in (["nonsense"], ["viewer", "viewer"], ["platform_admin"], ["viewer", "night_shift"]):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.filter(id=row.id).update(role=wrong[0], also=wrong[1:])
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.filter(workspace_id=workspace.id, user_id=admin.id).update(role="viewer")
    Membership.objects.filter(workspace_id=workspace.id, user_id=admin.id).update(role="viewer", also=["admin"])
    with pytest.raises(IntegrityError), transaction.atomic():  # an admin by a further role is one too
        Membership.objects.filter(workspace_id=workspace.id, user_id=admin.id).update(also=[])


# -- A workspace's own roles -------------------------------------------------------------------------------------------


def test_a_role_is_made_given_changed_at_once_and_retired_when_nobody_has_it(
    workspace: TenantRef, admin: Person
) -> None:
    made = make(workspace, admin)
    assert made.change is None
    assert made.role is not None
    assert made.role.permissions == {
        P.ROOM_READ, P.WEBHOOKS_READ, P.WEBHOOKS_REPLAY, P.ALARMS_READ, P.ALARMS_ACKNOWLEDGE,
    }  # fmt: skip
    person = join(workspace, role="viewer")
    give(workspace, admin, person, "night_shift", "viewer")
    assert roles_of(workspace, person) == ("night_shift", "viewer")
    assert may(workspace, person) == made.role.permissions | PERMISSIONS["viewer"]
    before = find_membership(user_id=person.id, slug=workspace.slug)
    assert before is not None

    redefine(workspace, admin, ["webhooks.replay"], version=1)

    assert P.ALARMS_ACKNOWLEDGE not in may(workspace, person)
    with tenant_work(workspace), pytest.raises(MembershipRequired):
        hold_membership(member=before)  # a form that was opened before it goes nowhere
    with pytest.raises(StaleRole):
        redefine(workspace, admin, HARMLESS, version=1)
    with pytest.raises(RoleHeld):
        inside(workspace, operations.retire_role, admin, key="night_shift", version=None)
    give(workspace, admin, person, "viewer")
    inside(workspace, operations.retire_role, admin, key="night_shift", version=2)
    with pytest.raises(InvalidRole):
        give(workspace, admin, person, "night_shift")
    with pytest.raises(UnknownRole):
        redefine(workspace, admin, HARMLESS)
    with pytest.raises(RoleExists):  # events name it: nobody gets its key again
        make(workspace, admin)
    assert [each.version for each in list_role_versions(workspace_id=workspace.id, key="night_shift")] == [2, 1]
    assert list_custom_roles(workspace_id=workspace.id) == []
    assert [kind for kind, _ in told(workspace, "role.")] == ["role.created", "role.changed", "role.retired"]
    assert told(workspace, "role.changed")[0][1]["taken"] == ["alarms.acknowledge", "alarms.read"]
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleVersion.objects.filter(role__workspace_id=workspace.id).update(permissions=[])
    with pytest.raises(IntegrityError), transaction.atomic():
        Role.objects.filter(workspace_id=workspace.id).update(key="admin", version=9)


def test_what_cannot_be_a_role_is_refused_and_nothing_happens(
    workspace: TenantRef, admin: Person, finance: Person, outsider: Person
) -> None:
    for key in ("ab", "Night", "admin", "viewer", "platform_admin", "staff", "x" * 41, "a-b", ""):
        with pytest.raises((InvalidRoleDefinition, RoleExists)):
            make(workspace, admin, key)
    for wrong in ([], ["nonsense"], ["room.read", "staff.enter"], ["ledger.post", "nonsense"]):
        with pytest.raises(InvalidRoleDefinition):
            make(workspace, admin, may=wrong)
    with pytest.raises(InvalidRoleDefinition):
        make(workspace, admin, name="   ")
    for pair in conflicts.PERMISSION_CONFLICTS:
        with pytest.raises(RolesConflict) as refused:
            make(workspace, admin, may=[pair.one, pair.other])
        assert {"one": pair.one, "other": pair.other, "why": pair.why} in refused.value.extra["conflicts"]
    for stranger, error in ((finance, PermissionDenied), (outsider, MembershipRequired)):
        with pytest.raises(error):
            make(workspace, stranger)
    assert list_custom_roles(workspace_id=workspace.id, retired=True) == []
    assert told(workspace, "role") == []


def test_nobody_writes_or_gives_more_than_they_have(workspace: TenantRef, admin: Person) -> None:
    make(workspace, admin, "people_desk", ["people.manage", "roles.manage"])
    desk = join(workspace, role="people_desk")
    person, other = join(workspace, role="viewer"), join(workspace, role="finance")
    for act in (
        partial(make, workspace, desk, "poster", ["ledger.post"]),
        partial(give, workspace, desk, person, "finance"),
        partial(give, workspace, desk, other, "viewer"),  # who may do more is not changed by who may do less
        partial(inside, workspace, remove_member, desk, user_id=admin.id, version=None),
        partial(inside, workspace, add_person, desk, email="new@example.test", role="admin"),
    ):
        with pytest.raises(BeyondOwnPermissions):
            act()
    with pytest.raises(OwnRole):
        give(workspace, desk, desk, "viewer")
    assert not User.objects.filter(email="new@example.test").exists()
    assert roles_of(workspace, other) == ("finance",)


def test_roles_that_must_not_meet_are_not_given_together_whatever_they_are_called(
    workspace: TenantRef, admin: Person
) -> None:
    make(workspace, admin, "poster", ["ledger.post"])
    make(workspace, admin, "decider", ["reviews.decide"])
    make(workspace, admin, "looker", ["ledger.export"])
    person = join(workspace, role="viewer")
    for together in (("finance", "operator"), ("poster", "decider"), ("operator", "poster"), ("auditor", "poster")):
        with pytest.raises(RolesConflict):
            give(workspace, admin, person, *together)
    give(workspace, admin, person, "auditor", "looker")
    with pytest.raises(RolesConflict):  # nor by what a role comes to include
        redefine(workspace, admin, ["ledger.import"], key="looker")
    assert P.LEDGER_IMPORT not in may(workspace, person)
    give(workspace, admin, person, "operator", "compliance")
    assert roles_of(workspace, person) == ("operator", "compliance")


# -- Two admins --------------------------------------------------------------------------------------------------------


def test_a_dangerous_grant_waits_for_a_second_admin_who_is_neither_asker_nor_receiver(
    workspace: TenantRef, admin: Person
) -> None:
    second, third = join(workspace, role="admin"), join(workspace, role="viewer")
    desk = join(workspace, role="support")

    asked = give(workspace, admin, third, "finance", reason="covers for Maria")
    assert asked.change is not None
    assert asked.change.is_pending
    assert not asked.change.sole_admin
    assert roles_of(workspace, third) == ("viewer",)
    with pytest.raises(RoleChangePending):
        give(workspace, admin, third, "operator")
    for person, error in ((admin, OwnRoleChange), (third, PermissionDenied), (desk, PermissionDenied)):
        with pytest.raises(error):
            approve(workspace, person, asked.change)
    assert roles_of(workspace, third) == ("viewer",)

    approve(workspace, second, asked.change, note="seen")

    assert roles_of(workspace, third) == ("finance",)
    with pytest.raises(RoleChangeEnded):
        approve(workspace, second, asked.change)
    kinds = told(workspace)
    assert [kind for kind, _ in kinds if "proposed" in kind or "applied" in kind or "changed" in kind] == [
        "role_change.proposed", "role_change.applied", "member.role_changed",
    ]  # fmt: skip
    assert kinds[-1][1]["change_id"] == asked.change.id
    assert not any("Maria" in json.dumps(data) or "seen" in json.dumps(data) for _, data in kinds)
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleChange.objects.filter(workspace_id=workspace.id, id=asked.change.id).update(note="other words")


def test_the_receiver_of_a_grant_does_not_approve_it_even_as_an_admin(workspace: TenantRef, admin: Person) -> None:
    make(workspace, admin, "reader", ["ledger.export"])
    second, third = join(workspace, role="admin"), join(workspace, role="admin")
    give(workspace, admin, second, "admin", "reader")
    raised = redefine(workspace, admin, ["ledger.export", "holds.manage"], key="reader")
    with pytest.raises(OwnRoleChange):
        approve(workspace, second, raised.change)
    approve(workspace, third, raised.change)
    role = find_custom_role(workspace_id=workspace.id, key="reader")
    assert role is not None
    assert P.HOLDS_MANAGE in role.permissions
    assert role.version == 2


def test_in_a_workspace_of_one_admin_it_is_done_at_once_and_says_so(workspace: TenantRef, admin: Person) -> None:
    person = join(workspace, role="viewer")
    done = give(workspace, admin, person, "admin")
    assert done.change is not None
    assert done.change.state == "applied"
    assert done.change.sole_admin
    assert roles_of(workspace, person) == ("admin",)
    assert told(workspace, "role_change")[0][1]["sole_admin"] is True
    assert told(workspace, "member.role")[0][1]["sole_admin"] is True
    # From now on there are two.
    assert give(workspace, admin, join(workspace, role="viewer"), "finance").change.is_pending  # type: ignore[union-attr]


def test_one_admin_does_not_make_two_of_themselves_by_taking_the_other_away(
    workspace: TenantRef, admin: Person
) -> None:
    other, person = join(workspace, role="admin"), join(workspace, role="viewer")
    give(workspace, admin, other, "viewer")
    with pytest.raises(SecondAdminNeeded):
        give(workspace, admin, person, "admin")
    with pytest.raises(SecondAdminNeeded):
        make(workspace, admin, "poster", ["ledger.post"])
    give(workspace, admin, person, "support")  # what is not dangerous goes on
    later = give(workspace, admin, person, "admin", now=now() + OPEN_FOR)
    assert later.member.role == "admin"


def test_a_new_person_is_a_viewer_until_a_second_admin_agrees(workspace: TenantRef, admin: Person) -> None:
    second = join(workspace, role="admin")
    added = inside(workspace, add_person, admin, email=f"new.{workspace.slug}@example.test", role="finance")
    assert (added.member.role, added.change.roles, added.change.is_pending) == ("viewer", ("finance",), True)
    approve(workspace, second, added.change)
    assert Membership.objects.get(workspace_id=workspace.id, user_id=added.member.user_id).role == "finance"


def test_what_was_proposed_for_somebody_ends_with_their_membership(workspace: TenantRef, admin: Person) -> None:
    join(workspace, role="admin")
    person = join(workspace, role="viewer")
    give(workspace, admin, person, "finance")
    inside(workspace, remove_member, admin, user_id=person.id, version=None)
    assert list_role_changes(workspace_id=workspace.id, now=now(), pending=True) == []
    again = inside(workspace, add_person, admin, email=person.email, role="finance")
    assert (again.member.role, again.change.is_pending) == ("viewer", True)


def test_a_proposal_ends_refused_withdrawn_outdated_or_by_time(workspace: TenantRef, admin: Person) -> None:
    second, person = join(workspace, role="admin"), join(workspace, role="viewer")

    refused = give(workspace, admin, person, "finance").change
    assert refused is not None
    with pytest.raises(OwnRoleChange):
        inside(workspace, operations.refuse_change, admin, change_id=refused.id)
    inside(workspace, operations.refuse_change, second, change_id=refused.id, note="no")
    withdrawn = give(workspace, admin, person, "finance").change
    assert withdrawn is not None
    with pytest.raises(OwnRoleChange):
        inside(workspace, operations.withdraw_change, second, change_id=withdrawn.id)
    inside(workspace, operations.withdraw_change, admin, change_id=withdrawn.id)
    late = give(workspace, admin, person, "finance").change
    with pytest.raises(RoleChangeEnded):
        approve(workspace, second, late, now=now() + OPEN_FOR)
    with tenant_work(workspace):
        assert operations.expire_changes(workspace=workspace, now=now() + OPEN_FOR) == 1
        assert operations.expire_changes(workspace=workspace, now=now() + OPEN_FOR) == 0
    outdated = give(workspace, admin, person, "finance").change
    give(workspace, admin, person, "support")
    with pytest.raises(RoleChangeOutdated):
        approve(workspace, second, outdated)
    assert outdated is not None
    inside(workspace, operations.withdraw_change, admin, change_id=outdated.id)
    left = give(workspace, second, person, "finance").change
    give(workspace, admin, second, "support")  # who asked for it is no admin any more
    third = join(workspace, role="admin")
    with pytest.raises(RoleChangeOutdated):
        approve(workspace, third, left)
    with pytest.raises(UnknownRoleChange):
        inside(workspace, operations.approve_change, admin, change_id="rch_" + "0" * 26)

    assert roles_of(workspace, person) == ("support",)
    ended = {each.state for each in list_role_changes(workspace_id=workspace.id, now=now())}
    assert ended == {"refused", "withdrawn", "expired", "pending", "applied"}  # applied: an admin was taken away


def test_of_admins_who_decide_at_once_one_does_and_of_ten_who_ask_one_proposal_stands(
    workspace: TenantRef, admin: Person
) -> None:
    others = [join(workspace, role="admin") for _ in range(3)]
    person = join(workspace, role="viewer")
    answers: list[Any] = at_once([partial(give, workspace, admin, person, "finance") for _ in range(6)], threads=6)
    assert sum(isinstance(each, RoleChangePending) for each in answers) == 5
    (asked,) = list_role_changes(workspace_id=workspace.id, now=now(), pending=True)
    acts: list[Any] = [partial(approve, workspace, other, asked) for other in others]
    acts += [partial(inside, workspace, operations.refuse_change, other, change_id=asked.id) for other in others]
    answers = at_once(acts, threads=6)
    assert sum(isinstance(each, RoleChangeEnded) for each in answers) == 5
    assert len(told(workspace, "role_change.applied", "role_change.refused")) == 1


def test_what_another_workspace_has_is_not_there(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person, outsider: Person
) -> None:
    make(other_workspace, outsider, "poster", ["ledger.post"])
    person = join(workspace, role="viewer")
    with pytest.raises(InvalidRole):
        give(workspace, admin, person, "poster")
    with pytest.raises(UnknownRole):
        redefine(workspace, admin, HARMLESS, key="poster")
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        cursor.execute("UPDATE public.tenants_membership SET role = 'poster' WHERE user_id = (SELECT id FROM"
                       " public.tenants_user WHERE email = %s)", [person.email])  # fmt: skip
