"""Outgoing mail and sign-in, as the platform's staff see them: never a link, a body or what was typed."""

from __future__ import annotations

import uuid
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from tests.people import Person, join
from zentra.core import crypto, ids
from zentra.core.clock import now
from zentra.tenants.models import OutgoingMail
from zentra.tenants.queries import platform_ref

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "https://zentra.example/welcome/usr_x/a-way-in/"


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def chief(database: None) -> Person:
    return join(platform_ref(), role="platform_admin")


@pytest.fixture
def browser(chief: Person) -> Client:
    return chief.sign_in(Client())


@pytest.fixture
def failed(database: None) -> Iterator[OutgoingMail]:
    mail = OutgoingMail.objects.create(
        id=ids.new_id("mail"), to=f"{uuid.uuid4().hex[:6]}@example.test", kind="invitation", created_at=now(),
        sealed=crypto.encrypt(f"Subject\n{SECRET}".encode()), state="failed", attempts=5, error="550 no such mailbox",
    )  # fmt: skip
    yield mail
    mail.delete()


def test_mail_is_listed_without_what_it_says(browser: Client, failed: OutgoingMail) -> None:
    page = text_of(browser.get("/platform/mail/"))
    for said in (failed.to, "Invitation", "failed", "550 no such mailbox", "Send again"):
        assert said in page
    assert "a-way-in" not in page


def test_a_mail_that_failed_is_sent_again_once(browser: Client, failed: OutgoingMail) -> None:
    form = {"idempotency_key": str(uuid.uuid4())}
    for _ in range(2):
        assert browser.post(f"/platform/mail/{failed.id}/send/", form).status_code == 302
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == ("waiting", 0)
    browser.post(f"/platform/mail/{failed.id}/send/", {"idempotency_key": str(uuid.uuid4())})
    assert 'class="banner t-review"' in text_of(browser.get("/platform/mail/"))
    browser.post("/platform/mail/mail_nonsense/send/", {"idempotency_key": str(uuid.uuid4())})
    assert 'class="banner t-review"' in text_of(browser.get("/platform/mail/"))


def test_who_does_not_manage_workspaces_sees_no_mail(database: None, failed: OutgoingMail) -> None:
    helper = join(platform_ref(), role="platform_support").sign_in(Client())
    assert helper.get("/platform/mail/").status_code == 403
    assert helper.post(f"/platform/mail/{failed.id}/send/").status_code == 403
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_failed_sign_ins_stand_on_their_page_without_what_was_typed(database: None) -> None:
    Client().post("/sign-in/", {"login": "who.am.i@example.test", "password": "wrong and secret"})
    helper = join(platform_ref(), role="platform_support").sign_in(Client())
    page = text_of(helper.get("/platform/sign-ins/"))
    assert "sign_in.failed" in page
    for typed in ("who.am.i", "wrong and secret"):
        assert typed not in page
    narrowed = text_of(helper.get("/platform/sign-ins/?about=second+factors"))
    assert "<code>sign_in.failed</code>" not in narrowed
    assert helper.get("/platform/sign-ins/?about=nonsense&before=nonsense").status_code == 200
