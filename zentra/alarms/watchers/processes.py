"""Does the installation itself work: is due work taken, do its processes give signs of life. In ``platform`` only."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from zentra.alarms.types import Finding, Sight
from zentra.core.clock import iso
from zentra.core.queue.queries import heartbeats, oldest_due

PROCESSES: Final = ("worker", "beat", "sealer")
"""Whose heartbeat is watched. The watch process itself cannot miss its own: ``/readyz`` shows it."""


def see_old_queue(now: datetime) -> Sight:
    """The queue, when something due that nothing holds back has waited longer than the setting allows."""
    oldest = oldest_due(now=now)
    age = int((now - oldest.due_at).total_seconds()) if oldest else 0
    if oldest is None or age <= settings.ZENTRA_ALARM_QUEUE_AGE_SECONDS:
        return Sight()
    words = f"The oldest due work ({oldest.kind}) has waited {age} s for a worker."
    return Sight((Finding("", words, {"age_seconds": age, "kind": oldest.kind, "due_at": iso(oldest.due_at)}),))


def see_silent_processes(now: datetime) -> Sight:
    """Processes without a sign of life for longer than the setting allows."""
    signs = heartbeats()
    longest = timedelta(seconds=settings.ZENTRA_ALARM_SILENT_SECONDS)
    silent = [name for name in PROCESSES if name not in signs or now - signs[name][0] > longest]
    return Sight(tuple(_silence(name, signs[name][0] if name in signs else None, now) for name in silent))


def _silence(name: str, last: datetime | None, now: datetime) -> Finding:
    if last is None:
        return Finding(name, f"The {name} has given no sign of life yet.", {"process": name, "last_at": None})
    age = int((now - last).total_seconds())
    return Finding(
        name,
        f"The {name} gave its last sign of life {age} s ago.",
        {"process": name, "last_at": iso(last), "age_seconds": age},
    )
