"""Mail to people is written with what it tells of, leaves once, and is kept where no mail server is."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from tests.alarms.desk import Post, post_office
from tests.ledger.book import at_once
from tests.recorded import platform_events
from zentra.core import clock, ids, mail
from zentra.settings import parse_email_url
from zentra.tenants.mail.operations import PAUSES, MailNotKept, deliver_mail, queue_mail, send_again
from zentra.tenants.mail.queries import count_mail, list_mail
from zentra.tenants.models import OutgoingMail

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

LINK = "https://zentra.example.test/welcome/x/TheSecretOfTheLink/"


def write(**values: Any) -> str:
    given = {"workspace": "Northwind", "role": "finance", "inviter": "Maria", "until": "tomorrow", "link_url": LINK}
    return queue_mail(
        to=values.pop("to", f"{ids.new_id('usr')}@example.test"),
        kind="invitation",
        values=given | values.pop("values", {}),
        now=clock.now(),
        **values,
    )


def state(mail_id: str) -> str:
    return str(OutgoingMail.objects.get(id=mail_id).state)


def test_what_an_invitation_says(post: Post) -> None:
    mail_id = write(to="maria@example.test")
    assert deliver_mail(mail_id=mail_id, now=clock.now()) is None
    [found] = post.mails
    assert post.recipients == [["maria@example.test"]]
    assert found["subject"] == "You are invited to Northwind in Zentra"
    assert found.get_content_type() == "text/plain"
    assert mail_id in found["message-id"]
    assert LINK in found.get_content()
    assert state(mail_id) == "sent"


def test_the_text_is_encrypted_and_is_wiped_when_it_was_sent(post: Post) -> None:
    mail_id = write()
    assert b"TheSecretOfTheLink" not in bytes(OutgoingMail.objects.get(id=mail_id).sealed or b"")
    deliver_mail(mail_id=mail_id, now=clock.now())
    assert OutgoingMail.objects.get(id=mail_id).sealed is None


def test_a_name_begins_neither_a_header_nor_a_line(post: Post) -> None:
    mail_id = write(values={"workspace": "North\r\nBcc: thief@example.test\r\n\r\nwind", "inviter": "<b>M</b>\u2028x"})
    deliver_mail(mail_id=mail_id, now=clock.now())
    [found] = post.mails
    assert found["bcc"] is None
    assert found["subject"].startswith("You are invited to North Bcc: thief@example.test wind")
    assert "<b>M</b> x gave you" in found.get_content()


def test_a_mail_leaves_once(post: Post) -> None:
    mail_id = write()
    deliver_mail(mail_id=mail_id, now=clock.now())
    assert deliver_mail(mail_id=mail_id, now=clock.now()) is None
    assert len(post.mails) == 1


def test_what_is_undone_is_not_mailed(post: Post) -> None:
    with transaction.atomic():
        mail_id = write()
        transaction.set_rollback(True)
    assert not OutgoingMail.objects.filter(id=mail_id).exists()


def test_a_server_that_refuses_is_tried_again_with_growing_pauses_and_then_given_up(post: Post) -> None:
    post.refusals = ["451 later"] * (len(PAUSES) + 1)
    now, mail_id = clock.now(), write()
    pauses = []
    while (again := deliver_mail(mail_id=mail_id, now=now)) is not None:
        pauses.append(again - now)
        now = again
    assert tuple(pauses) == PAUSES
    assert state(mail_id) == "failed"
    [kept] = [each for each in list_mail(limit=5, now=now) if each.id == mail_id]
    assert (kept.error, kept.can_be_sent_again) == ("the mail server answered 451", True)
    [event] = platform_events("mail.failed", mail_id=mail_id)
    assert event["data"] == {"mail_id": mail_id, "kind": "invitation", "attempts": len(PAUSES) + 1}


def test_without_a_server_it_is_kept_and_can_be_sent_later(settings: Any, database: None) -> None:
    settings.ZENTRA_EMAIL_URL = ""
    mail_id = write()
    assert deliver_mail(mail_id=mail_id, now=clock.now()) is None
    assert state(mail_id) == "kept"
    assert count_mail(since=clock.now() - timedelta(minutes=1))["kept"] >= 1
    with post_office(settings) as post:
        answers = at_once([partial(send_again, mail_id=mail_id, now=clock.now())] * 4, threads=4)
        assert sum(isinstance(each, MailNotKept) for each in answers) == 3
        deliver_mail(mail_id=mail_id, now=clock.now())
        assert len(post.mails) == 1


def test_a_mail_whose_link_has_ended_is_not_sent(post: Post) -> None:
    now = clock.now()
    mail_id = write(expires_at=now + timedelta(hours=1))
    deliver_mail(mail_id=mail_id, now=now + timedelta(hours=1))
    assert state(mail_id) == "expired"
    assert post.mails == []
    with pytest.raises(MailNotKept):
        send_again(mail_id=mail_id, now=now)


def test_the_list_never_has_what_a_mail_says(database: None, workspace: TenantRef) -> None:
    mail_id = write(workspace_id=workspace.id)
    found = list_mail(limit=1, now=clock.now())
    assert [(each.id, each.workspace, each.title) for each in found] == [(mail_id, workspace.slug, "Invitation")]
    assert "TheSecretOfTheLink" not in repr(found)
    assert mail_id not in [
        each.id for each in list_mail(limit=9, before=(found[0].created_at, mail_id), now=clock.now())
    ]


def test_mails_become_files_that_only_we_may_read(settings: Any, database: None, tmp_path: Path) -> None:
    settings.ZENTRA_EMAIL_URL = f"file://{tmp_path}/my%20mail"
    for _ in range(2):
        deliver_mail(mail_id=write(), now=clock.now())
    files = sorted((tmp_path / "my mail").glob("*.eml"))
    assert len(files) == 2
    assert {oct(each.stat().st_mode)[-3:] for each in files} == {"600"}
    assert oct(files[0].parent.stat().st_mode)[-3:] == "700"
    assert "TheSecretOfTheLink" in files[0].read_text()
    assert mail.is_mail_sent()


def test_the_address_of_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.exceptions import ImproperlyConfigured

    monkeypatch.setenv("ZENTRA_EMAIL_URL", "file:///var/mail")
    assert parse_email_url("ZENTRA_EMAIL_URL") == {}
    for wrong in ("file://mail", "file:///", "file:///x?tls=none"):
        monkeypatch.setenv("ZENTRA_EMAIL_URL", wrong)
        with pytest.raises(ImproperlyConfigured):
            parse_email_url("ZENTRA_EMAIL_URL")
