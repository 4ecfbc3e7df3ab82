"""Roles that move money or say who may are entered with a second factor only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from django.test import Client

from tests.people import join, leave_without_factor
from zentra.tenants.permissions import SECOND_FACTOR_ROLES

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.core.tenancy import TenantRef

SET_UP = "/second-factor/set-up/"


def test_each_role_enters_as_the_table_says(workspace: TenantRef) -> None:
    for role in ("operator", "support", "finance", "compliance", "admin", "auditor", "developer", "viewer"):
        person = join(workspace, role=role, totp=False)
        answer = person.sign_in(Client()).get(f"/w/{workspace.slug}/events/?type=x")
        if role in SECOND_FACTOR_ROLES:
            there = quote(f"/w/{workspace.slug}/events/?type=x", safe="")
            assert answer.headers["Location"] == f"{SET_UP}?next={there}"
        else:
            assert answer.status_code == 200


def test_a_form_is_refused_without_an_effect(workspace: TenantRef) -> None:
    person = join(workspace, role="admin", totp=False)
    form = {"email": "new@example.test", "role": "viewer", "idempotency_key": "0" * 36}
    answer = person.sign_in(Client()).post(f"/w/{workspace.slug}/people/add/", form)
    assert answer.headers["Location"].startswith(SET_UP)


def test_a_factor_that_is_taken_away_closes_the_next_request(workspace: TenantRef, finance: Person) -> None:
    client = finance.sign_in(Client())
    assert client.get(f"/w/{workspace.slug}/ledger/").status_code == 200
    leave_without_factor(finance.user)
    assert client.get(f"/w/{workspace.slug}/ledger/").headers["Location"].startswith(SET_UP)


def test_the_page_says_why_and_leads_back(workspace: TenantRef) -> None:
    person = join(workspace, role="admin", totp=False)
    client = Client()
    client.post("/sign-in/", {"login": person.email, "password": person.password})
    sent = client.get(f"/w/{workspace.slug}/people/").headers["Location"]
    page = client.get(sent).content.decode()
    assert "your role needs a second factor" in page

    from tests.console.test_second_factor_pages import set_up

    _, codes = set_up(client, sent)
    assert len(codes) == 10
    assert client.get(f"/w/{workspace.slug}/people/").status_code == 200
    assert client.get(sent).headers["Location"] == f"/w/{workspace.slug}/people/"


def test_an_old_session_gives_the_password_and_is_led_on(workspace: TenantRef) -> None:
    person = join(workspace, role="admin", totp=False)
    client = person.sign_in(Client())
    sent = client.get(f"/w/{workspace.slug}/").headers["Location"]
    confirm = client.get(sent).headers["Location"]
    assert client.post(confirm, {"password": person.password}).headers["Location"] == sent


@pytest.mark.parametrize("wanted", ["https://elsewhere.example/w/x/", "//elsewhere.example/w/", "/sign-out/", "/w\\x"])
def test_nobody_is_led_elsewhere(workspace: TenantRef, wanted: str) -> None:
    person = join(workspace, role="admin")
    answer = person.sign_in_with_code(Client()).get(f"{SET_UP}?next={quote(wanted, safe='')}")
    assert answer.headers["Location"] == "/second-factor/"
