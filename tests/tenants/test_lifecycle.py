"""A workspace is suspended, resumed, archived, taken back, in the end deleted: at once, once, in two logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from tests.ledger.book import at_once
from tests.ledger.filing import events_of
from tests.people import Person, join
from tests.runtime.story import Story
from tests.workspaces import issue_token
from zentra.core import actors, ids, schema
from zentra.core.clock import now
from zentra.core.queue.registry import handler_of
from zentra.core.tenancy import TenantRef, WrongSchema, forget, tenant_work
from zentra.tenants.configuration.errors import StaleWorkspace
from zentra.tenants.members import news
from zentra.tenants.models import ApiCredential, Membership, ProvisioningJob, Role, RoleVersion, Workspace
from zentra.tenants.operations import SlugTaken
from zentra.tenants.provisioning import jobs, lifecycle
from zentra.tenants.provisioning.errors import UnknownWorkspace, WorkspaceInUse, WorkspaceStateRefused
from zentra.tenants.provisioning.lifecycle import (
    archive_workspace,
    record_turn,
    resume_workspace,
    suspend_workspace,
    unarchive_workspace,
)
from zentra.tenants.provisioning.operations import request_workspace
from zentra.tenants.provisioning.queries import count_workspaces, find_workspace_record, list_workspace_records
from zentra.tenants.provisioning.types import WorkspaceRecord
from zentra.tenants.queries import find_membership, list_workspaces_of, platform_ref

Turn = Callable[..., WorkspaceRecord]


def state_of(workspace: TenantRef) -> tuple[str, int]:
    found = find_workspace_record(workspace_id=workspace.id)
    assert found is not None
    return found.state, found.version


def turn(do: Turn, workspace: TenantRef, *, version: int | None = None, at: datetime | None = None) -> WorkspaceRecord:
    return do(workspace_id=workspace.id, version=version, actor=actors.RUNTIME, now=at or now())


def on_platform(workspace: TenantRef, kind: str) -> list[dict[str, object]]:
    """What the platform's log says of a workspace."""
    return [each for each in events_of(platform_ref(), kind) if each["workspace_id"] == public(workspace)]


def public(workspace: TenantRef) -> str:
    return ids.to_public("ws", workspace.id)


def told(workspace: TenantRef) -> list[str]:
    """What waits to be written into the workspace's own log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ref FROM work_item WHERE workspace_id = %s AND kind = %s ORDER BY due_at, id",
            [workspace.id, lifecycle.RECORD],
        )
        return [ref for (ref,) in cursor.fetchall()]


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What open pages are told."""
    said: list[dict[str, str]] = []
    monkeypatch.setattr(news, "_publish", lambda message: said.append(json.loads(message)))
    return said


def test_a_suspended_workspace_lets_nobody_in_and_its_work_goes_on(
    workspace: TenantRef, operator: Person, client: Client, announced: list[dict[str, str]]
) -> None:
    token = issue_token(workspace)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/accounts", headers=headers).status_code == 200

    done = suspend_workspace(workspace_id=workspace.id, version=1, actor=actors.RUNTIME, reason=" unpaid ", now=now())
    assert (done.state, done.version, done.suspension_reason, done.suspended_by) == (
        "suspended", 2, "unpaid", "svc_runtime",
    )  # fmt: skip
    assert {"workspace": str(workspace.id), "user": "*"} in announced
    refused = client.get("/v1/accounts", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "workspace_suspended")
    assert find_membership(user_id=operator.id, slug=workspace.slug) is None
    assert list_workspaces_of(user_id=operator.id) == []
    assert operator.sign_in_with_code(Client()).get(f"/w/{workspace.slug}/").status_code in (403, 404)
    with tenant_work(workspace):
        pass  # callbacks, deliveries and the sealer come in by this switch

    back = turn(resume_workspace, workspace, version=2)
    assert (back.state, back.version, back.suspended_at, back.suspension_reason) == ("active", 3, None, "")
    assert client.get("/v1/accounts", headers=headers).status_code == 200
    assert find_membership(user_id=operator.id, slug=workspace.slug) is not None


