"""Collecting: what a rail took for a connection is netted of fees, batched by day and currency, and paid to its bank.

There is no timer. Whoever asks for reports or statements first has everything closed that is due, in one durable
transaction: a batch, what the bank booked for it and the statement that tells of it cannot come apart.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from zentra.routing.sandbox import bank, breaks
from zentra.routing.sandbox.bank import BankStatement, Movement
from zentra.routing.sandbox.breaks import FileBreak, RailBreak
from zentra.routing.sandbox.camt import write_camt
from zentra.routing.sandbox.days import REAL_DAY_MS, Day, Days
from zentra.routing.sandbox.fees import fees_of
from zentra.routing.sandbox.reports import Item, Settlement, write_report
from zentra.routing.sandbox.store import HISTORY, NAMESPACE, open_database

SCHEMA = """
CREATE TABLE IF NOT EXISTS settlement (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    batch TEXT NOT NULL UNIQUE, rail TEXT NOT NULL, connection_id TEXT NOT NULL, currency TEXT NOT NULL,
    starts_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL, payout_ms INTEGER NOT NULL, items INTEGER NOT NULL,
    gross_minor INTEGER NOT NULL, fee_minor INTEGER NOT NULL, net_minor INTEGER NOT NULL, closed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS settlement_connection ON settlement (rail, connection_id, number);
CREATE TABLE IF NOT EXISTS settlement_item (
    settlement INTEGER NOT NULL, payment INTEGER NOT NULL, kind TEXT NOT NULL, payment_key TEXT NOT NULL,
    reference TEXT NOT NULL, provider_reference TEXT NOT NULL, executed_ms INTEGER NOT NULL,
    gross_minor INTEGER NOT NULL, fee_minor INTEGER NOT NULL,
    PRIMARY KEY (settlement, payment)
) STRICT;
CREATE INDEX IF NOT EXISTS payment_unbatched ON payment (settle_ms)
    WHERE batch = 0 AND outcome = 'settled' AND kind IN ('payment', 'refund');
"""

LEFT_OUT = -1
"""The batch of a payment that its rail has forgotten."""

OTHER_CURRENCY = {"USD": ("EUR", 92), "EUR": ("USD", 108)}
VARIANCE = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """What is collected for one connection on one day in one currency, before it is paid out."""

    rail: str
    connection_id: str
    currency: str
    day: Day
    payout_ms: int
    items: tuple[Item, ...]

    @property
    def name(self) -> str:
        """The reference that report, bank and ledger share: at most 35 characters, the same whoever makes it."""
        words = f"{self.rail}/{self.connection_id}/{self.currency}/{self.day.starts_ms}/{self.items[0].payment_key}"
        return f"{self.rail}-{self.day.on:%y%m%d}-{self.currency}-{uuid.uuid5(NAMESPACE, words).hex[:10]}"

    @property
    def gross_minor(self) -> int:
        return sum(item.gross_minor for item in self.items)

    @property
    def fee_minor(self) -> int:
        return sum(item.fee_minor for item in self.items)

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.fee_minor


class SettlementDesk:
    """Batches, the bank and its statements, in the file of the payments. Safe to share between threads."""

    def __init__(self, path: Path, *, days: Days) -> None:
        self._database = open_database(path, synchronous="FULL")
        self._database.executescript(bank.SCHEMA + breaks.SCHEMA + SCHEMA)
        self._lock = threading.Lock()
        self._days = days
        self._quiet_until_ms = 0

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def list_settlements(
        self, *, rail: str, connection_id: str, after: int, limit: int, now_ms: int
    ) -> list[Settlement]:
        """What was paid out to a connection, in the order in which it was."""
        with self._write() as database:
            self._close_due(database, now_ms)
            rows = database.execute(
                "SELECT * FROM settlement WHERE rail = ? AND connection_id = ? AND number > ? ORDER BY number LIMIT ?",
                (rail, connection_id, after, limit),
            ).fetchall()
        return [Settlement(*row) for row in rows]

    def read_report(self, *, rail: str, batch: str) -> bytes | None:
        """The report of a batch as CSV."""
        with self._lock:
            row = self._database.execute(
                "SELECT * FROM settlement WHERE rail = ? AND batch = ?", (rail, batch)
            ).fetchone()
            if row is None:
                return None
            settlement = Settlement(*row)
            items = self._database.execute(
                "SELECT payment, kind, payment_key, reference, provider_reference, executed_ms, gross_minor, fee_minor"
                " FROM settlement_item WHERE settlement = ? ORDER BY payment",
                (settlement.number,),
            ).fetchall()
        return write_report(settlement, [Item(*item) for item in items])

    def list_statements(
        self, *, account: str, currency: str, after: int, limit: int, with_withheld: bool, now_ms: int
    ) -> list[BankStatement]:
        """The statements of a bank account; those that the bank forgot to send only where they are asked for."""
        with self._write() as database:
            self._close_due(database, now_ms)
            return bank.list_statements(
                database, account=account, currency=currency, after=after, limit=limit, with_withheld=with_withheld
            )

    def read_statement(self, *, statement_id: str, faults: frozenset[FileBreak]) -> bytes | None:
        """A statement's file."""
        with self._lock:
            statement = bank.find_statement(self._database, statement_id=statement_id)
            if statement is None:
                return None
            movements = bank.list_movements(self._database, statement=statement.number)
        return write_camt(statement, movements, faults)

    def book(self, *, movement: Movement, now_ms: int) -> bool:
        """Book money of somebody else's on an account, once per key. Whether it is new."""
        with self._write() as database:
            return bank.book(database, movement=movement, days=self._days, now_ms=now_ms)

    def plant(self, *, owner: str, currency: str, kinds: Sequence[str], from_ms: int) -> list[int]:
        """Have breaks strike one after the other from a moment on; their numbers."""
        with self._write() as database:
            return [
                breaks.plant(database, owner=owner, currency=currency, kind=kind, from_ms=from_ms) for kind in kinds
            ]

    def list_planted(self, *, owner: str) -> list[dict[str, object]]:
        """An owner's breaks, with what each has struck."""
        with self._lock:
            return breaks.list_planted(self._database, owner=owner)

    def wake(self) -> None:
        """Look anew at the next question: payments of an earlier day have come."""
        self._quiet_until_ms = 0

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

    def _close_due(self, database: sqlite3.Connection, now_ms: int) -> None:
        """Pay out every batch that is due, and write every statement of a day that is over."""
        if now_ms >= self._quiet_until_ms:
            waiting = self._waiting(database, now_ms)
            for batch in waiting:
                if batch.payout_ms <= now_ms:
                    self._pay_out(database, batch, now_ms)
            later = [batch.payout_ms for batch in waiting if batch.payout_ms > now_ms]
            self._quiet_until_ms = min([self._days.day_of(now_ms).ends_ms, *later])
        bank.close_statements(database, now_ms=now_ms)

    def _waiting(self, database: sqlite3.Connection, now_ms: int) -> list[Batch]:
        """The batches of days that are over, oldest first. A past payment's day is a real one."""
        rows = database.execute(
            "SELECT rail, connection_id, currency, scenario, number, kind, key, reference, provider_reference,"
            " settle_ms, amount_minor FROM payment"
            " WHERE batch = 0 AND outcome = 'settled' AND kind IN ('payment', 'refund') AND settle_ms < ?"
            " ORDER BY settle_ms, number",
            (self._days.day_of(now_ms).starts_ms,),
        ).fetchall()
        collected: dict[tuple[str, str, str, Day], list[Item]] = {}
        for rail, connection_id, currency, scenario, number, kind, key, reference, own, settle_ms, amount in rows:
            day = self._days.day_of(settle_ms, is_real=scenario == HISTORY)
            fee = 0 if kind == "refund" else fees_of(rail).fee_of(amount, currency)
            item = Item(number, kind, key, reference, own, settle_ms, -amount if kind == "refund" else amount, fee)
            collected.setdefault((rail, connection_id, currency, day), []).append(item)
        batches = [
            Batch(rail, connection_id, currency, day, self._days.pays_at(day), tuple(items))
            for (rail, connection_id, currency, day), items in collected.items()
        ]
        return sorted(batches, key=lambda batch: (batch.payout_ms, batch.day.starts_ms, batch.rail, batch.currency))

    def _pay_out(self, database: sqlite3.Connection, batch: Batch, now_ms: int) -> None:
        for each in self._struck(database, batch, now_ms):
            number = self._write_settlement(database, each, now_ms)
            database.executemany(
                "UPDATE payment SET batch = ? WHERE number = ?", [(number, item.payment) for item in each.items]
            )
            if each.net_minor:
                bank.book_payout(database, payout=_payout(database, each), days=self._days, now_ms=now_ms)

    def _struck(self, database: sqlite3.Connection, batch: Batch, now_ms: int) -> list[Batch]:
        """The batch in the manner of the break that was planted for it; a batch of one payment is spared."""
        places = [place for place, item in enumerate(batch.items) if item.kind == "payment"]
        if len(places) < 2:
            return [batch]
        place = places[len(places) // 2]
        item, others = batch.items[place], (*batch.items[:place], *batch.items[place + 1 :])
        kind = breaks.take(
            database, owner=batch.connection_id, currency=batch.currency, at_ms=batch.payout_ms,
            struck=item.provider_reference, now_ms=now_ms,
        )  # fmt: skip
        if kind == RailBreak.FEE_VARIANCE:
            dear = replace(item, fee_minor=min(item.fee_minor * VARIANCE, item.gross_minor - 1))
            return [replace(batch, items=(*batch.items[:place], dear, *batch.items[place + 1 :]))]
        if kind == RailBreak.ENTRY_ONLY:
            database.execute("UPDATE payment SET batch = ? WHERE number = ?", (LEFT_OUT, item.payment))
            return [replace(batch, items=others)]
        if kind == RailBreak.CURRENCY_DIFFERS:
            return [replace(batch, items=others), _elsewhere(batch, item)]
        return [batch]

    @staticmethod
    def _write_settlement(database: sqlite3.Connection, batch: Batch, now_ms: int) -> int:
        (number,) = database.execute(
            "INSERT INTO settlement (batch, rail, connection_id, currency, starts_ms, ends_ms, payout_ms, items,"
            " gross_minor, fee_minor, net_minor, closed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " RETURNING number",
            (
                batch.name, batch.rail, batch.connection_id, batch.currency, batch.day.starts_ms, batch.day.ends_ms,
                batch.payout_ms, len(batch.items), batch.gross_minor, batch.fee_minor, batch.net_minor, now_ms,
            ),
        ).fetchone()  # fmt: skip
        database.executemany(
            "INSERT INTO settlement_item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    number, item.payment, item.kind, item.payment_key, item.reference, item.provider_reference,
                    item.executed_ms, item.gross_minor, item.fee_minor,
                )
                for item in batch.items
            ],
        )  # fmt: skip
        return int(number)


