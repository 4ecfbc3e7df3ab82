"""Middleware of the frame: correlation on everything, and the console's session machinery only where it is needed.

The API and the health pages carry no cookie; sessions, CSRF, messages and account middleware would cost them queries
and time for nothing, and a cookie must never authenticate an API call.
"""

from collections.abc import Callable

import structlog
from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django_htmx.middleware import HtmxMiddleware

from zentra.core import telemetry
from zentra.tenants.sessions.requests import SessionMiddleware as SignInSessionMiddleware

GetResponse = Callable[[HttpRequest], HttpResponseBase]
BARE_PREFIXES = ("/v1/", "/.well-known/", "/healthz", "/readyz")


class CorrelationMiddleware:
    """A request id and a W3C trace id for each request, on its answer and every log line."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id, trace_id = telemetry.bind_request(
            traceparent=request.headers.get("traceparent"), client_request_id=request.headers.get("X-Request-Id")
        )
        response = self.get_response(request)
        response.headers["X-Request-Id"] = request_id
        response.headers["Zentra-Trace-Id"] = trace_id
        if not response.streaming:  # what is streamed is made after this, and may have something to log
            structlog.contextvars.clear_contextvars()
        return response


def _console_only(middleware: type) -> Callable[[GetResponse], GetResponse]:
    """The middleware for console pages; the API and health pages pass it by."""

    def factory(get_response: GetResponse) -> GetResponse:
        dressed: GetResponse = middleware(get_response)

        def handle(request: HttpRequest) -> HttpResponseBase:
            return get_response(request) if request.path.startswith(BARE_PREFIXES) else dressed(request)

        # Django looks for its hooks on the outermost callable.
        for hook in ("process_view", "process_exception"):
            if hasattr(dressed, hook):
                setattr(handle, hook, _unless_bare(getattr(dressed, hook)))
        return handle

    return factory


def _unless_bare(hook: Callable[..., HttpResponseBase | None]) -> Callable[..., HttpResponseBase | None]:
    def guarded(request: HttpRequest, *args: object) -> HttpResponseBase | None:
        return None if request.path.startswith(BARE_PREFIXES) else hook(request, *args)

    return guarded


csp = _console_only(CSPMiddleware)
session = _console_only(SessionMiddleware)
csrf = _console_only(CsrfViewMiddleware)
auth = _console_only(AuthenticationMiddleware)
sign_in_session = _console_only(SignInSessionMiddleware)
messages = _console_only(MessageMiddleware)
htmx = _console_only(HtmxMiddleware)
