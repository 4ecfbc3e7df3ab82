"""What a message says: plain text for people, canonical JSON for programs. Written once, when it is queued."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from zentra.alarms.types import AlarmRecord, Step
from zentra.core import canonical
from zentra.core.clock import iso
from zentra.core.errors import DomainError
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef

API_VERSION: Final = "v2026.04"
_LONGEST_SUBJECT: Final = 200
_HEADS: Final[Mapping[str, str]] = {"raised": "Alarm", "reminder": "Still open", "cleared": "Cleared", "test": "Test"}


class UnsafeHeader(DomainError):
    """A mail header holds a line break or another control character; the message is refused."""

    code = "unsafe_header"
    status = 422
    title = "The text cannot stand in a mail header"


def check_header(text: str) -> str:
    """The text itself when it can stand in a header (RFC 5322: one line of printable characters)."""
    if not text.isprintable():
        raise UnsafeHeader("A header is one line without control characters.")
    return text


def mail_subject(*, alarm: AlarmRecord, step: Step, ws: TenantRef) -> str:
    """``[Zentra northwind] Alarm: Ledger drift: USD``; raises UnsafeHeader."""
    return check_header(f"[Zentra {ws.slug}] {_HEADS[step]}: {alarm.headline}")[:_LONGEST_SUBJECT]


def mail_text(*, alarm: AlarmRecord, step: Step, ws: TenantRef, now: datetime) -> str:
    """What, since when, the numbers, where to look, what to do."""
    rows = [
        ("workspace", f"{ws.slug} ({ws.mode})"),
        ("severity", alarm.severity),
        ("since", _moment(alarm.bad_since)),
        ("last seen", _moment(alarm.last_seen_at)),
    ]
    if alarm.cleared_at:
        rows.append(("cleared", _moment(alarm.cleared_at)))
    return "\n".join(
        (
            alarm.headline,
            "",
            _opening(alarm, step, now),
            "",
            *_table(rows),
            "",
            "Numbers",
            *_table(sorted((name, "—" if value is None else str(value)) for name, value in alarm.facts.items())),
            "",
            *([] if step == "cleared" else ["Tell the others that you have it:"]),
            alarm_url(ws=ws, alarm_id=alarm.id),
            "",
            "What it means and what to do:",
            runbook_url(ws=ws, slug=alarm.runbook),
            "",
            _closing(step),
            "",
        )
    )


def flood_words(*, ws: TenantRef) -> str:
    """What the last message before a silence adds."""
    return f"\nMore of this kind ring at the moment and are not told one by one: {_base(ws)}alarms/\n"


def webhook_body(*, alarm: AlarmRecord, step: Step, ws: TenantRef, notice_id: str, now: datetime) -> str:
    """The same for programs: the keys of an event, ``type`` alarm.raised, alarm.reminded or alarm.cleared."""
    data: dict[str, object] = {
        "alarm_id": alarm.id,
        "kind": alarm.kind,
        "subject": alarm.subject,
        "severity": alarm.severity,
        "state": alarm.state,
        "words": alarm.words,
        "facts": dict(alarm.facts),
        "bad_since": iso(alarm.bad_since),
        "raised_at": iso(alarm.raised_at),
        "cleared_at": iso(alarm.cleared_at) if alarm.cleared_at else None,
        "links": {
            "alarm": alarm_url(ws=ws, alarm_id=alarm.id),
            "runbook": runbook_url(ws=ws, slug=alarm.runbook),
        },
    }
    return _envelope(notice_id, "alarm.reminded" if step == "reminder" else f"alarm.{step}", ws, now, data)


def test_mail(*, ws: TenantRef) -> tuple[str, str]:
    """(subject, text) of a message that only shows that the channel works."""
    text = f"This is a test. Alarms of {ws.slug} come to this address.\n\n{_base(ws)}alarms/\n"
    return f"[Zentra {ws.slug}] {_HEADS['test']}: this address gets alarms", text


def test_body(*, ws: TenantRef, notice_id: str, now: datetime) -> str:
    """The body of a webhook that only shows that the channel works."""
    return _envelope(notice_id, "alarm.test", ws, now, {"links": {"alarms": f"{_base(ws)}alarms/"}})


def alarm_url(*, ws: TenantRef, alarm_id: str) -> str:
    """The alarm's page."""
    return f"{_base(ws)}alarms/{alarm_id}/"


def runbook_url(*, ws: TenantRef, slug: str) -> str:
    """The runbook's page."""
    return f"{_base(ws)}runbooks/{slug}/"


def _base(ws: TenantRef) -> str:
    place = PLATFORM_SCHEMA if ws.slug == PLATFORM_SCHEMA else f"w/{ws.slug}"
    return f"{settings.ZENTRA_BASE_URL}/{place}/"


def _envelope(notice_id: str, kind: str, ws: TenantRef, now: datetime, data: dict[str, Any]) -> str:
    envelope = {
        "id": notice_id,
        "type": kind,
        "schema": API_VERSION,
        "occurred_at": iso(now),
        "workspace": ws.slug,
        "data": data,
    }
    return canonical.dumps(envelope).decode()


def _opening(alarm: AlarmRecord, step: Step, now: datetime) -> str:
    if step == "reminder":
        waited = int((now - alarm.raised_at).total_seconds() // 60)
        return f"Nobody has acknowledged this for {waited} minutes. {alarm.words}"
    if step == "cleared":
        return f"It is good again. What was seen last: {alarm.words}"
    return alarm.words


def _closing(step: Step) -> str:
    if step == "cleared":
        return "Nothing more is sent about this alarm."
    if step == "reminder":
        return "This is the only reminder. The next message says that it is good again."
    return "There is one reminder while nobody acknowledges, and one message when it is good again."


def _table(rows: list[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {name:<{width}}  {value}" for name, value in rows]


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
