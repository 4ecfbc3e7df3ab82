"""Statements of the money path: parsed and planned once per connection, bound on the server.

Django's own cursors send each statement as text with its values written in, so that PostgreSQL parses and plans it
anew. For the handful of statements that every intent needs that costs more than running them.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection


def execute_hot(statement: str, values: Sequence[Any]) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a prepared statement in the caller's transaction. Parameters need casts where their type is not plain.

    Raises what Django's cursors raise. The plan is made again by PostgreSQL itself when the search path changes, so
    that a statement prepared in one workspace never runs on another's tables.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor: psycopg.Cursor[tuple[Any, ...]] = psycopg.Cursor(connection.connection)
        cursor.execute(statement, values, prepare=True)
    if connection.queries_logged:
        # Who counts statements (tests, the debug log) counts these too.
        connection.queries_log.append({"sql": statement, "time": "0.000"})
    return cursor
