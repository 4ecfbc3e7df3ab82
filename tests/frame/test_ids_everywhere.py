"""The request's id and its trace are on every answer, whoever made it, and on every line that is logged meanwhile."""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from zentra.core import telemetry
from zentra.middleware import CorrelationMiddleware

REQUEST_ID = re.compile(r"req_[0-9a-z]{26}")
TRACE_ID = re.compile(r"[0-9a-f]{32}")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def client(database: None) -> Client:
    return Client(raise_request_exception=False)


def assert_named(answer: Any) -> None:
    assert REQUEST_ID.fullmatch(answer.headers["X-Request-Id"]), answer
    assert TRACE_ID.fullmatch(answer.headers["Zentra-Trace-Id"]), answer


def test_every_kind_of_answer_carries_both_ids(client: Client) -> None:
    answers = {
        "a page": client.get("/sign-in/"),
        "a redirect": client.get("/w/nowhere/"),
        "an unknown page": client.get("/nowhere/at/all"),
        "a form without its token": Client(enforce_csrf_checks=True).post("/sign-in/", {"login": "x"}),
        "a file": client.get("/static/css/alarms.css"),
        "a missing file": client.get("/static/css/nothing.css"),
        "health": client.get("/healthz"),
        "readiness": client.get("/readyz"),
        "the contract": client.get("/v1/openapi.json"),
        "an unknown address of the API": client.get("/v1/nowhere"),
        "the wrong method": client.delete("/v1/accounts"),
        "no credential": client.get("/v1/accounts"),
        "a wrong credential": client.get("/v1/accounts", headers={"Authorization": "Bearer nonsense"}),
        "a NUL": client.get("/v1/accounts?q=%00"),
        "no body": client.post("/v1/runtime/intents", b"", content_type="text/plain"),
        "an unknown host": client.get("/healthz", headers={"Host": "evil.example.com"}),
        "an unknown host of the API": client.get("/v1/accounts", headers={"Host": "evil.example.com"}),
    }
    for name, answer in answers.items():
        assert answer.has_header("X-Request-Id"), name
        assert_named(answer)
    assert answers["a file"].status_code == 200
    assert {answers[name].status_code for name in ("the wrong method", "no credential", "a NUL")} == {405, 401, 400}
    assert len({answer.headers["X-Request-Id"] for answer in answers.values()}) == len(answers)


def broken(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("out of order")


def logs(request: HttpRequest) -> HttpResponse:
    logging.getLogger("somebody.else").warning("a library speaks")
    structlog.get_logger("zentra").warning("we.speak")
    return HttpResponse(request.headers.get("X-Request-Id", ""))


urlpatterns = [path("broken", broken), path("logs", logs), path("v1/broken", broken)]


def test_a_failure_of_ours_carries_them_too(client: Client) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        for address in ("/broken", "/v1/broken"):
            answer = client.get(address)
            assert answer.status_code == 500
            assert_named(answer)
            assert "out of order" not in answer.content.decode()
    assert client.get("/v1/accounts").json()["request_id"].startswith("req_")


def test_a_body_that_is_too_large_for_the_server_names_its_request_too() -> None:
    from zentra.asgi import application

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.post("/v1/accounts", content=b"x" * 2_000_000, headers={"traceparent": TRACEPARENT})

    answer = asyncio.run(ask())
    assert answer.status_code == 413
    assert_named(answer)
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert answer.json()["trace_id"] == answer.headers["Zentra-Trace-Id"] == TRACE


def test_a_length_that_no_number_holds_is_refused() -> None:
    from zentra.asgi import application

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    for length in (b"9" * 5000, b"-1", b"1e3", b""):
        scope = {"type": "http", "path": "/v1/accounts", "headers": [(b"content-length", length)], "method": "POST"}
        asyncio.run(application(scope, None, send))
        assert sent[-2]["status"] == 413


def test_a_socket_s_handshake_and_end_carry_them(database: None) -> None:
    from zentra.asgi import named_socket

    async def room(_scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4403})

    async def talk() -> tuple[Any, Any]:
        socket = WebsocketCommunicator(
            named_socket(room), "/w/x/live/", headers=[(b"traceparent", TRACEPARENT.encode())]
        )
        await socket.send_input({"type": "websocket.connect"})
        return await socket.receive_output(), await socket.receive_output()

    accepted, closed = asyncio.run(talk())
    headers = dict(accepted["headers"])
    assert REQUEST_ID.fullmatch(headers[b"x-request-id"].decode())
    assert headers[b"zentra-trace-id"].decode() == TRACE
    assert (closed["code"], closed["reason"]) == (4403, headers[b"x-request-id"].decode())


