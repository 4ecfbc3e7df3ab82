"""The local HTTP server behind ``manage.py webhooks_listen``: verify, tell, and pass on."""

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import httpx

from webhooks.listening.diagnosis import Finding, Keys, examine

MAX_BODY_BYTES: Final = 1024 * 1024
FORWARD_TIMEOUT_SECONDS: Final = 30.0
# What belongs to one connection, and is the next one's own (RFC 9110, 7.6.1).
_OF_THE_CONNECTION: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "keep-alive"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that was looked at, and what was answered."""

    finding: Finding
    headers: Sequence[tuple[str, str]]
    body: bytes
    status: int
    forwarded_to: str | None
    took_ms: int

    def as_dict(self) -> dict[str, object]:
        """The delivery as a file keeps it, to be verified or sent again elsewhere."""
        return {"headers": dict(self.headers), "body_base64": base64.b64encode(self.body).decode("ascii")}


class Listener(ThreadingHTTPServer):
    """Answers 204 to what verifies and 401 to what does not; with ``forward``, what the program behind it answers."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], *, keys: Keys, tell: Callable[[Arrival], None], forward: str | None = None
    ) -> None:
        super().__init__(address, _Handler)
        self.keys = keys
        self.tell = tell
        self.forward = forward

    def pass_on(self, headers: Sequence[tuple[str, str]], body: bytes) -> int:
        """The status of the program behind us; 502 when it does not answer."""
        if self.forward is None:
            return 204
        kept = [(name, value) for name, value in headers if name.lower() not in _OF_THE_CONNECTION]
        try:
            answer = httpx.post(self.forward, content=body, headers=kept, timeout=FORWARD_TIMEOUT_SECONDS)
        except httpx.HTTPError:
            return 502
        return answer.status_code


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        """Any path takes a delivery."""
        began = time.monotonic()
        body = self._read_body()
        if body is None:
            self._answer(413)
            return
        headers = list(self.headers.items())
        finding = examine(body=body, headers=headers, keys=self.server.keys, now=time.time())
        # Nothing that does not verify reaches the program behind us.
        status = self.server.pass_on(headers, body) if finding.event is not None else 401
        self._answer(status, challenge=finding.event.challenge if finding.event is not None else None)
        took_ms = int((time.monotonic() - began) * 1000)
        forwarded_to = self.server.forward if finding.event is not None else None
        self.server.tell(Arrival(finding, headers, body, status, forwarded_to, took_ms))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Silent: each arrival is told once, by the command."""

    def _read_body(self) -> bytes | None:
        length = self.headers.get("content-length", "")
        if not length.isascii() or not length.isdigit() or int(length[:12]) > MAX_BODY_BYTES:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, *, challenge: str | None = None) -> None:
        self.send_response(status)
        if challenge:
            self.send_header("zentra-challenge", challenge)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()
