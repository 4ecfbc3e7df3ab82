"""What every answer under ``/v1`` carries, and that each refusal is a problem, whoever made it.

Placed right inside ``CorrelationMiddleware``, which bound the ids. Synchronous on purpose: under ASGI the whole chain
below then runs in one thread, with one hop.
"""

from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from zentra.api import problems
from zentra.core import telemetry
from zentra.core.errors import DomainError
from zentra.core.tenancy import limited_statements

VERSION: Final = "v2026.04"

log = structlog.get_logger(__name__)


class TlsRequired(DomainError):
    """The request came in clear to an installation that speaks TLS. Its credential was readable on the way."""

    code = "tls_required"
    status = 403
    title = "The API is answered over TLS only"


class ApiMiddleware:
    """Trace context and version on each API answer; error pages become problems."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Dress an API answer; leave every other one alone."""
        if not (request.path.startswith("/v1/") or request.path == "/v1"):
            return self._get_response(request)
        with limited_statements(settings.ZENTRA_API_STATEMENT_MS):
            answer = _refuse_plain(request) or _refuse_nul(request) or _as_problem(self._get_response(request))
        trace_id = telemetry.trace_id()
        if trace_id is not None:
            answer["traceparent"] = telemetry.format_traceparent(trace_id)
        answer["Zentra-Version"] = VERSION
        for name, value in getattr(request, "rate_headers", {}).items():
            answer[name] = value
        if not answer.has_header("Cache-Control"):
            answer["Cache-Control"] = "no-store"
        return answer


def _refuse_plain(request: HttpRequest) -> HttpResponse | None:
    """No redirect: a client that sends its key in clear would never notice that it does."""
    if not settings.SECURE_SSL_REDIRECT or request.is_secure():
        return None
    log.warning("api.request_in_clear", path=request.path)
    return problems.problem_response(TlsRequired("Send it to https://, and replace the credential that it carried."))


def _refuse_nul(request: HttpRequest) -> HttpResponse | None:
    """No address of ours holds a NUL, and PostgreSQL takes none: refused here, not by a failing query."""
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        return problems.problem_response(problems.BadRequest("The address holds a NUL."))
    return None


def _as_problem(answer: HttpResponse) -> HttpResponse:
    """The answer, or the problem that stands for an error page of Django's."""
    if answer.status_code < 400 or answer.get("Content-Type", "").startswith(problems.CONTENT_TYPE):
        return answer
    if getattr(answer, "is_oauth", False):
        return answer  # RFC 6749 has a form of its own
    return problems.status_response(answer.status_code, allow=answer.get("Allow"))
