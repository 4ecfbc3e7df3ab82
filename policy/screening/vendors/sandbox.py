"""The adapter of the simulated vendor, which the simulators' process serves under ``/kyc`` (docs/compliance.md).

The rule is the rails': a connection that was never made, or a 503 that says ``"executed": false``, means that nothing
was taken. Whatever else goes wrong after the first byte is unknown, and is asked for.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson

from policy.screening.vendors.types import AnswerKind, VendorAnswer, VerificationRequest

LARGEST_ANSWER: Final = 64 * 1024
LONGEST_WORD: Final = 80
NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_STATES: Final = {
    "approved": AnswerKind.APPROVED,
    "rejected": AnswerKind.REJECTED,
    "pending": AnswerKind.PENDING,
}


class SandboxVendor:
    """The simulated vendor at ``base_url`` (``http://127.0.0.1:8090``). Safe to share between threads."""

    name = "sandbox"

    def __init__(
        self,
        base_url: str,
        *,
        timeout_seconds: float = 2.0,
        client: httpx.Client | None = None,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = f"{base_url.rstrip('/')}/kyc/verifications"
        self._timeout = timeout_seconds
        self._client = client or _new_client(timeout_seconds)
        self._stopwatch = stopwatch

    def send(self, request: VerificationRequest) -> VendorAnswer:
        """Ask for a verification; see VerificationVendor."""
        said = asdict(request)
        key = said.pop("key")
        return self._call("POST", self._base_url, key, content=orjson.dumps(said), headers={"Idempotency-Key": key})

    def ask(self, key: str) -> VendorAnswer:
        """Ask what became of a key; see VerificationVendor."""
        return self._call("GET", f"{self._base_url}/{quote(key, safe='')}", key)

    def _call(
        self, method: str, url: str, key: str, *, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> VendorAnswer:
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        try:
            with self._client.stream(method, url, content=content, headers=all_headers) as response:
                return _read(response.status_code, orjson.loads(self._body(response)), key)
        except NOT_SENT as error:
            return VendorAnswer(AnswerKind.UNAVAILABLE, detail=type(error).__name__)
        except (httpx.HTTPError, httpx.StreamError, ValueError, AttributeError) as error:
            return VendorAnswer(AnswerKind.UNKNOWN, detail=type(error).__name__)

    def _body(self, response: httpx.Response) -> bytes:
        """The body, bounded in size and in time, so that no drip holds a worker."""
        ends = self._stopwatch() + 2 * self._timeout
        content = bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > LARGEST_ANSWER or self._stopwatch() > ends:
                raise ValueError("the answer is too long or too slow")
        return bytes(content)


def _read(status: int, body: dict[str, Any], key: str) -> VendorAnswer:
    """The answer in a verification's own words. Words about another one tell nothing about ours."""
    kind = _STATES.get(str(body.get("state")))
    if status in (200, 201, 202) and kind is not None and body.get("key") == key:
        return VendorAnswer(kind, _word(body.get("reference")), _word(body.get("reason_code")), str(status))
    if status == 404 and body.get("error") == "not_found":
        return VendorAnswer(AnswerKind.NOT_FOUND, detail="not found")
    is_refusal = body.get("executed") is False and (status == 503 or 400 <= status < 500)
    detail = f"{status} {_word(body.get('error'))}".strip()
    return VendorAnswer(AnswerKind.UNAVAILABLE if is_refusal else AnswerKind.UNKNOWN, detail=detail)


def _word(value: object) -> str:
    return value[:LONGEST_WORD] if isinstance(value, str) and value.isascii() and value.isprintable() else ""


def _new_client(timeout_seconds: float) -> httpx.Client:
    """A pooled client with strict deadlines that follows no redirect and heeds no proxy of the environment."""
    timeout = httpx.Timeout(timeout_seconds, connect=1.0, pool=1.0)
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=5)
    headers = {"Accept-Encoding": "identity", "User-Agent": "zentra-screening"}
    return httpx.Client(timeout=timeout, limits=limits, headers=headers, trust_env=False, follow_redirects=False)
