"""The adapter of the simulated rails. How each answer and each silence is read stands in `docs/routing.md`.

The rule is: only an explicit promise of the rail, or a connection that was never made, says that nothing was executed.
Whatever else goes wrong after the first byte was sent is *unknown*, to be asked for and never to be sent elsewhere.
"""

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import orjson

from zentra.routing.providers.types import ProviderAnswer, ProviderRequest, ToldEvent, ToldEvents
from zentra.routing.types import AnswerKind, Registration

LARGEST_ANSWER = 64 * 1024
# A hundred callbacks at their largest, in base64, would be more; a rail that sends so much is asked for less.
LARGEST_LIST = 4 * 1024 * 1024
LONGEST_DETAIL = 300
# Raised before the request's first byte was written.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. ``read`` bounds each wait for bytes, ``answer`` the whole body, so that no drip holds a worker."""

    connect: float = 1.0
    read: float = 2.0
    answer: float = 4.0


class NotSent(Exception):
    """The rail was not reached: it has seen nothing of the request."""


class NoAnswer(Exception):
    """The request went out, and no answer that can be read came back."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer whose body is a JSON object."""

    status: int
    body: dict[str, Any]

    @property
    def is_not_executed(self) -> bool:
        """Whether the rail says in so many words that it executed nothing."""
        return self.body.get("executed") is False

    @property
    def detail(self) -> str:
        return f"{self.status} {self.body.get('error') or self.body.get('state') or ''}".strip()[:LONGEST_DETAIL]


class SandboxRail:
    """One simulated rail at ``base_url`` (``http://127.0.0.1:8090/rail_a``). Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        *,
        deadlines: Deadlines | None = None,
        client: httpx.Client | None = None,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._deadlines = deadlines or Deadlines()
        self._client = client or new_client(self._deadlines)
        self._stopwatch = stopwatch

    def send(self, request: ProviderRequest) -> ProviderAnswer:
        """Ask the rail to execute; see ProviderRail."""
        began = self._stopwatch()
        body: dict[str, object] = {
            "connection_id": request.connection_id,
            "reference": request.key,
            "kind": request.kind,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "corridor": request.corridor,
        }
        if request.scenario is not None:
            body["scenario"] = request.scenario
        try:
            raw = self._call("POST", "/payments", body=body, headers={"Idempotency-Key": request.key})
        except NotSent as error:
            return self._answer(AnswerKind.UNAVAILABLE, began, str(error))
        except NoAnswer as error:
            return self._answer(AnswerKind.UNKNOWN, began, str(error))
        if raw.status in (200, 201, 202):
            return self._read_payment(raw, began, key=request.key, request=request)
        # A 5xx is what broke somewhere on the way; only a 503 that says so was sent before anything was executed.
        is_refusal = raw.is_not_executed and (raw.status == 503 or 400 <= raw.status < 500)
        return self._answer(AnswerKind.UNAVAILABLE if is_refusal else AnswerKind.UNKNOWN, began, raw.detail)

    def ask(self, key: str) -> ProviderAnswer:
        """Ask what became of a key, and make sure of a *nothing*; see ProviderRail."""
        began = self._stopwatch()
        path = f"/payments/{quote(key, safe='')}"
        try:
            raw = self._call("GET", path)
            if raw.status == 404 and raw.body.get("error") == "not_found":
                # Our first request may still be on its way to the rail. Canceling the key closes that door.
                raw = self._call("POST", f"{path}/cancel", body={})
        except (NotSent, NoAnswer) as error:
            return self._answer(AnswerKind.UNKNOWN, began, str(error))
        if raw.status == 200 and raw.body.get("state") == "canceled" and raw.is_not_executed:
            return self._answer(AnswerKind.NOT_FOUND, began, "not found, and canceled")
        if raw.status in (200, 409) and raw.body.get("executed") is True:
            return self._read_payment(raw, began, key=key)
        return self._answer(AnswerKind.UNKNOWN, began, raw.detail)

    def list_events(self, *, connection_id: str, after: str, limit: int) -> ToldEvents:
        """What the rail told a connection; see ProviderRail."""
        query = urlencode({"connection_id": connection_id, "after": after, "limit": limit})
        try:
            raw = self._call("GET", f"/events?{query}", largest=LARGEST_LIST)
            if raw.status != 200:
                return ToldEvents((), has_more=False, error=raw.detail)
            events = tuple(_read_event(each) for each in raw.body["data"])
            return ToldEvents(events, has_more=raw.body["has_more"] is True)
        except (NotSent, NoAnswer) as error:
            return ToldEvents((), has_more=False, error=str(error))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return ToldEvents((), has_more=False, error=f"the list cannot be read: {type(error).__name__}")

    def _read_payment(
        self, raw: RawAnswer, began: float, *, key: str, request: ProviderRequest | None = None
    ) -> ProviderAnswer:
        """The answer in a payment's own words. Words about another payment tell us nothing about ours."""
        kind, reference = PAYMENT_STATES.get(str(raw.body.get("state"))), raw.body.get("provider_reference")
        said = (raw.body.get("key"), raw.body.get("amount_minor"), raw.body.get("currency"))
        meant = (key, request.amount_minor, request.currency) if request else (key, *said[1:])
        if kind is None or not isinstance(reference, str) or not reference.isprintable() or said != meant:
            return self._answer(AnswerKind.UNKNOWN, began, "the answer does not describe this payment")
        answer = self._answer(kind, began, raw.detail, reference[:LONGEST_DETAIL])
        return replace(answer, amount_minor=raw.body.get("amount_minor"), currency=raw.body.get("currency"))

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> RawAnswer:
        """One HTTP exchange. Raises NotSent or NoAnswer, nothing else."""
        content = None if body is None else orjson.dumps(body)
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        try:
            with self._client.stream(method, self._base_url + path, content=content, headers=all_headers) as response:
                return RawAnswer(response.status_code, _read_object(self._read(response, largest)))
        except NOT_SENT as error:
            raise NotSent(_name(error)) from error
        except (httpx.HTTPError, httpx.StreamError, ValueError) as error:
            raise NoAnswer(_name(error)) from error

    def _read(self, response: httpx.Response, largest: int) -> bytes:
        """The body, bounded in size and in time."""
        ends = self._stopwatch() + self._deadlines.answer
        content = bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > largest or self._stopwatch() > ends:
                raise NoAnswer("the answer is too long or too slow")
        return bytes(content)

    def _answer(
        self, kind: AnswerKind, began: float, detail: str, provider_reference: str | None = None
    ) -> ProviderAnswer:
        return ProviderAnswer(kind, provider_reference, round((self._stopwatch() - began) * 1000), detail)


