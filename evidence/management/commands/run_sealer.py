"""``manage.py run_sealer``: sequence every workspace's events four times a second, sign each log once a second."""

import signal
import threading
import time
from argparse import ArgumentParser
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from evidence.operations.log import ensure_log
from evidence.operations.sealing import sequence_batch, sign_checkpoint
from evidence.queries import find_verifier_key, has_unsealed
from zentra.core.clock import now
from zentra.core.queue.operations import beat_heart
from zentra.core.tenancy import TenantRef, list_kept, tenant_work

SEQUENCE_EVERY_SECONDS: Final = 0.25
HEARTBEAT_EVERY_SECONDS: Final = 1.0
# A workspace whose log is damaged must not be tried four times a second, nor be forgotten.
PAUSE_AFTER_FAILURE_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Turn:
    """When a workspace is due next, by the monotonic clock."""

    sign_at: float = 0.0
    resume_at: float = 0.0
    failures: int = 0
    unsigned: bool = True


@dataclass(slots=True)
class Sealer:
    """One round over all workspaces at a time; everything it knows between rounds may be lost without harm."""

    sign_every: float
    turns: dict[str, Turn] = field(default_factory=dict)
    heartbeat_at: float = 0.0

    def run_round(self, *, force_sign: bool = False) -> None:
        """Seal what waits in each workspace. Raises DatabaseError only when the database itself is away."""
        workspaces = list_kept()
        for workspace in workspaces:
            turn = self.turns.setdefault(workspace.slug, Turn())
            if time.monotonic() >= turn.resume_at:
                self._seal(workspace, turn, force_sign=force_sign)
        self._beat(workspaces)

    def _seal(self, workspace: TenantRef, turn: Turn, *, force_sign: bool) -> None:
        try:
            while self._sequence(workspace, turn):
                pass
            if turn.unsigned and (force_sign or time.monotonic() >= turn.sign_at):
                self._sign(workspace, turn)
            turn.failures = 0
        except Exception as error:  # noqa: BLE001  # one workspace's trouble must not stop the others
            turn.failures += 1
            turn.resume_at = time.monotonic() + PAUSE_AFTER_FAILURE_SECONDS
            log.error("sealer.workspace_failed", workspace=workspace.slug, failures=turn.failures, error=repr(error))
            _check_database()

    def _sequence(self, workspace: TenantRef, turn: Turn) -> bool:
        """One batch; whether more waits."""
        with tenant_work(workspace):
            if not has_unsealed():
                return False
            if find_verifier_key() is None:
                ensure_log(now=now())
            batch = sequence_batch(now=now())
        turn.unsigned = turn.unsigned or batch.count > 0
        return batch.more

    def _sign(self, workspace: TenantRef, turn: Turn) -> None:
        with tenant_work(workspace):
            if find_verifier_key() is None:
                ensure_log(now=now())
            sign_checkpoint(now=now())
        turn.unsigned = False
        turn.sign_at = time.monotonic() + self.sign_every

    def _beat(self, workspaces: list[TenantRef]) -> None:
        if time.monotonic() < self.heartbeat_at:
            return
        failing = [slug for slug, turn in self.turns.items() if turn.failures]
        detail = f"{len(workspaces)} workspaces" + (f"; failing: {', '.join(sorted(failing))}" if failing else "")
        beat_heart(name="sealer", now=now(), detail=detail)
        self.heartbeat_at = time.monotonic() + HEARTBEAT_EVERY_SECONDS


def _check_database() -> None:
    """Whether the last error was the database's absence: then the round ends, and the next one connects afresh."""
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


class Command(BaseCommand):
    """Runs until it is told to stop. A kill at any moment loses nothing: each step is one transaction."""

    help = "Sequence and sign the evidence log of every workspace. Connects as the sealer role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round with signing, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        sealer = Sealer(sign_every=settings.ZENTRA_SEAL_EVERY_MS / 1000)
        if options["once"]:
            sealer.run_round(force_sign=True)
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        log.info("sealer.started")
        while not stop.is_set():
            started = time.monotonic()
            try:
                sealer.run_round()
            except DatabaseError as error:
                log.warning("sealer.database_away", error=str(error).strip()[:200])
                connection.close()
                stop.wait(1.0)
            stop.wait(max(0.02, SEQUENCE_EVERY_SECONDS - (time.monotonic() - started)))
        log.info("sealer.stopped")
