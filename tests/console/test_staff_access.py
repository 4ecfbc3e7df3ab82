"""The platform's staff in the rooms: how they come in, who sees it, who ends it, and what a closed workspace says."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.test import Client

from evidence.queries import latest_events
from tests.people import Person, join, leave_without_factor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import StaffGrant, Workspace
from zentra.tenants.queries import platform_ref

ENTER = "/platform/staff-access/enter/"


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def staff(database: None) -> Person:
    return join(platform_ref(), role="platform_support", name="Sam of the platform")


@pytest.fixture
def inside(staff: Person, workspace: TenantRef) -> Client:
    """Sam's browser, stepped up and in the workspace as support."""
    client = staff.sign_in_with_code(Client())
    assert client.post(ENTER, form(workspace)).status_code == 302
    return client


def form(place: TenantRef, **said: str) -> dict[str, str]:
    return {"workspace": place.slug, "role": "support", "reason": "Case 1042", "hours": "2"} | said


def test_staff_without_a_workspace_are_led_to_the_platform(staff: Person) -> None:
    answer = staff.sign_in(Client()).get("/")
    assert answer.headers["Location"] == "/platform/"


def test_the_platform_s_own_rooms_are_its_navigation(staff: Person) -> None:
    page = text_of(staff.sign_in(Client()).get("/platform/staff-access/"))
    for said in ("Workspaces", "Staff access", "Sign-in"):
        assert said in page
    assert "Review queue" not in page
    assert 'id="finder"' not in page
    assert "/platform/mail/" not in page  # for who manages workspaces


def test_entering_takes_a_code_a_reason_and_is_told_on_both_sides(workspace: TenantRef, staff: Person) -> None:
    client = staff.sign_in(Client())
    assert client.get(f"/w/{workspace.slug}/").status_code == 404
    asked = client.post(ENTER, form(workspace))
    assert asked.status_code == 403
    assert "second factor" in text_of(asked)
    assert not StaffGrant.objects.filter(workspace_id=workspace.id).exists()

    answer = client.post(ENTER, form(workspace, step_up_code=staff.totp_code()))
    assert answer.headers["Location"] == f"/w/{workspace.slug}/"
    room = text_of(client.get(f"/w/{workspace.slug}/"))
    assert f"You are inside {workspace.slug.title()} as staff (support)" in room
    assert "Leave now" in room
    boss = join(workspace, role="admin", name="Boss").sign_in(Client())
    assert "The platform's staff is inside:" in text_of(boss.get(f"/w/{workspace.slug}/"))
    shown = text_of(boss.get(f"/w/{workspace.slug}/staff-access/"))
    for said in ("Sam of the platform", "Case 1042", "inside", "looked only", "End now"):
        assert said in shown
    viewer = join(workspace, role="viewer").sign_in(Client())
    assert "staff is inside" not in text_of(viewer.get(f"/w/{workspace.slug}/"))


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"role": "admin"}, {"hours": "24"}, {"workspace": "no-such-place"}])
def test_what_is_missing_or_too_much_is_said(workspace: TenantRef, staff: Person, wrong: dict[str, str]) -> None:
    client = staff.sign_in_with_code(Client())
    client.post(ENTER, form(workspace, **wrong))
    assert 'class="banner t-review"' in text_of(client.get("/platform/staff-access/"))
    assert not StaffGrant.objects.filter(workspace_id=workspace.id).exists()


def test_staff_look_and_change_nothing_of_money_or_people(workspace: TenantRef, inside: Client) -> None:
    for path in ("people/add/", "outgoing/pause/", "ledger/post/", "settings/", "staff-access/stf_x/end/"):
        answer = inside.post(f"/w/{workspace.slug}/{path}", {"email": "x@example.test", "role": "admin"})
        assert answer.status_code in (403, 404, 405), path
    for path in ("", "intents/", "reviews/", "ledger/", "policy/", "events/"):
        assert inside.get(f"/w/{workspace.slug}/{path}").status_code == 200, path
    assert inside.get(f"/w/{workspace.slug}/staff-access/").status_code == 403


