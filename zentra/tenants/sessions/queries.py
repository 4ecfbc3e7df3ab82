"""Reads of sessions."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.tenants.configuration.table import BY_NAME
from zentra.tenants.sessions.types import KnownSession, SessionRecord

_IDLE: Final = int(BY_NAME["idle_minutes"].default)
_HOURS: Final = int(BY_NAME["session_hours"].default)

# A workspace counts once the person was in it: to be given a role somewhere changes nothing for them.
_KNOWN: Final = f"""
    SELECT s.id, s.user_id, s.created_at, s.last_seen_at, s.ended_at IS NOT NULL,
           coalesce(min(coalesce((w.settings ->> 'idle_minutes')::int, {_IDLE})), {_IDLE}),
           coalesce(min(coalesce((w.settings ->> 'session_hours')::int, {_HOURS})), {_HOURS})
      FROM public.tenants_sign_in_session s
      LEFT JOIN public.tenants_membership m ON m.user_id = s.user_id AND m.last_seen_at IS NOT NULL
      LEFT JOIN public.tenants_workspace w ON w.id = m.workspace_id AND w.state = 'active'
     WHERE {{condition}} GROUP BY s.id
"""  # noqa: S608  # constant numbers


def find_by_key(*, session_key: str) -> KnownSession | None:
    """The session of a key of Django's, whether it goes on or has ended; None for one that is not known yet."""
    return _one(_KNOWN.format(condition="s.session_key = %s"), session_key)


def is_session_open(*, session_id: str, now: datetime) -> bool:
    """Whether a session goes on: nobody ended it and it is under its limits."""
    found = _one(_KNOWN.format(condition="s.id = %s"), ids.to_uuid(session_id, prefix="ses"))
    return found is not None and not found.has_ended and not found.over(now)


def list_sessions(*, user_id: str) -> list[SessionRecord]:
    """A person's open sessions, the one used last first; none whose key no browser has any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, coalesce(host(s.address), ''), s.browser, s.method, s.created_at, s.last_seen_at"
            " FROM public.tenants_sign_in_session s JOIN public.django_session d ON d.session_key = s.session_key"
            " WHERE s.user_id = %s AND s.ended_at IS NULL ORDER BY s.last_seen_at DESC, s.id DESC LIMIT 200",
            [ids.to_uuid(user_id, prefix="usr")],
        )
        return [SessionRecord(ids.to_public("ses", key), *rest) for key, *rest in cursor.fetchall()]


def are_sessions_of(*, workspace_id: UUID, user_id: str) -> bool:
    """Whether a person's sessions are a workspace's affair: they were in it, and in no other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(workspace_id) FROM public.tenants_membership"
            " WHERE user_id = %s AND last_seen_at IS NOT NULL",
            [ids.to_uuid(user_id, prefix="usr")],
        )
        return bool(cursor.fetchone()[0] == [workspace_id])


def _one(query: str, value: Any) -> KnownSession | None:
    with connection.cursor() as cursor:
        cursor.execute(query, [value])
        row = cursor.fetchone()
    if row is None:
        return None
    key, user_id, created_at, last_seen_at, has_ended, idle, hours = row
    return KnownSession(
        id=ids.to_public("ses", key), user_id=ids.to_public("usr", user_id), created_at=created_at,
        last_seen_at=last_seen_at, has_ended=has_ended, idle=timedelta(minutes=idle), longest=timedelta(hours=hours),
    )  # fmt: skip
