"""The watch: looks at every workspace in turn and sends what is queued, whoever else is dead.

Everything it knows between rounds may be lost without harm: turns, looks, alarms and messages are rows. It needs
PostgreSQL alone; workers, beat, sealer and Redis may be away, which is what it is for.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.db import connection

from zentra.alarms.kinds import Kind
from zentra.alarms.operations import claim_notices, finish_notice, release_notices, take_look
from zentra.alarms.operations.notices import Claim, Result
from zentra.alarms.sending.hooks import send_hook
from zentra.alarms.sending.mail import is_mail_sent, open_server, send_mail
from zentra.alarms.watchers import WATCHERS, kinds_of
from zentra.core.clock import now
from zentra.core.queue.operations import beat_heart
from zentra.core.tenancy import TenantRef, list_active, tenant_work

PAUSE_AFTER_FAILURE_SECONDS: Final = 30.0
_MARGIN_SECONDS: Final = 75.0
"""No message is begun with less of its lease left: a mail is up to seven answers of ten seconds each."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lookout:
    """Evaluates: one round over all workspaces at a time."""

    due_at: dict[tuple[str, str], float] = field(default_factory=dict)
    failing: set[tuple[str, str]] = field(default_factory=set)

    def run_round(self, *, at_once: bool = False) -> int:
        """Look wherever it is time; returns how many messages were queued. Raises DatabaseError when it is away."""
        workspaces = list_active()
        queued = sum(
            self._look(ws, kind) for ws in workspaces for kind in kinds_of(ws) if self._is_due(ws, kind, at_once)
        )
        self._beat(workspaces)
        return queued

    def _is_due(self, ws: TenantRef, kind: Kind, at_once: bool) -> bool:
        """By the monotonic clock of this process; whether another process looked meanwhile is for the rows to say."""
        place = ws.slug, kind.name
        if not at_once and time.monotonic() < self.due_at.get(place, 0.0):
            return False
        self.due_at[place] = time.monotonic() + kind.every_seconds
        return True

    def _look(self, ws: TenantRef, kind: Kind) -> int:
        place = ws.slug, kind.name
        try:
            with tenant_work(ws):
                looked = take_look(kind=kind, watcher=WATCHERS[kind.name], now=now())
        except Exception as error:  # noqa: BLE001  # what cannot be judged concludes nothing, and stops no other look
            self.failing.add(place)
            self.due_at[place] = time.monotonic() + PAUSE_AFTER_FAILURE_SECONDS
            log.error("watch.look_failed", workspace=ws.slug, kind=kind.name, error=repr(error))
            _check_database()
            return 0
        self.failing.discard(place)
        if looked is None:
            return 0
        if looked.raised or looked.reminded or looked.cleared:
            log.info(
                "watch.alarms", workspace=ws.slug, kind=kind.name, raised=looked.raised, reminded=looked.reminded,
                cleared=looked.cleared,
            )  # fmt: skip
        return looked.notices

    def _beat(self, workspaces: Sequence[TenantRef]) -> None:
        known = {ws.slug for ws in workspaces}
        self.failing = {place for place in self.failing if place[0] in known}
        detail = f"{len(workspaces)} workspaces"
        if self.failing:
            detail += "; cannot judge: " + ", ".join(sorted(f"{kind} in {slug}" for slug, kind in self.failing))
        beat_heart(name="watch", now=now(), detail=detail[:500])


@dataclass(slots=True)
class Messenger:
    """Sends: claim, send, finish, a few messages of one workspace at a time."""

    send_webhook: Callable[..., Result] = send_hook

    def run_round(self) -> int:
        """Send what is due in every workspace; returns how many messages were tried. Raises DatabaseError."""
        return sum(self._send_due(ws) for ws in list_active())

    def _send_due(self, ws: TenantRef) -> int:
        tried = 0
        try:
            while claims := self._claim(ws):
                tried += self._send(ws, claims)
        except Exception as error:  # noqa: BLE001  # one workspace's trouble must not keep another's messages
            log.error("watch.sending_failed", workspace=ws.slug, error=repr(error))
            _check_database()
        return tried

    def _claim(self, ws: TenantRef) -> list[Claim]:
        with tenant_work(ws):
            return claim_notices(now=now())

    def _send(self, ws: TenantRef, claims: Sequence[Claim]) -> int:
        mails = [claim for claim in claims if claim.kind == "mail"]
        hooks = [claim for claim in claims if claim.kind == "webhook"]
        return self._send_mails(ws, mails) + self._each(
            ws, hooks, lambda claim: self.send_webhook(claim=claim, now=now())
        )

    def _send_mails(self, ws: TenantRef, claims: Sequence[Claim]) -> int:
        """All over one connection: a server that is away costs one timeout a round, not one a message."""
        if not claims:
            return 0
        if not is_mail_sent():
            return self._each(ws, claims, lambda _: Result("kept"))
        try:
            server = open_server()
        except (OSError, ValueError) as error:  # SMTPException is an OSError
            said = f"the mail server: {type(error).__name__}: {error}"
            return self._each(ws, claims, lambda _: Result("failed", said))
        try:
            return self._each(ws, claims, lambda claim: send_mail(claim=claim, server=server))
        finally:
            _close(server)

    def _each(self, ws: TenantRef, claims: Sequence[Claim], send: Callable[[Claim], Result]) -> int:
        for number, claim in enumerate(claims):
            if (claim.until - now()).total_seconds() < _MARGIN_SECONDS:
                # Slow servers ate the lease: the rest is somebody's next round.
                with tenant_work(ws):
                    release_notices(claims=claims[number:])
                return number
            result = send(claim)
            with tenant_work(ws):
                is_ours = finish_notice(claim=claim, result=result, now=now())
            if result.outcome == "failed" or not is_ours:
                log.warning(
                    "alarm.notice_failed", workspace=ws.slug, notice=claim.notice_id, attempt=claim.number,
                    error=result.error, is_ours=is_ours,
                )  # fmt: skip
        return len(claims)


def _close(server: Any) -> None:
    try:
        server.close()
    except OSError as error:
        log.info("watch.mail_server_hung_up", error=str(error))


def _check_database() -> None:
    """Whether the last error was the database's absence: then the round ends, and the next one connects afresh."""
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
