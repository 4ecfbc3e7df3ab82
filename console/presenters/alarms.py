"""Alarms, the messages about them, and what is stuck, as people read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.words import NONE, age, dated, grouped, moment, short_url
from console.types import Mark, Proof
from console.types.alarms import AlarmRow, ChannelRow, NoticeRow, StuckRow
from zentra.alarms.types import AlarmRecord, ChannelRecord, NoticeRecord, Stuck

STEPS: Final = {"raised": "raised", "reminder": "reminder", "cleared": "good again", "test": "test"}
WAITS_FOR: Final = {
    "review": ("an operator", "review"),
    "resume": ("outgoing money", "held"),
    "route": ("a route", "queued"),
    "rail": ("the provider", "syncing"),
    "outcome": ("an outcome", "unknown"),
    "endpoint": ("an endpoint", "retrying"),
    "seal": ("its seal", "pending"),
    "work": ("failing work", "failed"),
    "hold": ("an expired hold", "expired"),
}


def alarm_row(record: AlarmRecord, *, base: str, now: datetime, names: Names) -> AlarmRow:
    """An alarm in the list."""
    return AlarmRow(
        alarm_id=record.id,
        url=f"{base}alarms/{record.id}/",
        headline=record.headline,
        words=record.words,
        severity=mark("failed" if record.severity == "critical" else "review", says=record.severity),
        state=_state(record),
        by=person(record.acknowledged_by, names) if record.acknowledged_by else NONE,
        raised=moment(record.raised_at, now),
        seen=grouped(record.seen_count),
    )


def _state(record: AlarmRecord) -> Mark:
    if record.state == "cleared":
        return mark("resolved", says="good again")
    return mark("pending", says="acknowledged") if record.state == "acknowledged" else mark("failed", says="raised")


def numbers(facts: Mapping[str, int | str | None]) -> tuple[Proof, ...]:
    """What was measured when it was seen last."""
    return tuple(
        Proof(name.replace("_", " "), grouped(value) if isinstance(value, int) else str(value or NONE))
        for name, value in facts.items()
    )


def alarm_facts(record: AlarmRecord, *, names: Names, now: datetime) -> tuple[Proof, ...]:
    """When, who, and for how long."""
    end = record.cleared_at or now
    rows = [
        Proof("alarm", record.id, record.id),
        Proof("raised", f"{dated(record.raised_at)} UTC"),
        Proof("seen last", f"{dated(record.last_seen_at)} UTC, {grouped(record.seen_count)} times"),
        Proof("lasts" if record.is_open else "lasted", age(end - record.raised_at)),
        Proof("reminded", f"{dated(record.reminded_at)} UTC" if record.reminded_at else "not needed"),
    ]
    if record.acknowledged_by:
        rows.append(Proof("acknowledged by", person(record.acknowledged_by, names)))
        rows.append(Proof("at", f"{dated(record.acknowledged_at)} UTC"))
        rows.append(Proof("note", record.note or NONE))
    if record.cleared_at:
        rows.append(Proof("good again", f"{dated(record.cleared_at)} UTC"))
    return tuple(rows)


def subject_url(record: AlarmRecord, *, base: str) -> str:
    """The page of what the alarm is about, where it has one."""
    if record.kind == "endpoint_failing" and record.subject.startswith("whe_"):
        return f"{base}webhooks/endpoints/{record.subject}/"
    if record.kind == "access_denials":
        return f"{base}access/?actor={record.subject}" if record.subject else f"{base}access/"
    pages = {"ledger_drift": "ledger/health/", "sealing_lag": "events/", "rail_down": "outgoing/"}
    page = pages.get(record.kind)
    return f"{base}{page}" if page else f"{base}stuck/" if record.kind == "intents_stuck" else ""


def notice_row(record: NoticeRecord, *, base: str, now: datetime) -> NoticeRow:
    """One message."""
    return NoticeRow(
        notice_id=record.id,
        step=STEPS[record.step],
        kind=record.channel_kind,
        target=record.target if record.channel_kind == "mail" else short_url(record.target),
        who=record.who,
        state=_notice_state(record),
        says=_notice_words(record, now),
        subject=record.subject,
        body=record.body,
        alarm_url=f"{base}alarms/{record.alarm_id}/" if record.alarm_id else "",
        moment=moment(record.created_at, now),
    )


def _notice_state(record: NoticeRecord) -> Mark:
    words = {"queued": "queued", "sent": "delivered", "failed": "failed", "kept": "retained", "dropped": "canceled"}
    return mark(words[record.state], says=record.state)


def _notice_words(record: NoticeRecord, now: datetime) -> str:
    if record.state == "kept":
        return "no mail server is configured: shown here only"
    if record.state == "dropped":
        return "overtaken before it was sent"
    if record.state == "queued" and record.next_at:
        wait = "" if record.next_at <= now else f", again in {age(record.next_at - now)}"
        return f"{record.error or 'on its way'}{wait}"
    return record.error or f"{grouped(record.attempts)} {'try' if record.attempts == 1 else 'tries'}"


def channel_row(record: ChannelRecord, *, base: str, now: datetime, titles: Names, may_manage: bool) -> ChannelRow:
    """Somebody who is told."""
    here = f"{base}alarms/channels/{record.id}/"
    return ChannelRow(
        channel_id=record.id,
        kind=record.kind,
        target=record.target,
        who=record.who,
        kinds="every alarm" if "*" in record.kinds else ", ".join(titles.get(each, each) for each in record.kinds),
        since=moment(record.created_at, now),
        test_url=f"{here}test/" if may_manage else "",
        remove_url=f"{here}remove/" if may_manage else "",
    )


def stuck_row(found: Stuck, *, base: str, now: datetime, names: Names) -> StuckRow:
    """What waits, and where one can help."""
    word, glyph = WAITS_FOR[found.waits_for]
    return StuckRow(
        key=found.intent_id or found.door,
        subject=found.intent_id or "a hold",
        url=f"{base}intents/{found.intent_id}/" if found.intent_id else f"{base}{found.door}",
        waits_for=mark(glyph, says=word),
        words=found.words,
        who=names.get(found.who_can_act, found.who_can_act),
        door=f"{base}{found.door}",
        moment=moment(found.since, now),
    )
