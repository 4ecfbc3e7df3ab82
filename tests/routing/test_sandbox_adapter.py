"""How the adapter reads a rail's answers and silences: what is certain, and what is unknown."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.routing.processes import CONNECTION, SimulatorProcess, free_port
from zentra.routing.providers.sandbox import Deadlines, SandboxRail, new_client, register
from zentra.routing.providers.types import ProviderRequest
from zentra.routing.types import AnswerKind, Registration

QUICK = Deadlines(connect=1, read=1.5, answer=1)
GOOD = (
    b'{"key":"k.1","state":"accepted","executed":true,"provider_reference":"p","amount_minor":125000,"currency":"USD"}'
)


def request_for(key: str, scenario: str | None = None) -> ProviderRequest:
    return ProviderRequest(key, CONNECTION, "payment", 125000, "USD", "US>US:card", scenario)


@pytest.fixture
def rail(simulator: SimulatorProcess) -> SandboxRail:
    return SandboxRail(f"{simulator.url}/rail_a", deadlines=QUICK)


def answering(handle: Callable[[httpx.Request], httpx.Response]) -> SandboxRail:
    return SandboxRail("http://rail.test/rail_a", client=httpx.Client(transport=httpx.MockTransport(handle)))


@contextmanager
def raw_server(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that takes one connection and does what `speak` does with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    speak(connection)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/rail_a"
        thread.join(timeout=5)


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        (None, AnswerKind.ACCEPTED),
        ("latency", AnswerKind.ACCEPTED),
        ("decline", AnswerKind.DECLINED),
        ("fail", AnswerKind.ACCEPTED),
        ("timeout", AnswerKind.UNKNOWN),
        ("lost_response", AnswerKind.UNKNOWN),
        ("duplicate", AnswerKind.ACCEPTED),
        ("late", AnswerKind.ACCEPTED),
        ("out_of_order", AnswerKind.ACCEPTED),
        ("malformed", AnswerKind.ACCEPTED),
        ("unavailable", AnswerKind.UNAVAILABLE),
    ],
)
def test_each_scenario_has_its_answer(rail: SandboxRail, scenario: str | None, kind: AnswerKind) -> None:
    assert rail.send(request_for(f"scenario.{scenario}", scenario)).kind is kind


def test_an_accepted_payment_carries_the_rails_reference_and_our_latency(rail: SandboxRail) -> None:
    answer = rail.send(request_for("accepted.1"))

    assert answer.provider_reference is not None
    assert answer.provider_reference.startswith("rail_a-")
    assert 0 <= answer.latency_ms < 1500


def test_a_lost_response_is_found_by_asking(rail: SandboxRail) -> None:
    rail.send(request_for("lost.1", "lost_response"))

    assert rail.ask("lost.1").kind in {AnswerKind.ACCEPTED, AnswerKind.SUCCEEDED, AnswerKind.SETTLED}


def test_asking_for_what_never_executed_closes_the_key_before_it_says_so(
    rail: SandboxRail, simulator: SimulatorProcess
) -> None:
    assert rail.ask("never.1").kind is AnswerKind.NOT_FOUND

    # The request that was on its way all the time arrives now, and must not execute.
    assert rail.send(request_for("never.1")).kind is AnswerKind.UNAVAILABLE
    assert simulator.ledger() == []


def test_a_key_with_every_odd_character_is_found(rail: SandboxRail) -> None:
    key = "rail_x.intent/..?a=1&b#c%2F.1"
    rail.send(request_for(key))

    assert rail.ask(key).kind is not AnswerKind.NOT_FOUND


def test_a_refused_connection_is_unavailable_when_sending_and_unknown_when_asking() -> None:
    rail = SandboxRail(f"http://127.0.0.1:{free_port()}/rail_a", deadlines=QUICK)

    assert rail.send(request_for("k.1")).kind is AnswerKind.UNAVAILABLE
    assert rail.ask("k.1").kind is AnswerKind.UNKNOWN


def test_an_address_that_is_none_is_unavailable() -> None:
    assert SandboxRail("ftp://rail.test").send(request_for("k.1")).kind is AnswerKind.UNAVAILABLE


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(20):
        connection.sendall(b" ")
        time.sleep(0.1)


@pytest.mark.parametrize(
    "speak",
    [
        lambda _: time.sleep(2),
        lambda _: None,
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
        drip,
    ],
    ids=["silent", "closed", "other protocol", "cut off", "dripping"],
)
def test_silence_and_noise_after_sending_are_unknown(speak: Callable[[socket.socket], None]) -> None:
    with raw_server(speak) as base_url:
        assert SandboxRail(base_url, deadlines=QUICK).send(request_for("k.1")).kind is AnswerKind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (202, GOOD, AnswerKind.ACCEPTED),
        (200, GOOD.replace(b"accepted", b"settled"), AnswerKind.SETTLED),
        (503, b'{"executed":false}', AnswerKind.UNAVAILABLE),
        (503, b"{}", AnswerKind.UNKNOWN),
        (503, b'{"executed":true}', AnswerKind.UNKNOWN),
        (503, b"<html>", AnswerKind.UNKNOWN),
        (500, b'{"executed":false}', AnswerKind.UNKNOWN),
        (502, b"", AnswerKind.UNKNOWN),
        (410, b'{"executed":false}', AnswerKind.UNAVAILABLE),
        (429, b'{"executed":false}', AnswerKind.UNAVAILABLE),
        (404, b"{}", AnswerKind.UNKNOWN),
        (422, b'{"error":"key_reused"}', AnswerKind.UNKNOWN),
        (302, b"", AnswerKind.UNKNOWN),
        (202, b"", AnswerKind.UNKNOWN),
        (202, b"[]", AnswerKind.UNKNOWN),
        (202, b"{" * 1000, AnswerKind.UNKNOWN),
        (202, b" " * 70_000, AnswerKind.UNKNOWN),
        (202, GOOD.replace(b"accepted", b"canceled"), AnswerKind.UNKNOWN),
        (202, GOOD.replace(b"125000", b"125001"), AnswerKind.UNKNOWN),
        (202, GOOD.replace(b"USD", b"EUR"), AnswerKind.UNKNOWN),
        (202, GOOD.replace(b"k.1", b"k.2"), AnswerKind.UNKNOWN),
        (202, GOOD.replace(b'"p"', b"7"), AnswerKind.UNKNOWN),
        (202, GOOD.replace(b'"p"', b'"\\u0000"'), AnswerKind.UNKNOWN),
    ],
)
def test_only_a_promise_in_so_many_words_says_that_nothing_was_executed(
    status: int, content: bytes, kind: AnswerKind
) -> None:
    assert answering(lambda _: httpx.Response(status, content=iter([content]))).send(request_for("k.1")).kind is kind


@pytest.mark.parametrize(
    "error", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError]
)
def test_every_failure_after_sending_is_unknown(error: type[httpx.TransportError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("the line broke", request=request)

    assert answering(fail).send(request_for("k.1")).kind is AnswerKind.UNKNOWN


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_every_failure_before_sending_is_unavailable(error: type[httpx.TransportError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("never reached", request=request)

    assert answering(fail).send(request_for("k.1")).kind is AnswerKind.UNAVAILABLE


@pytest.mark.parametrize(
    ("asked", "canceled", "kind"),
    [
        ((404, b'{"error":"not_found"}'), (200, b'{"state":"canceled","executed":false}'), AnswerKind.NOT_FOUND),
        ((404, b'{"error":"not_found"}'), (409, GOOD), AnswerKind.ACCEPTED),
        ((404, b'{"error":"not_found"}'), (500, b"{}"), AnswerKind.UNKNOWN),
        ((404, b'{"error":"not_found"}'), (404, b"{}"), AnswerKind.UNKNOWN),
        ((404, b'{"error":"path_unknown"}'), (200, b"{}"), AnswerKind.UNKNOWN),
        ((404, b"<html>"), (200, b"{}"), AnswerKind.UNKNOWN),
        ((500, b"{}"), (200, b"{}"), AnswerKind.UNKNOWN),
        ((200, GOOD), (200, b"{}"), AnswerKind.ACCEPTED),
        ((200, GOOD.replace(b"k.1", b"k.2")), (200, b"{}"), AnswerKind.UNKNOWN),
    ],
)
def test_asking_says_not_found_only_after_the_rail_promised_never_to_execute(
    asked: tuple[int, bytes], canceled: tuple[int, bytes], kind: AnswerKind
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        status, content = canceled if request.url.path.endswith("/cancel") else asked
        return httpx.Response(status, content=iter([content]))

    assert answering(handle).ask("k.1").kind is kind


def test_the_client_follows_no_redirect_and_heeds_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    client = new_client(QUICK)

    assert (client.follow_redirects, client.trust_env) == (False, False)


def test_a_connection_is_registered_and_can_be_moved(simulator: SimulatorProcess) -> None:
    for callback_url in ("http://127.0.0.1:1/a", "http://127.0.0.1:1/b"):
        register([Registration(f"{simulator.url}/rail_a", "rail_new", callback_url, "whsec_MTIz")])

    assert simulator.pay("moved.1", connection_id="rail_new").status_code == 202
