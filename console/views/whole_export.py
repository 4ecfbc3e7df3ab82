"""Everything of a workspace as one file: asked for, written by a worker, taken with the second factor."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.doors import Visit, platform_room, room
from console.downloads import Still, send_file, still_may
from console.forms import act_once
from console.marks import mark
from console.platform import act_across
from console.presenters.words import NONE, dated, grouped, moment, shorten
from console.readings.workspaces import names_of_people
from console.shell import build_shell
from console.types.exports import WholeExportRow, WholeExports
from console.views.settings import settings_tabs
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.exports.errors import StaffGrantNeeded
from zentra.tenants.exports.operations import open_export, request_export
from zentra.tenants.exports.queries import list_exports, may_export_as_staff
from zentra.tenants.exports.types import ExportRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.provisioning.errors import UnknownWorkspace
from zentra.tenants.provisioning.queries import find_workspace_record
from zentra.tenants.queries import names_of_users

SHOWN: Final = 20
ASKED: Final = "The export is asked for. A worker writes it; it stands here, and can be taken for seven days."
_KIND: Final = "application/zip"
_STATES: Final = {
    "waiting": "queued",
    "writing": "importing",
    "ready": "finished",
    "failed": "failed",
    "expired": "pending",
}


# -- The workspace's own page ------------------------------------------------------------------------------------------


@room(Permission.WORKSPACE_EXPORT)
def show_exports(visit: Visit) -> HttpResponse:
    """The exports of this workspace, and the form for another one."""
    here = f"{visit.base}settings/export/"
    found = list_exports(workspace_id=visit.workspace.id, limit=SHOWN)
    names = names_of_users(user_ids=[each.requested_by for each in found])
    page = WholeExports(
        rows=tuple(_row(each, here=here, names=names, now=visit.now) for each in found),
        start_url=f"{here}start/",
        poll_url=here,
        tabs=settings_tabs(visit, "export"),
    )
    if visit.is_partial:
        return render(visit.request, "console/parts/whole_exports.html", {"exports": page})
    context = {"shell": build_shell(visit, room="settings"), "exports": page}
    return render(visit.request, "console/settings_export.html", context)


@room(Permission.WORKSPACE_EXPORT, step_up=True)
def start(visit: Visit) -> HttpResponse:
    """Ask for everything."""

    def effect() -> str:
        request_export(workspace=visit.workspace, actor=visit.actor(), now=visit.now)
        return ASKED

    return act_once(visit, operation="workspace.export", effect=effect, to=f"{visit.base}settings/export/")


@room(Permission.WORKSPACE_EXPORT, step_up=True)
def take(visit: Visit, export_id: str) -> HttpResponseBase:
    """The file."""
    return _send(visit, visit.workspace, export_id)


# -- The platform's pages ----------------------------------------------------------------------------------------------


@platform_room(Permission.WORKSPACES_MANAGE)
def show_of(visit: Visit, workspace: str) -> HttpResponse:
    """The exports of a workspace, as a part of its page."""
    page = exports_of(visit, _ref(workspace))
    return render(visit.request, "console/parts/whole_exports.html", {"exports": page})


def exports_of(visit: Visit, workspace: TenantRef) -> WholeExports:
    """The exports of a workspace for the platform's staff."""
    here = f"/platform/workspaces/{workspace.slug}/exports/"
    found = list_exports(workspace_id=workspace.id, limit=SHOWN)
    names = names_of_people([each.requested_by for each in found])
    rows = tuple(_row(each, here=here, names=names, now=visit.now) for each in found)
    return WholeExports(rows, start_url=f"{here}start/", poll_url=here)


@platform_room(Permission.WORKSPACES_MANAGE, in_transaction=False, step_up=True)
def start_of(visit: Visit, workspace: str) -> HttpResponse:
    """Ask for everything of a workspace that is archived, or that one was let into as staff. Its own log says so."""
    ref = _ref(workspace)

    def effect() -> str:
        _check_let_in(visit, ref)
        request_export(workspace=ref, actor=visit.actor(), now=visit.now)
        return ASKED

    return act_across(visit, effect=effect, to=f"/platform/workspaces/{workspace}/")


@platform_room(Permission.WORKSPACES_MANAGE, in_transaction=False, step_up=True)
def take_of(visit: Visit, workspace: str, export_id: str) -> HttpResponseBase:
    """The file of a workspace."""
    ref = _ref(workspace)
    _check_let_in(visit, ref)
    return _send(visit, ref, export_id)


def _check_let_in(visit: Visit, workspace: TenantRef) -> None:
    """Nobody takes everything of a workspace in use without its admins seeing who and why; raises StaffGrantNeeded."""
    if not may_export_as_staff(user_id=visit.member.user_id, workspace_id=workspace.id, now=visit.now):
        raise StaffGrantNeeded


def _ref(slug: str) -> TenantRef:
    found = find_workspace_record(slug=slug)
    if found is None or found.mode == "platform" or found.state == "deleted":
        raise UnknownWorkspace
    return found.ref


def _send(visit: Visit, workspace: TenantRef, export_id: str) -> HttpResponseBase:
    opened = open_export(workspace=workspace, export_id=export_id, actor=visit.actor(), now=visit.now)
    still = _still_let_in(visit, workspace) if visit.is_platform else still_may(visit, Permission.WORKSPACE_EXPORT)
    return send_file(visit.request, opened.file, name=opened.name, kind=_KIND, still=still)


def _still_let_in(visit: Visit, workspace: TenantRef) -> Still:
    """Asks again while the file is sent; after the visit, hence with a connection of its own."""

    def ask() -> bool:
        try:
            return may_export_as_staff(user_id=visit.member.user_id, workspace_id=workspace.id, now=clock.now())
        finally:
            if not connection.in_atomic_block:
                connection.close()

    return ask


def _row(record: ExportRecord, *, here: str, names: Mapping[str, str], now: datetime) -> WholeExportRow:
    is_ready = record.state == "ready" and record.expires_at is not None and record.expires_at > now
    return WholeExportRow(
        export_id=record.id,
        state=mark(_STATES[record.state], says=record.state),
        percent=100 * record.tables_done // record.tables if record.tables else 0,
        progress=f"{grouped(record.tables_done)} of {grouped(record.tables)} tables" if record.tables else NONE,
        rows=grouped(record.rows),
        size=f"{grouped(record.size)} bytes" if record.size else NONE,
        sha256=record.sha256,
        sha256_short=shorten(record.sha256, head=8) if record.sha256 else NONE,
        who=names.get(record.requested_by, record.requested_by),
        moment=moment(record.requested_at, now),
        kept_until=dated(record.expires_at) if is_ready else "",
        problem=record.error,
        file_url=f"{here}{record.id}/file/" if is_ready else "",
        is_open=record.is_open,
    )
