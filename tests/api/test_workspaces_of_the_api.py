"""Workspaces over the API: asked for, looked at, suspended and archived by keys of the platform, and by no others."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.answered import assert_shape
from tests.workspaces import drop
from zentra.api.v1.workspace_answers import WorkspaceAnswer, WorkspaceJobAnswer, WorkspacePage
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import ApiCredential, ProvisioningJob
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import Permission
from zentra.tenants.provisioning.jobs import run_job
from zentra.tenants.queries import find_workspace, platform_ref

Connect = Callable[..., httpx.Client]
P = Permission


@pytest.fixture
def platform(connect: Connect) -> Iterator[Connect]:
    """`platform(scope, …)`: a client with a key of the platform."""
    made: list[str] = []

    def client(*scopes: str) -> httpx.Client:
        wanted = frozenset(scopes or (P.WORKSPACES_READ, P.WORKSPACES_MANAGE))
        key = issue_key(workspace=platform_ref(), name="platform", scopes=wanted, now=now())
        made.append(key.id)
        return connect(key.token)

    yield client
    ApiCredential.objects.filter(id__in=made).delete()


def ask(http: httpx.Client, slug: str, **more: str) -> httpx.Response:
    body = {"slug": slug, "name": "Over the API", "mode": "sandbox"} | more
    return http.post("/workspaces", json=body)


def test_a_workspace_is_asked_for_once_made_and_looked_at(platform: Connect) -> None:
    http, slug = platform(), f"api-{secrets.token_hex(4)}"
    first = ask(http, slug, idempotency_key=f"make-{slug}")
    again = ask(http, slug, idempotency_key=f"make-{slug}")
    assert (first.status_code, again.status_code, again.headers.get("Idempotent-Replayed")) == (202, 202, "true")
    assert first.content == again.content
    job = assert_shape(first.json(), WorkspaceJobAnswer) or first.json()
    job_id = first.json()["id"]
    assert (first.json()["status"], http.get(f"/workspaces/{slug}").status_code) == ("waiting", 404), job
    assert ask(http, slug).json()["code"] == "slug_taken"

    run_job(job_id=job_id, now=now())
    assert http.get(f"/workspace-jobs/{job_id}").json()["status"] == "done"
    found = http.get(f"/workspaces/{slug}")
    assert_shape(found.json(), WorkspaceAnswer)
    assert found.json()["id"] == first.json()["workspace_id"]
    assert http.get(f"/workspaces/{found.json()['id']}").json() == found.json()
    ProvisioningJob.objects.filter(slug=slug).delete()
    made = find_workspace(slug=slug)
    assert made is not None
    drop(made)


def test_workspaces_are_turned_once_and_each_refusal_has_its_code(platform: Connect, workspace: TenantRef) -> None:
    http = platform()
    key = {"Idempotency-Key": f"turn-{workspace.slug}-{secrets.token_hex(3)}"}
    body = {"version": 1, "reason": "unpaid"}
    done = http.post(f"/workspaces/{workspace.slug}/suspend", json=body, headers=key)
    repeated = http.post(f"/workspaces/{workspace.slug}/suspend", json=body, headers=key)
    assert (done.status_code, done.json()["status"], done.json()["version"]) == (200, "suspended", 2)
    assert (repeated.content, repeated.headers["Idempotent-Replayed"]) == (done.content, "true")
    assert done.json()["suspension_reason"] == "unpaid"

    refusals = [
        (f"/workspaces/{workspace.slug}/resume", {"version": 1}, 409, "stale_workspace"),
        ("/workspaces/nobody-here/suspend", {}, 404, "unknown_workspace"),
        ("/workspaces/platform/suspend", {}, 404, "unknown_workspace"),
        ("/workspaces/ws_x/suspend", {}, 404, "unknown_workspace"),
    ]
    for path, words, status, code in refusals:
        answer = http.post(path, json=words)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    for number in (0, -1, 2**31, 2**70):
        answer = http.post(f"/workspaces/{workspace.slug}/resume", json={"version": number})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/version")
    for wrong, code in (({"slug": "No Slug"}, "invalid_slug"), ({"name": " "}, "invalid_workspace_name")):
        answer = http.post("/workspaces", json={"slug": "fine", "name": "Fine", "mode": "live"} | wrong)
        assert answer.json()["code"] == code
    resumed = http.post(f"/workspaces/{workspace.slug}/resume", json={})
    assert resumed.json()["status"] == "active"
    archived = http.post(f"/workspaces/{workspace.slug}/archive", json={}).json()
    assert (archived["status"], archived["delete_after"] is not None) == ("archived", True)
    assert http.post(f"/workspaces/{workspace.slug}/resume", json={}).json()["code"] == "workspace_state_refused"


def test_those_who_suspend_one_version_at_once_do_it_once(platform: Connect, workspace: TenantRef) -> None:
    http = platform()

    def suspend(_: int) -> int:
        return http.post(f"/workspaces/{workspace.slug}/suspend", json={"version": 1}).status_code

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(suspend, range(5))) == [200, 409, 409, 409, 409]


def test_workspaces_are_listed_by_page_and_state(
    platform: Connect, workspace: TenantRef, other_workspace: TenantRef
) -> None:
    http, seen, cursor = platform(P.WORKSPACES_READ), [], None
    while True:
        page = http.get("/workspaces", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        assert_shape(page, WorkspacePage)
        seen += [each["slug"] for each in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert {workspace.slug, other_workspace.slug} <= set(seen)
    assert seen == sorted(seen)
    assert "platform" not in seen
    archived = http.get("/workspaces", params={"status": "archived", "limit": 100}).json()["data"]
    assert workspace.slug not in {each["slug"] for each in archived}


def test_keys_of_workspaces_and_keys_without_the_scope_are_refused(
    platform: Connect, connect: Connect, workspace: TenantRef, http: httpx.Client
) -> None:
    reader = platform(P.WORKSPACES_READ)
    assert reader.post(f"/workspaces/{workspace.slug}/suspend", json={}).status_code == 403
    assert ask(reader, "not-made").status_code == 403
    # Whatever a row says, the scopes count on the platform only.
    forged = issue_key(workspace=workspace, name="forged", now=now())
    ApiCredential.objects.filter(id=forged.id).update(scopes=["workspaces.read", "workspaces.manage"])
    doors = [
        ("GET", "/workspaces"), ("GET", f"/workspaces/{workspace.slug}"), ("GET", "/workspace-jobs/job_x"),
        ("POST", f"/workspaces/{workspace.slug}/suspend"),
    ]  # fmt: skip
    for client in (http, connect(forged.token)):
        for method, path in doors:
            answer = client.request(method, path, json={} if method == "POST" else None)
            assert answer.status_code == 403, (method, path, answer.text)
        assert ask(client, "not-made").status_code == 403
    assert not ProvisioningJob.objects.filter(slug="not-made").exists()
    assert connect(None).get("/workspaces").status_code == 401
