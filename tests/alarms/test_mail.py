"""Mail leaves once, is tried again when the server refuses, and is kept where there is no server."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from tests.alarms.desk import Post, after, alarms, clear_all, look, mail_to, notices, raise_one, send_due, told
from tests.ledger.book import at_once
from zentra.alarms.operations import claim_notices, finish_notice
from zentra.alarms.operations.notices import LEASE, RETRIES, Result
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.settings import parse_email_url


def test_what_a_mail_says(workspace: TenantRef, post: Post, settings: object) -> None:
    settings.ZENTRA_BASE_URL = "https://zentra.example.test"  # type: ignore[attr-defined]
    mail_to(workspace)
    alarm = raise_one(workspace, "EUR")

    send_due(workspace, at=16)

    [mail] = post.mails
    assert post.recipients == [["operator@example.test"]]
    assert mail["subject"] == f"[Zentra {workspace.slug}] Alarm: Sealing lags: EUR"
    assert mail["from"].addresses[0].addr_spec.startswith("zentra@")
    assert mail["auto-submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    assert "it is bad" in text
    assert "since      2026-04-01 09:30:00 UTC" in text
    assert "seconds  15" in text
    assert f"https://zentra.example.test/w/{workspace.slug}/alarms/{alarm.id}/" in text
    assert f"https://zentra.example.test/w/{workspace.slug}/runbooks/sealing-lag/" in text
    assert text.replace("\r\n", "\n").strip() == notices(workspace)[0].body.strip()
    assert told(workspace) == [("raised", "sent")]


def test_the_mails_of_an_alarm_are_one_thread(workspace: TenantRef, post: Post) -> None:
    mail_to(workspace)
    raise_one(workspace)
    send_due(workspace, at=16)
    look(workspace, "", at=3600)
    send_due(workspace, at=3601)
    clear_all(workspace, at=3605)
    send_due(workspace, at=3700)

    raised, reminder, cleared = post.mails
    assert [each["subject"].partition("] ")[2] for each in post.mails] == [
        "Alarm: Sealing lags", "Still open: Sealing lags", "Cleared: Sealing lags",
    ]  # fmt: skip
    assert reminder["in-reply-to"] == cleared["in-reply-to"] == raised["message-id"]
    assert len({each["message-id"] for each in post.mails}) == 3
    assert "It is good again" in cleared.get_content()


def test_a_mail_is_sent_once(workspace: TenantRef, post: Post) -> None:
    mail_to(workspace)
    raise_one(workspace)

    assert [send_due(workspace, at=at) for at in (16, 17, 4000)] == [1, 0, 0]
    assert len(post.mails) == 1


def test_without_a_server_everything_is_kept_and_shown(workspace: TenantRef, settings: object) -> None:
    settings.ZENTRA_EMAIL_URL = ""  # type: ignore[attr-defined]
    mail_to(workspace)
    raise_one(workspace)

    send_due(workspace, at=16)

    [kept] = notices(workspace)
    assert (kept.state, kept.target, kept.alarm_kind, kept.done_at) == (
        "kept", "operator@example.test", "sealing_lag", after(16),
    )  # fmt: skip
    assert "it is bad" in kept.body


def test_a_server_that_refuses_is_tried_again_with_growing_pauses(workspace: TenantRef, post: Post) -> None:
    post.refusals = ["451 try again later", "550 not you"]
    mail_to(workspace)
    raise_one(workspace)

    send_due(workspace, at=16)
    [failed] = notices(workspace)
    assert (failed.state, failed.attempts, failed.next_at) == ("queued", 1, after(26))
    assert "451" in failed.error
    assert send_due(workspace, at=25) == 0
    send_due(workspace, at=26)
    assert "550" in notices(workspace)[0].error
    send_due(workspace, at=56)

    [sent] = notices(workspace)
    assert (sent.state, sent.attempts, sent.error) == ("sent", 3, "")
    assert len(post.mails) == 1


def test_a_server_that_is_away_for_good_ends_in_a_failure_that_is_seen(workspace: TenantRef, settings: object) -> None:
    from zentra.embedded.ports import free_port

    settings.ZENTRA_EMAIL_URL = "smtp://127.0.0.1:9"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()  # type: ignore[attr-defined]
    settings.EMAIL_USE_TLS = False  # type: ignore[attr-defined]
    mail_to(workspace)
    raise_one(workspace)

    at = 16.0
    pauses = []
    while notices(workspace)[0].state == "queued":
        send_due(workspace, at=at)
        [notice] = notices(workspace)
        if notice.next_at is not None:
            pauses.append((notice.next_at - after(at)).total_seconds())
            at += pauses[-1]

    [failed] = notices(workspace)
    assert (failed.state, failed.attempts) == ("failed", len(RETRIES) + 1)
    assert "ConnectionRefused" in failed.error
    assert pauses == [each.total_seconds() for each in RETRIES]


def test_a_sender_that_died_between_claim_and_send_is_taken_over(workspace: TenantRef, post: Post) -> None:
    mail_to(workspace)
    raise_one(workspace)
    with tenant_work(workspace):
        [dead] = claim_notices(now=after(16))

    assert send_due(workspace, at=17) == 0
    send_due(workspace, at=16 + LEASE.total_seconds())

    assert len(post.mails) == 1
    [sent] = notices(workspace)
    assert (sent.state, sent.attempts) == ("sent", 2)
    with tenant_work(workspace):
        assert not finish_notice(claim=dead, result=Result("failed", "late"), now=after(200))
    assert notices(workspace) == [sent]


def test_a_sender_that_died_after_sending_sends_again_under_the_same_id(workspace: TenantRef, post: Post) -> None:
    mail_to(workspace)
    raise_one(workspace)
    send_due(workspace, at=16)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(  # as if the process had ended before it could write what came of it
            "UPDATE alarms_notice SET state = 'queued', next_at = %s, done_at = NULL, claim_id = gen_random_uuid(),"
            " claimed_until = %s",
            [after(16), after(16) + LEASE],
        )
    send_due(workspace, at=200)

    assert len(post.mails) == 2
    assert len({each["message-id"] for each in post.mails}) == 1


def test_two_processes_never_send_the_same(workspace: TenantRef, post: Post) -> None:
    for number in range(12):
        mail_to(workspace, f"operator{number}@example.test")
    raise_one(workspace)

    at_once([lambda: send_due(workspace, at=16)] * 4, threads=4)
    send_due(workspace, at=17)

    assert sorted(each for [each] in post.recipients) == sorted(f"operator{n}@example.test" for n in range(12))
    assert {each.state for each in notices(workspace)} == {"sent"}


def test_what_was_acknowledged_while_its_sender_was_dead_is_dropped(workspace: TenantRef, post: Post) -> None:
    mail_to(workspace)
    raise_one(workspace)
    with tenant_work(workspace):
        claim_notices(now=after(16))
    clear_all(workspace, at=20)
    assert [each.state for each in alarms(workspace)] == ["cleared"]

    send_due(workspace, at=300)

    assert told(workspace) == [("raised", "dropped"), ("cleared", "sent")]


@pytest.mark.parametrize("column", ["subject", "target"])
def test_a_line_break_in_a_header_is_refused_not_cleaned(column: str, workspace: TenantRef, post: Post) -> None:
    mail_to(workspace)
    raise_one(workspace)
    table = "alarms_notice" if column == "subject" else "alarms_channel"
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = 'x@example.test' || chr(10) || 'Bcc: everybody@example.test'")

    send_due(workspace, at=16)

    assert post.mails == []
    [refused] = notices(workspace)
    assert (refused.state, refused.attempts) == ("failed", 1)
    assert refused.error.startswith("refused: ")


def test_one_refused_mail_stops_no_other(workspace: TenantRef, post: Post) -> None:
    mail_to(workspace, "one@example.test")
    mail_to(workspace, "two@example.test")
    raise_one(workspace)
    post.refusals = ["550 no such person"]

    send_due(workspace, at=16)

    assert post.recipients == [["two@example.test"]]
    assert [each.state for each in notices(workspace)] == ["queued", "sent"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, "", "", "starttls")),
        ("smtp://u%40x:p%3Aw@mail:2525?tls=tls", ("mail", 2525, "u@x", "p:w", "tls")),
        ("smtp://mail?tls=tls", ("mail", 465, "", "", "tls")),
        ("smtp://127.0.0.1?tls=none", ("127.0.0.1", 25, "", "", "none")),
    ],
)
def test_the_mail_server_s_address(url: str, found: tuple[object, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENTRA_EMAIL_URL", url)

    assert tuple(parse_email_url("ZENTRA_EMAIL_URL").values()) == found


def test_no_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENTRA_EMAIL_URL", "")

    assert parse_email_url("ZENTRA_EMAIL_URL") == {}


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "https://mail/",
        "smtp://",
        "smtp://m:x",
        "smtp://m?tls=ssl",
        "smtp://m?starttls=1",
        "smtp://m/x",
    ],
)
def test_a_wrong_address_of_a_mail_server_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENTRA_EMAIL_URL", url)

    with pytest.raises(ImproperlyConfigured, match="ZENTRA_EMAIL_URL"):
        parse_email_url("ZENTRA_EMAIL_URL")
