"""Record that somebody asked for what they may not have, in every workspace that it concerns."""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import ids, telemetry
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import budgets
from zentra.tenants.denials.types import Side, Surface
from zentra.tenants.queries import platform_ref

log = structlog.get_logger(__name__)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
OTHER_FORM: Final = "(another form)"
MISSES: Final = 10
"""So many ids that are not there, asked for by one actor within a minute, are a search and no slip."""

_MINUTE: Final = 60.0
_MOST_WATCHED: Final = 10_000
_misses: dict[tuple[UUID, str], list[float]] = {}
_lock = threading.Lock()


def record_denial(
    *,
    actor: Actor,
    action: str,
    reason: str,
    surface: Surface,
    target: TenantRef | None,
    named: str = "",
    home: TenantRef | None = None,
    extra: Mapping[str, object] | None = None,
    now: datetime,
) -> None:
    """Keep a refused access as ``access.denied``: in the workspace that was asked for, and in the actor's own.

    ``target`` is the workspace that was asked for, None when there is none of that name; ``named`` is what was said.
    ``home`` is the workspace that the actor belongs to. A name of nobody's, and an actor whom we cannot place, are
    kept in ``platform``: so a workspace that is not there takes as long to refuse as one that is.

    Called outside of any transaction, since what was refused ends there. It raises nothing: a refusal stands whether or
    not it could be written down. Of many in a short time it records a bounded number and counts the others.
    """
    attempt = _Attempt(actor, action, reason, surface, target, named, home, extra or {})
    for side, ref in attempt.sides():
        try:
            _keep(attempt, ref or platform_ref(), side, now)
        except Exception:
            log.exception("access_denied.not_recorded", side=side, action=action, actor=actor.id)


def plain_name(*, name: str) -> str:
    """What somebody called a workspace, if it has the form of a name or an id: free text is kept nowhere."""
    return name if _NAME.fullmatch(name) else OTHER_FORM


@dataclass(frozen=True, slots=True)
class _Attempt:
    actor: Actor
    action: str
    reason: str
    surface: Surface
    target: TenantRef | None
    named: str
    home: TenantRef | None
    extra: Mapping[str, object]

    def sides(self) -> Iterator[tuple[Side, TenantRef | None]]:
        """In whose logs it is kept; None is ``platform``."""
        if self.target is not None or self.named or self.home is None:
            yield "target", self.target
        if self.home is not None and (self.target is None or self.home.id != self.target.id):
            yield "actor", self.home

    def data(self, side: Side) -> dict[str, object]:
        """What the event says. The actor's side repeats the name that they gave: whether it exists is not told."""
        said = plain_name(name=self.named) if self.named else None
        data: dict[str, object] = {
            "action": self.action,
            "reason": self.reason,
            "surface": self.surface,
            "side": side,
            "workspace": self.target.slug if self.target is not None and side == "target" else said,
        }
        if self.home is not None and self.home != self.target:
            data["actor_workspace"] = ids.to_public("ws", self.home.id)
        return {**data, **self.extra}


def _keep(attempt: _Attempt, ref: TenantRef, side: Side, now: datetime) -> None:
    suppressed = budgets.admit(log=ref.id, actor=attempt.actor.id)
    if suppressed is None:
        return
    data = attempt.data(side)
    if suppressed:
        data["suppressed_before"] = suppressed
    event = NewEvent(type="access.denied", actor=attempt.actor, data=data, trace_id=telemetry.trace_id())
    with tenant_work(ref):
        record_events(events=[event], now=now)
    log.info(
        "access.denied",
        workspace=ref.slug,
        side=side,
        actor=attempt.actor.id,
        action=attempt.action,
        reason=attempt.reason,
    )


def note_miss(*, actor: Actor, action: str, surface: Surface, tenant: TenantRef, now: datetime) -> None:
    """Count an id that is not in the workspace; the tenth of one actor within a minute is recorded as a denial.

    One such id is a slip: a link that is out of date, a word that was never used. That it is another workspace's is not
    found out, since asking the other schema would be the very crossing that is refused. A row of them is a search, and
    is kept with the reason ``guessing``. The count is of this process, and raises nothing.
    """
    misses = _count_miss((tenant.id, actor.id))
    if misses < MISSES:
        return
    record_denial(
        actor=actor, action=action, reason="guessing", surface=surface, target=tenant, extra={"misses": misses}, now=now
    )


def _count_miss(key: tuple[UUID, str]) -> int:
    """How many there were within the last minute; the count begins anew when it reached the bound."""
    at = time.monotonic()
    with _lock:
        if len(_misses) >= _MOST_WATCHED:
            _misses.clear()
        recent = [moment for moment in _misses.get(key, ()) if at - moment < _MINUTE] + [at]
        _misses[key] = [] if len(recent) >= MISSES else recent
        return len(recent)
