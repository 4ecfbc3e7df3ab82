"""People get roles, change and lose them: who may, what is recorded, and what holds when several do it at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction
from psycopg.errors import CheckViolation

from evidence.queries import latest_events
from tests.ledger.book import at_once
from tests.people import join
from zentra.core import schema
from zentra.core.actors import Actor
from zentra.core.clock import now
from zentra.core.errors import DomainError
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.access import MembershipRequired, PermissionDenied
from zentra.tenants.members import operations, registry
from zentra.tenants.members.errors import (
    AccountNotReady,
    AlreadyMember,
    InvalidMemberEmail,
    InvalidRole,
    InvitationEnded,
    LastAdmin,
    NoInvitationNeeded,
    OwnRole,
    StaleMember,
    UnknownMember,
    UnusablePassword,
)
from zentra.tenants.members.invitations import accept_invitation, check_invitation
from zentra.tenants.members.queries import find_member_record, list_members
from zentra.tenants.models import Membership, User
from zentra.tenants.operations import add_member, hold_membership
from zentra.tenants.queries import find_membership

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.tenants.members.types import AddedMember, MemberRecord

GOOD = "four unrelated blue horses"
NOBODY = "usr_" + "0" * 26


def address() -> str:
    return f"{new_id('usr')}@example.test"


def give(workspace: TenantRef, by: Person, role: str = "operator", **more: Any) -> AddedMember:
    with tenant_work(workspace):
        return operations.add_person(
            workspace=workspace, role=role, actor=by.actor(), now=now(), **{"email": address()} | more
        )


def change(workspace: TenantRef, by: Person | Actor, whom: str, role: str, version: int | None = None) -> MemberRecord:
    actor = by if isinstance(by, Actor) else by.actor()
    with tenant_work(workspace):
        return operations.set_roles(
            workspace=workspace, user_id=whom, roles=[role], version=version, actor=actor, now=now()
        ).member


def remove(workspace: TenantRef, by: Person, whom: str, version: int | None = None) -> MemberRecord:
    with tenant_work(workspace):
        return operations.remove_member(workspace=workspace, user_id=whom, version=version, actor=by.actor(), now=now())


def shift(workspace: TenantRef, by: Person, whom: str, *, on: bool) -> MemberRecord:
    with tenant_work(workspace):
        return operations.set_shift(workspace=workspace, user_id=whom, on_shift=on, actor=by.actor(), now=now())


def roles(workspace: TenantRef) -> dict[str, str]:
    return {each.user_id: each.role for each in list_members(workspace_id=workspace.id)}


def told(workspace: TenantRef) -> list[tuple[str, dict[str, Any], bytes]]:
    with tenant_work(workspace):
        events = [each for each in latest_events(limit=50) if each.type.startswith("member.")]
    return [(each.type, json.loads(each.body)["data"], each.body) for each in reversed(events)]


# -- Giving ------------------------------------------------------------------------------------------------------------


def test_a_new_person_gets_an_account_and_a_link_that_sets_its_password_once(
    workspace: TenantRef, admin: Person
) -> None:
    email = address()
    added = give(workspace, admin, "finance", email=f"  {email.upper()} ", name="Maria")
    assert (added.member.email, added.member.role, added.member.has_password) == (email, "finance", False)
    assert added.token is not None
    user_id, token = added.member.user_id, added.token

    assert check_invitation(user_id=user_id, token=token, now=now()) == email
    with pytest.raises(UnusablePassword):
        accept_invitation(user_id=user_id, token=token, password="short", now=now())
    accept_invitation(user_id=user_id, token=token, password=GOOD, now=now())

    assert User.objects.get(id=user_id).check_password(GOOD)
    with pytest.raises(InvitationEnded):
        accept_invitation(user_id=user_id, token=token, password=GOOD, now=now())


def test_what_is_recorded_names_ids_and_roles_and_nobody(workspace: TenantRef, admin: Person) -> None:
    added = give(workspace, admin, "operator", name="Maria Nobody")
    whom = added.member.user_id
    change(workspace, admin, whom, "compliance")
    shift(workspace, admin, whom, on=False)
    remove(workspace, admin, whom)

    events = told(workspace)

    assert [(kind, data | {"change_id": None} if "change_id" in data else data) for kind, data, _ in events] == [
        ("member.added", {"user_id": whom, "role": "operator", "also": [], "on_shift": True, "is_new_account": True}),
        ("member.role_changed", {"user_id": whom, "from_role": "operator", "role": "compliance", "from_also": [],
                                 "also": [], "change_id": None, "sole_admin": True}),
        ("member.shift_changed", {"user_id": whom, "role": "compliance", "on_shift": False}),
        ("member.removed", {"user_id": whom, "role": "compliance", "also": []}),
    ]  # fmt: skip
    assert not any(b"Maria" in body or b"@" in body for _, _, body in events)


def test_who_has_an_account_keeps_its_password_and_gets_no_link(
    workspace: TenantRef, admin: Person, outsider: Person
) -> None:
    added = give(workspace, admin, "auditor", email=outsider.email)
    assert added.token is None
    assert added.member.user_id == outsider.id
    assert User.objects.get(id=outsider.id).check_password(outsider.password)
    assert not added.member.is_only_here


def test_an_account_that_another_workspace_made_and_nobody_used_is_not_taken_in(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person
) -> None:
    theirs = join(other_workspace, role="admin")
    email = address()
    give(other_workspace, theirs, email=email)
    with pytest.raises(AccountNotReady):
        give(workspace, admin, email=email)
    assert roles(workspace) == {admin.id: "admin"}


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"email": "not an address"}, InvalidMemberEmail),
        ({"email": "a" * 250 + "@example.test"}, InvalidMemberEmail),
        ({"role": "emperor"}, InvalidRole),
        ({"role": ""}, InvalidRole),
    ],
)
def test_what_cannot_be_given_changes_nothing(
    workspace: TenantRef, admin: Person, asked: dict[str, str], refusal: type[DomainError]
) -> None:
    before = User.objects.count()
    with pytest.raises(refusal):
        give(workspace, admin, **asked)
    assert (roles(workspace), User.objects.count(), told(workspace)) == ({admin.id: "admin"}, before, [])


def test_a_member_is_not_given_a_second_role(workspace: TenantRef, admin: Person, operator: Person) -> None:
    with pytest.raises(AlreadyMember):
        give(workspace, admin, "finance", email=operator.email)
    assert roles(workspace)[operator.id] == "operator"


@pytest.mark.parametrize("role", ["operator", "support", "finance", "compliance", "auditor", "developer"])
def test_nobody_but_an_admin_manages_people(workspace: TenantRef, admin: Person, role: str) -> None:
    person, other = join(workspace, role=role), join(workspace, role="support")
    before = roles(workspace)
    for act in (
        partial(give, workspace, person),
        partial(change, workspace, person, other.id, "admin"),
        partial(remove, workspace, person, other.id),
        partial(shift, workspace, person, other.id, on=False),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert roles(workspace) == before
    assert told(workspace) == []


def test_an_admin_of_another_workspace_is_nobody_here(
    workspace: TenantRef, admin: Person, operator: Person, outsider: Person
) -> None:
    for act in (
        partial(give, workspace, outsider),
        partial(change, workspace, outsider, operator.id, "admin"),
        partial(remove, workspace, outsider, operator.id),
        partial(shift, workspace, outsider, operator.id, on=False),
    ):
        with pytest.raises(MembershipRequired):
            act()
    assert roles(workspace) == {admin.id: "admin", operator.id: "operator"}


# -- Links -------------------------------------------------------------------------------------------------------------


def test_a_new_link_ends_the_one_before(workspace: TenantRef, admin: Person) -> None:
    added = give(workspace, admin)
    whom = added.member.user_id
    with tenant_work(workspace):
        again = operations.renew_invitation(workspace=workspace, user_id=whom, actor=admin.actor(), now=now())
    assert again.token is not None
    with pytest.raises(InvitationEnded):
        check_invitation(user_id=whom, token=added.token or "", now=now())
    accept_invitation(user_id=whom, token=again.token, password=GOOD, now=now())


def test_no_link_leads_into_an_account_in_use_or_shared(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person, operator: Person
) -> None:
    shared = give(workspace, admin).member.user_id
    Membership.objects.create(workspace_id=other_workspace.id, user_id=shared, role="admin")
    for whom in (operator.id, shared):
        with pytest.raises(NoInvitationNeeded), tenant_work(workspace):
            operations.renew_invitation(workspace=workspace, user_id=whom, actor=admin.actor(), now=now())


@pytest.mark.parametrize("password", ["short", "password1234", "123456789012", "x" * 201])
def test_a_weak_password_leaves_the_link_as_it_was(workspace: TenantRef, admin: Person, password: str) -> None:
    added = give(workspace, admin)
    with pytest.raises(UnusablePassword):
        accept_invitation(user_id=added.member.user_id, token=added.token or "", password=password, now=now())
    assert check_invitation(user_id=added.member.user_id, token=added.token or "", now=now())


@pytest.mark.parametrize(("whom", "token"), [("usr_nonsense", "x"), (NOBODY, "x-y"), ("", "")])
def test_a_link_that_nobody_made_sets_nothing(database: None, whom: str, token: str) -> None:
    with pytest.raises(InvitationEnded):
        check_invitation(user_id=whom, token=token, now=now())


def test_of_ten_who_use_a_link_at_once_one_sets_the_password(workspace: TenantRef, admin: Person) -> None:
    added = give(workspace, admin)
    calls = [
        partial(
            accept_invitation,
            user_id=added.member.user_id,
            token=added.token or "",
            password=f"{GOOD} {number}",
            now=now(),
        )
        for number in range(10)
    ]
    answers = at_once(calls, threads=10)
    assert answers.count(None) == 1
    assert sum(isinstance(each, InvitationEnded) for each in answers) == 9


# -- Changing and taking away ------------------------------------------------------------------------------------------


def test_a_role_counts_with_the_next_request(workspace: TenantRef, admin: Person, operator: Person) -> None:
    change(workspace, admin, operator.id, "auditor")
    found = find_membership(user_id=operator.id, slug=workspace.slug)
    assert found is not None
    assert found.role == "auditor"
    remove(workspace, admin, operator.id)
    assert find_membership(user_id=operator.id, slug=workspace.slug) is None
    with tenant_work(workspace), pytest.raises(MembershipRequired):
        hold_membership(member=operator.member)


def test_the_same_role_again_changes_nothing(workspace: TenantRef, admin: Person, operator: Person) -> None:
    assert change(workspace, admin, operator.id, "operator").version == 1
    assert shift(workspace, operator, operator.id, on=True).on_shift
    assert told(workspace) == []


def test_nobody_changes_or_removes_themselves(workspace: TenantRef, admin: Person) -> None:
    join(workspace, role="admin")
    for act in (
        partial(change, workspace, admin, admin.id, "auditor"),
        partial(remove, workspace, admin, admin.id),
    ):
        with pytest.raises(OwnRole):
            act()
    assert roles(workspace)[admin.id] == "admin"


def test_who_read_an_older_page_is_told(workspace: TenantRef, admin: Person, operator: Person) -> None:
    change(workspace, admin, operator.id, "support", version=1)
    for act in (
        partial(change, workspace, admin, operator.id, "finance", version=1),
        partial(remove, workspace, admin, operator.id, version=1),
    ):
        with pytest.raises(StaleMember) as refusal:
            act()
        assert refusal.value.extra == {"role": "support", "version": 2}
    assert roles(workspace)[operator.id] == "support"


@pytest.mark.parametrize("whom", ["usr_nonsense", NOBODY, "'; DROP"])
def test_a_stranger_is_nobody_to_change(workspace: TenantRef, admin: Person, whom: str) -> None:
    for act in (
        partial(change, workspace, admin, whom, "auditor"),
        partial(remove, workspace, admin, whom),
        partial(shift, workspace, admin, whom, on=False),
    ):
        with pytest.raises(UnknownMember):
            act()


def test_people_say_their_own_shift(workspace: TenantRef, operator: Person, support: Person) -> None:
    assert not shift(workspace, operator, operator.id, on=False).on_shift
    with pytest.raises(PermissionDenied):
        shift(workspace, operator, support.id, on=False)
    found = find_member_record(workspace_id=workspace.id, user_id=support.id)
    assert found is not None
    assert found.on_shift


def test_the_last_admin_who_can_sign_in_stays(workspace: TenantRef, admin: Person) -> None:
    other = join(workspace, role="admin")
    unready = give(workspace, admin, "admin").member.user_id
    remove(workspace, admin, other.id)
    add_member(workspace_id=workspace.id, user=other.user, role="admin")
    add_back = other.id
    User.objects.filter(id=admin.id).update(password="!")  # whoever remains could not sign in
    with pytest.raises(LastAdmin):
        remove(workspace, admin, add_back)
    remove(workspace, admin, unready)
    assert roles(workspace)[add_back] == "admin"


def test_two_admins_who_remove_each_other_at_once_leave_one(workspace: TenantRef, admin: Person) -> None:
    for _ in range(3):
        other = join(workspace, role="admin")
        answers = at_once(
            [partial(remove, workspace, admin, other.id), partial(remove, workspace, other, admin.id)], threads=2
        )
        left = [each for each, role in roles(workspace).items() if role == "admin"]
        assert len(left) == 1
        assert sum(isinstance(each, MembershipRequired) for each in answers) == 1
        if left == [other.id]:
            add_member(workspace_id=workspace.id, user=admin.user, role="admin")
            remove(workspace, admin, other.id)


def test_of_many_who_change_one_person_from_the_same_page_one_does(
    workspace: TenantRef, admin: Person, operator: Person
) -> None:
    wanted = ["support", "finance", "compliance", "auditor", "developer", "admin"] * 2
    answers = at_once([partial(change, workspace, admin, operator.id, role, version=1) for role in wanted], threads=6)
    assert sum(isinstance(each, StaleMember) for each in answers) == 11
    assert len(told(workspace)) == 1


def test_of_many_who_give_one_address_a_role_one_does(workspace: TenantRef, admin: Person) -> None:
    email = address()
    answers = at_once([partial(give, workspace, admin, email=email) for _ in range(8)], threads=8)
    assert sum(isinstance(each, AlreadyMember) for each in answers) == 7
    assert User.objects.filter(email=email).count() == 1
    assert len(told(workspace)) == 1


def test_two_workspaces_that_give_one_new_address_a_role_make_one_account(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person
) -> None:
    theirs, email = join(other_workspace, role="admin"), address()
    answers = at_once(
        [partial(give, workspace, admin, email=email), partial(give, other_workspace, theirs, email=email)], threads=2
    )
    assert sum(isinstance(each, AccountNotReady) for each in answers) == 1
    assert User.objects.filter(email=email).count() == 1


# -- The database ------------------------------------------------------------------------------------------------------


def test_the_database_keeps_an_admin_whoever_writes(workspace: TenantRef, admin: Person) -> None:
    with pytest.raises(IntegrityError, match="without an admin"):
        Membership.objects.filter(workspace_id=workspace.id, user_id=admin.id).delete()
    with pytest.raises(IntegrityError, match="without an admin"), transaction.atomic():
        Membership.objects.filter(workspace_id=workspace.id, user_id=admin.id).update(role="auditor")
    with schema.connect_as_owner() as owner, pytest.raises(CheckViolation):
        owner.execute("DELETE FROM public.tenants_membership WHERE workspace_id = %s", [workspace.id])
    assert roles(workspace) == {admin.id: "admin"}


def test_the_database_keeps_an_admin_of_two_who_go_at_once(workspace: TenantRef, admin: Person) -> None:
    people = [admin, *(join(workspace, role="admin") for _ in range(3))]

    def leave(person: Person) -> None:
        with transaction.atomic():
            Membership.objects.filter(workspace_id=workspace.id, user_id=person.id).delete()

    answers = at_once([partial(leave, each) for each in people], threads=4)
    assert sum(isinstance(each, IntegrityError) for each in answers) == 1
    assert len(roles(workspace)) == 1


# -- Others follow -----------------------------------------------------------------------------------------------------


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """What an app that registered is told."""
    calls: list[dict[str, Any]] = []

    def hook(**words: Any) -> None:
        calls.append(words)

    registry.on_member_changed(hook)
    yield calls
    registry._hooks.remove(hook)


def test_other_apps_hear_of_a_role_that_is_changed_or_ends(
    workspace: TenantRef, admin: Person, operator: Person, heard: list[dict[str, Any]]
) -> None:
    change(workspace, admin, operator.id, "support")
    remove(workspace, admin, operator.id)
    assert [(each["user_id"], each["role_before"], each["role"]) for each in heard] == [
        (operator.id, "operator", "support"),
        (operator.id, "support", ""),
    ]


def test_what_an_app_refuses_leaves_the_role_as_it_was(workspace: TenantRef, admin: Person, operator: Person) -> None:
    def hook(**words: Any) -> None:
        raise RuntimeError("no")

    registry.on_member_changed(hook)
    try:
        with pytest.raises(RuntimeError):
            remove(workspace, admin, operator.id)
    finally:
        registry._hooks.remove(hook)
    assert roles(workspace)[operator.id] == "operator"
