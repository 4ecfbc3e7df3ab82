"""``manage.py migrate_tenants --jobs 4``: bring every workspace to the head while Zentra serves.

Those at the head are skipped by one look at all of them. A run that was killed is simply begun again: what it finished
is at the head then. What fails is told at the end, and the others go on.
"""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from zentra.core import schema
from zentra.tenants.schemas.running import bring_all_to_head
from zentra.tenants.schemas.working import DoneByAnother, SchemaBusy, bring_to_head


class Command(BaseCommand):
    """Runs as the database owner. Public and the template are brought to the head by ``migrate_all`` before."""

    help = "Migrate every workspace's schema, several at once, while Zentra serves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many at once."""
        parser.add_argument("--jobs", type=int, default=4, help="worker processes at once (4)")
        parser.add_argument(
            "--worker", action="store_true", help="read names of schemas and answer each: used by itself"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Exit status 1 when a schema failed."""
        if options["worker"]:
            _work()
            return
        if not 1 <= options["jobs"] <= 64:
            raise CommandError("--jobs: 1 to 64.")
        started = time.monotonic()
        with schema.connect_as_owner() as owner:
            owner.autocommit = True
            report = bring_all_to_head(owner, jobs=options["jobs"], say=self.stdout.write, tenants_only=True)
        for name, why in sorted(report.failed.items()):
            self.stderr.write(f"{name}: {why}")
        took = time.monotonic() - started
        self.stdout.write(
            f"{report.looked_at} schemas looked at, {len(report.done)} brought to the head,"
            f" {len(report.failed)} failed, in {took:.1f} s."
        )
        if report.failed:
            raise CommandError(f"{len(report.failed)} schemas failed; the others are at the head.")


def _work() -> None:
    """One line in, one line out, until the input ends."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(line.strip())) + "\n")
        sys.stdout.flush()


def _answer(name: str) -> dict[str, str]:
    try:
        return {"done": bring_to_head(name)}
    except DoneByAnother:
        return {"done": "another run is at it"}
    except SchemaBusy as busy:
        return {"failed": str(busy)}
    except (DatabaseError, psycopg.Error) as error:
        return {"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300]}"}
    except Exception as error:  # noqa: BLE001  # a migration's own code may raise anything; the others go on
        return {"failed": repr(error)[:300]}