def test_each_turn_is_kept_once_in_the_platform_s_log_and_once_in_the_workspace_s_own(workspace: TenantRef) -> None:
    turn(suspend_workspace, workspace)
    turn(suspend_workspace, workspace)  # as it is already
    (said,) = told(workspace)
    for _ in range(3):
        record_turn(workspace=workspace, said=said, now=now())

    (own,) = events_of(workspace, "workspace.suspended")
    assert own == {"workspace_id": ids.to_public("ws", workspace.id), "slug": workspace.slug, "version": 2}
    assert on_platform(workspace, "workspace.suspended") == [own]
    assert handler_of(lifecycle.RECORD) is not None


def test_what_a_state_does_not_allow_is_refused_and_changes_nothing(workspace: TenantRef) -> None:
    for version in (2, 7):
        with pytest.raises(StaleWorkspace):
            turn(suspend_workspace, workspace, version=version)
    turn(archive_workspace, workspace)
    for do in (suspend_workspace, resume_workspace):
        with pytest.raises(WorkspaceStateRefused):
            turn(do, workspace)
    assert state_of(workspace) == ("archived", 2)
    for do in (suspend_workspace, archive_workspace):
        with pytest.raises(WorkspaceStateRefused):
            turn(do, platform_ref())
        with pytest.raises(UnknownWorkspace):
            do(workspace_id=ids.new_uuid(), version=None, actor=actors.RUNTIME, now=now())
    assert turn(unarchive_workspace, workspace).state == "suspended"
    with pytest.raises(WorkspaceStateRefused):
        turn(unarchive_workspace, platform_ref())


def test_of_those_who_suspend_one_version_at_once_one_does(workspace: TenantRef) -> None:
    done = at_once([lambda: turn(suspend_workspace, workspace, version=1)] * 4, threads=4)

    assert sorted(type(each).__name__ for each in done) == [*["StaleWorkspace"] * 3, "WorkspaceRecord"]
    assert state_of(workspace) == ("suspended", 2)
    assert len(told(workspace)) == 1


def test_a_workspace_with_money_on_its_way_is_not_archived(workspace: TenantRef) -> None:
    Story(workspace).create()  # no rail takes it yet
    with pytest.raises(WorkspaceInUse) as refused:
        turn(archive_workspace, workspace)
    assert refused.value.extra["in_flight"] == 1
    assert state_of(workspace)[0] == "active"


def test_an_archived_workspace_is_deleted_when_its_time_is_over_and_never_made_again(
    make_workspace: Callable[..., TenantRef], announced: list[dict[str, str]]
) -> None:
    workspace, moment = make_workspace(), now()
    join(workspace, role="admin")
    issue_token(workspace)
    role = Role.objects.create(
        workspace_id=workspace.id, key="reader", name="Reader", created_by="x", created_at=moment, changed_by="x",
        changed_at=moment,
    )  # fmt: skip
    RoleVersion.objects.create(role=role, version=1, name="Reader", by="x", at=moment)
    default_storage.save(f"{workspace.schema}/ledger/exports/file.csv", ContentFile(b"a,b"))
    archived = turn(archive_workspace, workspace, at=moment)
    assert archived.delete_after == moment + timedelta(days=30)
    assert jobs.request_due_deletions(now=moment + timedelta(days=29)) == 0

    late = moment + timedelta(days=30, seconds=1)
    assert jobs.request_due_deletions(now=late) == 1
    assert jobs.request_due_deletions(now=late) == 0
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        job = ProvisioningJob.objects.get(slug=workspace.slug, kind="delete")
        done = jobs.run_next(owner=owner, now=late, job_id=job.id)

    assert done is not None
    assert (done.state, done.error) == ("done", "")
    assert state_of(workspace) == ("deleted", 3)
    forget(workspace.id)
    with pytest.raises(WrongSchema), tenant_work(workspace):
        pass
    assert not Membership.objects.filter(workspace_id=workspace.id).exists()
    assert not RoleVersion.objects.filter(role_id=role.id).exists()
    assert not ApiCredential.objects.filter(workspace_id=workspace.id).exists()
    assert not default_storage.exists(workspace.schema)
    (event,) = on_platform(workspace, "workspace.deleted")
    assert event["version"] == 3
    with pytest.raises(SlugTaken):
        request_workspace(slug=workspace.slug, name="Again", mode="live", actor=actors.RUNTIME, now=now())
    for do in (suspend_workspace, resume_workspace, archive_workspace, unarchive_workspace):
        with pytest.raises(WorkspaceStateRefused):
            turn(do, workspace)
    assert workspace.slug not in {each.slug for each in list_workspace_records(limit=500)}
    assert workspace.slug in {each.slug for each in list_workspace_records(limit=500, state="deleted")}
    ProvisioningJob.objects.filter(slug=workspace.slug).delete()


