"""The platform's rooms: the list of workspaces, making one, suspending, archiving, and who is refused."""

from __future__ import annotations

import uuid
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from tests.people import Person, join
from zentra.core import schema
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import ProvisioningJob, Workspace
from zentra.tenants.provisioning import jobs
from zentra.tenants.provisioning.queries import find_workspace_record
from zentra.tenants.queries import platform_ref

if TYPE_CHECKING:
    from django.http import HttpResponse

HERE = "/platform/workspaces/"
MAKE = "/platform/new-workspace/make/"


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def chief(database: None) -> Person:
    return join(platform_ref(), role="platform_admin", name="Chief of the platform")


@pytest.fixture
def browser(chief: Person) -> Client:
    return chief.sign_in_with_code(Client())


@pytest.fixture
def helper(database: None) -> Client:
    """Somebody of the platform who looks and helps, and manages nothing; stepped up."""
    return join(platform_ref(), role="platform_support").sign_in_with_code(Client())


def send(client: Client, path: str, **fields: str) -> HttpResponse:
    answer: HttpResponse = client.post(path, {"idempotency_key": str(uuid.uuid4())} | fields)  # type: ignore[assignment]
    return answer


def state_of(workspace: TenantRef) -> str:
    return str(Workspace.objects.get(id=workspace.id).state)


def version_of(workspace: TenantRef) -> str:
    return str(Workspace.objects.get(id=workspace.id).version)


def test_the_list_is_searched_and_narrowed(workspace: TenantRef, other_workspace: TenantRef, browser: Client) -> None:
    page = text_of(browser.get(HERE))
    for said in (workspace.slug, other_workspace.slug, "sandbox", "active", "New workspace"):
        assert said in page
    found = text_of(browser.get(f"{HERE}?q={workspace.slug[2:9].upper()}"))
    assert workspace.slug in found
    assert other_workspace.slug not in found
    Workspace.objects.filter(id=workspace.id).update(state="suspended")
    suspended = text_of(browser.get(f"{HERE}?state=suspended"))
    assert workspace.slug in suspended
    assert other_workspace.slug not in suspended
    assert "No such workspace" in text_of(browser.get(f"{HERE}?q=%25no-such"))
    assert browser.get("/platform/").status_code == 200


def test_a_workspace_s_page_says_how_it_stands_and_nothing_of_its_content(
    workspace: TenantRef, browser: Client, helper: Client
) -> None:
    page = text_of(browser.get(f"{HERE}{workspace.slug}/"))
    for said in (workspace.slug, "ledger drift", "Suspend", "Archive", "Make its live twin", "Enter as staff", "USD"):
        assert said in page
    seen = text_of(helper.get(f"{HERE}{workspace.slug}/"))
    assert "Enter as staff" in seen
    assert ">Suspend<" not in seen
    for path in ("no-such-place/", "platform/"):
        assert browser.get(f"{HERE}{path}").status_code == 404


def test_a_workspace_is_suspended_and_resumed_with_a_code_a_reason_and_a_version(
    workspace: TenantRef, chief: Person, operator: Person
) -> None:
    client, path = chief.sign_in(Client()), f"{HERE}{workspace.slug}/suspend/"
    fields = {"version": version_of(workspace), "reason": "billing"}
    assert send(client, path, **fields).status_code == 403
    assert state_of(workspace) == "active"
    assert send(client, path, **fields, step_up_code=chief.totp_code()).status_code == 302
    assert state_of(workspace) == "suspended"
    member = operator.sign_in(Client())
    assert "a bill is open" in text_of(member.get(f"/w/{workspace.slug}/"))
    page = text_of(client.get(f"{HERE}{workspace.slug}/"))
    for said in ("Chief of the platform", "billing · a bill is open", "workspace.suspended", "Resume"):
        assert said in page

    assert send(client, f"{HERE}{workspace.slug}/resume/", version=version_of(workspace)).status_code == 302
    assert member.get(f"/w/{workspace.slug}/").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [{"reason": "because", "version": "1"}, {"reason": "billing"}, {"reason": "billing", "version": "x"},
     {"reason": "billing", "version": "4000000000"}, {"reason": "billing", "version": "99"}],
)  # fmt: skip
def test_a_form_that_is_wrong_or_out_of_date_changes_nothing(
    workspace: TenantRef, browser: Client, fields: dict[str, str]
) -> None:
    answer = send(browser, f"{HERE}{workspace.slug}/suspend/", **fields)
    assert answer.status_code == 302
    assert state_of(workspace) == "active"
    assert 'class="banner t-review"' in text_of(browser.get(f"{HERE}{workspace.slug}/"))


