"""What a callback may not be, whatever its headers promise: too large, compressed, of another length, too often.

Over raw sockets, because well-behaved clients cannot send most of this.
"""

from __future__ import annotations

import asyncio
import json
import socket
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from tests.webhooks import signed_callbacks as sign
from webhooks.inbound.receiving import MAX_BODY_BYTES
from webhooks.queries import list_refusals
from zentra.core import clock
from zentra.core.rates import limiter
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import connect_rail

Connect = Callable[..., httpx.Client]
BODY = json.dumps({"id": "pev_1", "type": "payment.succeeded"}).encode()


@pytest.fixture
def rail(workspace: TenantRef) -> str:
    with tenant_work(workspace):
        made = connect_rail(
            ws=workspace, name="rail_x", base_url="http://127.0.0.1:9", secret=sign.STANDARD, now=clock.now()
        )
    return made.id


def raw(api_url: str, rail: str, head: dict[str, str], body: bytes, *, cut: bool = False) -> tuple[int, str]:
    """Send exactly this; (status, code) of the answer."""
    url = urlsplit(api_url)
    lines = [f"POST {url.path}/providers/{rail}/callbacks HTTP/1.1", f"Host: {url.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in head.items()]
    with socket.create_connection((url.hostname, url.port or 80), timeout=10) as wire:
        wire.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        if cut:
            wire.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(wire)
        answer.begin()
        return answer.status, json.loads(answer.read())["code"]


@pytest.mark.parametrize("declared", [MAX_BODY_BYTES + 1, 10_000_000, 10**14])
def test_a_declared_length_is_refused_before_a_byte_of_it_is_read(
    api_url: str, rail: str, workspace: TenantRef, declared: int
) -> None:
    # Nothing of the body is ever sent: an answer proves that nobody waited for it.
    assert raw(api_url, rail, {"Content-Length": str(declared)}, b"") == (413, "callback_too_large")

    with tenant_work(workspace):
        [refused] = list_refusals(rail_id=rail).rows
    assert (refused.reason, refused.body_bytes) == ("callback_too_large", declared)


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "0x10", "9" * 30])
def test_a_length_that_is_no_number_is_refused(api_url: str, rail: str, workspace: TenantRef, length: str) -> None:
    writes = Writes(workspace)
    status, code = raw(api_url, rail, {"Content-Length": length}, BODY, cut=True)
    assert (status, code) == (400, "callback_length_wrong")
    assert writes.new_rows() == {}


def test_a_body_that_ends_early_is_refused(api_url: str, rail: str, workspace: TenantRef) -> None:
    writes = Writes(workspace)
    head = {"Content-Length": str(len(BODY) + 10), **sign.standard(BODY, datetime.now(UTC))}
    assert raw(api_url, rail, head, BODY, cut=True) == (400, "callback_length_wrong")
    assert writes.new_rows() == {}


def test_a_body_longer_than_declared_is_what_was_declared(api_url: str, rail: str, workspace: TenantRef) -> None:
    writes = Writes(workspace)
    head = {"Content-Length": str(len(BODY)), **sign.standard(BODY + b"more", datetime.now(UTC))}
    assert raw(api_url, rail, head, BODY + b"more") == (401, "invalid_signature")
    assert writes.new_rows() == {}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "identity, gzip", "x" * 500])
def test_a_compressed_body_is_refused_without_being_unpacked(
    connect: Connect, rail: str, workspace: TenantRef, encoding: str
) -> None:
    bomb = zlib.compress(b"0" * 50_000_000)  # 48 kB that would be 50 MB
    writes = Writes(workspace)
    headers = {"Content-Encoding": encoding, **sign.stripe(bomb, datetime.now(UTC))}

    answer = connect(None).post(f"/providers/{rail}/callbacks", content=bomb, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "callback_encoding_unsupported")
    assert writes.new_rows() == {}
    assert writes.new_types() == {"callback.refused": 1}


