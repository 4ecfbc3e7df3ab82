"""One call to an endpoint, against real sockets: what counts as success, and that every failure is a result."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.webhooks.servers import Answer, raw_endpoint, scripted_endpoint
from webhooks.outbound.sending import MAX_KEPT_BODY, Caller, Outgoing, SendResult, parse_retry_after

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def outgoing(url: str, *, timeout: float = 5.0) -> Outgoing:
    return Outgoing(
        url=url,
        headers={"webhook-id": "evt_1"},
        body=b"{}",
        timeout_seconds=timeout,
        started_at=NOW,
    )


def call(url: str, *, timeout: float = 5.0, allow_local: bool = True) -> SendResult:
    async def send() -> SendResult:
        async with Caller(allow_local=allow_local) as caller:
            return await caller.send(outgoing(url, timeout=timeout))

    return asyncio.run(send())


async def call_one_after_another(url: str, *, times: int, pause: float = 0.0) -> list[SendResult]:
    results = []
    async with Caller(allow_local=True) as caller:
        for _ in range(times):
            results.append(await caller.send(outgoing(url)))
            await asyncio.sleep(pause)
    return results


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_success(status: int) -> None:
    with scripted_endpoint(lambda _: Answer(status)) as endpoint:
        result = call(endpoint.url)

    assert (result.succeeded, result.status, result.error_class) == (True, status, None)


@pytest.mark.parametrize(
    ("status", "error_class"),
    [(301, "redirect"), (302, "redirect"), (304, "redirect"), (400, "client_error"), (404, "client_error"),
     (410, "gone"), (429, "client_error"), (500, "server_error"), (503, "server_error")],
)  # fmt: skip
def test_anything_else_is_a_classified_failure(status: int, error_class: str) -> None:
    with scripted_endpoint(lambda _: Answer(status)) as endpoint:
        result = call(endpoint.url)

    assert (result.succeeded, result.status, result.error_class) == (False, status, error_class)


def test_a_redirect_is_not_followed() -> None:
    with scripted_endpoint(lambda _: Answer(204)) as target:
        with scripted_endpoint(lambda _: Answer(302, {"Location": target.url})) as endpoint:
            result = call(endpoint.url)

        assert result.error_class == "redirect"
        assert target.requests == []


def test_connections_are_reused() -> None:
    with scripted_endpoint(lambda _: Answer(200, body=b"ok")) as endpoint:
        results = asyncio.run(call_one_after_another(endpoint.url, times=5))

    assert all(result.succeeded for result in results)
    assert [result.connect_ms is None for result in results] == [False, True, True, True, True]
    assert len(endpoint.connections) == 1


def test_no_more_than_16_kb_of_an_answer_are_kept() -> None:
    with scripted_endpoint(lambda _: Answer(500, body=b"x" * 200_000)) as endpoint:
        result = call(endpoint.url)

    assert (len(result.body), result.is_truncated) == (MAX_KEPT_BODY, True)


def test_a_compressed_bomb_is_kept_as_it_came() -> None:
    with scripted_endpoint(lambda _: Answer(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08not really")) as endpoint:
        result = call(endpoint.url)

    assert result.succeeded
    assert result.body == b"\x1f\x8b\x08not really"


def test_retry_after_is_read() -> None:
    with scripted_endpoint(lambda _: Answer(503, {"Retry-After": "17"})) as endpoint:
        assert call(endpoint.url).retry_after_seconds == 17


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("0", 0),
        ("120", 120),
        ("9" * 500, 10**8),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str | None, seconds: int | None) -> None:
    assert parse_retry_after(text, now=NOW) == seconds


def test_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert call(f"http://127.0.0.1:{port}/hook").error_class == "name_or_connect"


def test_a_name_that_does_not_resolve() -> None:
    assert call("http://nowhere.invalid/hook").error_class == "name_or_connect"


def test_a_local_address_is_refused_without_the_setting() -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        result = call(endpoint.url, allow_local=False)

        assert result.error_class == "address_refused"
        assert endpoint.connections == []


def test_a_black_hole_ends_at_the_timeout() -> None:
    with raw_endpoint(lambda connection: time.sleep(5)) as url:
        began = time.monotonic()
        result = call(url, timeout=0.3)

    assert result.error_class == "timeout"
    assert time.monotonic() - began < 1.5


def test_a_trickle_ends_at_the_timeout_too() -> None:
    def trickle(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 100:
            connection.send(bytes([byte]))
            time.sleep(0.05)

    with raw_endpoint(trickle) as url:
        began = time.monotonic()
        result = call(url, timeout=0.4)

    assert result.error_class == "timeout"
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"])
def test_a_broken_answer_is_a_failure_and_no_exception(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with raw_endpoint(talk) as url:
        assert call(url).error_class in {"protocol", "connection_lost"}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nauthor ization: s3cret-4711\r\n\r\n",
        b"s3cret-4711\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ns3cret-4711\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: s3cret-4711" + b"x" * 9000 + b"\r\n\r\n",
    ],
)
def test_why_a_call_failed_repeats_neither_its_url_nor_what_the_server_sent(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with raw_endpoint(talk) as url:
        result = call(f"{url}?token=t0ken-4711")

    assert result.error_class in {"protocol", "connection_lost"}
    assert result.error_detail
    assert "4711" not in result.error_detail


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", b""])
def test_what_the_proxy_refuses_tells_neither_its_address_nor_its_password(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    async def through(proxy: str) -> SendResult:
        async with Caller(allow_local=False, proxy=proxy) as caller:
            return await caller.send(outgoing("https://93.184.216.34/hook?token=t0ken-4711"))

    with raw_endpoint(talk) as url:
        results = [asyncio.run(through(url.replace("//", "//operator:s3cret-4711@")))]
    results.append(asyncio.run(through("http://operator:s3cret-4711@127.0.0.1:9")))

    for result in results:
        assert not result.succeeded
        assert "4711" not in result.error_detail
        assert "127.0.0.1" not in result.error_detail


def test_a_connection_closed_while_it_was_idle_is_not_used_again() -> None:
    def once(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with raw_endpoint(once) as url:
        # The pause lets the close arrive; nothing of ours can be waited for.
        results = asyncio.run(call_one_after_another(url, times=2, pause=0.05))

    assert all(result.succeeded for result in results)


def test_a_name_is_resolved_once_and_its_answer_is_what_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public when it is checked, private when it would be called. There is no second look-up."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    asked: list[str] = []

    def rebinding(host: str, port: int, *args: object, **options: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        port = endpoint.url.rpartition(":")[2].partition("/")[0]
        result = call(f"http://innocent.example:{port}/hook", timeout=1.0, allow_local=False)

        assert not result.succeeded
        assert asked == ["innocent.example"]
        assert endpoint.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "10.0.0.1", "2130706433", "localhost"])
def test_local_hosts_in_every_spelling_are_refused_without_a_connection(host: str) -> None:
    result = call(f"http://{host}:9/hook", timeout=2.0, allow_local=False)

    assert result.error_class in {"address_refused", "protocol"}  # some spellings are no URL to aiohttp at all
    assert (result.connect_ms, result.remote_address) == (None, "")


def test_metadata_services_are_refused_even_where_local_addresses_are_allowed() -> None:
    assert call("http://169.254.169.254/latest/meta-data/", timeout=2.0).error_class == "address_refused"


def test_the_result_says_when_and_how_long() -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        result = call(endpoint.url)

    assert result.started_at == NOW
    assert timedelta(0) <= timedelta(milliseconds=result.duration_ms) < timedelta(seconds=2)
