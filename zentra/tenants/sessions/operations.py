"""Begin, follow and end sessions. What is ended is over with the next request, and open sockets are told at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.tenancy import in_tenant, tenant_work
from zentra.tenants.members.news import announce_person
from zentra.tenants.models import SignInSession
from zentra.tenants.queries import platform_ref
from zentra.tenants.sessions.types import EndReason

SEEN_EVERY: Final = timedelta(seconds=30)
"""How exactly it is known when a session was used last."""

MOST_BROWSER: Final = 300


class UnknownSession(DomainError):
    """The person has no open session of this id."""

    code = "unknown_session"
    status = 404
    title = "There is no such session"


def begin_session(
    *, user_id: str, session_key: str, address: str, browser: str, method: str, started_at: datetime, now: datetime
) -> str:
    """Know a session from now on; its id ``ses_…``. Of two requests that come first, both get the same."""
    SignInSession.objects.bulk_create(
        [
            SignInSession(
                id=ids.new_id("ses"), user_id=user_id, session_key=session_key, address=address or None,
                browser="".join(c for c in browser if c.isprintable())[:MOST_BROWSER], method=method,
                created_at=started_at, last_seen_at=now,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return str(SignInSession.objects.values_list("id", flat=True).get(session_key=session_key))


def see_session(*, session_id: str, now: datetime) -> None:
    """Keep when a session was used last. It waits for nobody: a row in use is passed by."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_sign_in_session SET last_seen_at = %s WHERE id = (SELECT id FROM"
            " public.tenants_sign_in_session WHERE id = %s AND last_seen_at < %s FOR NO KEY UPDATE SKIP LOCKED)",
            [now, ids.to_uuid(session_id, prefix="ses"), now],
        )


def follow_key(*, before: str, after: str) -> None:
    """The session has another key; it stays the same session."""
    SignInSession.objects.filter(session_key=before).update(session_key=after)


def end_session(*, user_id: str, session_id: str, reason: EndReason, actor: Actor, now: datetime) -> None:
    """End one session of a person, at once.

    Raises:
        UnknownSession: the person has no open session of this id.
    """
    try:
        found = _end(user_id=user_id, only=session_id, but="", reason=reason, actor=actor, now=now)
    except ids.BadId as error:
        raise UnknownSession from error
    if not found:
        raise UnknownSession


def end_sessions(*, user_id: str, but: str = "", reason: EndReason, actor: Actor, now: datetime) -> int:
    """End all sessions of a person, or all but one; how many there were. Repeating it is safe."""
    return _end(user_id=user_id, only="", but=but, reason=reason, actor=actor, now=now)


def forget_sessions(*, before: datetime) -> int:
    """Delete what is known of sessions that ended, or were used last, before a moment; how many there were."""
    return SignInSession.objects.filter(last_seen_at__lt=before).delete()[0]


def _end(*, user_id: str, only: str, but: str, reason: EndReason, actor: Actor, now: datetime) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE public.tenants_sign_in_session SET ended_at = %s, ended_by = %s, end_reason = %s"
                " WHERE user_id = %s AND ended_at IS NULL AND (%s::uuid IS NULL OR id = %s) AND id IS DISTINCT FROM %s"
                " RETURNING id, session_key",
                [
                    now, actor.id if actor.kind == "user" else "", reason, ids.to_uuid(user_id, prefix="usr"),
                    _uuid(only), _uuid(only), _uuid(but),
                ],
            )  # fmt: skip
            rows = cursor.fetchall()
            cursor.execute("DELETE FROM public.django_session WHERE session_key = ANY(%s)", [[key for _, key in rows]])
        if rows:
            announce_person(user_id=user_id)
            if reason != "signed_out":
                _record(user_id, [ids.to_public("ses", key) for key, _ in rows], reason, actor, now)
    return len(rows)


def _uuid(session_id: str) -> UUID | None:
    return ids.to_uuid(session_id, prefix="ses") if session_id else None


def _record(user_id: str, session_ids: Sequence[str], reason: str, actor: Actor, now: datetime) -> None:
    """In the workspace whose admin ended them, else in ``platform``: a session belongs to a person."""
    events = [
        NewEvent(type="session.ended", actor=actor, data={"user_id": user_id, "session_id": each, "reason": reason})
        for each in session_ids
    ]
    if in_tenant():
        record_events(events=events, now=now)
        return
    with tenant_work(platform_ref()):
        record_events(events=events, now=now)
