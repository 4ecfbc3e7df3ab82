"""One workspace as the platform's staff see it: how it runs, what was done with it, and what can be done."""

from collections.abc import Callable
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import read_place
from console.doors import Visit, platform_room
from console.forms import Done, FormIncomplete, act_once, words
from console.presenters import workspaces as present
from console.presenters.events import ReadEvent
from console.presenters.staff import grant_row
from console.readings.workspaces import health_of, history_of, names_of_people
from console.shell import build_shell
from console.types.workspaces import WorkspacePage
from console.views.whole_export import exports_of
from zentra.tenants.permissions import Permission
from zentra.tenants.provisioning.errors import UnknownWorkspace
from zentra.tenants.provisioning.lifecycle import (
    archive_workspace,
    resume_workspace,
    suspend_workspace,
    unarchive_workspace,
)
from zentra.tenants.provisioning.operations import request_twin
from zentra.tenants.provisioning.queries import find_workspace_record, list_jobs
from zentra.tenants.provisioning.types import WorkspaceRecord
from zentra.tenants.staff.queries import list_grants

GRANTS: Final = 5


@platform_room(Permission.WORKSPACES_READ)
def show_workspace(visit: Visit, workspace: str) -> HttpResponse:
    """How it stands and runs, its history, and what can be done with it."""
    record = _record(workspace)
    may, is_twinless = visit.may(Permission.WORKSPACES_MANAGE), not record.twin_slug
    events = history_of(record)
    names = names_of_people([*(ReadEvent(each).actor_id for each in events), record.suspended_by])
    jobs = [each for each in list_jobs(limit=5, slug=workspace) if each.state != "done"][:1]
    page = WorkspacePage(
        row=present.workspace_row(record, health=health_of([record], now=visit.now).get(record.id), now=visit.now),
        facts=present.workspace_facts(record, by=names.get(record.suspended_by, record.suspended_by)),
        version=record.version,
        turns=present.turns_of(record) if may else (),
        reasons=present.reasons(),
        enter_url=paging.link("/platform/staff-access/", workspace=workspace)
        if record.state == "active" and visit.may(Permission.STAFF_ENTER)
        else "",
        twin_post_url=f"{present.HERE}{workspace}/twin/"
        if may and is_twinless and record.mode == "sandbox" and record.state == "active"
        else "",
        history=tuple(present.platform_event(each, names=names) for each in events),
        grants=tuple(grant_row(each, now=visit.now) for each in list_grants(workspace_id=record.id, limit=GRANTS)),
        jobs=tuple(present.job_view(each, now=visit.now) for each in jobs),
        exports=exports_of(visit, record.ref) if may and record.state != "deleted" else None,
    )
    context = {"shell": build_shell(visit, room="workspaces"), "page": page}
    return render(visit.request, "console/platform/workspace.html", context)


@platform_room(Permission.WORKSPACES_MANAGE, step_up=True)
def suspend(visit: Visit, workspace: str) -> HttpResponse:
    """Nobody enters, at once; the reason is told to its members."""
    reason = visit.request.POST.get("reason", "")
    if reason not in {each.value for each in present.reasons()}:
        raise FormIncomplete("Choose why; its members read it.")

    def effect(record: WorkspaceRecord, version: int) -> str:
        suspend_workspace(workspace_id=record.id, version=version, actor=visit.actor(), reason=reason, now=visit.now)
        return f"{record.name} is suspended. Nobody enters it, and its keys are refused."

    return _turn(visit, workspace, "suspend", effect)


@platform_room(Permission.WORKSPACES_MANAGE, step_up=True)
def resume(visit: Visit, workspace: str) -> HttpResponse:
    """People and keys are let in again."""

    def effect(record: WorkspaceRecord, version: int) -> str:
        resume_workspace(workspace_id=record.id, version=version, actor=visit.actor(), now=visit.now)
        return f"{record.name} is open again."

    return _turn(visit, workspace, "resume", effect)


@platform_room(Permission.WORKSPACES_MANAGE, step_up=True)
def archive(visit: Visit, workspace: str) -> HttpResponse:
    """Close it for good; whoever does types its short name."""
    if words(visit, "slug").lower() != workspace:
        raise FormIncomplete(f"Type its short name, {workspace}, to archive it. Nothing was changed.")

    def effect(record: WorkspaceRecord, version: int) -> str:
        archived = archive_workspace(
            workspace_id=record.id, version=version, actor=visit.actor(), reason="archived", now=visit.now
        )
        until = f"{archived.delete_after:%d %b %Y %H:%M} UTC" if archived.delete_after else "nobody says when"
        return f"{record.name} is archived. Its data is kept until {until}."

    return _turn(visit, workspace, "archive", effect)


@platform_room(Permission.WORKSPACES_MANAGE, step_up=True)
def restore(visit: Visit, workspace: str) -> HttpResponse:
    """Out of the archive, before it is deleted."""

    def effect(record: WorkspaceRecord, version: int) -> str:
        unarchive_workspace(workspace_id=record.id, version=version, actor=visit.actor(), now=visit.now)
        return f"{record.name} is out of the archive, and suspended until it is resumed."

    return _turn(visit, workspace, "restore", effect)


@platform_room(Permission.WORKSPACES_MANAGE, step_up=True)
def make_twin(visit: Visit, workspace: str) -> HttpResponse:
    """The empty live twin of a sandbox workspace."""
    record = _record(workspace)

    def effect() -> Done:
        job = request_twin(workspace_id=record.id, actor=visit.actor(), now=visit.now)
        return Done(f"The live twin of {record.name} is asked for.", f"{present.JOBS}{job.id}/")

    return act_once(visit, operation="workspaces.twin", effect=effect)


def _turn(visit: Visit, slug: str, name: str, effect: Callable[[WorkspaceRecord, int], str]) -> HttpResponse:
    """One change of state, of the version that whoever acts looked at."""
    record = _record(slug)
    version = read_place(visit.request.POST.get("version", ""))
    if version is None or version > 2**31 - 1:
        raise FormIncomplete("The form has no version; open the page again.")
    seen: int = version
    return act_once(
        visit,
        operation=f"workspaces.{name}",
        effect=lambda: effect(record, seen),
        to=f"{present.HERE}{slug}/",
    )


def _record(slug: str) -> WorkspaceRecord:
    found = find_workspace_record(slug=slug)
    if found is None or found.mode == "platform":
        raise UnknownWorkspace
    return found
