"""Emptying a test's workspace for the next test: a schema takes half a second to clone, and its rows few milliseconds.

Only a schema that is still as it was made is given out again, and only while no process of Zentra runs beside the
tests that could still write into it: whatever is in doubt is dropped.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from zentra.core.tenancy import TenantRef
from zentra.embedded.postgres import SUPERUSER
from zentra.embedded.testing import PASSWORD

OWN_SLUG: Final = "t-"
MOST_BYTES: Final = 8 * 2**20
"""A schema with more than this in its tables is dropped: emptying would take as long."""

_forms: dict[str, str] = {}
_is_over = os.environ.get("ZENTRA_TEST_REUSE", "1") == "0"

_FORM: Final = """
    SELECT md5(string_agg(said, ' ' ORDER BY said)) FROM (
        SELECT concat_ws(' ', c.oid, c.relname, c.relkind, c.relacl, c.relnatts, c.relchecks, c.relrowsecurity,
                         pg_get_expr(c.relpartbound, c.oid)) AS said
          FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace
        UNION ALL SELECT concat_ws(' ', p.oid, md5(p.prosrc), p.proacl, p.proconfig)
          FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace
        UNION ALL SELECT concat_ws(' ', t.oid, t.tgname, t.tgenabled)
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = %(schema)s::regnamespace
        UNION ALL SELECT concat_ws(' ', k.oid, k.conname, k.convalidated)
          FROM pg_constraint k WHERE k.connamespace = %(schema)s::regnamespace
    ) AS parts
"""
_WRITTEN: Final = """
    SELECT c.relname, c.relispartition, pg_relation_size(c.oid),
           array(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A')
      FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r'
       AND c.relname <> 'django_migrations' AND pg_relation_size(c.oid) > 0
"""
_SEQUENCES: Final = """
    SELECT count(setval(c.oid::regclass, s.seqstart, false)) FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid
     WHERE c.relnamespace = %s::regnamespace AND c.relname <> 'django_migrations_id_seq'
"""


def processes_run() -> None:
    """From now on nothing is given out again: processes beside the tests may be late with a write."""
    global _is_over
    _is_over = True


def remember(workspace: TenantRef) -> None:
    """Keep what a new schema looks like."""
    if not _is_over and workspace.slug.startswith(OWN_SLUG):
        with _connect().transaction():
            _forms[workspace.schema] = _form(workspace.schema)


def empty(workspace: TenantRef) -> bool:
    """Take every row out, if the schema is one to give out again; False when it has to be dropped."""
    form = _forms.get(workspace.schema)
    if _is_over or form is None:
        return False
    try:
        with _connect().transaction():
            if _form(workspace.schema) == form and _take_rows(workspace.schema):
                return True
    except psycopg.Error:
        pass  # somebody holds a lock, or the test ended the server: the drop says what is wrong
    del _forms[workspace.schema]
    return False


def _take_rows(name: str) -> bool:
    connection = _connect()
    # No row trigger and no foreign key is asked; those that are always on stand aside for the moment.
    connection.execute("SET LOCAL session_replication_role = replica")
    connection.execute("SET LOCAL lock_timeout = '2s'")
    written = connection.execute(_WRITTEN, [_quoted(name)]).fetchall()
    if sum(size for _table, _is_part, size, _triggers in written) > MOST_BYTES:
        return False
    for table, is_partition, _size, triggers in written:
        target = sql.Identifier(name, table)
        for trigger in triggers:
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(target, sql.Identifier(trigger)))
        # A partition's size says whether it ever held anything: it is to be as new.
        connection.execute(sql.SQL("TRUNCATE {}" if is_partition else "DELETE FROM {}").format(target))
        for trigger in triggers:
            connection.execute(
                sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(target, sql.Identifier(trigger))
            )
    connection.execute(_SEQUENCES, [_quoted(name)])
    return True


def _form(name: str) -> str:
    row: Any = _connect().execute(_FORM, {"schema": _quoted(name)}).fetchone()
    return str(row[0])


def _quoted(name: str) -> str:
    return '"' + name + '"'


@cache
def _connect() -> psycopg.Connection[Any]:
    """One connection as superuser for the whole session, beside Django's."""
    url = os.environ["ZENTRA_OWNER_DATABASE_URL"]
    return psycopg.connect(make_conninfo(url, user=SUPERUSER, password=PASSWORD), autocommit=True)
