"""``manage.py migrate_all``: bring public, the template, ``platform`` and every workspace to the head.

Schemas at the head already are skipped with one query each, so a second run takes moments.
"""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.core.management.commands import migrate
from django.db import connection as django_connection
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from zentra.core import ids, schema
from zentra.core.clock import now
from zentra.core.tenancy import PLATFORM_SCHEMA
from zentra.tenants.queries import head_migrations


class Command(BaseCommand):
    """Runs as the database owner."""

    help = "Migrate every schema and apply its functions, triggers and grants."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force-sql", action="store_true", help="apply SQL files to schemas at the head too")

    def handle(self, *args: Any, **options: Any) -> None:
        with schema.connect_as_owner() as owner:
            owner.autocommit = True
            changed = self._bring_to_head(owner, schema.PUBLIC, force=options["force_sql"])
            self._ensure_platform_row(owner)
            for name in self._tenant_schemas(owner):
                changed += self._bring_to_head(owner, name, force=options["force_sql"])
        self.stdout.write(f"{changed} schemas migrated." if changed else "Every schema is at the head.")

    def _tenant_schemas(self, owner: Any) -> list[str]:
        rows = owner.execute("SELECT schema_name FROM public.tenants_workspace ORDER BY schema_name").fetchall()
        return [schema.TEMPLATE_SCHEMA, *(name for (name,) in rows)]

    def _ensure_platform_row(self, owner: Any) -> None:
        owner.execute(
            "INSERT INTO public.tenants_workspace"
            " (id, slug, name, schema_name, mode, state, ledger_currency, settings, created_at)"
            " VALUES (%s, %s, 'Platform', %s, 'platform', 'active', 'USD', '{}', %s) ON CONFLICT DO NOTHING",
            [ids.new_uuid(), PLATFORM_SCHEMA, PLATFORM_SCHEMA, now()],
        )

    def _bring_to_head(self, owner: Any, name: str, *, force: bool) -> int:
        behind = not self._at_head(owner, name)
        if behind and name not in (schema.PUBLIC, schema.TEMPLATE_SCHEMA) and not self._exists(owner, name):
            schema.clone_schema(name, owner=owner)
            self.stdout.write(f"{name}: created")
            return 1
        if behind:
            owner.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))
            migrate_schema(name)
            self.stdout.write(f"{name}: migrated")
        if behind or force or schema.sql_changed(name, owner=owner):
            schema.apply_sql(name, owner=owner)
        return int(behind)

    def _exists(self, owner: Any, name: str) -> bool:
        return owner.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name]).fetchone() is not None

    def _at_head(self, owner: Any, name: str) -> bool:
        recorded = sql.SQL("{}.django_migrations").format(sql.Identifier(name))
        if owner.execute("SELECT to_regclass(%s)", [recorded.as_string(owner)]).fetchone()[0] is None:
            return False
        rows = owner.execute(sql.SQL("SELECT app, name FROM {}").format(recorded)).fetchall()
        return head_migrations(public=name == schema.PUBLIC) <= set(rows)


def migrate_schema(name: str) -> None:
    """Run Django's migrations in one schema through django-tenants' router."""
    connection: Any = django_connection  # with django-tenants' own methods, which Django's types do not know
    connection.set_schema(name, include_public=False)
    try:
        # Without its own table Django would find the one in public and think that everything was applied.
        MigrationRecorder(connection).ensure_schema()
        connection.set_schema(name)
        # Django's own command: django-tenants' one of the same name migrates every schema itself.
        call_command(migrate.Command(), interactive=False, verbosity=0, run_syncdb=False, skip_checks=True)
    finally:
        connection.close()
        connection.set_schema_to_public()