def test_an_admin_ends_it_and_the_next_click_finds_nothing(workspace: TenantRef, inside: Client) -> None:
    boss = join(workspace, role="admin", name="Boss").sign_in(Client())
    grant = StaffGrant.objects.get(workspace_id=workspace.id)
    assert boss.post(f"/w/{workspace.slug}/staff-access/{grant.id}/end/").status_code == 302
    assert inside.get(f"/w/{workspace.slug}/").status_code == 404
    assert "by Boss" in text_of(boss.get(f"/w/{workspace.slug}/staff-access/"))


def test_staff_leave_by_themselves(workspace: TenantRef, inside: Client, staff: Person) -> None:
    grant = StaffGrant.objects.get(workspace_id=workspace.id)
    other = join(platform_ref(), role="platform_admin").sign_in_with_code(Client())
    other.post(f"/platform/staff-access/{grant.id}/end/")
    assert inside.get(f"/w/{workspace.slug}/").status_code == 200  # nobody else's to end
    assert inside.post(f"/platform/staff-access/{grant.id}/end/").status_code == 302
    assert inside.get(f"/w/{workspace.slug}/").status_code == 404
    assert "by themselves" in text_of(inside.get("/platform/staff-access/"))


def test_who_may_not_end_it_is_refused_and_recorded(workspace: TenantRef, inside: Client) -> None:
    grant = StaffGrant.objects.get(workspace_id=workspace.id)
    auditor = join(workspace, role="auditor").sign_in(Client())
    page = text_of(auditor.get(f"/w/{workspace.slug}/staff-access/"))
    assert "Sam of the platform" in page
    assert "End now" not in page
    assert auditor.post(f"/w/{workspace.slug}/staff-access/{grant.id}/end/").status_code == 403
    assert inside.get(f"/w/{workspace.slug}/").status_code == 200
    assert "people.manage" in [each["data"]["action"] for each in denials(workspace)]


def test_a_tenant_s_people_find_nothing_on_the_platform(workspace: TenantRef) -> None:
    boss = join(workspace, role="admin").sign_in_with_code(Client())
    for path in ("", "workspaces/", "staff-access/"):
        assert boss.get(f"/platform/{path}").status_code == 404, path
    assert boss.post(ENTER, form(workspace)).status_code == 404
    assert "no membership" in [each["data"]["reason"] for each in denials(platform_ref())]
    assert Client().get("/platform/staff-access/").status_code == 302


def test_a_tenant_s_rooms_of_the_platform_are_refused(staff: Person) -> None:
    client = staff.sign_in(Client())
    for path in ("", "people/", "ledger/", "settings/"):
        assert client.get(f"/w/platform/{path}").status_code == 403, path


def test_staff_without_a_second_factor_set_one_up_first(staff: Person) -> None:
    leave_without_factor(staff.user)
    answer = staff.sign_in(Client()).get("/platform/staff-access/")
    assert answer.headers["Location"].startswith("/second-factor/set-up/")


@pytest.mark.parametrize("state", ["suspended", "archived"])
def test_members_of_a_closed_workspace_are_told_and_others_are_not(
    workspace: TenantRef, outsider: Person, state: str
) -> None:
    member = join(workspace, role="operator").sign_in(Client())
    Workspace.objects.filter(id=workspace.id).update(
        state=state, suspended_at="2026-04-26T09:12:00Z", suspension_reason="billing", suspended_by="usr_x"
    )
    answer = member.get(f"/w/{workspace.slug}/intents/")
    assert answer.status_code == 403
    page = text_of(answer)
    assert f"is {state}" in page
    assert "billing" in page
    assert "the platform's staff" in page
    assert "Review queue" not in page
    assert member.get("/").headers["Location"] == f"/w/{workspace.slug}/"
    assert outsider.sign_in(Client()).get(f"/w/{workspace.slug}/").status_code == 404
    assert f"workspace {state}" in [each["data"]["reason"] for each in denials(workspace)]


def denials(place: TenantRef) -> list[dict[str, Any]]:
    with tenant_work(place):
        return [json.loads(each.body) for each in latest_events(limit=60) if each.type == "access.denied"]
