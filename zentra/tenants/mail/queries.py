"""Reads of outgoing mail."""

from datetime import datetime

from django.db import connection

from zentra.core import ids
from zentra.tenants.mail.types import TITLES, MailRecord


def list_mail(*, limit: int = 50, before: tuple[datetime, str] | None = None, now: datetime) -> list[MailRecord]:
    """Outgoing mail of the whole installation, newest first; older than the mail (created_at, id) when given."""
    key = (before[0], ids.to_uuid(before[1], prefix="mail")) if before else (None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.id, m.to, m.kind, m.state, m.attempts, m.error, coalesce(w.slug, ''), m.created_at, m.sent_at,"
            " m.expires_at, m.sealed IS NOT NULL"
            " FROM public.tenants_outgoing_mail m LEFT JOIN public.tenants_workspace w ON w.id = m.workspace_id"
            " WHERE %s::timestamptz IS NULL OR (m.created_at, m.id) < (%s, %s::uuid)"
            " ORDER BY m.created_at DESC, m.id DESC LIMIT %s",
            [key[0], key[0], key[1], limit],
        )
        rows = cursor.fetchall()
    return [
        MailRecord(
            id=ids.to_public("mail", mail_id), to=to, kind=kind, title=TITLES.get(kind, kind), state=state,
            attempts=attempts, error=error, workspace=workspace, created_at=created_at, sent_at=sent_at,
            expires_at=expires_at,
            can_be_sent_again=state in ("kept", "failed") and has_text and not (expires_at and expires_at <= now),
        )
        for mail_id, to, kind, state, attempts, error, workspace, created_at, sent_at, expires_at, has_text in rows
    ]  # fmt: skip


def count_mail(*, since: datetime) -> dict[str, int]:
    """How many mails there are in each state, written since a moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM public.tenants_outgoing_mail WHERE created_at >= %s GROUP BY state", [since]
        )
        return dict(cursor.fetchall())
