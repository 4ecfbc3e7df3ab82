"""Deliveries as people read them, in lists and beside them."""

import json
from datetime import datetime
from typing import Final

from console.marks import event_tone, mark
from console.presenters.words import NONE, age, clock, grouped, moment, short_url, shorten, stamp, took
from console.types import Mark, Proof
from console.types.webhooks import AttemptLine, DeliveryDetail, DeliveryRow
from webhooks import types as webhook_types

_BODY_SHOWN: Final = 160
# What else than an event of the workspace went out.
_PURPOSES: Final = {"test": "test event", "probe": "probe"}


def delivery_row(
    record: webhook_types.DeliveryRecord,
    *,
    base: str,
    now: datetime,
    may_replay: bool,
    link: str = "",
    selected: bool = False,
) -> DeliveryRow:
    """A delivery in a list. ``link`` is where its row leads, its own page unless said otherwise."""
    page_url = f"{base}webhooks/deliveries/{record.id}/"
    return DeliveryRow(
        delivery_id=record.id,
        url=link or page_url,
        page_url=page_url,
        event_type=record.event_type,
        tone=event_tone(record.event_type),
        intent_id=record.intent_id or "",
        intent_url=f"{base}intents/{record.intent_id}/" if record.intent_id else "",
        endpoint=short_url(record.endpoint_url),
        endpoint_url=f"{base}webhooks/endpoints/{record.endpoint_id}/",
        mark=mark(record.state),
        attempts=str(record.attempts),
        last=last_answer(record),
        next=next_attempt(record, now),
        moment=moment(record.recorded_at, now),
        replay_url=f"{base}webhooks/replay/" if may_replay and record.is_replay_ready else "",
        selected=selected,
        purpose=_PURPOSES.get(getattr(record, "purpose", ""), ""),
    )


def last_answer(record: webhook_types.DeliveryRecord) -> str:
    """What the last attempt came to: a status, an error, or both."""
    if record.last_status is not None and record.last_error:
        said = str(record.last_status)
        return record.last_error if said in record.last_error else f"{said} · {record.last_error}"
    return str(record.last_status) if record.last_status is not None else record.last_error or NONE


def next_attempt(record: webhook_types.DeliveryRecord, now: datetime) -> str:
    """When it is tried again: "in 4 m", "now", or nothing."""
    if record.next_attempt_at is None:
        return ""
    left = record.next_attempt_at - now
    return "now" if left.total_seconds() < 1 else f"in {age(left)}"


def attempt_mark(record: webhook_types.AttemptRecord) -> Mark:
    """What came of an attempt, in one word or number."""
    if record.succeeded:
        return mark("delivered", says=str(record.response_status))
    if record.error_class and "timeout" in record.error_class:
        return mark("timeout")
    return mark("failed", says=str(record.response_status or record.error_class).replace("_", " "))


def attempt_line(record: webhook_types.AttemptRecord) -> AttemptLine:
    """One call to an endpoint, in a timeline."""
    said = record.response_body.decode("utf-8", "replace").strip()[:_BODY_SHOWN]
    detail = record.error_detail or said
    if record.trigger != "auto":
        detail = f"{record.trigger} · {detail}" if detail else record.trigger
    return AttemptLine(
        number=f"{record.number:02d}",
        target=record.url,
        mark=attempt_mark(record),
        detail=detail,
        at=clock(record.started_at),
        took=took(record.duration_ms),
    )


def detail(record: webhook_types.DeliveryDetail, *, row: DeliveryRow, body: bytes, close_url: str) -> DeliveryDetail:
    """A delivery with all its attempts, its facts and the exact bytes that were signed."""
    return DeliveryDetail(
        row=row,
        attempts=tuple(attempt_line(attempt) for attempt in record.attempts),
        body=body.decode("utf-8", "replace"),
        close_url=close_url,
        facts=facts(record),
    )


def facts(record: webhook_types.DeliveryDetail) -> tuple[Proof, ...]:
    """What is known of a delivery beside its attempts."""
    delivery = record.delivery
    verified = all(attempt.is_signature_verified for attempt in record.attempts)
    return (
        Proof("delivery", delivery.id, delivery.id),
        Proof("event", delivery.event_id, delivery.event_id),
        Proof("leaf", grouped(delivery.leaf_index)),
        Proof("endpoint", delivery.endpoint_id, delivery.endpoint_id),
        Proof("first due", stamp(delivery.first_due_at)),
        Proof("resolved", stamp(delivery.resolved_at)),
        Proof(
            "signature",
            "bytes and signature verified before each send"
            if verified
            else "an attempt was stopped: bytes and hash differ",
        ),
        Proof("awaited", "yes: the intent's stream waits for it" if delivery.is_awaited else "no"),
    )


def pretty(body: bytes) -> str:
    """JSON bytes with line breaks for reading; the bytes themselves are what is hashed."""
    try:
        printed = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        # JSON can name half of a surrogate pair, which no page can show.
        return printed.encode(errors="replace").decode()
    except (ValueError, RecursionError):
        return shorten(body.decode("utf-8", "replace"), head=2000)
