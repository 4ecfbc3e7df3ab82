"""``/providers/{rail}/callbacks``: what rails send us. A provider has no key; its signature proves the raw bytes."""

import math
import re
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from ninja import Router

from evidence.types import NewEvent
from webhooks.inbound.receiving import MAX_BODY_BYTES, CallbackTooLarge, too_large
from webhooks.operations import refuse_callback, take_callback
from webhooks.types import CallbackReceipt
from zentra.api.doors import answer_json, public_door
from zentra.api.refusals import record_nameless
from zentra.api.retries import run_retried
from zentra.core import clock, telemetry
from zentra.core.actors import ANONYMOUS
from zentra.core.errors import DomainError
from zentra.core.rates import Rate, limiter
from zentra.core.telemetry import Counter
from zentra.core.tenancy import tenant_work
from zentra.routing.directory.queries import find_connection
from zentra.routing.types import ConnectionRef

router = Router(tags=["Providers"])

_LONGEST_ID: Final = 64
_LENGTH: Final = re.compile("[0-9]{1,15}", re.ASCII)
RATE_LIMITED: Final = Counter(
    "zentra_callbacks_rate_limited_total", "Callbacks that were answered 429: their connection sent too many."
)


class UnknownConnection(DomainError):
    """No rail connection has this id. The attempt is recorded in ``platform``."""

    code = "unknown_connection"
    status = 404
    title = "There is no such rail connection"


class CallbackEncodingUnsupported(DomainError):
    """The body is compressed. The bytes are signed as they are sent, and nothing is unpacked before that holds."""

    code = "callback_encoding_unsupported"
    status = 415
    title = "A callback's body is sent as it is, without compression"


class CallbackLengthWrong(DomainError):
    """The declared length is no number, or not that of the body that came."""

    code = "callback_length_wrong"
    status = 400
    title = "The body does not have the declared length"


class CallbacksTooMany(DomainError):
    """The connection sends more than is taken in; ``Retry-After`` says when to go on. Nothing was looked at or kept."""

    code = "callback_rate_limited"
    status = 429
    title = "Too many callbacks"
    retryable = True


REFUSED_UNREAD: Final = (CallbackTooLarge, CallbackEncodingUnsupported, CallbackLengthWrong)


@public_door(
    router,
    "POST",
    "/providers/{rail}/callbacks",
    response=None,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The provider's event, signed over these bytes by the connection's scheme.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
def receive(request: HttpRequest, rail: str) -> HttpResponse:
    """Take in a callback: verify the raw bytes, store, recognise repeats, apply once.

    202 says that it is genuine and ours now, though it could not be applied: sending it again would not help.
    """
    connection = find_connection(rail_id=rail)
    if connection is None:
        _record_unknown(rail)
        raise UnknownConnection("There is no such rail connection.")
    _check_rate(connection)
    try:
        body = read_body(request)
    except REFUSED_UNREAD as refusal:
        declared = request.META.get("CONTENT_LENGTH") or ""
        size = int(declared) if _LENGTH.fullmatch(declared) else 0
        with tenant_work(connection.workspace_id):
            refuse_callback(connection_id=connection.rail_id, refusal=refusal, now=clock.now(), size=size)
        raise
    return _answer(run_retried(lambda: _take(connection, request, body)))


def read_body(request: HttpRequest) -> bytes:
    """The raw body, of which never more than one byte beyond the limit is read, whatever its length is said to be.

    Raises CallbackTooLarge, CallbackEncodingUnsupported, CallbackLengthWrong.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise CallbackEncodingUnsupported(f"The content encoding {encoding[:40]!r} is not accepted.")
    declared = _declared_length(request)
    if declared is not None and declared > MAX_BODY_BYTES:
        raise too_large()
    try:
        body: bytes = request.read(MAX_BODY_BYTES + 1)
    except (UnreadablePostError, OSError) as cut:
        raise CallbackLengthWrong("The connection ended before the body did.") from cut
    if len(body) > MAX_BODY_BYTES:
        raise too_large()
    if declared is not None and len(body) != declared:
        raise CallbackLengthWrong(f"{declared} bytes were declared, {len(body)} came.")
    return body


def _declared_length(request: HttpRequest) -> int | None:
    """What Content-Length says; None without it, as with chunks. Raises CallbackLengthWrong."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if not declared:
        return None
    if not _LENGTH.fullmatch(declared):
        raise CallbackLengthWrong("Content-Length is not a number.")
    return int(declared)


def _check_rate(connection: ConnectionRef) -> None:
    """Before anything costs more than this: raises CallbacksTooMany."""
    per_second = settings.ZENTRA_CALLBACK_RATE
    wait = limiter().admit(
        key=f"callbacks:{connection.rail_id}", rate=Rate(per_second=per_second, burst=2 * per_second)
    )
    if wait > 0:
        RATE_LIMITED.add()
        refusal = CallbacksTooMany(f"At most {per_second} callbacks a second are taken in for a connection.")
        refusal.retry_after = max(1, math.ceil(wait))
        raise refusal


def _take(connection: ConnectionRef, request: HttpRequest, body: bytes) -> CallbackReceipt:
    return take_callback(
        workspace=connection.workspace_id,
        connection_id=connection.rail_id,
        headers=request.headers,
        body=body,
        now=clock.now(),
    )


def _answer(receipt: CallbackReceipt) -> HttpResponse:
    # Raised only here, after the commit: a refusal's evidence must not roll back with it.
    if receipt.refusal is not None:
        raise receipt.refusal
    return answer_json(receipt.as_dict(), status=receipt.status)


def _record_unknown(rail: str) -> None:
    data: dict[str, object] = {"reason": UnknownConnection.code, "rail_id": rail[:_LONGEST_ID]}
    record_nameless(NewEvent("callback.refused", ANONYMOUS, data, trace_id=telemetry.trace_id()))