def test_identity_is_no_compression(connect: Connect, rail: str) -> None:
    headers = {"Content-Encoding": "identity", **sign.standard(BODY, datetime.now(UTC))}
    answer = connect(None).post(f"/providers/{rail}/callbacks", content=BODY, headers=headers)
    assert answer.json()["code"] == "malformed_callback"


# -- Over ASGI, where bodies come in pieces without a length -----------------------------------------------------------


def asgi(path: str, chunks: list[bytes], headers: dict[str, str]) -> tuple[int, str, int]:
    """(status, code, pieces that were asked for) of a body that is sent in chunks."""
    from zentra.asgi import application

    asked = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal asked
        for chunk in chunks:
            asked += 1
            yield chunk

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost/v1") as http:
            return await http.post(path, content=pieces(), headers=headers)

    answer = asyncio.run(ask())
    return answer.status_code, answer.json()["code"], asked


def test_chunks_without_a_length_are_read_to_the_limit_and_not_further(rail: str, workspace: TenantRef) -> None:
    writes = Writes(workspace)
    chunks = [b"x" * 16_384] * 1000
    status, code, asked = asgi(f"/providers/{rail}/callbacks", chunks, {"Content-Type": "application/json"})

    assert (status, code) == (413, "callback_too_large")
    assert asked < 10
    assert writes.new_rows() == {}
    assert writes.new_types() == {"callback.refused": 1}


def test_chunks_within_the_limit_are_a_body(rail: str, workspace: TenantRef) -> None:
    headers = sign.standard(BODY, datetime.now(UTC))
    assert asgi(f"/providers/{rail}/callbacks", [BODY[:10], BODY[10:]], headers)[:2] == (400, "malformed_callback")


def test_chunks_that_lie_about_their_length_are_refused(rail: str, workspace: TenantRef) -> None:
    headers = {"Content-Length": "10", **sign.standard(BODY, datetime.now(UTC))}
    status, _, _ = asgi(f"/providers/{rail}/callbacks", [BODY], headers)
    assert 400 <= status < 500


# -- Too often ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def slow(settings: Any) -> Iterator[None]:
    settings.ZENTRA_CALLBACK_RATE = 1
    yield
    limiter.cache_clear()


def test_one_connection_is_limited_and_another_is_not(
    connect: Connect, rail: str, workspace: TenantRef, other_workspace: TenantRef, slow: None
) -> None:
    with tenant_work(other_workspace):
        other = connect_rail(
            ws=other_workspace, name="rail_y", base_url="http://127.0.0.1:9", secret=sign.STANDARD, now=clock.now()
        )
    http = connect(None)
    answers = [http.post(f"/providers/{rail}/callbacks", content=b"{}") for _ in range(6)]

    assert [answer.status_code for answer in answers[:2]] == [401, 401]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert limited[0].json()["code"] == "callback_rate_limited"
    assert int(limited[0].headers["Retry-After"]) >= 1
    assert http.post(f"/providers/{other.id}/callbacks", content=b"{}").status_code == 401


def test_what_is_limited_leaves_no_evidence_and_no_row(
    connect: Connect, rail: str, workspace: TenantRef, slow: None
) -> None:
    http = connect(None)
    for _ in range(3):
        http.post(f"/providers/{rail}/callbacks", content=b"{}")
    writes = Writes(workspace)
    assert http.post(f"/providers/{rail}/callbacks", content=b"{}").status_code == 429
    assert writes.new_types() == {}


def test_while_redis_is_away_the_process_itself_limits(
    connect: Connect, rail: str, slow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zentra.core.rates.limiter", limiter)
    gone = limiter()
    monkeypatch.setattr(gone, "_alone_until", float("inf"))
    http = connect(None)
    statuses = [http.post(f"/providers/{rail}/callbacks", content=b"{}").status_code for _ in range(5)]
    assert statuses[0] == 401
    assert 429 in statuses
