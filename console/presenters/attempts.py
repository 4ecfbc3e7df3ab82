"""Attempts: as lines of a list, and side by side on the page of their delivery."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from console.presenters.webhooks import attempt_mark, pretty
from console.presenters.words import NONE, age, clock, grouped, moment, stamp, took
from console.types.webhooks import AttemptColumn, AttemptRow, Timing
from webhooks.types import AttemptRecord

SCALE: Final = 1000
_TRIGGERS: Final = {"auto": "by schedule", "manual": "by hand", "replay": "replay"}
_BODY_SHOWN: Final = 4000
_DETAIL_SHOWN: Final = 200
# What each class of error means to somebody who does not run the consumer.
ERRORS: Final = {
    "name_or_connect": "the name does not resolve, or nobody takes the connection",
    "timeout": "no answer in time",
    "connection_lost": "the connection ended before the answer did",
    "tls": "the certificate or the handshake failed",
    "client_error": "the consumer refused it",
    "server_error": "the consumer failed",
    "redirect": "answered with a redirect, which is never followed",
    "gone": "410: never call again",
    "protocol": "the answer was no HTTP",
    "address_refused": "the name leads to an address that we never call",
    "tampered": "stopped: stored bytes and their hash differ",
    "unreadable_secret": "stopped: its keys cannot be read",
    "worker_lost": "our worker died; sent again under the same id",
}


def attempt_row(record: AttemptRecord, *, base: str, now: datetime, endpoint: str = "") -> AttemptRow:
    """An attempt in a list over deliveries."""
    return AttemptRow(
        attempt_id=record.id,
        url=f"{base}webhooks/deliveries/{record.delivery_id}/#{record.id}",
        started=f"{record.started_at:%d %b} {clock(record.started_at)}",
        number=f"{record.number:02d}",
        mark=attempt_mark(record),
        trigger=_TRIGGERS.get(record.trigger, record.trigger),
        endpoint=endpoint or record.url,
        endpoint_url=f"{base}webhooks/endpoints/{record.endpoint_id}/",
        detail=_said(record),
        took=took(record.duration_ms),
        moment=moment(record.started_at, now),
    )


def _said(record: AttemptRecord) -> str:
    if record.error_detail:
        return record.error_detail
    said = record.response_body.decode("utf-8", "replace").strip()
    return said[:_DETAIL_SHOWN]


def columns(
    attempts: Sequence[AttemptRecord], *, now: datetime, replay_urls: dict[str, str]
) -> tuple[AttemptColumn, ...]:
    """Attempts as columns, the newest first; their timing bars share one scale."""
    longest = max((attempt.duration_ms for attempt in attempts), default=1) or 1
    return tuple(_column(attempt, longest, now, replay_urls) for attempt in reversed(attempts))


def _column(record: AttemptRecord, longest: int, now: datetime, replay_urls: dict[str, str]) -> AttemptColumn:
    body, note = _body(record)
    trigger = _TRIGGERS.get(record.trigger, record.trigger)
    return AttemptColumn(
        attempt_id=record.id,
        number=f"{record.number:02d}",
        mark=attempt_mark(record),
        trigger=trigger,
        started=moment(record.started_at, now),
        timing=_timing(record, longest),
        took=took(record.duration_ms),
        error=_error(record),
        detail=record.error_detail,
        address=record.remote_address or NONE,
        next=_next(record),
        request_headers=tuple(sorted(record.request_headers.items())),
        response_headers=tuple(record.response_headers),
        response_body=body,
        body_note=note,
        replay_url=replay_urls.get(record.replay_id or "", ""),
    )


def _error(record: AttemptRecord) -> str:
    if record.error_class is None:
        return ""
    told = ERRORS.get(record.error_class, "")
    words = record.error_class.replace("_", " ")
    return f"{words}: {told}" if told else words


def _next(record: AttemptRecord) -> str:
    if record.is_superseded:
        return "decided nothing: its worker had lost the claim"
    if record.next_attempt_at is None:
        return "none" if record.error_class else NONE
    return f"{stamp(record.next_attempt_at)}, {age(record.next_attempt_at - record.started_at)} after"


def _timing(record: AttemptRecord, longest: int) -> Timing:
    """Connecting, waiting for the first byte, reading: an attempt that failed before a step has no time of it."""
    whole = max(record.duration_ms, 0)
    connect = min(record.connect_ms or 0, whole)
    first = min(max(record.first_byte_ms if record.first_byte_ms is not None else whole, connect), whole)
    scale = SCALE / longest
    words = []
    if record.connect_ms is not None:
        words.append(("connect", took(record.connect_ms) if record.connect_ms else "reused"))
    if record.first_byte_ms is not None:
        words += [("wait", took(first - connect)), ("read", took(whole - first) if whole > first else "0 ms")]
    return Timing(
        connect=f"{connect * scale:.0f}",
        wait_at=f"{connect * scale:.0f}",
        wait=f"{max((first - connect) * scale, 3):.0f}",
        read_at=f"{first * scale:.0f}",
        read=f"{(whole - first) * scale:.0f}",
        words=tuple(words),
    )


def _body(record: AttemptRecord) -> tuple[str, str]:
    """What was answered, for reading, and what is to know about it."""
    size = len(record.response_body)
    if not size:
        return "", ""
    text = record.response_body.decode("utf-8", "replace")
    if _is_json(text):
        text = pretty(record.response_body)
    notes = [f"{grouped(size)} bytes"]
    if record.is_truncated:
        notes.append("cut: only the first 16 KB are kept")
    if len(text) > _BODY_SHOWN:
        text = text[:_BODY_SHOWN]
        notes.append(f"the first {grouped(_BODY_SHOWN)} characters are shown")
    return text, " · ".join(notes)


def _is_json(text: str) -> bool:
    if text[:1] not in "{[":
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
