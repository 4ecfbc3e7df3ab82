"""What the API says of alarms, their channels and what waits: shapes for the contract, and the documents themselves."""

from typing import Any, Literal

from pydantic import BaseModel

from zentra.alarms.types import AlarmRecord, ChannelRecord, NoticeRecord, Stuck
from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock


class AlarmAnswer(BaseModel):
    """Something that a person has to know. ``subject`` tells it from others of its kind; ``runbook`` names a page."""

    id: str
    object: Literal["alarm"]
    kind: str
    title: str
    subject: str
    severity: Literal["critical", "warning"]
    status: Literal["raised", "acknowledged", "cleared"]
    words: str
    facts: dict[str, Any]
    runbook: str
    raised_at: str
    last_seen_at: str
    seen_count: int
    acknowledged_by: dict[str, Any] | None
    acknowledged_at: str | None
    note: str
    cleared_at: str | None


class NoticeAnswer(BaseModel):
    """One message about an alarm and what became of it. ``kept``: no mail server is set, so it is only shown."""

    id: str
    object: Literal["alarm_notice"]
    alarm_id: str | None
    channel_id: str
    channel_kind: Literal["mail", "webhook"]
    target: str
    step: Literal["raised", "reminder", "cleared", "test"]
    status: Literal["queued", "sent", "failed", "kept", "dropped"]
    subject: str
    body: str
    attempts: int
    next_at: str | None
    error: str
    created_at: str
    done_at: str | None


class AlarmDetailAnswer(AlarmAnswer):
    """An alarm with every message that was sent about it, oldest first."""

    notices: list[NoticeAnswer]


class AlarmPage(BaseModel):
    """Alarms, newest first."""

    data: list[AlarmAnswer]
    next_cursor: str | None
    has_more: bool


class ChannelAnswer(BaseModel):
    """Where alarms go: a mail address or a URL, whose it is, and the kinds that go there (``*`` is all)."""

    id: str
    object: Literal["alarm_channel"]
    kind: Literal["mail", "webhook"]
    target: str
    who: str
    kinds: list[str]
    status: Literal["active", "removed"]
    created_at: str
    removed_at: str | None


class CreatedChannelAnswer(ChannelAnswer):
    """A new channel. A webhook's signing ``secret`` is answered this once; a mail channel has none."""

    secret: str | None


class ChannelPage(BaseModel):
    """The channels of alarms."""

    data: list[ChannelAnswer]
    next_cursor: str | None
    has_more: bool


class NoticePage(BaseModel):
    """Messages about alarms, newest first."""

    data: list[NoticeAnswer]
    next_cursor: str | None
    has_more: bool


class StuckAnswer(BaseModel):
    """An intent that waits: for what, since when, who can act and where (an address under the workspace's pages)."""

    object: Literal["stuck_intent"]
    intent_id: str | None
    waits_for: str
    words: str
    since: str
    who_can_act: str
    door: str


class StuckPage(BaseModel):
    """What waits, longest first."""

    data: list[StuckAnswer]
    next_cursor: str | None
    has_more: bool


def show_alarm(alarm: AlarmRecord) -> dict[str, Any]:
    """An alarm as it stands."""
    return {
        "id": alarm.id,
        "object": "alarm",
        "kind": alarm.kind,
        "title": alarm.title,
        "subject": alarm.subject,
        "severity": alarm.severity,
        "status": alarm.state,
        "words": alarm.words,
        "facts": dict(alarm.facts),
        "runbook": alarm.runbook,
        "raised_at": clock.iso(alarm.raised_at),
        "last_seen_at": clock.iso(alarm.last_seen_at),
        "seen_count": alarm.seen_count,
        "acknowledged_by": alarm.acknowledged_by,
        "acknowledged_at": moment(alarm.acknowledged_at),
        "note": alarm.note,
        "cleared_at": moment(alarm.cleared_at),
    }


def show_channel(channel: ChannelRecord) -> dict[str, Any]:
    """A channel without its secret."""
    return {
        "id": channel.id,
        "object": "alarm_channel",
        "kind": channel.kind,
        "target": channel.target,
        "who": channel.who,
        "kinds": list(channel.kinds),
        "status": channel.state,
        "created_at": clock.iso(channel.created_at),
        "removed_at": moment(channel.removed_at),
    }


def show_notice(notice: NoticeRecord) -> dict[str, Any]:
    """One message and what became of it."""
    return {
        "id": notice.id,
        "object": "alarm_notice",
        "alarm_id": notice.alarm_id,
        "channel_id": notice.channel_id,
        "channel_kind": notice.channel_kind,
        "target": notice.target,
        "step": notice.step,
        "status": notice.state,
        "subject": notice.subject,
        "body": notice.body,
        "attempts": notice.attempts,
        "next_at": moment(notice.next_at),
        "error": notice.error,
        "created_at": clock.iso(notice.created_at),
        "done_at": moment(notice.done_at),
    }


def show_stuck(stuck: Stuck) -> dict[str, Any]:
    """What one intent waits for."""
    return {
        "object": "stuck_intent",
        "intent_id": stuck.intent_id,
        "waits_for": stuck.waits_for,
        "words": stuck.words,
        "since": clock.iso(stuck.since),
        "who_can_act": stuck.who_can_act,
        "door": stuck.door,
    }
