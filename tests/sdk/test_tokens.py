"""A client of the SDK that proves itself by short tokens: fetched once, renewed in time, and never by two at once."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from zentra.sdk import (
    AsyncZentra,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    MockTransport,
    UnexpectedAnswer,
    Zentra,
)
from zentra.sdk._auth import Credentials, TokenAuth

CLIENT: dict[str, Any] = {"client_id": "cli_mock", "client_secret": "zs_test_mock"}
EVENTS: dict[str, Any] = {"data": [], "next_cursor": None, "has_more": False}


def planned(*tokens: str, expires_in: int = 600) -> MockTransport:
    mock = MockTransport()
    for token in tokens:
        said = {"access_token": token, "token_type": "Bearer", "expires_in": expires_in}
        mock.answer("POST", "/oauth/token", json=said)
    return mock


def sent(mock: MockTransport) -> list[tuple[str, str | None]]:
    return [(each.path, each.headers.get("authorization")) for each in mock.requests]


def test_a_token_is_fetched_once_and_carried_by_every_call() -> None:
    mock = planned("one")
    mock.answer("GET", "/events", json=EVENTS)
    with Zentra(transport=mock, **CLIENT) as zentra:
        zentra.events.list()
        zentra.events.list()

    assert sent(mock) == [("/oauth/token", None), ("/events", "Bearer one"), ("/events", "Bearer one")]
    assert mock.requests[0].json == {"grant_type": "client_credentials", **CLIENT}


async def test_the_awaited_client_does_the_same() -> None:
    mock = planned("one")
    mock.answer("GET", "/events", json=EVENTS)
    async with AsyncZentra(transport=mock, **CLIENT) as zentra:
        await asyncio.gather(*(zentra.events.list() for _ in range(5)))

    assert [path for path, _ in sent(mock)].count("/oauth/token") == 1
    assert [said for path, said in sent(mock) if path == "/events"] == ["Bearer one"] * 5


def test_a_refused_token_is_replaced_once_and_the_call_is_sent_again() -> None:
    mock = planned("old", "new")
    mock.problem("GET", "/events", status=401, code="credential_revoked")
    mock.answer("GET", "/events", json=EVENTS)
    with Zentra(transport=mock, **CLIENT) as zentra:
        zentra.events.list()
    assert [said for path, said in sent(mock) if path == "/events"] == ["Bearer old", "Bearer new"]

    stubborn = planned("old", "new")
    stubborn.problem("GET", "/events", status=401, code="credential_unknown")
    with Zentra(transport=stubborn, **CLIENT) as zentra, pytest.raises(AuthenticationError) as refused:
        zentra.events.list()
    assert refused.value.code == "credential_unknown"
    assert len(sent(stubborn)) == 4


def test_a_token_is_renewed_before_it_ends() -> None:
    now = [0.0]
    auth = TokenAuth("https://x/v1/oauth/token", Credentials(**CLIENT), stopwatch=lambda: now[0])
    asked = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"access_token": "t", "expires_in": 300})

    with httpx.Client(transport=httpx.MockTransport(serve), auth=auth) as http:
        for moment in (0.0, 269.0, 271.0):
            now[0] = moment
            http.get("https://x/v1/events")
    assert asked.count("/v1/oauth/token") == 2


def test_many_threads_fetch_one_token() -> None:
    asked, lock = [], threading.Lock()

    def serve(request: httpx.Request) -> httpx.Response:
        with lock:
            asked.append(request.url.path)
        return httpx.Response(200, json={"access_token": "t", "expires_in": 300} | EVENTS)

    with (
        Zentra(transport=httpx.MockTransport(serve), **CLIENT) as zentra,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: zentra.events.list(), range(32)))
    assert asked.count("/v1/oauth/token") == 1


def test_a_client_that_is_not_known_is_told_so_without_a_retry() -> None:
    mock = MockTransport()
    mock.answer("POST", "/oauth/token", json={"error": "invalid_client", "error_description": "No."}, status=401)
    with Zentra(transport=mock, **CLIENT) as zentra, pytest.raises(AuthenticationError) as refused:
        zentra.events.list()
    assert refused.value.code == "invalid_client"
    assert len(mock.requests) == 1


def test_a_token_address_that_is_busy_is_asked_again() -> None:
    mock = MockTransport()
    mock.answer("POST", "/oauth/token", json={}, status=503)
    mock.answer("POST", "/oauth/token", json={"access_token": "t", "expires_in": 300})
    mock.answer("GET", "/events", json=EVENTS)
    with Zentra(transport=mock, **CLIENT) as zentra:
        zentra._session._sleep = lambda _: None
        zentra.events.list()

    always = MockTransport()
    always.answer("POST", "/oauth/token", json={}, status=503)
    with Zentra(transport=always, retries=0, **CLIENT) as zentra, pytest.raises(ConnectionFailed):
        zentra.events.list()


def test_an_answer_that_is_no_token_is_unexpected() -> None:
    for json in ({"access_token": "t"}, ["no"], {"expires_in": "soon", "access_token": "t"}):
        mock = MockTransport()
        mock.answer("POST", "/oauth/token", json=json)
        with Zentra(transport=mock, **CLIENT) as zentra, pytest.raises(UnexpectedAnswer):
            zentra.events.list()


def test_what_cannot_work_fails_at_once() -> None:
    for how in (
        {},
        {"api_key": "zk_test_x", "client_id": "cli_x", "client_secret": "zs_x"},
        {"client_id": "cli_x"},
        {"client_id": "", "client_secret": "zs_x"},
        {"client_id": "cli_x", "client_secret": "two words"},
        {"client_secret": "zs_x"},
        {"api_key": ""},
    ):
        with pytest.raises(ConfigurationError):
            Zentra(**how)  # type: ignore[arg-type]
