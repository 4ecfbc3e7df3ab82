"""What the simulators executed, in one SQLite file: durable before it is answered, so kill -9 loses nothing.

Payments are rows that never change; their state is computed from the plan fixed at execution. Callbacks are planned
in the same transaction as the payment that they tell of.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from zentra.routing.sandbox.scenarios import Plan, Scenario, state_at

SCHEMA = """
CREATE TABLE IF NOT EXISTS connection (
    rail TEXT NOT NULL, id TEXT NOT NULL, callback_url TEXT NOT NULL, secret TEXT NOT NULL,
    scheme TEXT NOT NULL DEFAULT 'standard_webhooks', settings TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (rail, id)
) STRICT;
CREATE TABLE IF NOT EXISTS rail_default (rail TEXT PRIMARY KEY, scenario TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS payment (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    rail TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
    connection_id TEXT NOT NULL, reference TEXT NOT NULL, kind TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0), currency TEXT NOT NULL, corridor TEXT NOT NULL,
    scenario TEXT NOT NULL, provider_reference TEXT NOT NULL, outcome TEXT NOT NULL,
    executed_ms INTEGER NOT NULL, succeed_ms INTEGER NOT NULL, settle_ms INTEGER NOT NULL,
    replays INTEGER NOT NULL DEFAULT 0,
    UNIQUE (rail, key)
) STRICT;
CREATE TABLE IF NOT EXISTS canceled_key (
    rail TEXT NOT NULL, key TEXT NOT NULL, canceled_ms INTEGER NOT NULL, PRIMARY KEY (rail, key)
) STRICT;
CREATE TABLE IF NOT EXISTS callback (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    rail TEXT NOT NULL, key TEXT NOT NULL, connection_id TEXT NOT NULL, type TEXT NOT NULL, variant TEXT NOT NULL,
    webhook_id TEXT NOT NULL, body TEXT NOT NULL, due_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER, done_ms INTEGER, told_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS callback_due ON callback (due_ms) WHERE done_ms IS NULL;
CREATE INDEX IF NOT EXISTS callback_key ON callback (rail, key);
"""

# What later versions added: a file of before is brought up when it is opened.
ADDED = (
    ("connection", "scheme", "TEXT NOT NULL DEFAULT 'standard_webhooks'"),
    ("connection", "settings", "TEXT NOT NULL DEFAULT '{}'"),
    ("callback", "told_ms", "INTEGER NOT NULL DEFAULT 0"),
    ("connection", "bank_account", "TEXT NOT NULL DEFAULT ''"),
    ("payment", "batch", "INTEGER NOT NULL DEFAULT 0"),
)
# The list of events reads a connection's callbacks in the order in which they were to be told.
LATE_INDEX = """
UPDATE callback SET told_ms = due_ms WHERE told_ms = 0;
CREATE INDEX IF NOT EXISTS callback_events ON callback (rail, connection_id, told_ms, number) WHERE variant = 'good';
"""

HISTORY = "history"
"""The scenario of a payment that was told of afterwards: settled, without callbacks, and its day is a real one."""

NAMESPACE = uuid.UUID("6d0c3f7e-5b1a-4c57-9b0e-2f6f0d3b8a11")


class StoreRefused(Exception):
    """A payment that was not executed; `code` is the word of the answer."""

    code = "refused"


class KeyReused(StoreRefused):
    code = "key_reused"


class KeyCanceled(StoreRefused):
    code = "key_canceled"


class ConnectionUnknown(StoreRefused):
    code = "connection_unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """What a client asks a rail to move. `amount_minor` in minor units of `currency` (ISO 4217)."""

    key: str
    connection_id: str
    reference: str
    kind: str
    amount_minor: int
    currency: str
    corridor: str

    def fingerprint(self) -> str:
        words = [self.connection_id, self.reference, self.kind, self.amount_minor, self.currency, self.corridor]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Payment:
    """An executed payment: the columns of its table, in their order."""

    number: int
    rail: str
    key: str
    fingerprint: str
    connection_id: str
    reference: str
    kind: str
    amount_minor: int
    currency: str
    corridor: str
    scenario: str
    provider_reference: str
    outcome: str
    executed_ms: int
    succeed_ms: int
    settle_ms: int
    replays: int
    batch: int = 0

    def state(self, now_ms: int) -> str:
        return state_at(
            outcome=self.outcome,
            succeed_ms=self.succeed_ms,
            settle_ms=self.settle_ms,
            now_ms=now_ms,
        )


def open_database(path: Path, *, synchronous: str) -> sqlite3.Connection:
    """Open the state file in WAL mode, creating directory and tables where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Callback secrets live here: private before SQLite writes a byte, and its side files inherit the mode.
    path.touch(mode=0o600)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {synchronous}")
    database.executescript(SCHEMA)
    _bring_up(database)
    return database


def _bring_up(database: sqlite3.Connection) -> None:
    """Add the columns that a file of an earlier version has not. Both processes' connections may do it at once."""
    database.execute("BEGIN IMMEDIATE")
    for table, column, kind in ADDED:
        known = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        if column not in known:
            database.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    for statement in LATE_INDEX.strip().split(";\n"):
        database.execute(statement)
    database.execute("COMMIT")


class PaymentStore:
    """Connections, executed payments and their planned callbacks. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._database = open_database(path, synchronous="FULL")
        self._lock = threading.Lock()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def register_connection(
        self,
        *,
        rail: str,
        connection_id: str,
        callback_url: str,
        secret: str,
        scheme: str,
        settings: dict[str, str],
        bank_account: str = "",
    ) -> None:
        """Remember where a client wants its callbacks and its money, what signs them, and how; the last word counts."""
        words = (rail, connection_id, callback_url, secret, scheme, json.dumps(settings, sort_keys=True), bank_account)
        with self._write() as database:
            # Clients repeat themselves every half minute: what is known costs no write to disk.
            if database.execute(
                "SELECT 1 FROM connection"
                " WHERE (rail, id, callback_url, secret, scheme, settings, bank_account) = (?, ?, ?, ?, ?, ?, ?)",
                words,
            ).fetchone():
                return
            database.execute(
                "INSERT INTO connection (rail, id, callback_url, secret, scheme, settings, bank_account)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (rail, id) DO UPDATE SET callback_url = excluded.callback_url,"
                " secret = excluded.secret, scheme = excluded.scheme, settings = excluded.settings,"
                " bank_account = excluded.bank_account",
                words,
            )

    def set_default_scenario(self, *, rail: str, scenario: Scenario) -> None:
        with self._write() as database:
            database.execute(
                "INSERT INTO rail_default (rail, scenario) VALUES (?, ?)"
                " ON CONFLICT (rail) DO UPDATE SET scenario = excluded.scenario",
                (rail, scenario.value),
            )

    def default_scenario(self, *, rail: str) -> Scenario:
        with self._lock:
            row = self._database.execute("SELECT scenario FROM rail_default WHERE rail = ?", (rail,)).fetchone()
        return Scenario(row[0]) if row else Scenario.CLEAN

    def execute(self, *, rail: str, order: Order, scenario: Scenario, plan: Plan, now_ms: int) -> tuple[Payment, bool]:
        """Execute once per key; a repeat answers the first execution. Returns (payment, is new).

        Raises KeyReused (same key, other words), KeyCanceled (promised never to execute), ConnectionUnknown.
        """
        with self._write() as database:
            found = self._find(database, rail, order.key)
            if found is not None:
                if found.fingerprint != order.fingerprint():
                    raise KeyReused
                database.execute("UPDATE payment SET replays = replays + 1 WHERE number = ?", (found.number,))
                return found, False
            if database.execute("SELECT 1 FROM canceled_key WHERE rail = ? AND key = ?", (rail, order.key)).fetchone():
                raise KeyCanceled
            if not database.execute(
                "SELECT 1 FROM connection WHERE rail = ? AND id = ?", (rail, order.connection_id)
            ).fetchone():
                raise ConnectionUnknown
            payment = self._insert(database, rail, order, scenario, plan, now_ms)
            self._plan_callbacks(database, payment, plan)
            return payment, True

    def add_history(self, *, rail: str, orders: Sequence[tuple[Order, int]]) -> list[Payment]:
        """Take down payments of the past, each with when it was executed; once per key, without a word to anybody.

        Raises KeyReused, ConnectionUnknown.
        """
        taken = []
        with self._write() as database:
            for order, executed_ms in orders:
                found = self._find(database, rail, order.key)
                if found is not None and found.fingerprint != order.fingerprint():
                    raise KeyReused
                if not database.execute(
                    "SELECT 1 FROM connection WHERE rail = ? AND id = ?", (rail, order.connection_id)
                ).fetchone():
                    raise ConnectionUnknown
                plan = Plan("settled", executed_ms, executed_ms, ())
                taken.append(found or self._insert(database, rail, order, HISTORY, plan, executed_ms))
        return taken

    def find_payment(self, *, rail: str, key: str) -> Payment | None:
        with self._lock:
            return self._find(self._database, rail, key)

    def cancel_key(self, *, rail: str, key: str, now_ms: int) -> Payment | None:
        """Promise never to execute this key from now on; where it was executed, answer that payment instead."""
        with self._write() as database:
            found = self._find(database, rail, key)
            if found is None:
                database.execute("INSERT OR IGNORE INTO canceled_key VALUES (?, ?, ?)", (rail, key, now_ms))
            return found

    def list_payments(self, *, rail: str, after: int, limit: int) -> list[Payment]:
        """Executed payments of a rail in the order of execution."""
        with self._lock:
            rows = self._database.execute(
                "SELECT * FROM payment WHERE rail = ? AND number > ? ORDER BY number LIMIT ?",
                (rail, after, limit),
            ).fetchall()
        return [Payment(*row) for row in rows]

    @staticmethod
    def _find(database: sqlite3.Connection, rail: str, key: str) -> Payment | None:
        row = database.execute("SELECT * FROM payment WHERE rail = ? AND key = ?", (rail, key)).fetchone()
        return Payment(*row) if row else None

    @staticmethod
    def _insert(
        database: sqlite3.Connection, rail: str, order: Order, scenario: str, plan: Plan, now_ms: int
    ) -> Payment:
        provider_reference = f"{rail}-{uuid.uuid5(NAMESPACE, f'{rail}/{order.key}').hex[:20]}"
        row = database.execute(
            "INSERT INTO payment (rail, key, fingerprint, connection_id, reference, kind, amount_minor, currency,"
            " corridor, scenario, provider_reference, outcome, executed_ms, succeed_ms, settle_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
            (
                rail,
                order.key,
                order.fingerprint(),
                order.connection_id,
                order.reference,
                order.kind,
                order.amount_minor,
                order.currency,
                order.corridor,
                str(scenario),
                provider_reference,
                plan.outcome,
                now_ms,
                plan.succeed_ms,
                plan.settle_ms,
            ),
        ).fetchone()
        return Payment(*row)

    @staticmethod
    def _plan_callbacks(database: sqlite3.Connection, payment: Payment, plan: Plan) -> None:
        for planned in plan.callbacks:
            # Copies of a callback are the same event, hence the same id: that is what makes them duplicates.
            event_id = f"pev_{uuid.uuid5(NAMESPACE, f'{payment.rail}/{payment.key}/{planned.type}').hex}"
            body = {
                "id": event_id,
                "type": planned.type,
                "occurred_at": iso(planned.occurred_ms),
                "reference": payment.reference,
                "provider_reference": payment.provider_reference,
                "amount_minor": payment.amount_minor,
                "currency": payment.currency,
            }
            database.execute(
                "INSERT INTO callback (rail, key, connection_id, type, variant, webhook_id, body, due_ms, told_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    payment.rail,
                    payment.key,
                    payment.connection_id,
                    planned.type,
                    planned.variant.value,
                    event_id,
                    json.dumps(body, separators=(",", ":"), sort_keys=True),
                    planned.due_ms,
                    planned.due_ms,
                ),
            )


def iso(moment_ms: int) -> str:
    """UTC, milliseconds, Z."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
