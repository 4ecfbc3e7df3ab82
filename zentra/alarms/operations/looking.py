"""One look at one kind: what is bad is remembered, rings after a while, and is over after a while.

All of it happens under the row of the kind's turn, so that of two watch processes one looks. What a channel is told
is a row of its own, once per alarm and step, written with the alarm's change and sent afterwards.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.alarms import store
from zentra.alarms.kinds import Kind
from zentra.alarms.models import Alarm, Look
from zentra.alarms.operations.telling import drop_overtaken, tell_channels
from zentra.alarms.types import Finding, Sight, Watcher
from zentra.core import actors, ids
from zentra.core.db.hot import execute_hot

LONGEST_WORDS: Final = 500


@dataclass(slots=True)
class Looked:
    """What one look did: subjects by what became of them, and how many messages were queued."""

    raised: list[str] = field(default_factory=list)
    reminded: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    notices: int = 0


def take_look(*, kind: Kind, watcher: Watcher, now: datetime) -> Looked | None:
    """Look once, if it is time and nobody else is looking; None when it is not. In the workspace's transaction.

    Harmless twice. An error of the watcher ends the transaction: nothing is concluded from it.
    """
    with transaction.atomic(savepoint=False):
        if not _take_turn(kind, now):
            return None
        return _conclude(kind, watcher(now), now)


def _take_turn(kind: Kind, now: datetime) -> bool:
    """Hold the kind's row until the transaction ends, if it is due and free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT looked_at FROM alarms_turn WHERE kind = %s FOR UPDATE SKIP LOCKED", [kind.name])
        row = cursor.fetchone()
        if row is None:
            # Never looked at, or somebody looks now: only the first of these inserts.
            cursor.execute(
                "INSERT INTO alarms_turn (id, kind, looked_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [ids.new_uuid(), kind.name, now],
            )
            return bool(cursor.rowcount == 1)
        # A moment in the future was written by a clock that jumped: it must not silence us until then.
        if timedelta(0) <= now - row[0] < timedelta(seconds=kind.every_seconds) * 0.8:
            return False
        cursor.execute("UPDATE alarms_turn SET looked_at = %s WHERE kind = %s", [now, kind.name])
        return True


def _conclude(kind: Kind, sight: Sight, now: datetime) -> Looked:
    looked = Looked()
    looks = {row.subject: row for row in Look.objects.filter(kind=kind.name)}
    alarms = {row.subject: row for row in Alarm.objects.filter(kind=kind.name).exclude(state="cleared")}
    bad = {finding.subject: finding for finding in sight.findings}
    for subject, finding in bad.items():
        since = _note(kind, subject, looks.get(subject), is_bad=True, now=now)
        if subject in alarms:
            _see_again(alarms[subject], finding, looked, now)
        elif now - since >= kind.raise_after:
            _raise(kind, finding, since, looked, now)
    for subject in sorted((looks.keys() | alarms.keys()) - bad.keys() - sight.unsure):
        since = _note(kind, subject, looks.get(subject), is_bad=False, now=now)
        if now - since >= kind.clear_after:
            if subject in alarms:
                _clear(alarms[subject], looked, now)
            Look.objects.filter(kind=kind.name, subject=subject).delete()
    return looked


def _note(kind: Kind, subject: str, look: Look | None, *, is_bad: bool, now: datetime) -> datetime:
    """Remember a look; returns the first moment of the run of equal looks that this one belongs to."""
    goes_on = look is not None and look.is_bad == is_bad and now - look.last_at <= kind.longest_gap
    since = look.since if look is not None and goes_on else now
    execute_hot(
        "INSERT INTO alarms_look (id, kind, subject, is_bad, since, last_at)"
        " VALUES (%s::uuid, %s::text, %s::text, %s::boolean, %s::timestamptz, %s::timestamptz)"
        " ON CONFLICT (kind, subject) DO UPDATE SET is_bad = excluded.is_bad, since = excluded.since,"
        " last_at = excluded.last_at",
        [ids.new_uuid(), kind.name, subject, is_bad, since, now],
    )
    return since


def _raise(kind: Kind, finding: Finding, since: datetime, looked: Looked, now: datetime) -> None:
    made = Alarm(
        id=ids.new_id("alm"), kind=kind.name, subject=finding.subject, severity=kind.severity, state="raised",
        words=finding.words[:LONGEST_WORDS], facts=dict(finding.facts), bad_since=since, raised_at=now,
        last_seen_at=now,
    )  # fmt: skip
    made.save(force_insert=True)
    looked.raised.append(finding.subject)
    looked.notices += tell_channels(alarm=made, step="raised", now=now)
    _record("alarm.raised", made, {"words": made.words, "facts": made.facts}, now)


def _see_again(alarm: Alarm, finding: Finding, looked: Looked, now: datetime) -> None:
    alarm.words, alarm.facts, alarm.last_seen_at = finding.words[:LONGEST_WORDS], dict(finding.facts), now
    Alarm.objects.filter(id=alarm.id).update(
        words=alarm.words, facts=alarm.facts, last_seen_at=now, seen_count=F("seen_count") + 1
    )
    remind_at = alarm.raised_at + timedelta(seconds=settings.ZENTRA_ALARM_REMIND_SECONDS)
    if alarm.reminded_at is not None or now < remind_at:
        return
    # Somebody may be acknowledging at this moment: the row decides who was first.
    if Alarm.objects.filter(id=alarm.id, state="raised", reminded_at=None).update(reminded_at=now) == 1:
        looked.reminded.append(alarm.subject)
        looked.notices += tell_channels(alarm=alarm, step="reminder", now=now)


def _clear(alarm: Alarm, looked: Looked, now: datetime) -> None:
    if Alarm.objects.filter(id=alarm.id).exclude(state="cleared").update(state="cleared", cleared_at=now) != 1:
        return
    alarm.refresh_from_db()
    looked.cleared.append(alarm.subject)
    drop_overtaken(now=now)
    looked.notices += tell_channels(alarm=alarm, step="cleared", now=now)
    lasted = int((now - alarm.raised_at).total_seconds())
    _record("alarm.cleared", alarm, {"seconds": lasted, "is_acknowledged": alarm.acknowledged_at is not None}, now)


def _record(event: str, alarm: Alarm, data: dict[str, object], now: datetime) -> None:
    record = store.alarm_record(alarm)
    said: dict[str, object] = {
        "alarm_id": alarm.id, "kind": alarm.kind, "subject": alarm.subject, "severity": alarm.severity,
    }  # fmt: skip
    if event == "alarm.raised":
        said["runbook"] = record.runbook
    record_events(events=[NewEvent(type=event, actor=actors.WATCH, data={**said, **data})], now=now)
