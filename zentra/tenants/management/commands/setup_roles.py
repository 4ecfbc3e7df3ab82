"""``manage.py setup_roles``: make the application's and the sealer's database role from the owner's."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand
from psycopg import sql

from zentra.core import schema
from zentra.settings import parse_database_url


class Command(BaseCommand):
    """Least privilege: neither role owns or alters a table, creates a database or a role."""

    help = "Create or update the application and sealer database roles named in their URLs."

    def handle(self, *args: Any, **options: Any) -> None:
        with schema.connect_as_owner() as owner:
            for variable in ("ZENTRA_DATABASE_URL", "ZENTRA_SEALER_DATABASE_URL"):
                url = parse_database_url(variable)
                self._ensure_role(owner, url["USER"], url["PASSWORD"])
            owner.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        self.stdout.write(f"Roles {settings.ZENTRA_APP_ROLE} and {settings.ZENTRA_SEALER_ROLE} are there.")

    def _ensure_role(self, owner: "psycopg.Connection[tuple[object, ...]]", name: str, password: str) -> None:
        exists = owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
        # A new role has no privilege of its own; an owner that is no superuser may not even say so of an old one.
        statement = "ALTER ROLE {} LOGIN PASSWORD {}" if exists else "CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}"
        owner.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(password)))
        owner.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(owner.info.dbname), sql.Identifier(name)
            )
        )
