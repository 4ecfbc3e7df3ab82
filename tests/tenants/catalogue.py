"""What PostgreSQL's own catalogue says of a schema, with the schema's name taken out, so that schemas compare."""

from __future__ import annotations

import re
from typing import Any

from zentra.core import schema

FUNCTIONS = """
    SELECT p.proname, pg_get_function_identity_arguments(p.oid), p.proconfig::text, p.prosecdef, p.provolatile,
           l.lanname, md5(p.prosrc), p.proacl::text
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = %s::regnamespace
"""
TRIGGERS = """
    SELECT c.relname, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid)
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal
"""
INDEXES = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = %s::regnamespace
"""
CONSTRAINTS = """
    SELECT coalesce(c.relname, ''), k.conname, k.contype, pg_get_constraintdef(k.oid), k.convalidated
      FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = k.conrelid WHERE k.connamespace = %s::regnamespace
"""
COLUMNS = """
    SELECT c.relname, c.relkind, c.relpersistence, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attstorage
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p')
"""
GRANTS = """
    SELECT c.relname, c.relkind, c.relacl::text,
           (SELECT string_agg(a.attname || a.attacl::text, ',' ORDER BY a.attname) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL)
      FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p', 'S')
"""
FACTS = {
    "functions": FUNCTIONS, "triggers": TRIGGERS, "indexes": INDEXES, "constraints": CONSTRAINTS, "columns": COLUMNS,
    "grants": GRANTS,
}  # fmt: skip


# Which months a schema has depends on its age (tests/webhooks/test_partitions.py): webhooks_attempt_202611 and so on.
MONTH = re.compile(r"_[0-9]{6}(_|$)")


def describe(fact: str, name: str) -> list[tuple[Any, ...]]:
    """The rows of one kind of fact about a schema but its partitions of months, sorted, its own name replaced."""
    rows = [row for row in ask(FACTS[fact], [name]) if not MONTH.search(str(row[0]))]
    return sorted(tuple(_neutral(value, name) for value in row) for row in rows)


def ask(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    """Rows, as the owner of the database."""
    with schema.connect_as_owner() as owner:
        return owner.execute(statement.encode(), values).fetchall()


def _neutral(value: Any, name: str) -> Any:
    if value is None or isinstance(value, bool):
        return str(value)
    text = str(value)
    return text.replace(f'"{name}"', "SCHEMA").replace(f'\\"{name}\\"', "SCHEMA").replace(name, "SCHEMA")