def test_archiving_takes_the_short_name_typed_and_can_be_taken_back(workspace: TenantRef, browser: Client) -> None:
    path, version = f"{HERE}{workspace.slug}/archive/", version_of(workspace)
    assert send(browser, path, version=version, slug="something-else").status_code == 302
    assert state_of(workspace) == "active"
    assert send(browser, path, version=version, slug=workspace.slug).status_code == 302
    assert state_of(workspace) == "archived"
    assert "deleted after" in text_of(browser.get(f"{HERE}{workspace.slug}/"))
    assert send(browser, f"{HERE}{workspace.slug}/restore/", version=version_of(workspace)).status_code == 302
    assert state_of(workspace) == "suspended"


def test_who_does_not_manage_workspaces_is_refused(workspace: TenantRef, helper: Client, admin: Person) -> None:
    boss = admin.sign_in_with_code(Client())
    for path in (
        f"{HERE}{workspace.slug}/suspend/",
        f"{HERE}{workspace.slug}/archive/",
        f"{HERE}{workspace.slug}/twin/",
        MAKE,
    ):
        fields = {"version": "1", "reason": "billing", "slug": workspace.slug, "name": "X"}
        assert send(helper, path, **fields).status_code == 403, path
        assert send(boss, path, **fields).status_code == 404, path
    assert helper.get("/platform/new-workspace/").status_code == 403
    assert state_of(workspace) == "active"
    assert not ProvisioningJob.objects.filter(slug=workspace.slug).exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"slug": "Not a slug"}, "slug"), ({"slug": "platform"}, "slug"), ({"name": ""}, "name"),
     ({"currency": "XXX1"}, "currency"), ({"admin_email": "nobody"}, "admin_email")],
)  # fmt: skip
def test_what_cannot_be_is_said_at_its_field(browser: Client, wrong: dict[str, str], field: str) -> None:
    fields = {"slug": "t-wui-wrong", "name": "Kept as typed", "mode": "live", "currency": "EUR"} | wrong
    answer = send(browser, MAKE, **fields)
    assert answer.status_code == 422
    page = text_of(answer)
    assert 'class="error"' in page
    assert 'value="live" checked' in page
    assert ("Kept as typed" in page) == (field != "name")
    assert not ProvisioningJob.objects.filter(slug="t-wui-wrong").exists()


def test_a_taken_short_name_is_said(workspace: TenantRef, browser: Client) -> None:
    answer = send(browser, MAKE, slug=workspace.slug, name="Again", currency="USD", mode="sandbox")
    assert answer.status_code == 409
    assert "taken" in text_of(answer)


def test_a_workspace_is_asked_for_made_by_the_provisioner_and_shown(browser: Client, chief: Person) -> None:
    slug = f"t-wui-{uuid.uuid4().hex[:8]}"
    key = str(uuid.uuid4())
    fields = {"slug": slug, "name": "Brand new", "mode": "sandbox", "currency": "EUR", "admin_email": chief.email}
    answer = send(browser, MAKE, **fields, idempotency_key=key)
    job_url = answer.headers["Location"]
    assert send(browser, MAKE, **fields, idempotency_key=key).headers["Location"] == job_url  # once
    waiting = text_of(browser.get(job_url))
    assert "Waits for the provisioner" in waiting
    assert "every 1s" in waiting
    assert "Brand new" in text_of(browser.get(HERE))  # under way

    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        done = jobs.run_next(owner=owner, now=now(), job_id=job_url.rstrip("/").rpartition("/")[2])
    assert done is not None
    try:
        assert done.state == "done", done.error
        part = text_of(browser.get(job_url, headers={"HX-Request": "true"}))
        assert "<html" not in part
        assert "every 1s" not in part
        assert f"{HERE}{slug}/" in part
        assert "Brand new" in text_of(browser.get(f"{HERE}{slug}/"))
        assert "EUR" in text_of(browser.get(f"{HERE}{slug}/"))
    finally:
        from tests.workspaces import drop

        found = find_workspace_record(slug=slug)
        assert found is not None
        drop(found.ref)


def test_a_failed_job_says_why_and_is_asked_for_again(browser: Client, helper: Client) -> None:
    slug = f"t-wui-{uuid.uuid4().hex[:8]}"
    job_url = send(browser, MAKE, slug=slug, name="Unlucky", mode="sandbox", currency="USD").headers["Location"]
    ProvisioningJob.objects.filter(slug=slug).update(state="failed", error="The disk is full.", ended_at=now())
    page = text_of(browser.get(job_url))
    for said in ("The disk is full.", "nothing of it is left", "Try again"):
        assert said in page
    assert "Try again" not in text_of(helper.get(job_url))
    assert "The disk is full." in text_of(browser.get(HERE))
    again = send(browser, f"{job_url}retry/")
    assert again.headers["Location"] not in ("", job_url)
    assert ProvisioningJob.objects.filter(slug=slug).count() == 2
    assert browser.get("/platform/jobs/job_nonsense/").status_code == 404
    ProvisioningJob.objects.filter(slug=slug).delete()
