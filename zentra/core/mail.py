"""Where mail leaves: a mail server, or files in a directory for a Zentra on somebody's own machine."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from zentra.core import clock, ids


def is_mail_sent() -> bool:
    """Whether mail leaves at all (``ZENTRA_EMAIL_URL``)."""
    return bool(settings.ZENTRA_EMAIL_URL)


def open_server() -> BaseEmailBackend:
    """A connection to the mail server; raises OSError or SMTPException. The caller closes it."""
    address = urlsplit(settings.ZENTRA_EMAIL_URL)
    if address.scheme == "file":
        return FileBackend(directory=Path(unquote(address.path)))
    server = get_connection(backend="django.core.mail.backends.smtp.EmailBackend", fail_silently=False)
    server.open()
    return server


class FileBackend(BaseEmailBackend):
    """Writes each mail as a file that only we may read: a mail may hold a link that is a way in."""

    def __init__(self, *, directory: Path) -> None:
        super().__init__(fail_silently=False)
        self._directory = directory

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write them; raises OSError."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            name = f"{clock.now():%Y%m%d-%H%M%S}-{ids.new_uuid().hex[-8:]}.eml"
            handle = os.open(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as written:
                written.write(message.message().as_bytes())
        return len(email_messages)
