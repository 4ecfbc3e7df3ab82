"""One person takes an alarm; the second is told who was first."""

from datetime import datetime
from typing import Final

from django.db import transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.alarms import store
from zentra.alarms.models import Alarm
from zentra.alarms.operations.telling import drop_overtaken
from zentra.alarms.types import AlarmRecord
from zentra.core.actors import Actor
from zentra.core.clock import iso
from zentra.core.errors import DomainError

LONGEST_NOTE: Final = 500


class StaleAlarm(DomainError):
    """Somebody else acknowledged the alarm first, or it is good again; ``extra`` says who and when."""

    code = "stale_alarm"
    status = 409
    title = "Somebody else was first"


def acknowledge_alarm(*, alarm_id: str, actor: Actor, note: str, now: datetime) -> AlarmRecord:
    """Take an alarm: nothing more is sent about it until it is good again.

    Raises:
        AlarmNotFound, BadId: no such alarm.
        StaleAlarm: another was first (``acknowledged_by``, ``acknowledged_at``), or it is cleared. The same person
            again is no error: they get the alarm as it is.
    """
    with transaction.atomic(savepoint=False):
        change = {
            "state": "acknowledged",
            "acknowledged_by": actor.as_dict(),
            "acknowledged_at": now,
            "note": note.strip()[:LONGEST_NOTE],
        }
        is_first = Alarm.objects.filter(id=alarm_id, state="raised").update(**change) == 1
        row = Alarm.objects.filter(id=alarm_id).first()
        if row is None:
            raise store.AlarmNotFound(f"There is no alarm {alarm_id}.")
        if not is_first:
            return _as_it_is(row, actor)
        drop_overtaken(now=now)
        _record(row, actor, now)
    return store.alarm_record(row)


def _as_it_is(row: Alarm, actor: Actor) -> AlarmRecord:
    first = row.acknowledged_by
    if row.state == "cleared" or first is None:
        cleared_at = iso(row.cleared_at) if row.cleared_at else None
        raise StaleAlarm("The alarm is cleared already.", state=row.state, cleared_at=cleared_at)
    if first["id"] == actor.id and first["kind"] == actor.kind:
        return store.alarm_record(row)
    at = iso(row.acknowledged_at) if row.acknowledged_at else None
    raise StaleAlarm(f"{first['id']} acknowledged it first, at {at}.", acknowledged_by=first, acknowledged_at=at)


def _record(row: Alarm, actor: Actor, now: datetime) -> None:
    data: dict[str, object] = {
        "alarm_id": row.id, "kind": row.kind, "subject": row.subject, "severity": row.severity, "note": row.note,
        "acknowledged_by": actor.id,
    }  # fmt: skip
    record_events(events=[NewEvent(type="alarm.acknowledged", actor=actor, data=data)], now=now)
