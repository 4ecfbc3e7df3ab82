"""Looking, telling and sending inside a test, at moments of the test's own; a real SMTP server to send to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from django.db import connection

from zentra.alarms.kinds import KINDS
from zentra.alarms.operations import Looked, add_channel, take_look
from zentra.alarms.queries import list_alarms, list_sent
from zentra.alarms.types import AlarmRecord, CreatedChannel, Finding, NoticeRecord, Sight
from zentra.alarms.watch import Messenger
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

ADMIN = Actor(kind="user", id="usr_admin", role="admin")
OPERATOR = Actor(kind="user", id="usr_operator", role="operator")
FINANCE = Actor(kind="user", id="usr_finance", role="finance")
START = datetime.fromisoformat("2026-04-01T09:30:00Z")
KIND = "sealing_lag"


def after(seconds: float) -> datetime:
    """So many seconds after the start of the story."""
    return START + timedelta(seconds=seconds)


def look(
    ws: TenantRef, *subjects: str, at: float, kind: str = KIND, unsure: tuple[str, ...] = (), words: str = "it is bad"
) -> Looked | None:
    """One look at which these subjects are bad; a look that is not due yet is an error of the test."""
    sight = Sight(tuple(Finding(each, words, {"seconds": int(at)}) for each in subjects), frozenset(unsure))
    with tenant_work(ws):
        return take_look(kind=KINDS[kind], watcher=lambda _: sight, now=after(at))


def looks(ws: TenantRef, *subjects: str, since: float, until: float, kind: str = KIND) -> list[Looked]:
    """A look every five seconds, both ends included."""
    found = [look(ws, *subjects, at=at, kind=kind) for at in range(int(since), int(until) + 1, 5)]
    return [each for each in found if each is not None]


def raise_one(ws: TenantRef, subject: str = "", *, at: float = 0) -> AlarmRecord:
    """An alarm that was bad for long enough."""
    looks(ws, subject, since=at, until=at + 15)
    return next(each for each in alarms(ws, state="raised") if each.subject == subject)


def clear_all(ws: TenantRef, *, at: float) -> None:
    """Everything good for long enough."""
    looks(ws, since=at, until=at + 60)


def alarms(ws: TenantRef, **where: Any) -> list[AlarmRecord]:
    with tenant_work(ws):
        return list(list_alarms(**where).rows)


def notices(ws: TenantRef) -> list[NoticeRecord]:
    """Every message, the oldest first."""
    with tenant_work(ws):
        return list(reversed(list_sent(limit=1000).rows))


def told(ws: TenantRef) -> list[tuple[str, str]]:
    """(step, state) of every message, the oldest first."""
    return [(each.step, each.state) for each in notices(ws)]


def mail_to(ws: TenantRef, target: str = "operator@example.test", *, kinds: tuple[str, ...] = ("*",)) -> CreatedChannel:
    with tenant_work(ws):
        return add_channel(kind="mail", target=target, kinds=kinds, actor=ADMIN, now=START, who="on call")


def hook_to(ws: TenantRef, url: str, *, kinds: tuple[str, ...] = ("*",)) -> CreatedChannel:
    with tenant_work(ws):
        return add_channel(kind="webhook", target=url, kinds=kinds, actor=ADMIN, now=START)


def send_due(ws: TenantRef, *, at: float) -> int:
    """Send what is due in this workspace at a moment, as the watch process does."""
    with clock.frozen(after(at)):
        return Messenger()._send_due(ws)


def events(ws: TenantRef, name: str) -> list[dict[str, Any]]:
    """What was recorded under this type, the oldest first."""
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute("SELECT body FROM evidence_event WHERE type = %s ORDER BY id", [name])
        return [json.loads(bytes(row[0])) for row in cursor.fetchall()]


@dataclass
class Post:
    """A mail server: takes what it is given, or answers what ``refusals`` says, one a mail, first one first."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        """A whole mail is here."""
        if self.refusals:
            return self.refusals.pop(0)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(envelope.rcpt_tos)
        return "250 taken"


@contextmanager
def post_office(settings: Settings) -> Iterator[Post]:
    """A mail server on this machine, and Zentra configured to send by it."""
    from zentra.embedded.ports import free_port

    post = Post(port=free_port())
    controller = Controller(post, hostname="127.0.0.1", port=post.port)
    controller.start()
    settings.ZENTRA_EMAIL_URL = f"smtp://127.0.0.1:{post.port}?tls=none"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", post.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    try:
        yield post
    finally:
        controller.stop()
