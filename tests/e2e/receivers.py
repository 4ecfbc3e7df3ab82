"""Consumers that remember what arrived and when, and can be told to be slow, down, or to hold their calls."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Mode = Literal["up", "down", "slow", "held"]
SLOW_SECONDS = 6.0
HELD_SECONDS = 60.0


@dataclass(frozen=True)
class Arrival:
    """One request: the event's id, its place in the log, and when it came (monotonic seconds)."""

    event_id: str
    sequence: int
    at: float
    was_answered: bool


@dataclass
class Receiver:
    """A consumer; what it answered 2xx counts as received."""

    url: str = ""
    mode: Mode = "up"
    arrivals: list[Arrival] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    def answer(self, event_id: str, sequence: int) -> int:
        """Note a request, and the status that it is answered with."""
        mode = self.mode
        self.arrivals.append(Arrival(event_id, sequence, time.monotonic(), mode in ("up", "slow")))
        if mode == "slow":
            time.sleep(SLOW_SECONDS)
        elif mode == "held":
            self.let_go.wait(HELD_SECONDS)
        return 503 if mode == "down" else 204

    @property
    def received(self) -> Counter[str]:
        """How often each event was taken."""
        return Counter(each.event_id for each in self.arrivals if each.was_answered)

    @property
    def sequence(self) -> list[int]:
        """The places in the log of what was taken, in order."""
        return sorted({each.sequence for each in self.arrivals if each.was_answered})


@contextmanager
def receiving(mode: Mode = "up") -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(mode=mode)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status = receiver.answer(self.headers["webhook-id"], int(self.headers["zentra-sequence"]))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A worker that was killed hung up."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