def test_a_deletion_that_dies_after_the_drop_is_recorded_by_the_next_try(
    make_workspace: Callable[..., TenantRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, moment = make_workspace(), now()
    turn(archive_workspace, workspace, at=moment - timedelta(days=40))
    jobs.request_due_deletions(now=moment)
    job = ProvisioningJob.objects.get(slug=workspace.slug)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        with monkeypatch.context() as patch:
            patch.setattr(jobs, "_record_deleted", die)
            with pytest.raises(KeyboardInterrupt):
                jobs.run_next(owner=owner, now=moment, job_id=job.id)
        assert state_of(workspace)[0] == "deleted"
        assert [
            e for e in events_of(platform_ref(), "workspace.deleted") if e["workspace_id"] == public(workspace)
        ] == []
        done = jobs.run_next(owner=owner, now=moment + timedelta(minutes=2), job_id=job.id)

    assert done is not None
    assert (done.state, done.attempts) == ("done", 2)
    assert len(on_platform(workspace, "workspace.deleted")) == 1
    ProvisioningJob.objects.filter(slug=workspace.slug).delete()


def test_what_is_taken_out_of_the_archive_in_time_is_not_deleted(make_workspace: Callable[..., TenantRef]) -> None:
    workspace, moment = make_workspace(), now()
    turn(archive_workspace, workspace, at=moment - timedelta(days=40))
    jobs.request_due_deletions(now=moment)
    turn(unarchive_workspace, workspace)
    job = ProvisioningJob.objects.get(slug=workspace.slug)
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        done = jobs.run_next(owner=owner, now=moment, job_id=job.id)

    assert done is not None
    assert (done.state, done.error) == ("failed", f"{workspace.slug} is not to be deleted any more.")
    assert state_of(workspace)[0] == "suspended"
    with tenant_work(workspace):
        pass
    ProvisioningJob.objects.filter(slug=workspace.slug).delete()


def test_workspaces_are_listed_by_page_state_and_name_and_counted(
    workspace: TenantRef, live_workspace: TenantRef
) -> None:
    found = {each.slug: each for each in list_workspace_records(limit=500)}
    assert {workspace.slug, live_workspace.slug} <= set(found)
    assert "platform" not in found
    first, second = sorted((workspace.slug, live_workspace.slug))
    assert second in {each.slug for each in list_workspace_records(after=first, limit=500)}
    assert first not in {each.slug for each in list_workspace_records(after=first, limit=500)}
    assert [each.slug for each in list_workspace_records(search=workspace.slug[2:9].upper())] == [workspace.slug]
    assert list_workspace_records(search="%") == list_workspace_records(search="_ _")
    before = count_workspaces().get("suspended", 0)
    turn(suspend_workspace, workspace)
    assert count_workspaces()["suspended"] == before + 1
    assert Workspace.objects.get(id=workspace.id).state == "suspended"
