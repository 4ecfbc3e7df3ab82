"""Histories written straight into the tables by the owner, with triggers asleep: any times, any pending, at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from ledger.types import Direction, PostingState
from tests.ledger.book import Book
from zentra.core import clock, ids
from zentra.core.schema import connect_as_owner


@dataclass(frozen=True)
class Planted:
    """One entry: of a posting that was born in ``state``, and by its direction and amount what it changes."""

    direction: Direction
    amount_minor: int
    state: PostingState
    effective_at: datetime
    recorded_at: datetime

    @property
    def delta(self) -> int:
        """Credits − debits, posted."""
        return 0 if self.state != "posted" else self._signed(+1)

    @property
    def posted(self) -> tuple[int, int]:
        """(debits, credits)."""
        return max(-self.delta, 0), max(self.delta, 0)

    @property
    def pending(self) -> tuple[int, int]:
        """(debits, credits): a released entry takes away from the side opposite to its own."""
        if self.state == "posted":
            return 0, 0
        change = self.amount_minor if self.state == "pending" else -self.amount_minor
        on_debits = (self.direction == "debit") == (self.state == "pending")
        return (change, 0) if on_debits else (0, change)

    def _signed(self, sign: int) -> int:
        return sign * (self.amount_minor if self.direction == "credit" else -self.amount_minor)


def plant(book: Book, history: Sequence[Planted], *, unsequenced: int = 0) -> str:
    """A new account with this history, numbered in its order; the last ``unsequenced`` wait for a number. Its id."""
    account_id = book.open(f"planted.{ids.new_uuid().hex}")
    account = ids.to_uuid(account_id, prefix="acct")
    keys = [ids.new_uuid() for _ in history]
    placed = len(history) - unsequenced
    with connect_as_owner() as owner, owner.cursor() as cursor:
        cursor.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(book.workspace.schema)))
        _let_triggers(cursor, "DISABLE")
        cursor.executemany(
            "INSERT INTO ledger_entry (id, posting_id, position, account_id, account_ref, direction, amount_minor,"
            " currency, effective_at, recorded_at) VALUES (%s, %s, 1, %s, 'planted', %s, %s, 'USD', %s, %s)",
            [
                (key, ids.new_uuid(), account, each.direction, each.amount_minor, each.effective_at, each.recorded_at)
                for key, each in zip(keys, history, strict=True)
            ],
        )
        cursor.executemany(
            "INSERT INTO ledger_entry_position (account_id, version, entry_id, delta_minor, balance_after_minor,"
            " pending_debits_after, pending_credits_after) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            _positions(account, keys[:placed], history[:placed]),
        )
        cursor.executemany(
            "INSERT INTO ledger_entry_unsequenced (account_id, entry_id, delta_minor, pending_debits, pending_credits)"
            " VALUES (%s, %s, %s, %s, %s)",
            [
                (account, key, each.delta, *each.pending)
                for key, each in zip(keys[placed:], history[placed:], strict=True)
            ],
        )
        _let_triggers(cursor, "ENABLE")
    return account_id


def _let_triggers(cursor: psycopg.Cursor[Any], word: LiteralString) -> None:
    """Turn off and on what happens when an entry is inserted; nobody else sees it, as it is one transaction."""
    cursor.execute(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger_entry'::regclass AND NOT tgisinternal AND tgtype & 4 > 0"
    )
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("ALTER TABLE ledger_entry {} TRIGGER {}").format(sql.SQL(word), sql.Identifier(name)))


def _positions(
    account: UUID, keys: Sequence[UUID], history: Sequence[Planted]
) -> list[tuple[UUID, int, UUID, int, int, int, int]]:
    rows = []
    balance = debits = credits_ = 0
    for version, (key, each) in enumerate(zip(keys, history, strict=True), start=1):
        balance += each.delta
        debits, credits_ = debits + each.pending[0], credits_ + each.pending[1]
        rows.append((account, version, key, each.delta, balance, debits, credits_))
    return rows


def fold(book: Book, account_id: str, limit: int) -> int:
    """Fold up to so many entries of the account, as the task would."""
    [(folded,)] = book.sql("SELECT ledger_fold(%s, %s)", [ids.to_uuid(account_id, prefix="acct"), limit])
    return int(folded)


def mark_due(book: Book, *account_ids: str) -> None:
    """Say of accounts that they are worth folding, as the sequencer would."""
    with connect_as_owner() as owner:
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(book.workspace.schema)))
        for account_id in account_ids:
            owner.execute(
                "INSERT INTO ledger_fold_due VALUES (%s) ON CONFLICT DO NOTHING",
                [ids.to_uuid(account_id, prefix="acct")],
            )


def today() -> datetime:
    """Midnight of the running UTC day."""
    return clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
