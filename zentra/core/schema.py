"""What Django's migrations do not say: functions, triggers and grants of each schema, from idempotent SQL files.

Cloning or restoring a schema leaves functions that point at the template and triggers that are no longer always on,
so these files are applied after every migration and every clone.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

import psycopg
from django.apps import apps
from django.conf import settings
from psycopg import sql

Owner = psycopg.Connection[tuple[object, ...]]
PUBLIC = "public"
TEMPLATE_SCHEMA = "tenant_template"


_GRANTS = "2"
"""Counts up when the grants that this module makes itself change."""


@cache
def _files(public: bool) -> tuple[tuple[str, str], ...]:
    """(path, text) of the SQL files of the public or of the tenant apps, grants last."""
    names = settings.SHARED_APPS if public else settings.TENANT_APPS
    found: list[tuple[str, str]] = []
    for config in apps.get_app_configs():
        if config.name in names or f"{type(config).__module__}.{type(config).__name__}" in names:
            folder = Path(config.path) / "sql"
            found.extend((str(path), path.read_text()) for path in sorted(folder.glob("*.sql")))
    return tuple(sorted(found, key=lambda item: item[0].endswith("grants.sql")))


def role_names() -> tuple[str, str]:
    """The application's and the sealer's database role, as their URLs name them."""
    return settings.ZENTRA_APP_ROLE, settings.ZENTRA_SEALER_ROLE


def apply_sql(schema: str, *, owner: Owner) -> None:
    """Create or replace the functions, triggers and grants of a schema, as its owner."""
    app, sealer = role_names()
    # Plain substitution, not str.format: PL/pgSQL and JSON have braces of their own.
    names = {"{schema}": _quote(schema), "{app}": _quote(app), "{sealer}": _quote(sealer)}
    pattern = re.compile("|".join(re.escape(name) for name in names))
    owner.execute(
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}, {}").format(
            sql.Identifier(schema), sql.Identifier(app), sql.Identifier(sealer)
        )
    )
    # /readyz asks whether every schema is at the head.
    owner.execute(
        sql.SQL("GRANT SELECT ON {}.django_migrations TO {}").format(sql.Identifier(schema), sql.Identifier(app))
    )
    for path, text in _files(schema == PUBLIC):
        try:
            owner.execute(pattern.sub(lambda match: names[match[0]], text).encode())
        except psycopg.Error as error:
            error.add_note(f"while applying {path} to {schema}")
            raise
    owner.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(sql_digest(schema))))


def sql_digest(schema: str) -> str:
    """What the SQL files of this kind of schema say, as one hash."""
    content = "\0".join(text for _path, text in _files(schema == PUBLIC)) + "\0".join(role_names())
    return hashlib.sha256((content + _GRANTS).encode()).hexdigest()


def sql_changed(schema: str, *, owner: Owner) -> bool:
    """Whether the files differ from those last applied; their hash is kept as the schema's comment."""
    row = owner.execute("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [_quote(schema)]).fetchone()
    return row is None or row[0] != sql_digest(schema)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def connect_as_owner() -> Owner:
    """A connection of its own as the database owner, for provisioning; the caller closes it."""
    return psycopg.connect(settings.ZENTRA_OWNER_DATABASE_URL, connect_timeout=5)


def clone_schema(schema: str, *, owner: Owner) -> None:
    """Make a new tenant schema with the template's tables, constraints and indexes under their own names.

    One transaction: the schema is there whole or not at all. ``LIKE`` brings columns and checks, but renames indexes
    and keys, so these come from the catalogue's own definitions; all of it is one message to the server. Partitions
    are made as tables of their own, with their indexes and keys, and attached when all of that is there: PostgreSQL
    then takes theirs for parts of the parent's and makes no second ones. Functions, triggers and grants come from
    ``apply_sql``.
    """
    with owner.transaction():
        statements = [f"CREATE SCHEMA {_quote(schema)}", *_tables(schema, owner), *_definitions(schema, owner)]
        owner.execute(";\n".join(statements).encode())
        owner.execute(
            sql.SQL(
                "INSERT INTO {}.django_migrations (app, name, applied)"
                " SELECT app, name, applied FROM {}.django_migrations"
            ).format(sql.Identifier(schema), sql.Identifier(TEMPLATE_SCHEMA))
        )
        apply_sql(schema, owner=owner)


def _tables(schema: str, owner: Owner) -> list[str]:
    """The template's tables without their indexes and keys."""
    return [
        f"CREATE TABLE {_quote(schema)}.{_quote(str(table))} (LIKE {TEMPLATE_SCHEMA}.{_quote(str(table))}"
        " INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING IDENTITY INCLUDING GENERATED INCLUDING STORAGE"
        " INCLUDING COMMENTS)" + (f" PARTITION BY {partition_key}" if partition_key else "")
        for table, partition_key in owner.execute(_TABLES, [TEMPLATE_SCHEMA]).fetchall()
    ]


_TABLES = """
    SELECT c.relname, pg_get_partkeydef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
# Checks and NOT NULL constraints (contype c, and n of PostgreSQL 18) came with LIKE. A partition's part of its
# parent's foreign key (conparentid) is made by PostgreSQL itself.
_CONSTRAINTS = """
    SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND k.contype = ANY(%s) AND NOT (k.contype = 'f' AND k.conparentid <> 0)
     ORDER BY c.relname, k.conname
"""
_INDEXES = """
    SELECT pg_get_indexdef(i.indexrelid)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
     ORDER BY i.indexrelid::regclass::text
"""
_PARTITIONS = """
    SELECT p.relname, c.relname, pg_get_expr(c.relpartbound, c.oid)
      FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid AND c.relispartition AND c.relkind IN ('r', 'p')
      JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s ORDER BY p.relname, c.relname
"""
_KEYS = ["p", "u", "x"]
_FOREIGN_KEYS = ["f"]


def _definitions(schema: str, owner: Owner) -> list[str]:
    """Keys, indexes, partitions, foreign keys: each needs what comes before it."""
    template = re.compile(rf"(?<![\w\"]){TEMPLATE_SCHEMA}\.")
    target = f"{_quote(schema)}."

    def constraints(kinds: list[str]) -> list[str]:
        return [
            f"ALTER TABLE {target}{_quote(str(table))} ADD CONSTRAINT {_quote(str(name))}"
            f" {template.sub(target, str(text))}"
            for table, name, text in owner.execute(_CONSTRAINTS, [TEMPLATE_SCHEMA, kinds]).fetchall()
        ]

    indexes = [template.sub(target, str(row[0])) for row in owner.execute(_INDEXES, [TEMPLATE_SCHEMA]).fetchall()]
    partitions = [
        f"ALTER TABLE {target}{_quote(str(parent))} ATTACH PARTITION {target}{_quote(str(table))} {bounds}"
        for parent, table, bounds in owner.execute(_PARTITIONS, [TEMPLATE_SCHEMA]).fetchall()
    ]
    return [*constraints(_KEYS), *indexes, *partitions, *constraints(_FOREIGN_KEYS)]


def drop_schema(schema: str, *, owner: Owner) -> None:
    """Remove a tenant schema and everything in it. For tests and for retention's end."""
    owner.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
