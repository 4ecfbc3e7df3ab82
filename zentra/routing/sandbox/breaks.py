"""What goes wrong between a rail, its bank and us, asked for by name: each planted break strikes once.

Between a rail and us: ``entry_only`` a payment is left out of the report, ``fee_variance`` a fee is three times the
table's, ``currency_differs`` a payment is reported and paid in another currency. At the bank: ``line_only`` a charge
that nobody told us of, ``missing`` a payout that never arrives, ``amount_differs`` one that arrives less a charge,
``date_differs`` one that arrives six days late, ``duplicate`` one that is booked twice, ``split_mismatch`` one in two
parts that are not the whole, ``continuity_break`` a day's statement that is not sent.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum

SCHEMA = """
CREATE TABLE IF NOT EXISTS planted_break (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL, currency TEXT NOT NULL, kind TEXT NOT NULL, from_ms INTEGER NOT NULL, done_ms INTEGER,
    struck TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS planted_break_waiting ON planted_break (owner, currency, from_ms) WHERE done_ms IS NULL;
"""


class RailBreak(StrEnum):
    """What a rail does wrong with one payment of a batch."""

    ENTRY_ONLY = "entry_only"
    FEE_VARIANCE = "fee_variance"
    CURRENCY_DIFFERS = "currency_differs"


class BankBreak(StrEnum):
    """What the bank does wrong with one payout, or with the statement of its day."""

    LINE_ONLY = "line_only"
    MISSING = "missing"
    AMOUNT_DIFFERS = "amount_differs"
    DATE_DIFFERS = "date_differs"
    DUPLICATE = "duplicate"
    SPLIT_MISMATCH = "split_mismatch"
    CONTINUITY_BREAK = "continuity_break"


class FileBreak(StrEnum):
    """What is wrong with a downloaded file alone; the bank's books are right."""

    BALANCE = "balance"
    TOTAL = "total"
    SEQUENCE = "sequence"


def plant(database: sqlite3.Connection, *, owner: str, currency: str, kind: str, from_ms: int) -> int:
    """Have a break strike the owner's next batch or payout of a currency that happens from a moment on."""
    row = database.execute(
        "INSERT INTO planted_break (owner, currency, kind, from_ms) VALUES (?, ?, ?, ?) RETURNING number",
        (owner, currency, kind, from_ms),
    ).fetchone()
    return int(row[0])


def take(database: sqlite3.Connection, *, owner: str, currency: str, at_ms: int, struck: str, now_ms: int) -> str:
    """The break that strikes what happens at a moment, used up by it; empty when none does."""
    row = database.execute(
        "UPDATE planted_break SET done_ms = ?, struck = ? WHERE number = (SELECT number FROM planted_break"
        " WHERE owner = ? AND currency = ? AND from_ms <= ? AND done_ms IS NULL ORDER BY from_ms, number LIMIT 1)"
        " RETURNING kind",
        (now_ms, struck, owner, currency, at_ms),
    ).fetchone()
    return str(row[0]) if row else ""


def list_planted(database: sqlite3.Connection, *, owner: str) -> list[dict[str, object]]:
    """An owner's breaks and what each has struck: the truth that a test compares with."""
    rows = database.execute(
        "SELECT number, currency, kind, from_ms, done_ms, struck FROM planted_break WHERE owner = ? ORDER BY number",
        (owner,),
    ).fetchall()
    return [dict(zip(("number", "currency", "kind", "from_ms", "done_ms", "struck"), row, strict=True)) for row in rows]
