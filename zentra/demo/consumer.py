"""A customer's webhook consumer, as ``make up`` runs it: a real server that verifies with the public package.

``python -m zentra.demo.consumer --port 8091``

It imports nothing of ours. What it received is kept in SQLite, once per ``webhook-id``, and shown in the order of
``Zentra-Sequence``, whatever the order of arrival; a restart forgets nothing.

- ``POST /hooks/<workspace>``: a delivery. 204 when verified, 401 when not.
- ``GET /received?workspace=&after=&limit=``: what was received, by sequence.
- ``GET /control``, ``POST /control {"mode": "up" | "down" | "slow" | "reject"}``: how to behave from now on. With
  ``"intents": ["intent_12BE", …]`` only the deliveries of these intents meet that behaviour, as when one shard is away.

Secrets are read from ``demo.json`` (CONTRACT.md 9), again whenever it changes, or given as ``--secret slug=whsec_…``.
"""

import argparse
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from standardwebhooks.webhooks import Webhook

MODES: Final = ("up", "down", "slow", "reject")
MAX_BODY_BYTES: Final = 1024 * 1024
SLOW_SECONDS: Final = 3.0
DOWN_FOR_SECONDS: Final = 20.0
MAX_LISTED: Final = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    workspace TEXT NOT NULL, webhook_id TEXT NOT NULL, sequence INTEGER, type TEXT NOT NULL, intent_id TEXT,
    body TEXT NOT NULL, received_at REAL NOT NULL, copies INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (workspace, webhook_id)
) STRICT;
CREATE INDEX IF NOT EXISTS message_by_sequence ON message (workspace, sequence);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class Inbox:
    """What was received, in one SQLite file. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._database.execute("PRAGMA journal_mode = WAL")
        # Durable before it is answered: a 204 is a promise.
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def keep(self, *, workspace: str, webhook_id: str, sequence: int | None, body: str, received_at: float) -> bool:
        """Keep a message once; False when it had arrived before and only its count went up."""
        event = json.loads(body)
        values = (workspace, webhook_id, sequence, str(event["type"]), event.get("intent_id"), body, received_at)
        with self._lock:
            row = self._database.execute(
                "INSERT INTO message (workspace, webhook_id, sequence, type, intent_id, body, received_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (workspace, webhook_id) DO UPDATE SET copies = copies + 1 RETURNING copies",
                values,
            ).fetchone()
        return int(row[0]) == 1

    def list_received(self, *, workspace: str | None, after: int, limit: int) -> list[dict[str, Any]]:
        """Messages with a higher sequence than ``after``, in the order of the log."""
        with self._lock:
            rows = self._database.execute(
                "SELECT workspace, webhook_id, sequence, type, intent_id, received_at, copies, body FROM message"
                " WHERE (? IS NULL OR workspace = ?) AND coalesce(sequence, 0) > ?"
                " ORDER BY workspace, sequence LIMIT ?",
                (workspace, workspace, after, limit),
            ).fetchall()
        names = ("workspace", "webhook_id", "sequence", "type", "intent_id", "received_at", "copies")
        return [dict(zip(names, row[:-1], strict=True)) | {"event": json.loads(row[-1])} for row in rows]

    def count(self) -> dict[str, int]:
        """How many different messages arrived, and how many times one came again."""
        with self._lock:
            messages, copies = self._database.execute(
                "SELECT count(*), coalesce(sum(copies), 0) FROM message"
            ).fetchone()
        return {"messages": messages, "repeats": copies - messages}

    @property
    def mode(self) -> str:
        """How the consumer behaves; kept, so that a restart does not heal it."""
        with self._lock:
            row = self._database.execute("SELECT value FROM setting WHERE name = 'mode'").fetchone()
        return "up" if row is None else str(row[0])

    @mode.setter
    def mode(self, value: str) -> None:
        with self._lock:
            self._database.execute(
                "INSERT INTO setting (name, value) VALUES ('mode', ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (value,),
            )

    def behave_for(self, intents: list[str], mode: str) -> None:
        """Behave so towards these intents only; ``up`` ends it."""
        with self._lock:
            self._database.executemany(
                "INSERT INTO setting (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [(f"intent {intent}", mode) for intent in intents],
            )

    def mode_for(self, body: bytes) -> str | None:
        """The behaviour that was asked for towards the intent of a delivery, if any was."""
        try:
            intent = json.loads(body).get("intent_id")
        except (ValueError, AttributeError):
            return None
        with self._lock:
            row = self._database.execute("SELECT value FROM setting WHERE name = ?", (f"intent {intent}",)).fetchone()
        return None if row is None else str(row[0])


@dataclass
class Secrets:
    """The signing secret of each workspace, from the command line or from ``demo.json``."""

    given: dict[str, str]
    demo_file: Path | None = None
    _seen: tuple[int, dict[str, str]] = field(default=(0, {}), repr=False)

    def of(self, workspace: str) -> str | None:
        """The ``whsec_`` secret of a workspace; None when it is not known (yet)."""
        return self.given.get(workspace) or self._from_file().get(workspace)

    def _from_file(self) -> dict[str, str]:
        if self.demo_file is None:
            return {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            changed = self.demo_file.stat().st_mtime_ns
            if changed != self._seen[0]:
                workspaces = json.loads(self.demo_file.read_text())["workspaces"]
                self._seen = (changed, {each["slug"]: each["webhook_secret"] for each in workspaces})
        return self._seen[1]


@dataclass(frozen=True)
class Outages:
    """A consumer that goes down by itself, for the last ``down_for`` seconds of each ``every`` seconds; 0 is never."""

    every: float = 0.0
    down_for: float = DOWN_FOR_SECONDS
    started: float = field(default_factory=time.monotonic)

    def is_down(self) -> bool:
        """Whether an outage is on now."""
        if self.every <= 0:
            return False
        return (time.monotonic() - self.started) % self.every >= self.every - self.down_for


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
        """``/received``, ``/control`` and ``/healthz``."""
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
        if parts.path == "/received":
            listed = self.server.inbox.list_received(
                workspace=query.get("workspace"),
                after=_whole(query.get("after"), -1),
                limit=min(_whole(query.get("limit"), 100), MAX_LISTED),
            )
            self._send(200, {**self.server.inbox.count(), "received": listed})
        elif parts.path in ("/control", "/healthz"):
            self._send(200, {"mode": self.server.inbox.mode, "behaviour": self.server.behaviour})
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
        behaviour = self.server.behaviour
        if behaviour == "down":
            # What a dead process looks like from outside: the connection ends without an answer.
            self.close_connection = True
            return
        body = self._read_body()
        behaviour = self.server.inbox.mode_for(body) or behaviour
        if behaviour == "down":
            self.close_connection = True
            return
        if behaviour == "slow":
            time.sleep(SLOW_SECONDS)
        if behaviour == "reject":
            raise Refused(503, "not now")
        self._verify(workspace, body)
        self.server.inbox.keep(
            workspace=workspace,
            webhook_id=self.headers["webhook-id"],
            sequence=_whole(self.headers.get("zentra-sequence"), None),
            body=body.decode(),
            received_at=time.time(),
        )
        self._send(204, None)

    def _verify(self, workspace: str, body: bytes) -> None:
        secret = self.server.secrets.of(workspace)
        if secret is None:
            raise Refused(404, f"no secret is known for {workspace[:80]!r}")
        try:
            event = Webhook(secret).verify(body, dict(self.headers.items()))
        except Exception as error:  # the package lets ValueError and others through on malformed input
            raise Refused(401, f"not verified: {type(error).__name__}") from error
        if not isinstance(event, dict) or "type" not in event:
            raise Refused(400, "not an event")

    def _read_body(self) -> bytes:
        length = _whole(self.headers.get("content-length"), -1)
        if not 0 <= length <= MAX_BODY_BYTES:
            raise Refused(413 if length > 0 else 411, "a body of at most 1 MiB with its length, please")
        return self.rfile.read(length)

    def _send(self, status: int, value: object) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if value is not None:
            self.send_header("content-type", "application/json")
        if status != 204:
            self.send_header("content-length", str(len(content)))
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
        secrets=Secrets(given=dict(options.secret), demo_file=options.demo_file or options.state_dir / "demo.json"),
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
    parser = argparse.ArgumentParser(prog="python -m zentra.demo.consumer", description=__doc__.splitlines()[0])
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


if __name__ == "__main__":
    raise SystemExit(main())
