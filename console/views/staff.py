"""Access of the platform's staff to workspaces: asked for here, seen and ended there."""

from datetime import datetime
from typing import Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from console import paging
from console.asked import asked, read_place
from console.doors import Visit, address_of, platform_room, room
from console.forms import Done, words
from console.platform import act_across
from console.presenters.staff import grant_row
from console.shell import build_shell
from console.types.workspaces import StaffPage
from evidence.queries import count_events_of
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.operations import hold_membership
from zentra.tenants.permissions import STAFF_ROLE, Permission
from zentra.tenants.queries import find_workspace, names_of_users
from zentra.tenants.staff.errors import StaffGrantNotFound, WorkspaceNotOpen
from zentra.tenants.staff.operations import MOST_HOURS, end_access, request_access
from zentra.tenants.staff.queries import find_grant, list_grants
from zentra.tenants.staff.types import StaffGrantRecord

PAGE: Final = 20


# -- The workspace's own page ------------------------------------------------------------------------------------------


@room(Permission.ACCESS_READ)
def show_staff(visit: Visit) -> HttpResponse:
    """Who of the platform's staff is or was here: why, how long, and what they did."""
    found, next_url, first_url = _page_of(visit, workspace=visit.workspace)
    done = _events_of(found, visit.now)
    names = names_of_users(user_ids=[each.ended_by for each in found])
    may_end = visit.may(Permission.PEOPLE_MANAGE)
    rows = tuple(
        grant_row(
            each,
            now=visit.now,
            acts=done[each.id],
            events_url=paging.link(f"{visit.base}events/", q=each.user_id) if visit.may(Permission.EVENTS_READ) else "",
            end_url=f"{visit.base}staff-access/{each.id}/end/" if may_end else "",
            who=names.get(each.ended_by, ""),
        )
        for each in found
    )
    page = StaffPage(rows, sum(bool(row.left) for row in rows), next_url, first_url, may_end)
    return render(visit.request, "console/staff.html", {"shell": build_shell(visit, room="staff"), "page": page})


def _events_of(grants: list[StaffGrantRecord], now: datetime) -> dict[str, int]:
    """How many events were made under each grant; one statement for each person."""
    made: dict[str, int] = {}
    for user_id in dict.fromkeys(each.user_id for each in grants):
        theirs = [each for each in grants if each.user_id == user_id]
        spans = [(each.starts_at, min(each.ended_at or now, each.ends_at)) for each in theirs]
        counts = count_events_of(actor_id=user_id, role=STAFF_ROLE, spans=spans)
        made |= {each.id: count for each, count in zip(theirs, counts, strict=True)}
    return made


@room(Permission.PEOPLE_MANAGE, in_transaction=False)
def end_theirs(visit: Visit, grant_id: str) -> HttpResponse:
    """Have one of the staff leave at once. No code is asked for: it takes access away, and is not to wait."""
    with transaction.atomic():
        with tenant_work(visit.workspace):
            hold_membership(member=visit.member)
        ended = end_access(workspace=visit.workspace, grant_id=grant_id, by="admin", actor=visit.actor(), now=visit.now)
    messages.success(visit.request, f"{ended.name} is not inside any more.")
    return HttpResponseRedirect(f"{visit.base}staff-access/")


# -- The platform's pages ----------------------------------------------------------------------------------------------


@platform_room(Permission.STAFF_ENTER)
def show_all(visit: Visit) -> HttpResponse:
    """Every access of the staff to any workspace, newest first, and the form that asks for one."""
    found, next_url, first_url = _page_of(visit, workspace=None)
    rows = tuple(
        grant_row(
            each,
            now=visit.now,
            end_url=f"{visit.base}staff-access/{each.id}/end/" if each.user_id == visit.member.user_id else "",
        )
        for each in found
    )
    page = StaffPage(rows, sum(bool(row.left) for row in rows), next_url, first_url)
    context = {
        "shell": build_shell(visit, room="staff"),
        "page": page,
        "slug": asked(visit, "workspace"),
        "hours": range(1, MOST_HOURS + 1),
    }
    return render(visit.request, "console/platform/staff.html", context)


@platform_room(Permission.STAFF_ENTER, in_transaction=False, step_up=True)
def enter(visit: Visit) -> HttpResponse:
    """Into a workspace for some hours, with a reason that its admins read."""
    post = visit.request.POST
    workspace = find_workspace(slug=words(visit, "workspace"))
    if workspace is None:
        raise WorkspaceNotOpen("There is no workspace of this short name.")
    tenant: TenantRef = workspace

    def effect() -> Done:
        grant = request_access(
            workspace=tenant,
            role=post.get("role", ""),
            reason=words(visit, "reason"),
            reference=post.get("reference", ""),
            hours=read_place(post.get("hours", "")) or 0,
            actor=visit.actor(),
            now=visit.now,
        )
        return Done(
            f"You may enter {grant.workspace_name} as {grant.role}. Its admins see it.", address_of(tenant.slug)
        )

    return act_across(visit, effect=effect)


@platform_room(Permission.STAFF_ENTER, in_transaction=False)
def leave(visit: Visit, grant_id: str) -> HttpResponse:
    """Out of a workspace again, before the time is over."""
    grant = find_grant(grant_id=grant_id)
    workspace = find_workspace(slug=grant.workspace_slug) if grant else None
    if grant is None or workspace is None:
        raise StaffGrantNotFound
    tenant: TenantRef = workspace

    def effect() -> str:
        ended = end_access(workspace=tenant, grant_id=grant_id, by="staff", actor=visit.actor(), now=visit.now)
        return f"You are not inside {ended.workspace_name} any more."

    return act_across(visit, effect=effect, to=f"{visit.base}staff-access/")


def _page_of(visit: Visit, *, workspace: TenantRef | None) -> tuple[list[StaffGrantRecord], str, str]:
    """A page of grants, and the addresses of the next and the first one."""
    here, before = f"{visit.base}staff-access/", asked(visit, "before")
    found = list_grants(workspace_id=workspace.id if workspace else None, limit=PAGE + 1, before=paging.decode(before))
    shown = found[:PAGE]
    following = paging.encode((shown[-1].starts_at, shown[-1].id)) if len(found) > PAGE else ""
    return shown, paging.link(here, before=following) if following else "", here if before else ""
