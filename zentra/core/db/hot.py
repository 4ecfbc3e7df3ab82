"""Statements of the money path: prepared once per connection, or sent together in one message.

Django's cursors send each statement as text with its values written in, and wait for its answer. An intent needs a
dozen statements, and waiting for each costs more than running them. So inside ``batched`` a write whose answer nobody
needs yet is put off (``defer_hot``) and goes out with the next statement whose answer somebody does need, or at the
latest when the block ends, in one round trip. The order of statements never changes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg.pq import TransactionStatus

HotCursor = psycopg.Cursor[tuple[Any, ...]]
Check = Callable[[HotCursor], None]


@dataclass(frozen=True, slots=True)
class _Statement:
    text: str
    values: Sequence[Any] | Mapping[str, Any]
    check: Check | None = None


def execute_hot(statement: str, values: Sequence[Any]) -> HotCursor:
    """Run a prepared statement in the caller's transaction, after everything that was put off.

    Parameters need casts where their type is not plain. Raises what Django's cursors raise. The plan is made again by
    PostgreSQL itself when the search path changes, so that a statement prepared in one workspace never runs on
    another's tables.
    """
    return _send([*_take(), _Statement(statement, values)])


def execute_bulk(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> HotCursor:
    """Run a statement over many rows, prepared and alone, after everything that was put off.

    Its values are arrays: quoting them into a text with other statements would cost more than the message it saves.
    """
    _flush()
    return _send([_Statement(statement, values)])


def defer_hot(statement: str, values: Sequence[Any], check: Check | None = None) -> None:
    """Run a write with the next statement that needs an answer, or at the end of ``batched``; outside of it at once.

    ``check`` looks at the answer when it has come, and may raise: the transaction then ends, whoever sent it.
    """
    write = _Statement(statement, values, check)
    if _here().deferred is None:
        _send([write])
    else:
        _here().deferred.append(write)


@contextmanager
def batched() -> Iterator[None]:
    """Let writes be put off inside this block, which must lie inside one transaction."""
    database = _here()
    if database.deferred is not None:
        yield
        return
    database.deferred = []
    try:
        with connection.execute_wrapper(_send_first):
            yield
        # Not on an exception: the transaction ends, and what was put off with it.
        _flush()
    finally:
        database.deferred = None


def _send_first(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Keep the order when a statement comes through Django's own cursors."""
    if sql.startswith("ROLLBACK TO"):
        # Every savepoint is preceded by a flush, so all that waits now was written after it.
        _take()
    else:
        _flush()
    return execute(sql, params, many, context)


def _flush() -> None:
    waiting = _take()
    if waiting:
        _send(waiting)


def _take() -> list[_Statement]:
    database = _here()
    taken: list[_Statement] = database.deferred or []
    if taken:
        database.deferred = []
    return taken


def _here() -> Any:
    """The connection of this thread; what is put off belongs to it, and to no context that is copied elsewhere."""
    return connections[DEFAULT_DB_ALIAS]


def _send(statements: list[_Statement]) -> HotCursor:
    """Send everything in one message; the cursor on the last answer. The first error is the one that is raised."""
    connection.ensure_connection()
    if connection.queries_logged:
        # Who counts statements (tests, the debug log) counts these too.
        connection.queries_log.extend({"sql": statement.text, "time": "0.000"} for statement in statements)
    raw: psycopg.Connection[tuple[Any, ...]] = connection.connection
    begins = len(statements) > 1 and not raw.autocommit and raw.info.transaction_status == TransactionStatus.IDLE
    if begins:
        statements = [_Statement(raw._get_tx_start_command().decode(), []), *statements]
    with connection.wrap_database_errors, _begun_by_hand(raw, begins):
        cursor = _execute(raw, statements)
    for place, statement in enumerate(statements):
        if place:
            cursor.nextset()
        if statement.check is not None:
            statement.check(cursor)
    return cursor


@contextmanager
def _begun_by_hand(raw: psycopg.Connection[tuple[Any, ...]], begins: bool) -> Iterator[None]:
    """Keep psycopg from sending BEGIN by itself and waiting for it, when the message that follows begins with one."""
    if not begins:
        yield
        return
    raw._autocommit = True
    try:
        yield
    finally:
        raw._autocommit = False


def _execute(raw: psycopg.Connection[tuple[Any, ...]], statements: list[_Statement]) -> HotCursor:
    """One statement runs prepared. Several go as one text with their values quoted by libpq, as Django's own do:
    measured, that costs less than waiting for each, and less than psycopg's pipeline."""
    if len(statements) == 1:
        return psycopg.Cursor(raw).execute(statements[0].text, statements[0].values, prepare=True)
    text = ";".join(statement.text for statement in statements)
    return psycopg.ClientCursor(raw).execute(text, [value for s in statements for value in s.values])
