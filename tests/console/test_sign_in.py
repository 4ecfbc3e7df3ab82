"""The way in: e-mail and password, a second step for those who have one, and out again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.test import Client

from evidence.queries import latest_events
from zentra.core.tenancy import tenant_work
from zentra.tenants.queries import platform_ref

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.core.tenancy import TenantRef


@pytest.fixture(autouse=True)
def _without_earlier_failures(database: None) -> None:
    """Wrong passwords of another test do not count here."""
    cache.clear()


def _sign_in(client: Client, person: Person, password: str) -> str:
    answer = client.post("/sign-in/", {"login": person.email, "password": password})
    return answer.headers.get("Location", "")


def test_a_person_signs_in_and_lands_in_the_last_workspace(workspace: TenantRef, support: Person) -> None:
    client = Client()
    assert _sign_in(client, support, support.password) == "/"
    assert client.get("/").headers["Location"] == f"/w/{workspace.slug}/"
    assert client.get(f"/w/{workspace.slug}/").status_code == 200


def test_a_wrong_password_is_refused_and_recorded_without_what_was_typed(operator: Person) -> None:
    client = Client()
    assert _sign_in(client, operator, "hunter2hunter2") == ""
    with tenant_work(platform_ref()):
        failures = [each for each in latest_events(limit=40) if each.type == "sign_in.failed"]
    event = next(each for each in failures if json.loads(each.body)["data"]["reason"] == "password")
    assert b"hunter2" not in event.body
    assert operator.email.encode() not in event.body


def test_a_person_with_an_authenticator_is_asked_for_the_second_step(workspace: TenantRef, admin: Person) -> None:
    client = Client()
    assert _sign_in(client, admin, admin.password).startswith("/sign-in/second-step/")
    assert client.get(f"/w/{workspace.slug}/").status_code == 302  # not in yet
    assert "six digits" in client.get("/sign-in/second-step/").content.decode()
    wrong = client.post("/sign-in/second-step/", {"code": "000000"})
    assert wrong.status_code == 200
    assert client.post("/sign-in/second-step/", {"code": admin.totp_code()}).status_code == 302
    assert client.get(f"/w/{workspace.slug}/").status_code == 200


def test_signing_out_ends_the_session_and_takes_a_post(workspace: TenantRef, operator: Person) -> None:
    client = operator.sign_in(Client())
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get(f"/w/{workspace.slug}/").status_code == 302
