"""The first run: a link that works once, a password that is weighed, then the authenticator and the first workspace."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from tests.people import Person, code_now, join, leave_without_factor
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import Invitation, User
from zentra.tenants.provisioning.first_run import make_setup_token
from zentra.tenants.queries import platform_ref

GOOD = "seven lanterns over the harbour"


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def first(database: None) -> Person:
    """The first admin, who has neither a password nor a second factor yet."""
    person = join(platform_ref(), role="platform_admin", name="Ada First")
    leave_without_factor(person.user)
    User.objects.filter(id=person.id).update(password=make_password(None))
    return person


@pytest.fixture
def link(first: Person) -> str:
    return f"/setup/{make_setup_token(user_id=first.id, now=now())}/"


def test_the_password_signs_in_and_leads_to_the_authenticator_and_the_first_workspace(first: Person, link: str) -> None:
    client = Client()
    page = text_of(client.get(link))
    for said in ("Welcome, Ada First", first.email, "3 First workspace"):
        assert said in page
    answer = client.post(link, {"password": GOOD, "again": GOOD})
    assert answer.headers["Location"] == "/second-factor/set-up/?next=%2Fplatform%2Fnew-workspace%2F"
    enrol = client.get(answer.headers["Location"])
    assert enrol.status_code == 200
    secret = text_of(enrol).partition('aria-labelledby="secret-label">')[2].partition("<")[0].replace(" ", "")
    codes = client.post(answer.headers["Location"], {"code": code_now(secret)})
    assert "/platform/new-workspace/" in text_of(codes)
    assert "Make it" in text_of(client.get("/platform/new-workspace/"))
    assert client.get(link).status_code == 410
    assert client.post(link, {"password": GOOD, "again": GOOD}).status_code == 410


@pytest.mark.parametrize(
    ("typed", "again", "says"),
    [(GOOD, "another", "not the same"), ("hunter2", "hunter2", "12"), ("111111111111", "111111111111", "")],
)
def test_a_password_that_cannot_be_is_said_and_the_link_stays_good(
    link: str, typed: str, again: str, says: str
) -> None:
    client = Client()
    answer = client.post(link, {"password": typed, "again": again})
    assert answer.status_code == 422
    page = text_of(answer)
    assert 'id="password-error"' in page
    assert says in page
    assert typed not in page
    assert client.get(link).status_code == 200


def test_what_is_typed_is_weighed_for_who_has_the_link(link: str) -> None:
    client = Client()
    assert "Good:" in text_of(client.post(f"{link}strength/", {"password": GOOD}))
    weak = text_of(client.post(f"{link}strength/", {"password": "password1234"}))
    assert "Good:" not in weak
    assert "t-review" in weak
    assert "<span>" not in text_of(client.post(f"{link}strength/", {}))
    assert "does not work" in text_of(client.post("/setup/nonsense/strength/", {"password": GOOD}))


def test_a_link_that_is_old_replaced_or_somebody_else_s_opens_nothing(
    first: Person, link: str, workspace: TenantRef
) -> None:
    newer = f"/setup/{make_setup_token(user_id=first.id, now=now())}/"
    assert Client().get(link).status_code == 410
    assert Client().get(newer).status_code == 200
    Invitation.objects.filter(user_id=first.id).update(expires_at=now() - timedelta(seconds=1))
    assert Client().get(newer).status_code == 410
    tenant = join(workspace, role="admin")
    User.objects.filter(id=tenant.id).update(password=make_password(None))
    assert Client().get(f"/setup/{make_setup_token(user_id=tenant.id, now=now())}/").status_code == 410
    assert Client().get("/setup/%00/").status_code in (404, 410)
