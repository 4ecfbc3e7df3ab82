"""Plain text mail over SMTP, through Django's own backend; without a server it is kept and shown by a page."""

import smtplib
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import BadHeaderError

from zentra.alarms.messages import UnsafeHeader, check_header
from zentra.alarms.operations.notices import Claim, Result
from zentra.core.mail import is_mail_sent, open_server

__all__ = ["is_mail_sent", "message_id", "open_server", "send_mail"]


def send_mail(*, claim: Claim, server: BaseEmailBackend) -> Result:
    """Send one mail; every failure is a result, none is an exception."""
    try:
        sent = server.send_messages([_message(claim)])
    except (UnsafeHeader, BadHeaderError, UnicodeError) as error:
        # It will never be better: what cannot be a header is refused, not cleaned.
        return Result("failed", f"refused: {error}", is_final=True)
    except (smtplib.SMTPException, OSError) as error:
        return Result("failed", _reason(error))
    return Result("sent") if sent else Result("failed", "the mail server took nothing")


def message_id(claim: Claim, *, step: str) -> str:
    """The same at every try, so that a mail that comes twice is seen to be one; the steps of an alarm are a thread."""
    host = urlsplit(settings.ZENTRA_BASE_URL).hostname or "localhost"
    name = f"{claim.alarm_id}.{step}.{claim.channel_id}" if claim.alarm_id else claim.notice_id
    return f"<{name}@{host}>"


def _message(claim: Claim) -> EmailMessage:
    headers = {"Message-ID": message_id(claim, step=claim.step), "Auto-Submitted": "auto-generated"}
    if claim.alarm_id and claim.step != "raised":
        headers["In-Reply-To"] = headers["References"] = message_id(claim, step="raised")
    return EmailMessage(
        subject=check_header(claim.subject),
        body=claim.body,
        from_email=settings.ZENTRA_EMAIL_FROM,
        to=[check_header(claim.target)],
        headers=headers,
    )


def _reason(error: Exception) -> str:
    """One line that an operator can act on; what the server said, in its own words."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said: Sequence[tuple[int, bytes]] = list(error.recipients.values())
        return "; ".join(f"{code} {text.decode('utf-8', 'replace')}" for code, text in said)
    return f"{type(error).__name__}: {error}"
