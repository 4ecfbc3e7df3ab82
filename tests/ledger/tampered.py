"""What the owner of a schema can do behind every trigger, and the check that must find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql

from ledger import operations
from ledger.integrity.types import CheckRunRecord, Finding
from tests.ledger.book import Book
from zentra.core import clock, ids, schema

TABLES = (
    "ledger_posting", "ledger_entry", "ledger_entry_position", "ledger_entry_unsequenced", "ledger_balance",
    "ledger_account", "ledger_hold",
)  # fmt: skip
Tamper = Callable[..., list[Any]]


def tamper_with(book: Book, statement: str, *values: Any) -> list[Any]:
    """Change what stands, as the owner and with every trigger of ours asleep; what was returned, or how many rows."""
    with schema.connect_as_owner() as owner:
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(book.workspace.schema)))
        for table in TABLES:
            owner.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
        cursor: psycopg.Cursor[Any] = owner.execute(statement.encode(), values)
        changed = cursor.fetchall() if cursor.description else [cursor.rowcount]
    assert changed not in ([], [0]), "the test changed nothing"
    return changed


def open_acme(book: Book) -> str:
    """An account with a floor and five entries: +1000 −100 −100 −100 −100; its id."""
    account = book.open("acme", floor=0)
    book.move("bank", "acme", 1000)
    for _ in range(4):
        book.move("acme", "bank", 100)
    book.sequence()
    return account


def check(book: Book, **more: Any) -> CheckRunRecord:
    """Check the whole ledger, now."""
    return operations.run_check(workspace=book.workspace, started_by="command", now=clock.now(), **more)


def found(run: CheckRunRecord) -> dict[str, Finding]:
    """What a run found, by check."""
    return {finding.check: finding for finding in run.findings}


def key(public_id: str) -> Any:
    """The id as the tables have it."""
    return ids.to_uuid(public_id, prefix=public_id.partition("_")[0])
