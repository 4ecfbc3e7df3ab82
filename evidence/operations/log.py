"""The log of a workspace: its origin, its key, and the lock under which it grows."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from evidence.verifier.note import Signer
from zentra.core import crypto
from zentra.core.errors import DomainError
from zentra.core.tenancy import current_tenant


class NoLog(DomainError):
    """The workspace has no evidence log yet; the sealer makes one on its first round."""

    code = "no_evidence_log"
    status = 503
    title = "The evidence log of this workspace is not there yet"
    retryable = True
    retry_after = 2


def ensure_log(*, now: datetime) -> str:
    """Make the workspace's log with a fresh key when it has none; returns its note verifier key.

    A workspace is made with it, so that its key can be told; the sealer makes it where it is still missing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT verifier_key FROM evidence_log WHERE id = 1")
        row = cursor.fetchone()
        if row is None:
            signer = Signer.generate(_origin(current_tenant().slug))
            cursor.execute(
                "INSERT INTO evidence_log (id, origin, verifier_key, signing_key, created_at)"
                " VALUES (1, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [signer.name, str(signer.verifier), crypto.encrypt(signer.seed), now],
            )
            cursor.execute("SELECT verifier_key FROM evidence_log WHERE id = 1")
            row = cursor.fetchone()
    return str(row[0])


def lock_log() -> None:
    """Let nobody else grow or sign this log until the transaction ends; raises NoLog.

    A statement of its own: what is read after it sees everything that the previous holder committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM evidence_log WHERE id = 1 FOR UPDATE")
        if cursor.fetchone() is None:
            raise NoLog


def read_signer() -> Signer:
    """The log's signing key; raises NoLog, UnreadableSecret."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT origin, signing_key FROM evidence_log WHERE id = 1")
        row = cursor.fetchone()
    if row is None:
        raise NoLog
    return Signer(name=row[0], seed=crypto.decrypt(row[1]))


def _origin(slug: str) -> str:
    """``host/workspace``: a schema-less URL as C2SP recommends. The verifier reads the workspace from its last part."""
    return f"{urlsplit(settings.ZENTRA_BASE_URL).hostname or 'localhost'}/{slug}"
