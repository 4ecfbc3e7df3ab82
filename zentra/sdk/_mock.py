"""Test without a network: a transport for both clients that answers what you told it to and keeps what was asked."""

import json
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import httpx


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it would have gone out. ``path`` is below ``/v1``; ``content`` is its body as bytes."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    content: bytes = b""


class MockTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Give it as ``transport`` to Zentra or AsyncZentra::

        mock = MockTransport()
        mock.answer("POST", "/ledger-entries", json={"status": "posted"}, status=201)
        zentra = Zentra(api_key="zk_test_mock", transport=mock)

    Answers to the same method and path are used in order, the last one for ever. What nobody planned is a 404 problem.
    """

    def __init__(self) -> None:
        self.requests: list[SentRequest] = []
        self._planned: dict[tuple[str, str], deque[httpx.Response | httpx.TransportError]] = defaultdict(deque)

    def answer(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Plan an answer with a JSON body, or with ``content`` as it is."""
        body = {"content": content} if content is not None else {"json": json}
        self._planned[method, path].append(httpx.Response(status, headers=dict(headers or {}), **body))

    def problem(
        self, method: str, path: str, *, status: int, code: str, retry_after: int | None = None, **members: Any
    ) -> None:
        """Plan a refusal."""
        headers = {"content-type": "application/problem+json"}
        if retry_after is not None:
            headers["retry-after"] = str(retry_after)
        document = {"type": "about:blank", "title": code, "status": status, "detail": code, "code": code} | members
        self._planned[method, path].append(httpx.Response(status, headers=headers, content=_dump(document)))

    def fail(self, method: str, path: str, error: httpx.TransportError) -> None:
        """Plan a lost connection: the request is kept as sent and ``error`` is raised."""
        self._planned[method, path].append(error)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the synchronous client."""
        request.read()
        return self._next(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the awaited client."""
        await request.aread()
        return self._next(request)

    def _next(self, request: httpx.Request) -> httpx.Response:
        path = "/" + request.url.path.split("/v1/", 1)[-1].lstrip("/")
        self.requests.append(
            SentRequest(
                method=request.method,
                path=path,
                params=dict(request.url.params),
                headers=dict(request.headers),
                json=_read(request),
                content=request.content,
            )
        )
        planned = self._planned.get((request.method, path))
        if not planned:
            return _not_planned(request.method, path)
        outcome = planned.popleft() if len(planned) > 1 else planned[0]
        if isinstance(outcome, httpx.TransportError):
            raise outcome
        return httpx.Response(outcome.status_code, headers=outcome.headers, content=outcome.content)


def _read(request: httpx.Request) -> Any:
    """The body as JSON, or the form of a token request; None for a file."""
    media_type = request.headers.get("content-type", "")
    if media_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.content.decode()))
    is_json = request.content and media_type in {"", "application/json"}
    return json.loads(request.content) if is_json else None


def _not_planned(method: str, path: str) -> httpx.Response:
    problem = {
        "type": "about:blank",
        "title": "Nothing was planned for this request",
        "status": 404,
        "detail": f"No answer was planned for {method} {path}.",
        "code": "not_found",
    }
    return httpx.Response(404, headers={"content-type": "application/problem+json"}, content=_dump(problem))


def _dump(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()