PAYMENT_STATES = {
    "accepted": AnswerKind.ACCEPTED,
    "succeeded": AnswerKind.SUCCEEDED,
    "settled": AnswerKind.SETTLED,
    "declined": AnswerKind.DECLINED,
    "failed": AnswerKind.FAILED,
}


def new_client(deadlines: Deadlines) -> httpx.Client:
    """A pooled client with strict deadlines that follows no redirect and heeds no proxy of the environment."""
    timeout = httpx.Timeout(deadlines.read, connect=deadlines.connect, pool=deadlines.connect)
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=5)
    # Compression would let a small answer become a large one.
    headers = {"Accept-Encoding": "identity", "User-Agent": "zentra-routing"}
    return httpx.Client(timeout=timeout, limits=limits, headers=headers, trust_env=False, follow_redirects=False)


def register(registrations: Sequence[Registration], *, deadlines: Deadlines | None = None) -> None:
    """Tell simulated rails where connections' callbacks go and what signs them; doing it again is harmless.

    Runs outside any transaction. Raises httpx.HTTPError when a rail cannot be reached or refuses.
    """
    with new_client(deadlines or Deadlines()) as client:
        for registration in registrations:
            body: dict[str, object] = {
                "connection_id": registration.connection_id,
                "callback_url": registration.callback_url,
                "secret": registration.secret,
                "scheme": registration.scheme.name,
                "settings": dict(registration.scheme.settings),
                **({"bank_account": registration.bank_account} if registration.bank_account else {}),
            }
            client.post(f"{registration.base_url}/connections", json=body).raise_for_status()


def _read_event(told: dict[str, Any]) -> ToldEvent:
    headers = {str(name): str(value) for name, value in told["headers"].items()}
    return ToldEvent(str(told["cursor"])[:200], headers, base64.b64decode(told["body_base64"], validate=True))


def _read_object(content: bytes) -> dict[str, Any]:
    body = orjson.loads(content)
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return body


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:LONGEST_DETAIL]
