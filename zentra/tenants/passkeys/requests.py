"""What was asked of a browser is kept in its session until the answer comes: once, for five minutes, per purpose."""

import json
from datetime import datetime
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from zentra.tenants.passkeys.errors import PasskeyRefused
from zentra.tenants.passkeys.operations import add_passkey, ask_for_known, ask_for_new, use_passkey
from zentra.tenants.passkeys.types import Purpose

FIELD: Final = "passkey"
_KEY: Final = "zentra.passkey"
_SECONDS: Final = 300
_MOST_ANSWER: Final = 32_000


def ask(request: HttpRequest, *, purpose: Purpose, user_id: str, now: datetime) -> dict[str, Any]:
    """The options for the browser; raises TooManyPasskeys."""
    asked = ask_for_new(user_id=user_id) if purpose == "add" else ask_for_known(user_id=user_id)
    waiting = request.session.get(_KEY, {})
    request.session[_KEY] = {**waiting, purpose: {**asked.state, "at": now.timestamp(), "user_id": user_id}}
    return asked.options


def add_answered(request: HttpRequest, *, name: str, now: datetime) -> Authenticator:
    """Keep the passkey of the form's answer; raises PasskeyRefused, TooManyPasskeys."""
    user_id = str(request.user.pk)
    state = _take_state(request, "add", user_id, now)
    return add_passkey(user_id=user_id, name=name, state=state, answer=_answer(request, FIELD), now=now)


def use_answered(
    request: HttpRequest, *, purpose: Purpose, user_id: str, now: datetime, field: str = FIELD
) -> Authenticator:
    """Take the form's answer; raises PasskeyRefused, PasskeyCopied. A challenge is good for one answer."""
    state = _take_state(request, purpose, user_id, now)
    return use_passkey(user_id=user_id, state=state, answer=_answer(request, field), now=now)


def _take_state(request: HttpRequest, purpose: Purpose, user_id: str, now: datetime) -> dict[str, Any]:
    waiting = dict(request.session.get(_KEY, {}))
    state = waiting.pop(purpose, None)
    if state is None:
        raise PasskeyRefused("It was not asked for, or was answered already.")
    request.session[_KEY] = waiting
    request.session.save()  # whatever becomes of the request, this challenge was used
    if state.pop("user_id") != user_id or not 0 <= now.timestamp() - state.pop("at") < _SECONDS:
        raise PasskeyRefused("That took too long. Try again.")
    return dict(state)


def _answer(request: HttpRequest, field: str) -> dict[str, Any]:
    text = request.POST.get(field, "")
    try:
        answer = json.loads(text) if len(text) <= _MOST_ANSWER else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise PasskeyRefused
    return answer
