"""One HTTP call to a customer's endpoint: pooled, guarded, bounded in time and size.

httpcore, the transport of httpx, is used directly: its network backend is the one public place where the address
that was checked is the address connected to. It follows no redirect, reads no proxy from the environment and
decompresses nothing, which is what an outgoing webhook wants.
"""

import os
import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final, Literal

import httpcore

from webhooks.outbound.addresses import AddressRefused, GuardedBackend

MAX_KEPT_BODY: Final = 16 * 1024
_MAX_KEPT_HEADERS: Final = 50
_MAX_KEPT_HEADER_VALUE: Final = 1000
# Shorter than the idle time of common servers (60 s), so that we rarely write to a connection they just closed.
_KEEPALIVE_SECONDS: Final = 20.0

ErrorClass = Literal[
    "address_refused", "name_or_connect", "tls", "timeout", "connection_lost", "protocol",
    "redirect", "client_error", "server_error", "gone", "tampered", "worker_lost",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One call to make. ``timeout_seconds`` bounds all of it, from connecting to the last byte kept."""

    url: str
    headers: dict[str, str]
    body: bytes
    timeout_seconds: float
    allow_local: bool
    started_at: datetime
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed_ms(self) -> int:
        return int((time.monotonic() - self.began) * 1000)

    def failed(self, error_class: ErrorClass, detail: str) -> "SendResult":
        """The result of a call that got no answer."""
        return SendResult(
            started_at=self.started_at,
            duration_ms=self.elapsed_ms,
            error_class=error_class,
            error_detail=detail[:500],
        )


@dataclass(frozen=True, slots=True)
class SendResult:
    """What came of one call. ``error_class`` is None exactly when the answer was 2xx."""

    started_at: datetime
    duration_ms: int
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    is_truncated: bool = False
    error_class: ErrorClass | None = None
    error_detail: str = ""
    retry_after_seconds: int | None = None

    @property
    def succeeded(self) -> bool:
        """Only 2xx is success."""
        return self.error_class is None

    @property
    def is_gone(self) -> bool:
        """410: the consumer asks never to be called again."""
        return self.status == 410


def send(outgoing: Outgoing) -> SendResult:
    """POST once; every failure is a result, none is an exception."""
    token = _deadline.set(outgoing.began + outgoing.timeout_seconds)
    try:
        return _call(outgoing)
    except AddressRefused as error:
        return outgoing.failed("address_refused", error.detail)
    except httpcore.TimeoutException as error:
        return outgoing.failed("timeout", f"{_reason(error)}, after {outgoing.timeout_seconds:g} s")
    except httpcore.ConnectError as error:
        # httpcore wraps ssl's errors in its own; the text is all that tells them apart.
        is_tls = "SSL" in str(error) or "certificate" in str(error)
        return outgoing.failed("tls" if is_tls else "name_or_connect", _reason(error))
    except httpcore.NetworkError as error:
        return outgoing.failed("connection_lost", _reason(error))
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError) as error:
        # A server that hangs up without an answer broke no protocol: it died, or was about to.
        is_lost = "disconnected" in str(error)
        return outgoing.failed("connection_lost" if is_lost else "protocol", _reason(error))
    finally:
        _deadline.reset(token)


def parse_retry_after(value: str | None, *, now: datetime) -> int | None:
    """Seconds of a ``Retry-After`` header, given as a number or a date (RFC 9110, 10.2.3); None when absent or odd."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), 10**8)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int((aware - now).total_seconds()))


def _call(outgoing: Outgoing) -> SendResult:
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), outgoing.timeout_seconds)
    with _pool(os.getpid(), outgoing.allow_local).stream(
        "POST",
        outgoing.url,
        headers=list(outgoing.headers.items()),
        content=outgoing.body,
        extensions={"timeout": timeouts},
    ) as response:
        kept, is_truncated = _read_capped(response.iter_stream())
        answered = _text_headers(response.headers)
        error_class = _classify(response.status)
        return SendResult(
            started_at=outgoing.started_at,
            duration_ms=outgoing.elapsed_ms,
            status=response.status,
            headers=answered,
            body=kept,
            is_truncated=is_truncated,
            error_class=error_class,
            error_detail="" if error_class is None else f"answered {response.status}",
            retry_after_seconds=parse_retry_after(_first(answered, "retry-after"), now=outgoing.started_at),
        )


def _first(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)


def _classify(status: int) -> ErrorClass | None:
    if 200 <= status < 300:
        return None
    if status == 410:
        return "gone"
    if status < 400:
        return "redirect"
    return "client_error" if status < 500 else "server_error"


def _read_capped(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """The first 16 KB of an answer; what follows is not read, and its connection is then not used again."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        if len(kept) > MAX_KEPT_BODY:
            return bytes(kept[:MAX_KEPT_BODY]), True
    return bytes(kept), False


def _text_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    decoded = [(name.decode("latin-1"), value.decode("latin-1")[:_MAX_KEPT_HEADER_VALUE]) for name, value in headers]
    return tuple(decoded[:_MAX_KEPT_HEADERS])


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


# httpcore's timeouts are per read. The deadline of the call at hand is kept beside it, in the thread that makes the
# call, so that an endpoint which sends one byte a second cannot hold a worker for longer than its timeout.
_deadline: ContextVar[float | None] = ContextVar("webhooks_deadline", default=None)


def _remaining(timeout: float | None) -> float | None:
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the call did not end")
    return left if timeout is None else min(timeout, left)


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose every read and write ends with the call's own deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _remaining(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, _remaining(timeout)))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Backend(GuardedBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(super().connect_tcp(host, port, _remaining(timeout), local_address, socket_options))


@cache
def _pool(process_id: int, allow_local: bool) -> httpcore.ConnectionPool:  # noqa: ARG001  # a part of the cache's key
    """The connections of this process; a forked child has another id, so that no two share a socket."""
    return httpcore.ConnectionPool(
        max_connections=200,
        max_keepalive_connections=50,
        keepalive_expiry=_KEEPALIVE_SECONDS,
        network_backend=_Backend(allow_local=allow_local),
    )
