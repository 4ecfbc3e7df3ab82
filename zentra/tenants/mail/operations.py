"""Write a mail to a person, and send what was written."""

import json
import smtplib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import actors, crypto, ids
from zentra.core.errors import DomainError
from zentra.core.mail import is_mail_sent, open_server
from zentra.core.queue import enqueue
from zentra.core.tenancy import tenant_work
from zentra.tenants.mail.types import Kind
from zentra.tenants.mail.writing import write_mail
from zentra.tenants.models import OutgoingMail
from zentra.tenants.queries import platform_ref

WORK: Final = "tenants.mail"
PAUSES: Final = tuple(timedelta(seconds=each) for each in (15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600))
"""After each failure until the next try; with the last of them it has failed."""

_MOST_ERROR: Final = 200


class MailNotKept(DomainError):
    """The mail was sent, has expired, or waits to be sent by itself."""

    code = "mail_not_kept"
    status = 409
    title = "This mail is not one to send again"


def queue_mail(
    *,
    to: str,
    kind: Kind,
    values: Mapping[str, str],
    now: datetime,
    workspace_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Write a mail in the caller's transaction; a worker sends it after the commit. Returns its id ``mail_…``.

    Values whose name ends with ``_url`` are links and taken as they are; ``expires_at`` says until when they work.
    """
    subject, text = write_mail(kind=kind, values=values)
    mail_id = ids.new_id("mail")
    OutgoingMail.objects.create(
        id=mail_id, to=to, kind=kind, sealed=_seal(subject, text), workspace_id=workspace_id, created_at=now,
        expires_at=expires_at,
    )  # fmt: skip
    enqueue(workspace_id=platform_ref().id, kind=WORK, ref=mail_id, due_at=now, priority=3)
    return mail_id


def send_again(*, mail_id: str, now: datetime) -> None:
    """Have a mail that was kept or failed sent after all.

    Raises:
        MailNotKept: it was sent, it expired, or it is on its way.
    """
    with transaction.atomic():
        changed = OutgoingMail.objects.filter(
            id=mail_id, state__in=("kept", "failed"), sealed__isnull=False
        ).exclude(expires_at__lte=now).update(state="waiting", attempts=0, error="")  # fmt: skip
        if changed != 1:
            raise MailNotKept
        enqueue(workspace_id=platform_ref().id, kind=WORK, ref=mail_id, due_at=now, priority=3)


def deliver_mail(*, mail_id: str, now: datetime) -> datetime | None:
    """Send a mail once, outside any transaction; returns when to try again, None when there is nothing left to do.

    A worker that dies between the mail server's answer and our record sends it twice, under one Message-ID.
    """
    mail = OutgoingMail.objects.filter(id=mail_id, state="waiting").first()
    if mail is None or mail.sealed is None:
        return None
    if mail.expires_at is not None and mail.expires_at <= now:
        _finish(mail, "expired", now, sealed=None)
        return None
    if not is_mail_sent():
        _finish(mail, "kept", now, sealed=bytes(mail.sealed))
        return None
    error, is_final = _send(mail, bytes(mail.sealed))
    if not error:
        _finish(mail, "sent", now, sealed=None)
        return None
    mail.attempts += 1
    mail.error = error[:_MOST_ERROR]
    if is_final or mail.attempts > len(PAUSES):
        _finish(mail, "failed", now, sealed=bytes(mail.sealed))
        return None
    OutgoingMail.objects.filter(id=mail.id, state="waiting").update(attempts=mail.attempts, error=mail.error)
    return now + PAUSES[mail.attempts - 1]


def forget_mail(*, before: datetime) -> int:
    """Delete mails written before a moment, whose text goes with them. Returns how many went."""
    return OutgoingMail.objects.filter(created_at__lt=before).delete()[0]


def _seal(subject: str, text: str) -> bytes:
    return crypto.encrypt(json.dumps([subject, text]).encode())


def _send(mail: OutgoingMail, sealed: bytes) -> tuple[str, bool]:
    """What went wrong, empty when nothing did, and whether trying again is of no use."""
    subject, text = json.loads(crypto.decrypt(sealed))
    host = urlsplit(settings.ZENTRA_BASE_URL).hostname or "localhost"
    message = EmailMessage(
        subject=subject,
        body=text,
        from_email=settings.ZENTRA_EMAIL_FROM,
        to=[mail.to],
        headers={"Message-ID": f"<{mail.id}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        server = open_server()
        try:
            server.send_messages([message])
        finally:
            server.close()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _said in error.recipients.values()]
        return f"the mail server refused the recipient ({codes[0] if codes else '?'})", all(c >= 500 for c in codes)
    except smtplib.SMTPResponseException as error:
        return f"the mail server answered {error.smtp_code}", False
    except (smtplib.SMTPException, OSError) as error:
        return f"the mail server could not be reached: {type(error).__name__}", False
    except (ValueError, UnicodeError) as error:
        return f"the mail could not be written: {type(error).__name__}", True
    return "", False


def _finish(mail: OutgoingMail, state: str, now: datetime, *, sealed: bytes | None) -> None:
    with tenant_work(platform_ref()):
        changed = OutgoingMail.objects.filter(id=mail.id, state="waiting").update(
            state=state, sealed=sealed, attempts=mail.attempts, error=mail.error if state == "failed" else "",
            sent_at=now if state == "sent" else None,
        )  # fmt: skip
        if changed and state != "kept":
            data: dict[str, object] = {"mail_id": mail.id, "kind": mail.kind, "attempts": mail.attempts}
            record_events(events=[NewEvent(type=f"mail.{state}", actor=actors.RUNTIME, data=data)], now=now)
