"""ASGI composition root: HTTP through Django, the live socket through Channels."""

import asyncio
import json
import os
import re
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zentra.settings")

from django.core.asgi import get_asgi_application  # the settings must be named first

django = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  # Django must be set up first
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from console.live.routing import websocket_urlpatterns  # noqa: E402
from zentra.arrival.daphne import time_requests  # noqa: E402
from zentra.core import telemetry  # noqa: E402
from zentra.hardening import EARLY  # noqa: E402

time_requests()

LARGEST_BODY = 1024 * 1024
# A file to import is spooled to disk and read piece by piece; only for whoever shows a key at all.
LARGEST_IMPORT = 64 * 1024 * 1024
IMPORT_PATHS = frozenset(["/v1/ledger-imports", "/v1/reconciliation/imports"])
# The same from a page, for whoever shows a session. Lists of names are larger than books.
LARGEST_WATCHLIST = 128 * 1024 * 1024
PAGE_IMPORT_PATH = re.compile(r"/w/[^/]+/(ledger|reconciliation)/imports/start/")
PAGE_WATCHLIST_PATH = re.compile(r"/w/[^/]+/compliance/watchlists/[^/]+/import/")
# What a provider sends is refused by its length; one that declares none is not read beyond it.
LARGEST_CALLBACK = 64 * 1024
CALLBACK_PATH = re.compile(r"/v1/providers/[^/]+/callbacks")
_LONGEST_LENGTH = 15


async def http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Django behind two gates: no declared body beyond 1 MiB, 64 MiB for a file to import (128 for a watchlist), and
    no mount point of the client's choosing.

    Daphne takes ``Daphne-Root-Path`` from anybody; with it, the path that middleware sees is not the one that is
    routed.
    """
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not length.isdigit() or len(length) > _LONGEST_LENGTH or int(length) > _largest(scope):
        await _refuse_large(scope, send, _largest(scope))
        return
    is_callback = CALLBACK_PATH.fullmatch(scope["path"]) is not None
    most = LARGEST_CALLBACK if is_callback else _largest(scope)
    await django({**scope, "root_path": ""}, _bounded(receive, most), send)


async def _refuse_large(scope: dict[str, Any], send: Any, most: int) -> None:
    """Django is not asked, so its middleware names nothing: this does."""
    request_id, trace_id = _bind(scope)
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close"), *EARLY, *_named()]
    problem = {
        "type": "urn:zentra:problem:body_too_large",
        "title": "The body is too large",
        "status": 413,
        "detail": f"No body of more than {most // 1024**2} MiB is read here.",
        "code": "body_too_large",
        "retryable": False,
        "max_bytes": most,
        "request_id": request_id,
        "trace_id": trace_id,
    }
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})


def _bind(scope: dict[str, Any]) -> tuple[str, str]:
    said = {name: value.decode("latin-1") for name, value in scope["headers"]}
    return telemetry.bind_request(traceparent=said.get(b"traceparent"), client_request_id=said.get(b"x-request-id"))


def _named() -> list[tuple[bytes, bytes]]:
    """The ids of the request at hand, as headers."""
    ids = ((b"x-request-id", telemetry.request_id()), (b"zentra-trace-id", telemetry.trace_id()))
    return [(name, value.encode()) for name, value in ids if value]


def named_socket(application: Any) -> Any:
    """A socket's application, whose log lines, handshake and end carry the ids of the request that opened it.

    Daphne sends no headers with a handshake and no reason with an end; the log has the ids in any case.
    """

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        request_id, _ = _bind(scope)

        async def named(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.accept":
                message = {**message, "headers": [*(message.get("headers") or []), *_named()]}
            elif message["type"] == "websocket.close":
                message = {**message, "reason": message.get("reason") or request_id}
            await send(message)

        await application(scope, receive, named)

    return serve


def _bounded(receive: Any, most: int) -> Any:
    """The body without what comes after ``most`` bytes and one, for those that declare no length or a wrong one.

    One byte more than is allowed is enough to be refused as too large, and the rest is never kept.
    """
    left = most + 1

    async def bounded() -> dict[str, Any]:
        nonlocal left
        if left == 0:
            # Django listens for a disconnection meanwhile, and ends this when it has answered.
            await asyncio.Event().wait()
        message: dict[str, Any] = await receive()
        if message["type"] != "http.request":
            return message
        body = message.get("body", b"")[:left]
        left -= len(body)
        return {**message, "body": body, "more_body": message.get("more_body", False) and left > 0}

    return bounded


def _largest(scope: dict[str, Any]) -> int:
    path, shown = scope["path"], {name for name, _ in scope["headers"]}
    if path in IMPORT_PATHS and b"authorization" in shown:
        return LARGEST_IMPORT
    if b"cookie" not in shown:
        return LARGEST_BODY
    if PAGE_WATCHLIST_PATH.fullmatch(path):
        return LARGEST_WATCHLIST
    return LARGEST_IMPORT if PAGE_IMPORT_PATH.fullmatch(path) else LARGEST_BODY


application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": named_socket(AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))),
    }
)
