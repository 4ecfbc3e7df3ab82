"""What holds even for the owner of the schema, whom no grant stops: immutability, and closed periods."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ledger import errors
from tests.ledger.book import Book
from zentra.core import clock, ids

Owner = psycopg.Connection[Any]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("ledger_posting", "description"),
        ("ledger_entry", "amount_minor"),
        ("ledger_posting_transition", "reason"),
        ("ledger_entry_position", "version"),
    ],
)
def test_what_stands_is_never_changed(book: Book, owner: Owner, table: str, column: str) -> None:
    book.move("bank", "suspense", 5)
    book.sequence()

    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(psycopg.DatabaseError) as refused:
            owner.execute(statement.encode())
        assert refused.value.sqlstate == "ZL010", statement


@pytest.mark.parametrize("table", ["ledger_account", "ledger_balance"])
def test_accounts_and_balances_are_never_removed(owner: Owner, table: str) -> None:
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(psycopg.DatabaseError) as refused:
            owner.execute(statement.encode())
        assert refused.value.sqlstate == "ZL010", statement


def test_the_immutability_triggers_are_always_on_in_every_schema(owner: Owner) -> None:
    rows = owner.execute(
        "SELECT n.nspname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE t.tgname ~ '^ledger_.*(immutable|kept)$' AND t.tgenabled <> 'A'"
    ).fetchall()

    assert rows == []


def test_every_function_stays_in_its_own_schema(owner: Owner) -> None:
    rows = owner.execute(
        "SELECT n.nspname, p.proname, p.proconfig FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE p.proname ~ '^ledger_'"
    ).fetchall()

    assert rows
    for name, function, config in rows:
        path = next(setting for setting in config if setting.startswith("search_path="))
        assert path.removeprefix("search_path=").replace('"', "") == f"{name}, pg_catalog, pg_temp", function


def test_nothing_posts_into_a_closed_period(book: Book, owner: Owner) -> None:
    now = clock.now()
    owner.execute(
        "INSERT INTO ledger_period (id, starts_at, ends_at, state) VALUES (%s, %s, %s, 'closed')",
        [ids.new_uuid(), now - timedelta(days=31), now - timedelta(days=1)],
    )

    with pytest.raises(errors.ClosedPeriod):
        book.move("bank", "suspense", 5, effective_at=now - timedelta(days=2))
    assert book.move("bank", "suspense", 5).amount_minor == 5
