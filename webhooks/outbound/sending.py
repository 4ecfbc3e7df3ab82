"""One HTTP call to a customer's endpoint: pooled, guarded, bounded in time and size.

aiohttp makes it. No redirect is followed, no proxy read from the environment, nothing decompressed, no cookie kept.
The address is checked twice: names are resolved by us and only allowed addresses handed on, and the socket itself is
made by us, for an address that is looked at once more.
"""

import asyncio
import re
import socket
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any, Final, Literal

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from yarl import URL

from webhooks.outbound.addresses import AddressRefused, allows_local, is_allowed

MAX_KEPT_BODY: Final = 16 * 1024
_MAX_KEPT_HEADERS: Final = 50
MAX_KEPT_HEADER_VALUE: Final = 1000
# Shorter than the idle time of common servers, so that we rarely write to a connection that they just closed.
_KEEPALIVE_SECONDS: Final = 15.0
# What was checked may be used again for so long: a connection, and the answer of a name server.
_NAMES_SECONDS: Final = 30
# From here on the words of an error may be the server's, or a URL.
_QUOTED: Final = re.compile(r"[:<'\"\n]")

ErrorClass = Literal[
    "address_refused", "name_or_connect", "tls", "timeout", "connection_lost", "protocol",
    "redirect", "client_error", "server_error", "gone", "tampered", "unreadable_secret", "worker_lost",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One call to make. ``timeout_seconds`` bounds all of it, from connecting to the last byte kept."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_seconds: float
    started_at: datetime
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed_ms(self) -> int:
        """Milliseconds since the call began."""
        return int((time.monotonic() - self.began) * 1000)

    def failed(self, error_class: ErrorClass, detail: str, timing: "Timing | None" = None) -> "SendResult":
        """The result of a call that got no answer."""
        return SendResult(
            started_at=self.started_at,
            duration_ms=self.elapsed_ms,
            error_class=error_class,
            error_detail=detail[:500],
            connect_ms=timing.connect_ms if timing else None,
            remote_address=timing.remote_address if timing else "",
        )


@dataclass(slots=True)
class Timing:
    """What is noted while a call runs. ``connect_ms`` stays None when a kept connection was used."""

    connecting: float = 0.0
    connect_ms: int | None = None
    sent: float = 0.0
    remote_address: str = ""

    def first_byte_ms(self) -> int | None:
        """Milliseconds from the request's headers to the answer's."""
        return int((time.monotonic() - self.sent) * 1000) if self.sent else None


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
    connect_ms: int | None = None
    first_byte_ms: int | None = None
    remote_address: str = ""

    @property
    def succeeded(self) -> bool:
        """Only 2xx is success."""
        return self.error_class is None

    @property
    def is_gone(self) -> bool:
        """410: the consumer asks never to be called again."""
        return self.status == 410


class GuardedResolver(AbstractResolver):
    """Names are resolved here and nowhere else; only addresses that a webhook may go to are handed on."""

    def __init__(self, *, allow_local: bool) -> None:
        self._allow_local = allow_local

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses of a host; raises AddressRefused when it has only others, OSError when none."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        addresses = list(dict.fromkeys((kind, str(entry[0]).partition("%")[0]) for kind, *_, entry in found))
        allowed = [
            ResolveResult(hostname=host, host=text, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, text in addresses
            if is_allowed(ip_address(text), allow_local=self._allow_local)
        ]
        if not allowed:
            raise AddressRefused(f"{host} resolves to {', '.join(text for _, text in addresses) or 'nothing'}.")
        return allowed

    async def close(self) -> None:
        """Nothing is held open."""


class Caller:
    """The connections of one event loop. ``async with Caller(…) as caller: await caller.send(outgoing)``."""

    def __init__(self, *, allow_local: bool, proxy: str | None = None) -> None:
        self._allow_local = allow_local
        self._proxy = proxy
        self._resolver = GuardedResolver(allow_local=allow_local)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Caller":
        connector = aiohttp.TCPConnector(
            limit=0,
            resolver=None if self._proxy else self._resolver,
            ttl_dns_cache=_NAMES_SECONDS,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            # A proxy of the operator's own may well be at a private address.
            socket_factory=None if self._proxy else self._make_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept", "Accept-Encoding"),
            timeout=aiohttp.ClientTimeout(total=None),
            trace_configs=[_trace()],
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, outgoing: Outgoing) -> SendResult:
        """POST once; every failure is a result, none is an exception."""
        timing = Timing()
        token = _calling.set(timing)
        try:
            async with asyncio.timeout(outgoing.timeout_seconds):
                return await self._call(outgoing, timing)
        except TimeoutError:
            return outgoing.failed("timeout", f"no answer within {outgoing.timeout_seconds:g} s", timing)
        except (aiohttp.ClientError, AddressRefused, OSError, ValueError) as error:
            return outgoing.failed(*_explain(error), timing)
        finally:
            _calling.reset(token)

    async def _call(self, outgoing: Outgoing, timing: Timing) -> SendResult:
        assert self._session is not None  # noqa: S101  # entered
        url = URL(outgoing.url, encoded=True)
        await self._check(url)
        async with self._session.post(
            url,
            data=outgoing.body,
            headers=outgoing.headers,
            allow_redirects=False,
            proxy=self._proxy,
            trace_request_ctx=timing,
        ) as response:
            first_byte_ms = timing.first_byte_ms()
            kept, is_truncated = await _read_capped(response)
            return _answered(outgoing, response, timing, first_byte_ms, kept, is_truncated)

    async def _check(self, url: URL) -> None:
        """An address written into the URL is never resolved, and a proxy resolves by itself: both are asked here."""
        host = url.host or ""
        try:
            literal = ip_address(host)
        except ValueError:
            if self._proxy:
                await self._resolver.resolve(host, url.port or 443)
            return
        if not is_allowed(literal, allow_local=self._allow_local):
            raise AddressRefused(f"{host} is not a public address.")

    def _make_socket(self, address: tuple[Any, ...]) -> socket.socket:
        """The socket of one connection, for an address that is checked at this last moment too."""
        family, kind, protocol, _, target = address
        if not is_allowed(ip_address(str(target[0]).partition("%")[0]), allow_local=self._allow_local):
            raise AddressRefused(f"{target[0]} is not a public address.")
        timing = _calling.get()
        if timing is not None:
            timing.remote_address = str(target[0])
        made = socket.socket(family=family, type=kind, proto=protocol)
        made.setblocking(False)
        return made


def make_caller() -> Caller:
    """A caller under this installation's settings."""
    return Caller(
        allow_local=allows_local(),
        proxy=getattr(settings, "ZENTRA_EGRESS_PROXY", "") or None,
    )


def send(outgoing: Outgoing) -> SendResult:
    """POST once from code that has no event loop; the connection is not kept."""

    async def call() -> SendResult:
        async with make_caller() as caller:
            return await caller.send(outgoing)

    return asyncio.run(call())


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


def _answered(
    outgoing: Outgoing,
    response: aiohttp.ClientResponse,
    timing: Timing,
    first_byte_ms: int | None,
    kept: bytes,
    is_truncated: bool,
) -> SendResult:
    error_class = _classify(response.status)
    return SendResult(
        started_at=outgoing.started_at,
        duration_ms=outgoing.elapsed_ms,
        status=response.status,
        headers=_text_headers(response.raw_headers),
        body=kept,
        is_truncated=is_truncated,
        error_class=error_class,
        error_detail="" if error_class is None else f"answered {response.status}",
        retry_after_seconds=parse_retry_after(response.headers.get("retry-after"), now=outgoing.started_at),
        connect_ms=timing.connect_ms,
        first_byte_ms=first_byte_ms,
        remote_address=timing.remote_address,
    )


def _classify(status: int) -> ErrorClass | None:
    if 200 <= status < 300:
        return None
    if status == 410:
        return "gone"
    if status < 400:
        return "redirect"
    return "client_error" if status < 500 else "server_error"


def _explain(error: Exception) -> tuple[ErrorClass, str]:
    """The class of a failed call, and its reason in the library's words.

    Never with a URL, ours or the proxy's, since both can hold secrets, nor with what the server sent, which may repeat
    one: the reason goes into attempts, events and mails.
    """
    refused = _cause(error, AddressRefused)
    if refused is not None:
        return "address_refused", refused.detail
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return "name_or_connect", f"the egress proxy answered {error.status}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return "name_or_connect", "the egress proxy cannot be reached"
    text = str(error) or type(error).__name__
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return "tls", text
    if isinstance(error, aiohttp.ClientConnectorError):
        return "name_or_connect", text
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | aiohttp.ClientPayloadError):
        return "connection_lost", _plain_words(text)
    if isinstance(error, OSError):
        return "name_or_connect", text
    return "protocol", _plain_words(error.message if isinstance(error, aiohttp.ClientResponseError) else text)


def _plain_words(text: str) -> str:
    """What went wrong, without the bytes that the library quotes behind it."""
    return _QUOTED.split(text, maxsplit=1)[0].strip() or "the answer is no HTTP"


def _cause(error: BaseException | None, kind: type[AddressRefused]) -> AddressRefused | None:
    seen = 0
    while error is not None and seen < 8:
        if isinstance(error, kind):
            return error
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None


async def _read_capped(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The first 16 KB of an answer; what follows is not read, and its connection is then not used again."""
    kept = bytearray()
    while chunk := await response.content.read(MAX_KEPT_BODY + 1 - len(kept)):
        kept += chunk
        if len(kept) > MAX_KEPT_BODY:
            response.close()
            return bytes(kept[:MAX_KEPT_BODY]), True
    return bytes(kept), False


def _text_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    decoded = [(name.decode("latin-1"), value.decode("latin-1")[:MAX_KEPT_HEADER_VALUE]) for name, value in headers]
    return tuple(decoded[:_MAX_KEPT_HEADERS])


# The call that a connection is made for: sockets are made below aiohttp, which knows nothing of calls.
_calling: ContextVar[Timing | None] = ContextVar("webhooks_calling", default=None)


def _trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(_note_connecting)
    trace.on_connection_create_end.append(_note_connected)
    trace.on_request_headers_sent.append(_note_sent)
    return trace


async def _note_connecting(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.connecting = time.monotonic()


async def _note_connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    timing: Timing = context.trace_request_ctx
    timing.connect_ms = int((time.monotonic() - timing.connecting) * 1000)


async def _note_sent(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.sent = time.monotonic()