def _elsewhere(batch: Batch, item: Item) -> Batch:
    """The batch of one payment that is paid in a currency that nobody asked for."""
    currency, percent = OTHER_CURRENCY.get(batch.currency, ("USD", 100))
    gross = max(2, item.gross_minor * percent // 100)
    moved = replace(item, gross_minor=gross, fee_minor=fees_of(batch.rail).fee_of(gross, currency))
    return replace(batch, currency=currency, items=(moved,))


def _payout(database: sqlite3.Connection, batch: Batch) -> Movement:
    """What the bank is told of a batch."""
    row = database.execute(
        "SELECT bank_account FROM connection WHERE rail = ? AND id = ?", (batch.rail, batch.connection_id)
    ).fetchone()
    return Movement(
        account=(row and row[0]) or default_account(batch.connection_id),
        currency=batch.currency,
        key=batch.name,
        amount_minor=batch.net_minor,
        reference=batch.name,
        counterparty=f"{batch.rail} settlements",
        description=f"Settlement {batch.name}, {len(batch.items)} payments",
        booked_ms=batch.payout_ms,
    )


def default_account(connection_id: str) -> str:
    """Where a connection that named no account is paid."""
    return "ZB" + "".join(char for char in connection_id.upper() if char.isalnum())


def is_past(moment_ms: int, now_ms: int) -> bool:
    """Whether a moment lies before the real day of now, so that it can be told as history."""
    return moment_ms < now_ms - now_ms % REAL_DAY_MS
