"""Bring one schema to the head, as the database's owner: in a worker process of its own, safe while Zentra serves.

No statement waits long for a lock, since what waits for a table's lock holds up everybody behind it: after two seconds
it gives way, and the schema is tried again. Each migration is a transaction, so a kill loses the one at hand.
"""

import time
from typing import Any, Final

import psycopg
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import OperationalError
from django.db import connection as django_connection
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable

from zentra.core import schema
from zentra.core.schema import Owner
from zentra.tenants.schemas.heads import list_states

TRIES: Final = 8
_LOCK_TIMEOUT: Final = "2s"
_BUSY: Final = (LockNotAvailable, DeadlockDetected)


class SchemaBusy(Exception):
    """Its tables were in use at every try; nothing is broken, and another run goes on from here."""


class DoneByAnother(Exception):
    """Another process brings this schema to the head at this moment."""


def bring_to_head(name: str) -> str:
    """Create, migrate and dress a schema; what was done, in a word.

    Raises:
        SchemaBusy: its tables stayed locked.
        DoneByAnother: another run is at it.
    """
    for number in range(1, TRIES + 1):
        try:
            return _try(name)
        except (OperationalError, psycopg.OperationalError) as error:
            if not isinstance(error, _BUSY) and not isinstance(error.__cause__, _BUSY):
                raise
            django_connection.close()
            if number < TRIES:
                time.sleep(0.25 * number)
    raise SchemaBusy(f"Its tables were in use {TRIES} times.")


def _try(name: str) -> str:
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        owner.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        with _Alone(name):
            state = next(iter(list_states(owner, only=name)), None)
            if state is not None and not state.is_behind:
                return "at the head"
            is_first = state is not None and not state.exists and name not in (schema.PUBLIC, schema.TEMPLATE_SCHEMA)
            if is_first:
                schema.clone_schema(name, owner=owner)
                return "created"
            done = "dressed anew"
            if state is None or not state.is_at_head:
                owner.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))
                _drop_unfinished(owner, name)
                migrate_schema(name)
                done = "migrated"
            schema.apply_sql(name, owner=owner)
            return done


def _drop_unfinished(owner: Owner, name: str) -> None:
    """Indexes of a concurrent build that was killed: they serve nobody, and stand in the way of the next try."""
    unfinished = owner.execute(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'"
        " WHERE c.relnamespace = to_regnamespace(%s) AND NOT i.indisvalid",
        ['"' + name.replace('"', '""') + '"'],
    ).fetchall()
    for (index,) in unfinished:
        owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name, str(index))))


def dress(name: str) -> None:
    """Apply the functions, triggers and grants of the files to a schema, whatever they were applied from last."""
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        owner.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        schema.apply_sql(name, owner=owner)


class _Alone:
    """One run at a time in a schema: a lock of its table of migrations that only another run waits for."""

    def __init__(self, name: str) -> None:
        self._table = sql.SQL("{}.django_migrations").format(sql.Identifier(name))
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> None:
        held = self._connection = schema.connect_as_owner()
        row = held.execute("SELECT to_regclass(%s)", [self._table.as_string(held)]).fetchone()
        # What answered keeps its snapshot until the transaction ends, and an index built concurrently waits for that.
        held.rollback()
        if row is None or row[0] is None:
            return
        try:
            held.execute(sql.SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT").format(self._table))
        except LockNotAvailable:
            held.close()
            raise DoneByAnother from None

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()


def migrate_schema(name: str) -> None:
    """Run Django's migrations in one schema through django-tenants' router."""
    connection: Any = django_connection  # with django-tenants' own methods, which Django's types do not know
    connection.set_schema(name, include_public=False)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        # Without its own table Django would find the one in public and think that everything was applied.
        MigrationRecorder(connection).ensure_schema()
        connection.set_schema(name)
        # Django's own command: django-tenants' one of the same name migrates every schema itself.
        call_command(migrate.Command(), interactive=False, verbosity=0, run_syncdb=False, skip_checks=True)
    finally:
        connection.close()
        connection.set_schema_to_public()


def ensure_platform_row(owner: Owner, *, values: tuple[Any, ...]) -> None:
    """The row of the platform's own workspace; ``values`` are its id, its short name, its schema and now."""
    owner.execute(
        "INSERT INTO public.tenants_workspace"
        " (id, slug, name, schema_name, mode, state, ledger_currency, settings, created_at)"
        " VALUES (%s, %s, 'Platform', %s, 'platform', 'active', 'USD', '{}', %s) ON CONFLICT DO NOTHING",
        values,
    )
