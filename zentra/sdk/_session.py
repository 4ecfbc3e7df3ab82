"""Sending a call: the same decisions for both clients; only the waiting differs."""

import asyncio
import ipaddress
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from zentra.sdk._auth import Credentials
from zentra.sdk._calls import Call, RawAnswer, moment_text
from zentra.sdk._errors import ConfigurationError, ConnectionFailed, TimedOut, UnexpectedAnswer, error_class
from zentra.sdk._records import AnswerInfo, Record

T = TypeVar("T")

VERSION: Final = "v2026.04"
DEFAULT_RETRIES: Final = 4
DEFAULT_TIMEOUT_SECONDS: Final = 30.0
LONGEST_PAUSE_SECONDS: Final = 20.0
_RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach the API and how often to try; ``retries`` counts what follows the first attempt."""

    credentials: Credentials
    base_url: str
    retries: int
    timeout_seconds: float

    @classmethod
    def read(cls, *, credentials: Credentials, base_url: str, retries: int, timeout_seconds: float) -> Self:
        """Checked settings; raises ConfigurationError, so that a wrong one fails here and not at the first call."""
        credentials.check()
        if retries < 0:
            raise ConfigurationError("retries is 0 or more.")
        return cls(
            credentials=credentials, base_url=_api_url(base_url), retries=retries, timeout_seconds=timeout_seconds
        )

    def headers(self) -> dict[str, str]:
        """The headers of every call."""
        return {
            **self.credentials.headers(),
            "Accept": "application/json",
            "Zentra-Version": VERSION,
            "User-Agent": "zentra-python/0.1",
        }


class SyncSession:
    """Sends calls and waits in place."""

    def __init__(
        self, settings: Settings, *, transport: httpx.BaseTransport | None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=settings.base_url,
            headers=settings.headers(),
            auth=settings.credentials.auth(settings.base_url),
            verify=settings.credentials.verify(),
            timeout=settings.timeout_seconds,
            transport=transport,
            limits=_LIMITS,
        )

    def send(self, call: Call[T]) -> T:
        """The answer of a call, after as many tries as are safe; raises a ZentraError."""
        attempt = 0
        while True:
            outcome = self._try(call)
            pause = next_pause(outcome, attempt=attempt, retries=self._settings.retries)
            if pause is None:
                return finish(call, outcome)
            self._sleep(pause)
            attempt += 1

    def _try(self, call: Call[T]) -> httpx.Response | httpx.TransportError:
        try:
            return self._http.send(build(self._http, call, self._settings))
        except httpx.TransportError as error:
            return error

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncSession:
    """Sends calls and awaits."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._http = httpx.AsyncClient(
            base_url=settings.base_url,
            headers=settings.headers(),
            auth=settings.credentials.auth(settings.base_url),
            verify=settings.credentials.verify(),
            timeout=settings.timeout_seconds,
            transport=transport,
            limits=_LIMITS,
        )

    async def send(self, call: Call[T]) -> T:
        """The answer of a call, after as many tries as are safe; raises a ZentraError."""
        attempt = 0
        while True:
            outcome = await self._try(call)
            pause = next_pause(outcome, attempt=attempt, retries=self._settings.retries)
            if pause is None:
                return finish(call, outcome)
            await self._sleep(pause)
            attempt += 1

    async def _try(self, call: Call[T]) -> httpx.Response | httpx.TransportError:
        try:
            return await self._http.send(build(self._http, call, self._settings))
        except httpx.TransportError as error:
            return error

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await self._sleep(seconds)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()


_LIMITS: Final = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=20.0)


def build(http: httpx.Client | httpx.AsyncClient, call: Call[Any], settings: Settings) -> httpx.Request:
    """The HTTP request of a call; a wait is added to the time that the answer may take."""
    headers = dict(call.headers)
    content: bytes | None = None
    if call.body is not None:
        headers["Content-Type"] = "application/json"
        content = _encode(call.body)
    files, data = None, None
    if call.upload is not None and call.upload.form is not None:
        files = {"file": (call.upload.file_name, call.upload.content, call.upload.media_type)}
        data = dict(call.upload.form)
    elif call.upload is not None:
        headers["Content-Type"] = call.upload.media_type
        content = call.upload.content
    timeout = httpx.Timeout(settings.timeout_seconds + call.wait_seconds, connect=min(10.0, settings.timeout_seconds))
    return http.build_request(
        call.method, call.path.lstrip("/"), params=dict(call.params), headers=headers, content=content, data=data,
        files=files, timeout=timeout,
    )  # fmt: skip


