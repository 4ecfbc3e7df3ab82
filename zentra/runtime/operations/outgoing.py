"""The switch over outgoing money, with its evidence: who stopped what, why, and who let it go on."""

from datetime import datetime

from evidence.operations import record_events
from zentra.core.actors import Actor
from zentra.routing.events import paused_event, resumed_event
from zentra.routing.operations import pause_outgoing, resume_outgoing
from zentra.routing.types import PauseRecord


def pause_outgoing_money(*, rail: str | None, reason: str, actor: Actor, now: datetime) -> PauseRecord:
    """Stop outgoing money over a rail, or with None everywhere; raises as ``routing.pause_outgoing`` does."""
    pause = pause_outgoing(rail=rail, reason=reason, actor=actor, now=now)
    record_events(events=[paused_event(pause=pause, actor=actor)], now=now)
    return pause


def resume_outgoing_money(*, rail: str | None, actor: Actor, now: datetime) -> PauseRecord:
    """Let it go on; takes a second person. Raises as ``routing.resume_outgoing`` does."""
    pause = resume_outgoing(rail=rail, actor=actor, now=now)
    record_events(events=[resumed_event(pause=pause, actor=actor)], now=now)
    return pause
