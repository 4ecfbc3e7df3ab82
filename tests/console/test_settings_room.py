"""The settings of a workspace: a form made from the table, what is refused at its field, and who changed what."""

from __future__ import annotations

import re
import uuid
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from tests.people import Person, join
from zentra.core.actors import Actor
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.configuration.operations import change_settings
from zentra.tenants.configuration.queries import list_settings, read_settings

if TYPE_CHECKING:
    from django.http import HttpResponse

WAS = re.compile(r'<input type="hidden" name="(was\.[a-z_]+)" value="([^"]*)">')


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def boss(workspace: TenantRef) -> Person:
    return join(workspace, role="admin", name="Boss")


@pytest.fixture
def browser(boss: Person) -> Client:
    return boss.sign_in_with_code(Client())


def opened(client: Client, workspace: TenantRef) -> dict[str, Any]:
    """The form as it stands, ready to be sent again."""
    page = client.get(f"/w/{workspace.slug}/settings/").content.decode()
    fields: dict[str, Any] = {name: unescape(value) for name, value in WAS.findall(page)}
    assert len(fields) == len(list_settings(workspace_id=workspace.id)[0])
    settings, version = list_settings(workspace_id=workspace.id)
    for each in settings:
        was = fields[f"was.{each.name}"]
        if each.kind == "roles":
            fields[each.name] = was.split()
        elif each.kind == "switch":
            fields |= {each.name: "on"} if was == "on" else {}
        elif each.kind != "rates":
            fields[each.name] = was
    return fields | {"version": str(version), "idempotency_key": str(uuid.uuid4())}


def save(client: Client, workspace: TenantRef, fields: dict[str, Any]) -> HttpResponse:
    answer: HttpResponse = client.post(f"/w/{workspace.slug}/settings/save/", fields)  # type: ignore[assignment]
    return answer


def test_everybody_sees_them_and_only_who_may_configure_has_a_form(
    workspace: TenantRef, boss: Person, outsider: Person
) -> None:
    auditor = join(workspace, role="auditor").sign_in(Client())
    page = text_of(auditor.get(f"/w/{workspace.slug}/settings/"))
    for said in ("Time zone", "Request limits", "seconds", "fixed when it was made", "You see the settings"):
        assert said in page
    assert ">Save<" not in page
    assert ">Save<" in text_of(boss.sign_in(Client()).get(f"/w/{workspace.slug}/settings/"))
    assert save(auditor, workspace, {"version": "1", "time_zone": "UTC"}).status_code == 403
    assert outsider.sign_in(Client()).get(f"/w/{workspace.slug}/settings/").status_code == 404


def test_only_what_was_typed_otherwise_is_changed_and_kept_with_who_and_why(
    workspace: TenantRef, browser: Client
) -> None:
    fields = opened(browser, workspace)
    answer = save(browser, workspace, fields | {
        "time_zone": "Europe/Berlin", "review_hours_operations": "3", "verify_webhook_endpoints": "on",
        "second_factor_roles": ["support"], "allowed_email_domains": "Example.com  example.org",
        "rates.read.key.second": "50", "rates.read.key.burst": "80", "reason": "We moved",
    })  # fmt: skip
    assert answer.headers["Location"] == f"/w/{workspace.slug}/settings/"
    stands = read_settings(workspace_id=workspace.id)
    assert (stands.time_zone, stands.review_hours_operations) == ("Europe/Berlin", 3)
    assert stands.verify_webhook_endpoints
    assert stands.second_factor_roles == {"support"}
    assert stands.allowed_email_domains == {"example.com", "example.org"}
    assert (stands.rate_policies["read"].key.per_second, stands.rate_policies["read"].key.burst) == (50, 80)
    assert stands.review_hours_compliance == 4

    history = text_of(browser.get(f"/w/{workspace.slug}/settings/history/"))
    for said in ("Boss", "We moved", "UTC", "Europe/Berlin", "example.com, example.org"):
        assert said in history
    narrowed = text_of(browser.get(f"/w/{workspace.slug}/settings/history/?name=time_zone"))
    assert "Europe/Berlin" in narrowed
    assert "example.com, example.org" not in narrowed

    again = save(browser, workspace, opened(browser, workspace) | {"time_zone": ""})
    assert again.status_code == 302
    assert read_settings(workspace_id=workspace.id).time_zone == "UTC"