# -- The caller's own ids ----------------------------------------------------------------------------------------------


def test_the_caller_s_trace_is_kept_and_its_request_id_is_not_ours(client: Client) -> None:
    headers = {"traceparent": TRACEPARENT, "X-Request-Id": "req_01jd3x7c2m9v5t0qk8w4z6r1bn"}
    answer = client.get("/v1/accounts", headers=headers)
    assert answer.headers["Zentra-Trace-Id"] == TRACE
    assert TRACE in answer.headers["traceparent"]
    assert answer.headers["X-Request-Id"] != headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("order-17.retry:2", True), ("a" * 64, True), ("a" * 65, False), ("", False), ("two words", False),
        ("line\nbreak", False), ("-dash", False), ("<script>", False), ("ünïcode", False),
    ],
)  # fmt: skip
def test_a_caller_s_request_id_is_logged_beside_ours_when_it_is_well_formed(said: str, kept: bool) -> None:
    telemetry.bind_request(client_request_id=said)
    bound = structlog.contextvars.get_contextvars()
    assert (bound.get("client_request_id") == said) == kept
    structlog.contextvars.clear_contextvars()


# -- Log lines ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the handler of the settings writes, and structlog beside it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    said: Any = settings.LOGGING
    assert (said["handlers"]["stderr"]["filters"], said["handlers"]["stderr"]["formatter"]) == (["correlated"], "line")
    handler.setFormatter(logging.Formatter(said["formatters"]["line"]["format"]))
    handler.addFilter(telemetry.Correlated())
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def test_every_line_of_a_request_carries_its_ids(
    client: Client, lines: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        override_settings(ROOT_URLCONF=__name__),
        structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as ours,
    ):
        answer = client.get("/logs", headers={"X-Request-Id": "mine-7"})
        failed = client.get("/broken")
    request_id, trace_id = answer.headers["X-Request-Id"], answer.headers["Zentra-Trace-Id"]
    written = lines.getvalue()
    assert f"a library speaks request_id={request_id} trace_id={trace_id}" in written
    assert f"request_id={failed.headers['X-Request-Id']}" in written
    assert [(line["event"], line["request_id"], line["trace_id"], line["client_request_id"]) for line in ours] == [
        ("we.speak", request_id, trace_id, "mine-7")
    ]


def test_a_line_outside_of_any_request_says_so() -> None:
    import contextvars

    def outside() -> logging.LogRecord:
        record = logging.LogRecord("x", logging.INFO, "", 0, "words", None, None)
        telemetry.Correlated().filter(record)
        return record

    record = contextvars.Context().run(outside)
    assert (record.request_id, record.trace_id) == ("-", "-")  # type: ignore[attr-defined]  # set by the filter


def test_what_is_streamed_still_logs_under_its_request() -> None:
    seen: list[dict[str, Any]] = []

    def rows() -> Iterator[bytes]:
        seen.append(structlog.contextvars.get_contextvars())
        yield b"row"

    middleware = CorrelationMiddleware(lambda _request: StreamingHttpResponse(rows()))
    answer = middleware(RequestFactory().get("/v1/x"))
    assert isinstance(answer, StreamingHttpResponse)
    b"".join(answer)
    assert seen[0]["request_id"] == answer.headers["X-Request-Id"]
    structlog.contextvars.clear_contextvars()
