"""The cookie of a browser in which somebody signed in before. It proves that and nothing else."""

import secrets
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from zentra.core.crypto import keyed_digest

_SALT: Final = "zentra.device"
_MOST_ACCOUNTS: Final = 5
_SECONDS: Final = 180 * 86_400


def cookie_name() -> str:
    """Bound to our host where there is https."""
    return "__Host-zentra_device" if settings.SESSION_COOKIE_SECURE else "zentra_device"


def account_mark(email: str) -> str:
    """What stands for an account in keys and cookies: from it nobody reads the address."""
    return keyed_digest(b"account:" + email.strip().lower().encode()).hex()[:32]


def device_of(request: HttpRequest, *, email: str) -> str:
    """The device's number for this account; empty when the person never signed in here."""
    return _read(request).get(account_mark(email), "")


def remember_device(request: HttpRequest, answer: HttpResponseBase, *, email: str) -> None:
    """Have the browser keep that the person signed in here; with the number that it has, or a new one."""
    account, known = account_mark(email), _read(request)
    number = known.pop(account, "") or secrets.token_hex(16)
    kept = {account: number} | dict(list(known.items())[: _MOST_ACCOUNTS - 1])
    answer.set_cookie(
        cookie_name(),
        signing.dumps(kept, salt=_SALT),
        max_age=_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> dict[str, str]:
    try:
        found = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return {}
    return dict(found) if isinstance(found, dict) else {}
