"""Rows of this app as records. Private to it."""

from datetime import datetime
from typing import Any

from django.db import connection

from zentra.alarms.kinds import KINDS
from zentra.alarms.models import Alarm, Channel, Notice
from zentra.alarms.types import AlarmRecord, ChannelRecord, NoticeRecord
from zentra.core import ids
from zentra.core.errors import DomainError


class AlarmNotFound(DomainError):
    """There is no such alarm in this workspace."""

    code = "alarm_not_found"
    status = 404
    title = "There is no such alarm"


class ChannelNotFound(DomainError):
    """There is no such channel in this workspace, or it was removed."""

    code = "channel_not_found"
    status = 404
    title = "There is no such channel"


def alarm_record(row: Alarm) -> AlarmRecord:
    """An alarm; a kind that this version no longer knows is told by its name."""
    kind = KINDS.get(row.kind)
    values: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            "id", "kind", "subject", "severity", "state", "words", "facts", "raised_at", "last_seen_at", "seen_count",
            "reminded_at", "acknowledged_by", "acknowledged_at", "note", "cleared_at",
        )
    }  # fmt: skip
    return AlarmRecord(
        **values,
        bad_since=row.bad_since or row.raised_at,
        title=kind.title if kind else row.kind.replace("_", " "),
        runbook=kind.runbook if kind else row.kind.replace("_", "-"),
    )


def channel_record(row: Channel) -> ChannelRecord:
    """A channel without its secret."""
    return ChannelRecord(
        id=row.id,
        kind="mail" if row.kind == "mail" else "webhook",
        target=row.target,
        who=row.who,
        kinds=tuple(row.kinds),
        state="active" if row.state == "active" else "removed",
        created_at=row.created_at,
        removed_at=row.removed_at,
    )


def notice_record(row: Notice) -> NoticeRecord:
    """A notice whose channel and alarm were selected with it."""
    values: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            "id", "alarm_id", "channel_id", "step", "state", "subject", "body", "attempts", "next_at", "error",
            "created_at", "done_at",
        )
    }  # fmt: skip
    return NoticeRecord(
        **values,
        alarm_kind=row.alarm.kind if row.alarm else None,
        channel_kind="mail" if row.channel.kind == "mail" else "webhook",
        target=row.channel.target,
        who=row.channel.who,
    )


def active_channel(channel_id: str) -> Channel:
    """The channel that is not removed; raises ChannelNotFound, BadId."""
    row = Channel.objects.filter(id=channel_id, state="active").first()
    if row is None:
        raise ChannelNotFound(f"There is no channel {channel_id}.")
    return row


def queue_notice(
    *, channel: Channel, alarm: Alarm | None, step: str, subject: str, body: str, notice_id: str, now: datetime
) -> bool:
    """Put a message in; False when this channel was told of this step before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alarms_notice (id, alarm_id, channel_id, step, state, subject, body, attempts, next_at, error,"
            " created_at) VALUES (%s, %s, %s, %s, 'queued', %s, %s, 0, %s, '', %s) ON CONFLICT DO NOTHING",
            [
                ids.to_uuid(notice_id, prefix="ntc"),
                ids.to_uuid(alarm.id, prefix="alm") if alarm else None,
                ids.to_uuid(channel.id, prefix="chn"),
                step,
                subject,
                body,
                now,
                now,
            ],
        )
        return bool(cursor.rowcount == 1)
