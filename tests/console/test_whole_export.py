"""Everything of a workspace as one file, in the rooms: asked for with a code, watched, taken, refused."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client, override_settings

from evidence.queries import latest_events
from tests.people import Person, join
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.exports.operations import WRITE
from zentra.tenants.exports.queries import list_exports
from zentra.tenants.exports.writing import write_export
from zentra.tenants.models import Workspace
from zentra.tenants.queries import platform_ref
from zentra.tenants.staff.operations import end_access, request_access
from zentra.tenants.staff.types import StaffGrantRecord

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def a_storage_of_its_own(tmp_path: Any) -> Iterator[None]:
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        yield


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def write(workspace: TenantRef) -> str:
    """What the worker does; the export's id."""
    export_id = list_exports(workspace_id=workspace.id)[0].id
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM work_item WHERE workspace_id = %s AND kind = %s AND ref = %s",
            [workspace.id, WRITE, export_id],
        )
        (item_id,) = cursor.fetchone()
    write_export(workspace=workspace, export_id=export_id, item_id=item_id)
    return export_id


def key() -> dict[str, str]:
    return {"idempotency_key": str(uuid.uuid4())}


def said_in(workspace: TenantRef) -> list[tuple[str, str]]:
    with tenant_work(workspace):
        found = [json.loads(each.body) for each in latest_events(limit=60)]
    return [(each["type"], each["actor"]["role"]) for each in found if each["type"].startswith("workspace.export")]


def test_an_admin_asks_for_everything_watches_it_and_takes_the_file(workspace: TenantRef) -> None:
    boss, here = join(workspace, role="admin", name="Boss"), f"/w/{workspace.slug}/settings/export/"
    client = boss.sign_in(Client())
    assert "Nothing was exported yet" in text_of(client.get(here))
    assert client.post(f"{here}start/", key()).status_code == 403  # the code first
    assert list_exports(workspace_id=workspace.id) == []
    assert client.post(f"{here}start/", key() | {"step_up_code": boss.totp_code()}).status_code == 302
    waiting = text_of(client.get(here))
    assert "every 2s" in waiting
    assert "Boss" in waiting
    assert client.post(f"{here}start/", key()).status_code == 302
    assert "written already" in text_of(client.get(here))  # one at a time

    export_id = write(workspace)
    part = text_of(client.get(here, headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert "every 2s" not in part
    assert "Take the file" in part
    answer = client.post(f"{here}{export_id}/file/")
    assert answer.headers["Content-Type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(b"".join(answer))).testzip() is None
    assert {name for name, _ in said_in(workspace)} == {
        "workspace.export_requested", "workspace.exported", "workspace.export_downloaded",
    }  # fmt: skip
    assert client.post(f"{here}exp_nonsense/file/").status_code == 302
    assert "There is no such export" in text_of(client.get(here))


def test_who_may_not_take_everything_is_refused(workspace: TenantRef, other_workspace: TenantRef) -> None:
    finance = join(workspace, role="finance").sign_in_with_code(Client())
    here = f"/w/{workspace.slug}/settings/export/"
    boss = join(workspace, role="admin").sign_in_with_code(Client())
    boss.post(f"{here}start/", key())
    export_id = write(workspace)
    assert finance.get(here).status_code == 403
    assert finance.post(f"{here}start/", key()).status_code == 403
    assert finance.post(f"{here}{export_id}/file/").status_code == 403
    assert "settings/export/" not in text_of(finance.get(f"/w/{workspace.slug}/settings/"))
    stranger = join(other_workspace, role="admin").sign_in_with_code(Client())
    assert stranger.post(f"{here}{export_id}/file/").status_code == 404
    elsewhere = f"/w/{other_workspace.slug}/settings/export/{export_id}/file/"
    assert stranger.post(elsewhere).headers.get("Content-Type") != "application/zip"


def test_the_platform_exports_an_archived_workspace_and_its_log_says_who(workspace: TenantRef) -> None:
    Workspace.objects.filter(id=workspace.id).update(state="archived")
    chief: Person = join(platform_ref(), role="platform_admin", name="Chief")
    client, here = chief.sign_in_with_code(Client()), f"/platform/workspaces/{workspace.slug}/"
    assert client.post(f"{here}exports/start/").status_code == 302
    assert "every 2s" in text_of(client.get(here))
    export_id = write(workspace)
    assert "Take the file" in text_of(client.get(f"{here}exports/"))
    answer = client.post(f"{here}exports/{export_id}/file/")
    assert answer.headers["Content-Type"] == "application/zip"
    b"".join(answer)
    assert ("workspace.export_downloaded", "platform_admin") in said_in(workspace)

    helper = join(platform_ref(), role="platform_support").sign_in_with_code(Client())
    assert "Everything as a file" not in text_of(helper.get(here))
    for path in ("exports/start/", f"exports/{export_id}/file/"):
        assert helper.post(f"{here}{path}").status_code == 403
    assert client.post("/platform/workspaces/no-such-place/exports/start/").status_code == 302


def test_the_platform_exports_a_workspace_in_use_only_where_its_admins_see_who_is_inside(workspace: TenantRef) -> None:
    chief: Person = join(platform_ref(), role="platform_admin", name="Chief")
    client, here = chief.sign_in_with_code(Client()), f"/platform/workspaces/{workspace.slug}/"
    client.post(f"{here}exports/start/")
    assert list_exports(workspace_id=workspace.id) == []
    assert "Ask for access to this workspace first" in text_of(client.get(here))
    other = join(platform_ref(), role="platform_admin", name="Other")
    let_in(workspace, other)  # somebody else's access opens nothing
    client.post(f"{here}exports/start/")
    assert list_exports(workspace_id=workspace.id) == []

    grant = let_in(workspace, chief)
    client.post(f"{here}exports/start/")
    export_id = write(workspace)
    answer = client.post(f"{here}exports/{export_id}/file/")
    assert answer.headers["Content-Type"] == "application/zip"
    b"".join(answer)
    client.post(f"{here}exports/start/")
    end_access(workspace=workspace, grant_id=grant.id, by="staff", actor=chief.actor(), now=now())
    assert client.post(f"{here}exports/{export_id}/file/").headers.get("Content-Type") != "application/zip"
    write(workspace)  # of one that was asked for while they were inside
    assert list_exports(workspace_id=workspace.id)[0].state == "failed"


def let_in(workspace: TenantRef, person: Person) -> StaffGrantRecord:
    return request_access(workspace=workspace, role="viewer", reason="Case 7", hours=1, actor=person.actor(), now=now())
