"""What no HTTP client would send to the callbacks' door, byte by byte: refused with 4xx and a code, nothing changed."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from tests.api.test_callback_limits import BODY, rail
from tests.webhooks import signed_callbacks as sign

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

__all__ = ["rail"]  # the fixture
pytestmark = pytest.mark.e2e

NO_ANSWER: Final = 499
"""The server hung up, or waits for bytes that were promised: nothing was taken in."""

CHANGED_BY_CALLBACKS: Final = frozenset(
    {"webhooks_callback", "webhooks_callback_key", "webhooks_quarantine", "ledger_posting", "ledger_entry",
     "runtime_intent", "routing_attempt"}
)  # fmt: skip
"""Processes that run beside this test have rows of their own."""

CHUNKED: Final = b"Transfer-Encoding: chunked"
LENGTH: Final = b"Content-Length: %d" % len(BODY)
HEADS: Final = {
    "two lengths": ([LENGTH, b"Content-Length: 1"], BODY),
    "the same length twice": ([LENGTH, LENGTH], BODY),
    "a list of lengths": ([b"Content-Length: %d, %d" % (len(BODY), len(BODY))], BODY),
    "a length with a sign": ([b"Content-Length: +%d" % len(BODY)], BODY),
    "a length of other digits": (["Content-Length: ٦٤".encode()], BODY),
    "a length and chunks": ([LENGTH, CHUNKED], b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "chunks of no size": ([CHUNKED], b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk of minus one": ([CHUNKED], b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk that never comes": ([CHUNKED], b"ffffffffffffffff\r\n" + BODY),
    "a chunk that lies": ([CHUNKED], b"2\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "an unknown transfer": ([b"Transfer-Encoding: gzip, chunked"], b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "no length at all": ([], BODY),
    "bytes that are no text": ([LENGTH, b"webhook-signature: v1,\xff\xfe\x80"], BODY),
    "a signature of 60 KB": ([LENGTH, b"webhook-signature: " + b"v1,A " * 12_000], BODY),
    "ten thousand signatures": ([LENGTH, b"webhook-signature: " + b"v1, " * 4_000], BODY),
    "NUL in a header": ([LENGTH, b"webhook-id: a\x00b"], BODY),
    "a header in two lines": ([LENGTH, b"webhook-id: a", b"\tb"], BODY),
    "a time that no calendar has": ([LENGTH, b"webhook-id: a", b"webhook-timestamp: " + b"9" * 400], BODY),
    "a body of NULs": ([b"Content-Length: 300"], b"\x00" * 300),
    "a body that is no text": ([b"Content-Length: 300"], b"\xff\xfe\xc0" * 100),
}


@pytest.fixture
def api_url(served: ServedZentra) -> str:
    """The server as it really runs, not the one of the API's tests: what is below HTTP is its business."""
    return served.api_url


def send(api_url: str, rail_id: str, lines: list[bytes], body: bytes) -> tuple[int, bytes]:
    """Send exactly these lines and this body; status and body of the answer."""
    url = urlsplit(api_url)
    head = [
        f"POST {url.path}/providers/{rail_id}/callbacks HTTP/1.1".encode(),
        f"Host: {url.netloc}".encode(),
        b"Connection: close",
        *lines,
    ]
    with socket.create_connection((url.hostname, url.port or 80), timeout=2) as wire:
        try:
            wire.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
            answer = HTTPResponse(wire)
            answer.begin()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return NO_ANSWER, b""


@pytest.mark.parametrize("name", HEADS)
def test_what_is_malformed_below_http_is_refused_and_changes_nothing(
    api_url: str, rail: str, workspace: TenantRef, name: str
) -> None:
    lines, body = HEADS[name]
    writes = Writes(workspace)

    status, said = send(api_url, rail, [b"Content-Type: application/json", *lines], body)

    assert 400 <= status < 500, (status, said)
    assert not CHANGED_BY_CALLBACKS & writes.new_rows().keys()
    assert httpx.get(f"{api_url}/event-types/ledger.entry.posted").status_code == 200  # and the server lives


@pytest.mark.parametrize("name", ["two lengths", "a length and chunks", "a chunk that lies", "an unknown transfer"])
def test_a_good_signature_does_not_make_it_better(api_url: str, rail: str, workspace: TenantRef, name: str) -> None:
    lines, body = HEADS[name]
    signed = [f"{key}: {value}".encode() for key, value in sign.standard(BODY, datetime.now(UTC)).items()]
    writes = Writes(workspace)

    status, said = send(api_url, rail, [*signed, *lines], body)

    assert 400 <= status < 500, (status, said)
    assert not CHANGED_BY_CALLBACKS & writes.new_rows().keys(), (status, said)


def test_a_refusal_of_ours_has_a_code(api_url: str, rail: str) -> None:
    status, said = send(api_url, rail, [LENGTH, b"webhook-signature: v1,\xff\xfe\x80"], BODY)

    assert (status, json.loads(said)["code"]) == (401, "invalid_signature")
