"""Real counterparts for the tests: a simulator process that can be killed, and a receiver of its callbacks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CONNECTION = "rail_01jd8z3k5m7n9p1q3r5s7t9v1w"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    """Poll until it holds. Raises AssertionError when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@dataclass
class SimulatorProcess:
    """`python -m zentra.routing.sandbox` on one port and one state file, over several lives."""

    state: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = [sys.executable, "-m", "zentra.routing.sandbox", "--port", str(self.port), "--state", str(self.state)]
        # A process of its own, with nothing of Django's in reach.
        environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        self.process = subprocess.Popen([*words, *self.options], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith(b"listening on ")

    def kill(self) -> None:
        """kill -9: no handler runs, nothing is flushed."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=10)

    def close(self) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                self.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def pay(self, key: str, *, rail: str = "rail_a", scenario: str | None = None, **changes: Any) -> httpx.Response:
        body: dict[str, object] = {
            "connection_id": CONNECTION,
            "reference": key,
            "kind": "payment",
            "amount_minor": 125000,
            "currency": "USD",
            "corridor": "US>US:card",
        }
        if scenario is not None:
            body["scenario"] = scenario
        url = f"{self.url}/{rail}/payments"
        return httpx.post(url, json=body | changes, headers={"Idempotency-Key": key}, trust_env=False, timeout=10)

    def get(self, path: str, **query: str) -> httpx.Response:
        return httpx.get(self.url + path, params=query, trust_env=False, timeout=10)

    def post(self, path: str, body: dict[str, object]) -> httpx.Response:
        return httpx.post(self.url + path, json=body, trust_env=False, timeout=10)

    def ledger(self, rail: str = "rail_a") -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = self.get(f"/{rail}/ledger").json()["data"]
        return data

    def register(self, callback_url: str, *, rail: str = "rail_a") -> None:
        body: dict[str, object] = {"connection_id": CONNECTION, "callback_url": callback_url, "secret": SECRET}
        assert self.post(f"/{rail}/connections", body).status_code == 200


@dataclass(frozen=True)
class Received:
    """One callback as it arrived."""

    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


@dataclass
class CallbackReceiver:
    """An HTTP server that keeps every callback and answers with `status`."""

    status: int = 200
    received: list[Received] = field(default_factory=list)
    port: int = 0

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_request(self, code: object = "-", size: object = "-") -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/callbacks"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def types(self, key: str) -> list[str]:
        """The types told about a payment, in order of arrival, well-formed ones only."""
        bodies = [r.json() for r in self.received if r.body.endswith(b"}")]
        return [body["type"] for body in bodies if body["reference"] == key]
