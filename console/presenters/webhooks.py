"""Deliveries, attempts and endpoints as people read them."""

import json
from datetime import datetime
from typing import Final

from console.marks import event_tone, mark
from console.presenters.words import NONE, age, clock, grouped, moment, percent, shorten, stamp, took
from console.types import Mark, Proof
from console.types.webhooks import AttemptLine, DeliveryDetail, DeliveryRow, EndpointCard
from webhooks import types as webhook_types

_BODY_SHOWN: Final = 160


def delivery_row(
    record: webhook_types.DeliveryRecord,
    *,
    base: str,
    now: datetime,
    link: str,
    may_replay: bool,
    selected: bool = False,
) -> DeliveryRow:
    """A delivery in a list."""
    return DeliveryRow(
        delivery_id=record.id,
        url=link,
        event_type=record.event_type,
        tone=event_tone(record.event_type),
        intent_id=record.intent_id or "",
        intent_url=f"{base}intents/{record.intent_id}/" if record.intent_id else "",
        endpoint=record.endpoint_url,
        mark=mark(record.state),
        attempts=str(record.attempts),
        last=_last(record),
        next=_next(record, now),
        moment=moment(record.recorded_at, now),
        replay_url=f"{base}webhooks/replay/" if may_replay and record.is_replay_ready else "",
        selected=selected,
    )


def _last(record: webhook_types.DeliveryRecord) -> str:
    if record.last_status is not None and record.last_error:
        return f"{record.last_status} · {record.last_error}"
    return str(record.last_status) if record.last_status is not None else record.last_error or NONE


def _next(record: webhook_types.DeliveryRecord, now: datetime) -> str:
    if record.next_attempt_at is None:
        return ""
    left = record.next_attempt_at - now
    return "now" if left.total_seconds() < 1 else f"in {age(left)}"


def attempt_line(record: webhook_types.AttemptRecord) -> AttemptLine:
    """One call to an endpoint."""
    if record.succeeded:
        result = mark("delivered", says=str(record.response_status))
    elif record.error_class and "timeout" in record.error_class:
        result = mark("timeout")
    else:
        result = mark("failed", says=str(record.response_status or record.error_class))
    said = record.response_body.decode("utf-8", "replace").strip()[:_BODY_SHOWN]
    detail = record.error_detail or said
    if record.trigger != "auto":
        detail = f"{record.trigger} · {detail}" if detail else record.trigger
    return AttemptLine(
        number=f"{record.number:02d}",
        target=record.url,
        mark=result,
        detail=detail,
        at=clock(record.started_at),
        took=took(record.duration_ms),
    )


def detail(record: webhook_types.DeliveryDetail, *, row: DeliveryRow, body: bytes, close_url: str) -> DeliveryDetail:
    """A delivery with all its attempts, its facts and the exact bytes that were signed."""
    delivery = record.delivery
    verified = all(attempt.is_signature_verified for attempt in record.attempts)
    return DeliveryDetail(
        row=row,
        attempts=tuple(attempt_line(attempt) for attempt in record.attempts),
        body=body.decode("utf-8", "replace"),
        close_url=close_url,
        facts=(
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
        ),
    )


def endpoint_card(health: webhook_types.EndpointHealth, *, now: datetime) -> EndpointCard:
    """An endpoint and its last 24 hours."""
    endpoint = health.endpoint
    state: Mark = mark("active" if endpoint.state == "enabled" else "disabled")
    notes = [endpoint.disabled_reason] if endpoint.disabled_reason else []
    if health.exhausted:
        notes.append(f"{grouped(health.exhausted)} exhausted")
    if health.oldest_waiting_at and health.waiting:
        notes.append(f"oldest waits {age(now - health.oldest_waiting_at)}")
    if health.p95_ms is not None:
        notes.append(f"p95 {took(health.p95_ms)}")
    return EndpointCard(
        endpoint_id=endpoint.id,
        url=endpoint.url,
        state=state,
        waiting=grouped(health.waiting),
        health=f"{percent(health.health)} %" if health.health is not None else NONE,
        note=" · ".join(notes),
    )


def pretty(body: bytes) -> str:
    """JSON bytes with line breaks for reading; the bytes themselves are what is hashed."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return shorten(body.decode("utf-8", "replace"), head=2000)
