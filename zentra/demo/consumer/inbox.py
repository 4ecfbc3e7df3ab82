"""What was received, in one SQLite file: each event once, whatever it changes in the same transaction."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from zentra.demo.consumer.mirror import MIRROR, apply_event, list_accounts, list_intents
from zentra.sdk import WebhookEvent

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS message (
    workspace TEXT NOT NULL, webhook_id TEXT NOT NULL, sequence INTEGER, type TEXT NOT NULL, intent_id TEXT,
    body TEXT NOT NULL, received_at REAL NOT NULL, copies INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (workspace, webhook_id)
) STRICT;
CREATE INDEX IF NOT EXISTS message_by_sequence ON message (workspace, sequence);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
_KEEP: Final = (
    "INSERT INTO message (workspace, webhook_id, sequence, type, intent_id, body, received_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (workspace, webhook_id) DO UPDATE SET copies = copies + 1 RETURNING copies"
)
_GAPS: Final = """
SELECT before + 1, sequence - 1 FROM (
    SELECT sequence, lag(sequence) OVER (ORDER BY sequence) AS before FROM message
     WHERE workspace = ? AND sequence IS NOT NULL
) WHERE sequence > before + 1 ORDER BY sequence LIMIT ?
"""
_SET: Final = "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class Inbox:
    """What was received, in one SQLite file. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._database.execute("PRAGMA journal_mode = WAL")
        # Durable before it is answered: a 204 is a promise.
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA + MIRROR)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def keep(self, *, workspace: str, event: WebhookEvent, body: str, received_at: float) -> bool:
        """Keep a message once and apply what it says; False when it had arrived before and only its count went up."""
        values = (workspace, event.id, event.sequence, event.type, event.get("intent_id"), body, received_at)
        # One transaction: an event that is kept is applied, and one that is applied will be recognised.
        with self._transaction():
            copies = self._database.execute(_KEEP, values).fetchone()[0]
            if copies == 1:
                apply_event(self._database, workspace, event)
        return int(copies) == 1

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

    def list_gaps(self, *, workspace: str, limit: int) -> list[tuple[int, int]]:
        """The stretches of the log, first to last, that did not arrive between the oldest and the newest that did.

        A gap is no alarm: types that the endpoint did not subscribe to leave one, and so does what is still on its way.
        """
        with self._lock:
            return [(first, last) for first, last in self._database.execute(_GAPS, (workspace, limit))]

    def list_accounts(self, *, workspace: str, limit: int) -> list[dict[str, Any]]:
        """What the events received so far say of each account."""
        with self._lock:
            return list_accounts(self._database, workspace, limit)

    def list_intents(self, *, workspace: str, limit: int) -> list[dict[str, Any]]:
        """What the events received so far say of each intent, newest news first."""
        with self._lock:
            return list_intents(self._database, workspace, limit)

    @property
    def mode(self) -> str:
        """How the consumer behaves; kept, so that a restart does not heal it."""
        return self._setting("mode") or "up"

    @mode.setter
    def mode(self, value: str) -> None:
        with self._lock:
            self._database.execute(_SET, ("mode", value))

    def behave_for(self, intents: list[str], mode: str) -> None:
        """Behave so towards these intents only; ``up`` ends it."""
        with self._lock:
            self._database.executemany(_SET, [(f"intent {intent}", mode) for intent in intents])

    def mode_for(self, body: bytes) -> str | None:
        """The behaviour that was asked for towards the intent of a delivery, if any was."""
        try:
            intent = json.loads(body).get("intent_id")
        except (ValueError, AttributeError, RecursionError):
            return None
        return self._setting(f"intent {intent}")

    def _setting(self, name: str) -> str | None:
        with self._lock:
            row = self._database.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
