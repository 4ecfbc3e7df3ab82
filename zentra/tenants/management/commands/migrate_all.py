"""``manage.py migrate_all``: bring public, the template, ``platform`` and every workspace to the head.

Schemas at the head already are skipped by one look at all of them, so a second run takes moments.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from zentra.core import schema
from zentra.tenants.schemas.heads import list_states
from zentra.tenants.schemas.running import bring_all_to_head
from zentra.tenants.schemas.working import dress, migrate_schema

__all__ = ["Command", "migrate_schema"]


class Command(BaseCommand):
    """Runs as the database owner; the migrations themselves run in worker processes."""

    help = "Migrate every schema and apply its functions, triggers and grants."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many at once, and whether what is at the head is dressed anew."""
        parser.add_argument("--jobs", type=int, default=2, help="worker processes at once (2)")
        parser.add_argument("--force-sql", action="store_true", help="apply SQL files to schemas at the head too")

    def handle(self, *_: Any, **options: Any) -> None:
        """Exit status 1 when a schema failed."""
        with schema.connect_as_owner() as owner:
            owner.autocommit = True
            report = bring_all_to_head(owner, jobs=max(1, options["jobs"]), say=self.stdout.write)
            if options["force_sql"]:
                for state in list_states(owner):
                    dress(state.name)
        if report.failed:
            told = "; ".join(f"{name}: {why}" for name, why in sorted(report.failed.items()))
            raise CommandError(f"{len(report.failed)} schemas failed: {told}")
        changed = len(report.done)
        self.stdout.write(f"{changed} schemas migrated." if changed else "Every schema is at the head.")
