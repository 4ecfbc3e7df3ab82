"""The simulated bank: accounts of several currencies, what is booked on them, a statement for each day that is over.

An account is whatever name a connection gave for its payouts. Balances begin at nothing. Functions work inside their
caller's transaction; amounts are minor units, signed from the account holder's side: money in is positive.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from zentra.routing.sandbox.breaks import BankBreak, take
from zentra.routing.sandbox.days import Day, Days

SCHEMA = """
CREATE TABLE IF NOT EXISTS bank_movement (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL, currency TEXT NOT NULL, key TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    reference TEXT NOT NULL, counterparty TEXT NOT NULL, description TEXT NOT NULL,
    booked_ms INTEGER NOT NULL, day_starts_ms INTEGER NOT NULL, day_ends_ms INTEGER NOT NULL,
    withholds INTEGER NOT NULL, statement INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, currency, key)
) STRICT;
CREATE INDEX IF NOT EXISTS bank_movement_open ON bank_movement (day_ends_ms) WHERE statement = 0;
CREATE INDEX IF NOT EXISTS bank_movement_statement ON bank_movement (statement, number);
CREATE TABLE IF NOT EXISTS bank_statement (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, currency TEXT NOT NULL, sequence INTEGER NOT NULL,
    starts_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL, opening_minor INTEGER NOT NULL,
    closing_minor INTEGER NOT NULL, entries INTEGER NOT NULL, is_withheld INTEGER NOT NULL, closed_ms INTEGER NOT NULL,
    UNIQUE (account, currency, sequence)
) STRICT;
"""

CHARGE_MINOR = 1_500
ACCOUNT_CHARGE_MINOR = 2_500
SHORT_BY_MINOR = 700
LATE_DAYS = 6


@dataclass(frozen=True, slots=True)
class Movement:
    """Money on an account. ``key`` books it once; ``reference`` is what the payer wrote (EndToEndId)."""

    account: str
    currency: str
    key: str
    amount_minor: int
    reference: str
    counterparty: str
    description: str
    booked_ms: int
    withholds: bool = False


@dataclass(frozen=True, slots=True)
class BookedMovement:
    """A movement as a statement tells it: the columns of its table that the file shows."""

    number: int
    amount_minor: int
    reference: str
    counterparty: str
    description: str
    booked_ms: int
    key: str


@dataclass(frozen=True, slots=True)
class BankStatement:
    """A statement: the columns of its table, in their order."""

    number: int
    id: str
    account: str
    currency: str
    sequence: int
    starts_ms: int
    ends_ms: int
    opening_minor: int
    closing_minor: int
    entries: int
    is_withheld: int
    closed_ms: int


def book(database: sqlite3.Connection, *, movement: Movement, days: Days, now_ms: int) -> bool:
    """Book a movement once per key, on its day, or now where that day's statement is out. Whether it is new."""
    day = days.day_of(movement.booked_ms, is_real=movement.booked_ms < days.today(now_ms))
    last = _last_statement(database, movement.account, movement.currency)
    if last is not None and day.ends_ms <= last.ends_ms:
        movement, day = replace(movement, booked_ms=now_ms), days.day_of(now_ms)
    added = database.execute(
        "INSERT INTO bank_movement (account, currency, key, amount_minor, reference, counterparty, description,"
        " booked_ms, day_starts_ms, day_ends_ms, withholds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (
            movement.account, movement.currency, movement.key, movement.amount_minor, movement.reference,
            movement.counterparty, movement.description, movement.booked_ms, day.starts_ms, day.ends_ms,
            int(movement.withholds),
        ),
    )  # fmt: skip
    return added.rowcount == 1


def book_payout(database: sqlite3.Connection, *, payout: Movement, days: Days, now_ms: int) -> None:
    """Book what a rail paid, in the manner of the break that was planted for it, if any."""
    kind = ""
    if payout.amount_minor > 0:
        kind = take(
            database, owner=payout.account, currency=payout.currency, at_ms=payout.booked_ms, struck=payout.reference,
            now_ms=now_ms,
        )  # fmt: skip
    day = days.day_of(payout.booked_ms, is_real=payout.booked_ms < days.today(now_ms))
    for movement in _movements_of(payout, kind, day):
        book(database, movement=movement, days=days, now_ms=now_ms)


