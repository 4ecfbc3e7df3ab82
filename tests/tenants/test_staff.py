"""The platform's staff inside a workspace: by a grant with a reason and an end, told to both sides."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from evidence.queries import count_events_of, latest_events
from tests.ledger.book import at_once
from tests.people import Person, join
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem
from zentra.core.queue.registry import handler_of
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.access import MembershipRequired, PermissionDenied
from zentra.tenants.exports.queries import may_export_as_staff
from zentra.tenants.models import StaffGrant, Workspace
from zentra.tenants.operations import add_member, hold_membership
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import find_membership, platform_ref
from zentra.tenants.staff.errors import (
    InvalidStaffRequest,
    StaffGrantNotFound,
    StaffInsideAlready,
    StaffKeptOut,
    WorkspaceNotOpen,
)
from zentra.tenants.staff.operations import END_WORK, end_access, end_when_over, request_access
from zentra.tenants.staff.queries import find_grant, list_grants, list_inside, list_workspaces_entered
from zentra.tenants.staff.types import StaffGrantRecord

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def staff(database: None) -> Person:
    """One of the platform's staff."""
    return join(platform_ref(), role="platform_support", name="Sam of the platform")


def enter(workspace: TenantRef, staff: Person, **said: Any) -> StaffGrantRecord:
    wanted: dict[str, Any] = {"role": "viewer", "reason": "Case 1042: they cannot see a packet", "hours": 1} | said
    return request_access(workspace=workspace, actor=staff.actor(), now=said.pop("now", now()), **{
        name: value for name, value in wanted.items() if name != "now"
    })  # fmt: skip


def events_in(place: TenantRef, about: str) -> list[dict[str, Any]]:
    with tenant_work(place):
        found = [json.loads(each.body) for each in latest_events(limit=100_000) if each.type.startswith("staff.")]
    return [each for each in found if each["data"]["grant_id"] == about]


def test_a_grant_lets_staff_in_at_once_and_both_sides_keep_it(workspace: TenantRef, staff: Person) -> None:
    assert find_membership(user_id=staff.id, slug=workspace.slug) is None
    grant = enter(workspace, staff)

    member = find_membership(user_id=staff.id, slug=workspace.slug)
    assert member is not None
    assert (member.role, member.grant_id) == ("staff", grant.id)
    assert member.may(Permission.ROOM_READ)
    assert not member.may(Permission.LEDGER_POST)
    assert not member.may(Permission.REVIEWS_DECIDE)
    for place in (workspace, platform_ref()):
        (said,) = events_in(place, grant.id)
        assert said["type"] == "staff.access_granted"
        assert said["data"]["workspace_id"] == ids.to_public("ws", workspace.id)
        assert staff.email not in json.dumps(said)
        assert "Case 1042" not in json.dumps(said)
    assert [each.id for each in list_inside(workspace_id=workspace.id, now=now())] == [grant.id]
    assert [each.slug for each in list_workspaces_entered(user_id=staff.id, now=now())] == [workspace.slug]


@pytest.mark.parametrize(
    "wrong",
    [{"role": "admin"}, {"reason": "  "}, {"reason": "x" * 301}, {"hours": 0}, {"hours": 9}, {"hours": True}],
)
def test_a_request_without_role_reason_or_end_is_refused(
    workspace: TenantRef, staff: Person, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidStaffRequest):
        enter(workspace, staff, **wrong)
    assert list_grants(workspace_id=workspace.id) == []


def test_who_is_no_staff_any_more_is_refused(workspace: TenantRef, staff: Person, admin: Person) -> None:
    staff.user.memberships.all().delete()
    for person in (staff, admin):
        with pytest.raises(PermissionDenied):
            enter(workspace, person)
    assert list_grants(workspace_id=workspace.id) == []


def test_a_grant_of_somebody_who_left_the_platform_opens_nothing(workspace: TenantRef, staff: Person) -> None:
    enter(workspace, staff)
    staff.user.memberships.all().delete()
    assert find_membership(user_id=staff.id, slug=workspace.slug) is None
    add_member(workspace_id=platform_ref().id, user=staff.user, role="platform_admin")
    assert find_membership(user_id=staff.id, slug=workspace.slug) is None  # who comes back asks anew
    assert not may_export_as_staff(user_id=staff.id, workspace_id=workspace.id, now=now())


def test_nobody_enters_the_platform_or_a_workspace_that_is_closed(workspace: TenantRef, staff: Person) -> None:
    with pytest.raises((WorkspaceNotOpen, StaffInsideAlready)):
        enter(platform_ref(), staff)
    Workspace.objects.filter(id=workspace.id).update(state="suspended")
    with pytest.raises(WorkspaceNotOpen):
        enter(workspace, staff)


def test_a_second_grant_is_refused_while_the_first_is_open(workspace: TenantRef, staff: Person) -> None:
    outcomes = at_once([lambda: enter(workspace, staff)] * 4, threads=4)
    assert sum(isinstance(each, StaffGrantRecord) for each in outcomes) == 1
    assert sum(isinstance(each, StaffInsideAlready) for each in outcomes) == 3
    assert StaffGrant.objects.filter(workspace_id=workspace.id).count() == 1


