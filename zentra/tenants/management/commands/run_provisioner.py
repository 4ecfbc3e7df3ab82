"""``manage.py run_provisioner``: make and end workspaces as asked for; alone it has the owner's URL."""

import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any, Final

import psycopg
import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from zentra.core import schema
from zentra.core.clock import now
from zentra.core.queue.operations import beat_heart
from zentra.core.schema import Owner
from zentra.tenants.provisioning.jobs import request_due_deletions, run_all, run_next

EVERY_SECONDS: Final = 0.25
HEARTBEAT_EVERY_SECONDS: Final = 2.0
DELETIONS_EVERY_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Runs until it is told to stop. A kill at any moment leaves nothing that is seen; a second one doubles nothing."""

    help = "Make the workspaces that were asked for, and delete archived ones whose time is over."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what waits now, and exit")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ZENTRA_OWNER_DATABASE_URL:
            raise CommandError("ZENTRA_OWNER_DATABASE_URL is missing: this process makes and drops schemas.")
        if options["once"]:
            done = run_all()
            self.stdout.write(f"{len(done)} jobs done.")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        log.info("provisioner.started")
        while not stop.is_set():
            try:
                with schema.connect_as_owner() as owner:
                    owner.autocommit = True
                    _serve(owner, stop)
            except (psycopg.Error, DatabaseError) as error:
                log.warning("provisioner.database_away", error=str(error).strip()[:200])
                connection.close()
                stop.wait(PAUSE_SECONDS)
        log.info("provisioner.stopped")


def _serve(owner: Owner, stop: threading.Event) -> None:
    beat_at = deletions_at = 0.0
    while not stop.is_set():
        moment = time.monotonic()
        if moment >= beat_at:
            beat_heart(name="provisioner", now=now())
            beat_at = moment + HEARTBEAT_EVERY_SECONDS
        if moment >= deletions_at:
            request_due_deletions(now=now())
            deletions_at = moment + DELETIONS_EVERY_SECONDS
        done = run_next(owner=owner, now=now())
        if done is not None:
            log.info("provisioner.job", job=done.id, kind=done.kind, slug=done.slug, state=done.state)
        else:
            stop.wait(EVERY_SECONDS)