def _movements_of(payout: Movement, kind: str, day: Day) -> list[Movement]:
    """What is booked for a payout. One whose break is none of the bank's is booked as it is."""
    amount = payout.amount_minor
    second = replace(payout, key=f"{payout.key}/2")
    match kind:
        case BankBreak.MISSING:
            return []
        case BankBreak.AMOUNT_DIFFERS:
            return [replace(payout, amount_minor=amount - min(CHARGE_MINOR, amount // 2))]
        case BankBreak.DATE_DIFFERS:
            return [replace(payout, booked_ms=payout.booked_ms + LATE_DAYS * (day.ends_ms - day.starts_ms))]
        case BankBreak.DUPLICATE:
            return [payout, second]
        case BankBreak.SPLIT_MISMATCH:
            first = amount * 3 // 5
            rest = amount - first - min(SHORT_BY_MINOR, (amount - first) // 2)
            return [replace(payout, amount_minor=first), replace(second, amount_minor=rest)]
        case BankBreak.LINE_ONLY:
            return [payout, _charge(payout)]
        case BankBreak.CONTINUITY_BREAK:
            return [replace(payout, withholds=True)]
    return [payout]


def _charge(payout: Movement) -> Movement:
    """What the bank takes for keeping the account, and told nobody."""
    return replace(
        payout, key=f"{payout.key}/charge", amount_minor=-ACCOUNT_CHARGE_MINOR, reference="", counterparty="",
        description="Account keeping and correspondent charges",
    )  # fmt: skip


def close_statements(database: sqlite3.Connection, *, now_ms: int) -> None:
    """Write a statement for each account and day that is over and had movements, oldest first."""
    waiting = database.execute(
        "SELECT account, currency, min(day_starts_ms), day_ends_ms, sum(amount_minor), count(*), max(withholds)"
        " FROM bank_movement WHERE statement = 0 AND day_ends_ms <= ? GROUP BY account, currency, day_ends_ms"
        " ORDER BY day_ends_ms, account, currency",
        (now_ms,),
    ).fetchall()
    for account, currency, starts_ms, ends_ms, total, entries, withholds in waiting:
        last = _last_statement(database, account, currency)
        sequence, opening = (last.sequence + 1, last.closing_minor) if last else (1, 0)
        (number,) = database.execute(
            "INSERT INTO bank_statement (id, account, currency, sequence, starts_ms, ends_ms, opening_minor,"
            " closing_minor, entries, is_withheld, closed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " RETURNING number",
            (
                f"{account}-{currency}-{sequence:05d}", account, currency, sequence, starts_ms, ends_ms, opening,
                opening + total, entries, withholds, now_ms,
            ),
        ).fetchone()  # fmt: skip
        database.execute(
            "UPDATE bank_movement SET statement = ?"
            " WHERE statement = 0 AND account = ? AND currency = ? AND day_ends_ms = ?",
            (number, account, currency, ends_ms),
        )


def list_statements(
    database: sqlite3.Connection, *, account: str, currency: str, after: int, limit: int, with_withheld: bool
) -> list[BankStatement]:
    """Statements of an account, in all currencies unless one is named, in the order in which they were written."""
    rows = database.execute(
        "SELECT * FROM bank_statement WHERE account = ? AND (? = '' OR currency = ?) AND number > ?"
        " AND (is_withheld = 0 OR ?) ORDER BY number LIMIT ?",
        (account, currency, currency, after, with_withheld, limit),
    ).fetchall()
    return [BankStatement(*row) for row in rows]


def find_statement(database: sqlite3.Connection, *, statement_id: str) -> BankStatement | None:
    """A statement by its id, withheld ones too: who asks for one by name gets it."""
    row = database.execute("SELECT * FROM bank_statement WHERE id = ?", (statement_id,)).fetchone()
    return BankStatement(*row) if row else None


def list_movements(database: sqlite3.Connection, *, statement: int) -> list[BookedMovement]:
    """The movements of a statement, in the order in which they were booked."""
    rows = database.execute(
        "SELECT number, amount_minor, reference, counterparty, description, booked_ms, key FROM bank_movement"
        " WHERE statement = ? ORDER BY number",
        (statement,),
    ).fetchall()
    return [BookedMovement(*row) for row in rows]


def _last_statement(database: sqlite3.Connection, account: str, currency: str) -> BankStatement | None:
    row: tuple[Any, ...] | None = database.execute(
        "SELECT * FROM bank_statement WHERE account = ? AND currency = ? ORDER BY sequence DESC LIMIT 1",
        (account, currency),
    ).fetchone()
    return BankStatement(*row) if row else None