def test_members_need_no_grant(workspace: TenantRef, staff: Person) -> None:
    add_member(workspace_id=workspace.id, user=staff.user, role="viewer")
    with pytest.raises(StaffInsideAlready):
        enter(workspace, staff)


def test_an_admin_ends_it_at_once_and_again_changes_nothing(workspace: TenantRef, staff: Person, admin: Person) -> None:
    grant = enter(workspace, staff)
    member = find_membership(user_id=staff.id, slug=workspace.slug)
    assert member is not None

    def end() -> StaffGrantRecord:
        return end_access(workspace=workspace, grant_id=grant.id, by="admin", actor=admin.actor(), now=now())

    assert all(isinstance(each, StaffGrantRecord) for each in at_once([end] * 3, threads=3))
    assert find_membership(user_id=staff.id, slug=workspace.slug) is None
    with tenant_work(workspace), pytest.raises(MembershipRequired):
        hold_membership(member=member)
    ended = [each for each in events_in(workspace, grant.id) if each["type"] == "staff.access_ended"]
    assert [each["data"]["by"] for each in ended] == ["admin"]
    for later in (timedelta(), timedelta(hours=23)):
        with pytest.raises(StaffKeptOut):
            enter(workspace, staff, now=now() + later)
    other = join(platform_ref(), role="platform_support")
    assert enter(workspace, other).user_id == other.id  # it is about the person whom they sent away
    assert enter(workspace, staff, now=now() + timedelta(hours=25)).id != grant.id


def test_staff_end_their_own_only_and_a_grant_is_its_workspace_s(
    workspace: TenantRef, other_workspace: TenantRef, staff: Person
) -> None:
    grant = enter(workspace, staff)
    other = join(platform_ref(), role="platform_admin")
    with pytest.raises(PermissionDenied):
        end_access(workspace=workspace, grant_id=grant.id, by="staff", actor=other.actor(), now=now())
    for wrong in (grant.id, "stf_nonsense", ids.new_id("stf")):
        with pytest.raises(StaffGrantNotFound):
            end_access(workspace=other_workspace, grant_id=wrong, by="admin", actor=other.actor(), now=now())
    assert find_grant(grant_id=grant.id) == grant
    end_access(workspace=workspace, grant_id=grant.id, by="staff", actor=staff.actor(), now=now())
    assert find_membership(user_id=staff.id, slug=workspace.slug) is None
    assert enter(workspace, staff).id != grant.id  # who left by themselves may come again


def test_it_ends_by_itself(workspace: TenantRef, staff: Person) -> None:
    began = now()
    grant = enter(workspace, staff, now=began)
    assert end_when_over(workspace=workspace, grant_id=grant.id, now=began).ended_at is None
    ended = end_when_over(workspace=workspace, grant_id=grant.id, now=grant.ends_at + timedelta(seconds=3))
    assert ended.ended_at == grant.ends_at
    (said, _) = events_in(workspace, grant.id)
    assert (said["data"]["by"], said["actor"]["id"]) == ("time", "svc_runtime")


def test_a_grant_whose_time_is_over_lets_nobody_in_although_nothing_ended_it_yet(
    workspace: TenantRef, staff: Person
) -> None:
    enter(workspace, staff, now=now() - timedelta(hours=2))
    assert find_membership(user_id=staff.id, slug=workspace.slug) is None
    assert enter(workspace, staff).ended_at is None  # and is in nobody's way


def test_the_work_that_ends_it_waits_for_its_time_and_stays_in_its_workspace(
    workspace: TenantRef, other_workspace: TenantRef, staff: Person
) -> None:
    handle = handler_of(END_WORK)
    assert handle is not None
    grant = enter(workspace, staff)
    with pytest.raises(Defer):
        handle(item(workspace, grant.id), workspace)
    handle(item(other_workspace, grant.id), other_workspace)
    assert find_grant(grant_id=grant.id) == grant
    with tenant_work(other_workspace):
        assert "access.denied" in [each.type for each in latest_events(limit=5)]


def item(workspace: TenantRef, ref: str) -> WorkItem:
    return WorkItem(ids.new_uuid(), workspace.id, END_WORK, ref, now(), 1, ids.new_uuid())


def test_what_staff_did_is_counted(workspace: TenantRef, staff: Person, make_workspace: Callable[..., Any]) -> None:
    from evidence.operations import record_events
    from evidence.types import NewEvent

    grant = enter(workspace, staff, role="support")
    member = find_membership(user_id=staff.id, slug=workspace.slug)
    assert member is not None
    with tenant_work(workspace):
        said = {"action": "x", "reason": "role", "workspace": workspace.slug, "surface": "console", "side": "target"}
        record_events(events=[NewEvent(type="access.denied", actor=member.actor(), data=said)], now=now())
        spans = [(grant.starts_at, grant.ends_at), (grant.starts_at - timedelta(days=1), grant.starts_at)]
        assert count_events_of(actor_id=staff.id, role="staff", spans=spans) == (1, 0)
