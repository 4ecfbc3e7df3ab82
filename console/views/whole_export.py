"""Everything of a workspace as one file: asked for, written by a worker, taken with the second factor."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.doors import Visit, platform_room, room
from console.downloads import send_file, still_may
from console.forms import act_once
from console.marks import mark
from console.platform import act_across
from console.presenters.words import NONE, dated, grouped, moment, shorten
from console.readings.workspaces import names_of_people
from console.shell import build_shell
from console.types.exports import WholeExportRow, WholeExports
from console.views.settings import settings_tabs
from zentra.core.tenancy import TenantRef
from zentra.tenants.exports.operations import open_export, request_export
from zentra.tenants.exports.queries import list_exports
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
    """Ask for everything of a workspace, also of one that is archived. Its own log says so."""
    ref = _ref(workspace)

    def effect() -> str:
        request_export(workspace=ref, actor=visit.actor(), now=visit.now)
        return ASKED

    return act_across(visit, effect=effect, to=f"/platform/workspaces/{workspace}/")


@platform_room(Permission.WORKSPACES_MANAGE, in_transaction=False, step_up=True)
def take_of(visit: Visit, workspace: str, export_id: str) -> HttpResponseBase:
    """The file of a workspace."""
    return _send(visit, _ref(workspace), export_id)


def _ref(slug: str) -> TenantRef:
    found = find_workspace_record(slug=slug)
    if found is None or found.mode == "platform" or found.state == "deleted":
        raise UnknownWorkspace
    return found.ref


def _send(visit: Visit, workspace: TenantRef, export_id: str) -> HttpResponseBase:
    opened = open_export(workspace=workspace, export_id=export_id, actor=visit.actor(), now=visit.now)
    still = still_may(visit, Permission.WORKSPACES_MANAGE if visit.is_platform else Permission.WORKSPACE_EXPORT)
    return send_file(visit.request, opened.file, name=opened.name, kind=_KIND, still=still)


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