def test_without_a_fresh_code_what_was_typed_is_kept_and_goes_on(workspace: TenantRef, boss: Person) -> None:
    client = boss.sign_in(Client())
    fields = opened(client, workspace) | {"session_hours": "8"}
    asked = save(client, workspace, fields)
    assert asked.status_code == 403
    assert 'name="session_hours" value="8"' in asked.content.decode()
    assert read_settings(workspace_id=workspace.id).session_hours == 12
    assert save(client, workspace, fields | {"step_up_code": boss.totp_code()}).status_code == 302
    assert read_settings(workspace_id=workspace.id).session_hours == 8


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("review_hours_operations", "0", "1 to 720"),
        ("idle_minutes", "soon", "5 to 1,440"),
        ("time_zone", "Mars/Olympus", "Name a time zone"),
        ("allowed_email_domains", "no domain!", "is none"),
        ("rates.write.key.second", "many", "a second"),
        ("second_factor_roles", "wizard", "There is no role"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_everything_typed_stays(
    workspace: TenantRef, browser: Client, name: str, typed: str, says: str
) -> None:
    fields = opened(browser, workspace) | {"session_hours": "9", "reason": "Because", name: typed}
    answer = save(browser, workspace, fields)
    assert answer.status_code == 422
    page = text_of(answer)
    assert 'class="error"' in page
    assert says in page
    assert 'name="session_hours" inputmode="numeric" value="9"' in page
    assert 'value="Because"' in page
    assert read_settings(workspace_id=workspace.id).session_hours == 12

    key = fields["idempotency_key"]  # the key of a refused form is free for the corrected one
    right = {each: value for each, value in fields.items() if each != name}
    assert save(browser, workspace, right | {"idempotency_key": key}).status_code == 302


def test_what_somebody_else_changed_meanwhile_is_shown_and_not_overwritten(
    workspace: TenantRef, browser: Client
) -> None:
    fields = opened(browser, workspace) | {"idle_minutes": "20"}
    other = join(workspace, role="admin", name="Other admin")
    change(workspace, other.actor(), {"session_hours": 6, "time_zone": "Asia/Tokyo"})

    answer = save(browser, workspace, fields)
    assert answer.status_code == 409
    page = text_of(answer)
    for said in ("Changed meanwhile", "Other admin", "Asia/Tokyo"):
        assert said in page
    assert 'name="idle_minutes" inputmode="numeric" value="20"' in page  # what was typed stays
    assert 'name="session_hours" inputmode="numeric" value="6"' in page  # what was not shows what stands

    _, version = list_settings(workspace_id=workspace.id)
    second = {name: unescape(value) for name, value in WAS.findall(answer.content.decode())}
    second |= {"version": str(version), "idempotency_key": str(uuid.uuid4()), "idle_minutes": "20"}
    second |= {"session_hours": "6", "time_zone": "Asia/Tokyo"}
    for each in list_settings(workspace_id=workspace.id)[0]:
        second.setdefault(each.name, second[f"was.{each.name}"]) if each.kind not in ("switch", "rates") else None
    assert save(browser, workspace, second).status_code == 302
    stands = read_settings(workspace_id=workspace.id)
    assert (stands.idle_minutes, stands.session_hours, stands.time_zone) == (20, 6, "Asia/Tokyo")


def change(workspace: TenantRef, actor: Actor, values: dict[str, object]) -> None:
    with tenant_work(workspace):
        change_settings(workspace=workspace, values=values, version=None, actor=actor, now=now())


def test_a_form_without_a_version_or_sent_twice_does_no_harm(workspace: TenantRef, browser: Client) -> None:
    fields = opened(browser, workspace) | {"idle_minutes": "45"}
    assert save(browser, workspace, fields | {"version": "x"}).status_code == 302
    assert read_settings(workspace_id=workspace.id).idle_minutes == 30
    assert save(browser, workspace, fields).status_code == 302
    assert save(browser, workspace, fields).status_code == 302
    assert read_settings(workspace_id=workspace.id).idle_minutes == 45
    assert list_settings(workspace_id=workspace.id)[1] == int(fields["version"]) + 1