def next_pause(outcome: httpx.Response | httpx.TransportError, *, attempt: int, retries: int) -> float | None:
    """Seconds until the same request may be sent again, or None when this outcome is the last word."""
    if attempt >= retries:
        return None
    if isinstance(outcome, httpx.TransportError):
        return None if isinstance(outcome, httpx.UnsupportedProtocol) else _backoff(attempt)
    if outcome.status_code in _RETRIED_STATUSES or _in_flight(outcome):
        asked = retry_after(outcome.headers)
        return _backoff(attempt) if asked is None else min(asked + _jitter(), LONGEST_PAUSE_SECONDS)
    return None


def finish(call: Call[T], outcome: httpx.Response | httpx.TransportError) -> T:
    """The value of the last outcome, or the error that it is."""
    if isinstance(outcome, httpx.TransportError):
        raise_transport(outcome)
    if outcome.status_code >= 400:
        raise_problem(outcome)
    if outcome.status_code >= 300:
        raise UnexpectedAnswer(f"The API does not redirect, and {outcome.url} answered {outcome.status_code}.")
    answer = RawAnswer(
        info=_info(outcome), headers=outcome.headers, content=outcome.content, json=lambda: _json_object(outcome)
    )
    try:
        return call.read(answer)
    except (KeyError, TypeError) as error:
        raise UnexpectedAnswer(f"{call.method} {call.path} was answered in a shape that is not the API's.") from error


def raise_transport(error: httpx.TransportError) -> NoReturn:
    """Raise our error for one of httpx."""
    if isinstance(error, httpx.TimeoutException):
        raise TimedOut(f"No answer in time: {error}") from error
    raise ConnectionFailed(f"The server was not reached: {error}") from error


def raise_problem(response: httpx.Response) -> NoReturn:
    """Raise the error that a problem answer is; what is not a problem is an unexpected answer."""
    problem = _problem(response)
    if problem is None:
        raise UnexpectedAnswer(f"{response.url} answered {response.status_code} without a problem document.")
    kind = error_class(status=response.status_code, code=problem.get("code"))
    raise kind(status=response.status_code, problem=problem, retry_after=retry_after(response.headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a ``Retry-After`` header; an HTTP date or nonsense counts as absent."""
    value = headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdigit() else None


def _in_flight(response: httpx.Response) -> bool:
    if response.status_code != 409:
        return False
    problem = _problem(response)
    return problem is not None and problem.get("code") == "idempotency_in_flight"


def _problem(response: httpx.Response) -> dict[str, Any] | None:
    try:
        parsed = response.json()
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) and "code" in parsed else None


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        parsed = response.json()
    except ValueError as error:
        raise UnexpectedAnswer(f"{response.url} answered something that is not JSON.") from error
    if not isinstance(parsed, dict):
        raise UnexpectedAnswer(f"{response.url} answered JSON that is not an object.")
    return parsed


def _info(response: httpx.Response) -> AnswerInfo:
    return AnswerInfo(
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
        trace_id=response.headers.get("zentra-trace-id"),
        version=response.headers.get("zentra-version"),
        replayed=response.headers.get("idempotent-replayed") == "true",
    )


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"The body cannot be sent as JSON: {error}") from error


def _plain(value: object) -> object:
    """What JSON has no word for: a moment is its text, a record its fields."""
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, Record):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} is nothing that JSON can hold")


def _api_url(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"base_url is an http or https address, not {base_url!r}.")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ConfigurationError(f"Keys and tokens go over https, unless to this machine: {base_url!r}.")
    trimmed = base_url.rstrip("/")
    return trimmed + "/" if trimmed.endswith("/v1") else trimmed + "/v1/"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _backoff(attempt: int) -> float:
    """Full jitter over a doubling ceiling, so that clients that failed together do not return together."""
    ceiling: float = min(LONGEST_PAUSE_SECONDS, 0.25 * 2**attempt)
    return ceiling * (0.5 + random.random() / 2)  # noqa: S311  # spreads load, keeps no secret


def _jitter() -> float:
    return random.random() / 4  # noqa: S311  # spreads load, keeps no secret
