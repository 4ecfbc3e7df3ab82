"""Cross-origin calls of browsers (Fetch, section 3.2): off, but for the origins that ``ZENTRA_CORS_ORIGINS`` names.

A page may hold the token of one end user and nothing else, so only answers to those are shown to it, and refusals that
speak of nobody. A key's answer never is: a key in a browser is a key that leaked. No cookie is ever allowed with it,
and none would count: the API reads none.
"""

import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from zentra.api.auth.caller import Caller

GetResponse = Callable[[HttpRequest], HttpResponse]
_METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, Prefer, Traceparent, X-Request-Id, Zentra-Workspace"
_SHOWN: Final = (
    "Idempotent-Replayed, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Zentra-Trace-Id,"
    " Zentra-Version"
)
_MAX_AGE_SECONDS: Final = 600
_API: Final = re.compile(r"/v1(/|\Z)")


class CorsMiddleware:
    """Answers preflights of the named origins, and lets their pages read what is an end user's."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.ZENTRA_CORS_ORIGINS:
            raise MiddlewareNotUsed
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Say whom an answer under ``/v1`` may be shown to."""
        if not _API.match(request.path):
            return self._get_response(request)
        origin = request.headers.get("Origin", "")
        is_named = origin in settings.ZENTRA_CORS_ORIGINS
        if is_named and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            answer = HttpResponse(status=204)
            answer["Access-Control-Allow-Methods"] = _METHODS
            answer["Access-Control-Allow-Headers"] = _HEADERS
            answer["Access-Control-Max-Age"] = str(_MAX_AGE_SECONDS)
        else:
            answer = self._get_response(request)
            is_named = is_named and _may_be_shown(request, answer)
        if is_named:
            answer["Access-Control-Allow-Origin"] = origin
            answer["Access-Control-Expose-Headers"] = _SHOWN
        # Also where nothing is allowed: a cache must not show one origin what another one got.
        answer["Vary"] = f"{answer['Vary']}, Origin" if answer.has_header("Vary") else "Origin"
        return answer


def _may_be_shown(request: HttpRequest, answer: HttpResponse) -> bool:
    caller: Caller | None = getattr(request, "caller", None)
    if caller is None:
        return answer.status_code >= 400
    return caller.kind == "end_user"
