"""The consumer's server: ``/hooks`` for deliveries, the rest for people who watch it."""

import argparse
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from zentra.demo.consumer.behaviour import DOWN_FOR_SECONDS, MODES, SLOW_SECONDS, Outages, Secrets, flaky_turn
from zentra.demo.consumer.inbox import Inbox
from zentra.sdk import ConfigurationError, WebhookEvent, WebhookVerificationError, webhooks

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_LISTED: Final = 1000
_LOOK_EVERY_SECONDS: Final = 0.1


class Consumer(ThreadingHTTPServer):
    """The server, with what its requests share."""

    daemon_threads = True
    # A burst of deliveries must not be refused by the kernel.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], *, inbox: Inbox, secrets: Secrets, outages: Outages) -> None:
        super().__init__(address, Handler)
        self.inbox = inbox
        self.secrets = secrets
        self.outages = outages

    @property
    def behaviour(self) -> str:
        """What ``/control`` asks for; an outage of its own is added to ``up``."""
        mode = self.inbox.mode
        return "down" if mode == "up" and self.outages.is_down() else mode

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hung up is no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """One connection of a sender."""

    server: Consumer
    protocol_version = "HTTP/1.1"
    # Answers are small and leave in two writes; without this each would wait for the other side's acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """``/received``, ``/accounts``, ``/intents``, ``/gaps``, ``/control`` and ``/healthz``."""
        self._answer_safely(self._get)

    def do_POST(self) -> None:
        """``/hooks/<workspace>`` and ``/control``."""
        self._answer_safely(self._post)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: what matters is in ``/received``."""

    def _answer_safely(self, answer: Any) -> None:
        try:
            answer()
        except Refused as refusal:
            self.close_connection = True  # the body may not have been read
            self._send(refusal.status, {"error": str(refusal)})

    def _get(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        limit = min(_whole(query.get("limit"), 100), MAX_LISTED)
        inbox, workspace = self.server.inbox, query.get("workspace")
        if parts.path == "/received":
            listed = inbox.list_received(workspace=workspace, after=_whole(query.get("after"), -1), limit=limit)
            self._send(200, {**inbox.count(), "received": listed})
        elif parts.path in ("/control", "/healthz"):
            self._send(200, {"mode": inbox.mode, "behaviour": self.server.behaviour})
        elif parts.path == "/accounts":
            self._send(200, {"accounts": inbox.list_accounts(workspace=workspace or "", limit=limit)})
        elif parts.path == "/intents":
            self._send(200, {"intents": inbox.list_intents(workspace=workspace or "", limit=limit)})
        elif parts.path == "/gaps":
            self._send(200, {"gaps": inbox.list_gaps(workspace=workspace or "", limit=limit)})
        else:
            raise Refused(404, "there is nothing here")

    def _post(self) -> None:
        path = urlsplit(self.path).path
        if path == "/control":
            self._control(self._read_body())
        elif path.startswith("/hooks/"):
            self._receive(path.removeprefix("/hooks/").strip("/"))
        else:
            raise Refused(404, "there is nothing here")

    def _control(self, body: bytes) -> None:
        try:
            wanted = json.loads(body)
            mode, intents = wanted["mode"], wanted.get("intents")
        except (ValueError, KeyError, TypeError, AttributeError):
            mode = intents = None
        if mode not in MODES:
            raise Refused(400, f"mode must be one of {', '.join(MODES)}")
        if intents is None:
            self.server.inbox.mode = mode
        else:
            self.server.inbox.behave_for([str(intent) for intent in intents], mode)
        self._send(200, {"mode": self.server.inbox.mode, "behaviour": self.server.behaviour})

    def _receive(self, workspace: str) -> None:
        if self.server.behaviour == "down":
            self._hang_up()
            return
        body = self._read_body()
        behaviour = self.server.inbox.mode_for(body) or self.server.behaviour
        if behaviour == "flaky":
            attempt = self.headers.get("zentra-attempt", "1")
            behaviour = flaky_turn(webhook_id=self.headers.get("webhook-id", ""), attempt=attempt)
        if behaviour == "slow":
            time.sleep(SLOW_SECONDS)
        if behaviour == "reject":
            raise Refused(503, "not now")
        if behaviour == "blackhole":
            self._wait_in_silence(body)
        if behaviour in {"down", "blackhole"}:
            self._hang_up()
            return
        event = self._verify(workspace, body)
        self.server.inbox.keep(workspace=workspace, event=event, body=body.decode(), received_at=time.time())
        # Only what is proven to be ours is answered: to echo a challenge to anybody would prove nothing.
        self._send(204, None, headers={"zentra-challenge": event.challenge} if event.challenge else {})

    def _hang_up(self) -> None:
        # What a dead process looks like from outside: the connection ends without an answer.
        self.close_connection = True

    def _wait_in_silence(self, body: bytes) -> None:
        """Never answer: until the sender gives up, or somebody asks for another behaviour."""
        while (self.server.inbox.mode_for(body) or self.server.behaviour) == "blackhole":
            readable, _, _ = select.select([self.connection], [], [], _LOOK_EVERY_SECONDS)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def _verify(self, workspace: str, body: bytes) -> WebhookEvent:
        secrets = self.server.secrets.of(workspace)
        if not secrets:
            raise Refused(404, f"no secret is known for {workspace[:80]!r}")
        try:
            return webhooks.verify(body, self.headers.items(), secret=secrets)
        except WebhookVerificationError as error:
            raise Refused(401, f"not verified: {error}") from error
        except ConfigurationError as error:
            raise Refused(500, f"the secret of {workspace[:80]!r} cannot be used") from error

    def _read_body(self) -> bytes:
        length = _whole(self.headers.get("content-length"), -1)
        if not 0 <= length <= MAX_BODY_BYTES:
            raise Refused(413 if length > 0 else 411, "a body of at most 1 MiB with its length, please")
        return self.rfile.read(length)

    def _send(self, status: int, value: object, *, headers: Mapping[str, str] | None = None) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if value is not None:
            self.send_header("content-type", "application/json")
        if status != 204:
            self.send_header("content-length", str(len(content)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)


def _whole(text: str | None, default: Any) -> Any:
    try:
        return default if text is None else int(text)
    except ValueError:
        return default


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    options = _parse(arguments)
    inbox = Inbox(options.state_dir / "consumer.sqlite3")
    server = Consumer(
        (options.host, options.port),
        inbox=inbox,
        secrets=Secrets(given=_by_name(options.secret), demo_file=options.demo_file or options.state_dir / "demo.json"),
        outages=Outages(every=options.down_every, down_for=options.down_for),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for serve_forever, which runs in this very thread.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"consumer on http://{options.host}:{server.server_port}, mode {inbox.mode}", flush=True)
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    inbox.close()
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m zentra.demo.consumer", description="A customer's webhook consumer."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8091, help="0 takes a free one")
    parser.add_argument("--state-dir", type=Path, default=Path(os.environ.get("ZENTRA_STATE_DIR") or ".zentra"))
    parser.add_argument("--demo-file", type=Path, help="default: demo.json in the state directory")
    parser.add_argument("--secret", type=_pair, action="append", default=[], metavar="SLUG=whsec_…")
    parser.add_argument("--down-every", type=float, default=0.0, metavar="SECONDS", help="0: never by itself")
    parser.add_argument("--down-for", type=float, default=DOWN_FOR_SECONDS, metavar="SECONDS")
    return parser.parse_args(arguments)


def _pair(text: str) -> tuple[str, str]:
    name, found, secret = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError("expected SLUG=whsec_…")
    return name, secret


def _by_name(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, secret in pairs:
        found.setdefault(name, []).append(secret)
    return found
