"""Sessions as a request has them: known from the sign-in, seen at each, ended by their limits, their key changed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from allauth.account.internal.flows.login import get_authentication_records
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.addresses import client_address
from zentra.tenants.sessions.operations import SEEN_EVERY, UnknownSession, begin_session, end_session, follow_key
from zentra.tenants.sessions.operations import see_session as see
from zentra.tenants.sessions.queries import find_by_key
from zentra.tenants.sessions.types import EndReason

_BACKGROUND: Final = "Zentra-Background"
"""A page's own script says it with what nobody clicked: such a request keeps no idle session open."""

_ATTRIBUTE: Final = "_zentra_session"


class SessionMiddleware:
    """Holds the limits of sessions; stands right behind the middleware that says who the person is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            self._watch(request)
        return self.get_response(request)

    def _watch(self, request: HttpRequest) -> None:
        now, key = clock.now(), request.session.session_key or ""
        found = find_by_key(session_key=key)
        if found is None:  # it began before sessions were known from the sign-in on
            _begin(request, request.user, key, now)
            found = find_by_key(session_key=key)
        if found is None:
            logout(request)
            return
        over = found.over(now)
        if found.has_ended or over or found.user_id != str(request.user.pk):
            if over and not found.has_ended:
                _end_quietly(found.user_id, found.id, over, now)
            logout(request)
            return
        setattr(request, _ATTRIBUTE, found.id)
        if now - found.last_seen_at >= SEEN_EVERY and request.headers.get(_BACKGROUND) is None:
            see(session_id=found.id, now=now)


def session_of(request: HttpRequest) -> str:
    """The id ``ses_…`` of the session of a request; empty when nobody is signed in."""
    return str(getattr(request, _ATTRIBUTE, ""))


def rotate_key(request: HttpRequest) -> None:
    """Give the session another key, as whenever somebody proved more: a key that was known before is worth nothing.

    OWASP ASVS 5, 7.2.4. The session stays the same one.
    """
    before = request.session.session_key
    request.session.cycle_key()
    after = request.session.session_key
    if before and after:
        follow_key(before=before, after=after)


def sign_out(request: HttpRequest, *, now: datetime) -> None:
    """End the session of a request, its open pages too."""
    session_id = session_of(request)
    if session_id:
        _end_quietly(str(request.user.pk), session_id, "signed_out", now)
    logout(request)


def begin_at_sign_in(*, request: HttpRequest | None, user: Any, **_: object) -> None:
    """Know a session from the sign-in on, so that it can be ended, and is limited, before it was ever used."""
    if request is None or getattr(request, "session", None) is None:
        return
    if not request.session.session_key:
        request.session.save()
    key = request.session.session_key or ""
    setattr(request, _ATTRIBUTE, _begin(request, user, key, clock.now()))


def _begin(request: HttpRequest, user: Any, key: str, now: datetime) -> str:
    records = get_authentication_records(request, user)
    started = min((float(each["at"]) for each in records), default=now.timestamp())
    return begin_session(
        user_id=str(user.pk),
        session_key=key,
        address=client_address(request),
        browser=request.headers.get("User-Agent", ""),
        method=_method(records),
        started_at=min(now, datetime.fromtimestamp(started, UTC)),
        now=now,
    )


def _method(records: list[dict[str, object]]) -> str:
    """By what they signed in: the strongest that was proved."""
    types = [str(each.get("type")) for each in records if each.get("method") == "mfa"]
    if "webauthn" in types:
        return "passkey"
    return types[0] if types else "password"


def _end_quietly(user_id: str, session_id: str, reason: EndReason, now: datetime) -> None:
    try:
        actor = Actor("user", user_id, "none")
        end_session(user_id=user_id, session_id=session_id, reason=reason, actor=actor, now=now)
    except UnknownSession:
        return  # somebody was faster
