"""Real servers for these tests: the demo consumer, and endpoints that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from zentra.demo.consumer import Consumer, Inbox, Outages, Secrets

LOOPBACK = "127.0.0.1"


@contextmanager
def running_consumer(
    path: Path, *, secrets: Mapping[str, str | Sequence[str]], outages: Outages | None = None
) -> Iterator[Consumer]:
    """The demo consumer in a thread of this process."""
    inbox = Inbox(path / "consumer.sqlite3")
    server = Consumer((LOOPBACK, 0), inbox=inbox, secrets=Secrets(given=secrets), outages=outages or Outages())
    with _serving(server):
        yield server
    inbox.close()


def hook_url(server: Consumer, workspace: str) -> str:
    """Where a workspace's deliveries go."""
    return f"http://{LOOPBACK}:{server.server_port}/hooks/{workspace}"


@dataclass
class Answer:
    """What a scripted endpoint answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Endpoint:
    """A scripted endpoint and what it was sent."""

    url: str
    requests: list[tuple[dict[str, str], bytes]]
    connections: list[Any]


@contextmanager
def scripted_endpoint(answer: Callable[[int], Answer]) -> Iterator[Endpoint]:
    """An endpoint that answers the nth request (from 1) with ``answer(n)``."""
    requests: list[tuple[dict[str, str], bytes]] = []
    connections: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            given = answer(len(requests))
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    with _serving(server):
        yield Endpoint(f"http://{LOOPBACK}:{server.server_port}/hook", requests, connections)


@contextmanager
def raw_endpoint(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """An endpoint below HTTP: ``talk`` gets each accepted connection, on a thread of its own."""
    listener = socket.create_server((LOOPBACK, 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_talk_and_close, args=(talk, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}/hook"
    finally:
        listener.close()


def _talk_and_close(talk: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with connection, suppress(OSError):  # the other side may hang up
        talk(connection)


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
