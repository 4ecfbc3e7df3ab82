"""What the API says of deliveries, attempts and replays: shapes for the contract, and the documents themselves."""

import base64
from typing import Any, Literal

from pydantic import BaseModel

from webhooks.queries import ReplayPreview, ReplayRecord
from webhooks.types import AttemptRecord, DeliveryRecord
from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock


class DeliveryAnswer(BaseModel):
    """One event on its way to one endpoint. ``sequence`` is the event's place in the log; times are UTC."""

    id: str
    object: Literal["webhook_delivery"]
    event_id: str
    event_type: str
    sequence: int
    endpoint_id: str
    endpoint_url: str
    intent_id: str | None
    status: Literal["queued", "retained", "retrying", "resolved", "exhausted"]
    purpose: Literal["event", "test", "probe"]
    attempts: int
    next_attempt_at: str | None
    first_due_at: str | None
    resolved_at: str | None
    last_status: int | None
    last_error: str | None
    last_error_class: str | None
    is_replay_ready: bool
    replay_id: str | None
    created_at: str


class DeliveryPage(BaseModel):
    """Deliveries, newest first."""

    data: list[DeliveryAnswer]
    next_cursor: str | None
    has_more: bool


class AttemptAnswer(BaseModel):
    """One call and what came of it. The body is the first 16 KB: a text, or base64 where it is none.

    Sensitive headers read ``•••``. ``is_superseded``: its worker came back too late, and it decided nothing.
    """

    id: str
    object: Literal["webhook_attempt"]
    delivery_id: str
    endpoint_id: str
    number: int
    trigger: Literal["auto", "manual", "replay"]
    replay_id: str | None
    started_at: str
    duration_ms: int
    connect_ms: int | None
    first_byte_ms: int | None
    remote_address: str | None
    url: str
    request_headers: dict[str, str]
    response_status: int | None
    response_headers: list[list[str]]
    response_body: str | None
    response_body_base64: str | None
    is_truncated: bool
    error_class: str | None
    error_detail: str
    next_attempt_at: str | None
    is_signature_verified: bool
    is_superseded: bool


class DeliveryDetailAnswer(DeliveryAnswer):
    """A delivery with every attempt, oldest first."""

    attempt_list: list[AttemptAnswer]


class AttemptPage(BaseModel):
    """Attempts over all deliveries, newest first."""

    data: list[AttemptAnswer]
    next_cursor: str | None
    has_more: bool


class ReplayScopeAnswer(BaseModel):
    """What a replay looks at; null is any."""

    endpoint_id: str | None
    event_id: str | None
    states: list[str] | None
    event_type: str | None
    since: str | None
    until: str | None


class ReplayAnswer(BaseModel):
    """A range of deliveries that is sent again, at a rate: what matched at its start, and how far it is."""

    id: str
    object: Literal["webhook_replay"]
    status: Literal["running", "done", "canceled"]
    scope: ReplayScopeAnswer
    rate_per_second: int
    matched: int
    requested: int
    skipped: int
    skipped_disabled: int
    taken_over: int
    not_requested: int
    resolved: int
    failed: int
    waiting: int
    percent: float
    seconds_left: int | None
    reason: str
    actor: dict[str, Any]
    canceled_by: dict[str, Any] | None
    cancel_reason: str
    created_at: str
    ended_at: str | None


class ReplayPage(BaseModel):
    """Replays, newest first."""

    data: list[ReplayAnswer]
    next_cursor: str | None
    has_more: bool


class ReplayPreviewAnswer(BaseModel):
    """What a replay would send, and how long that takes at its rate. Nothing was sent."""

    object: Literal["webhook_replay_preview"]
    matched: int
    requestable: int
    skipped_disabled: int
    in_flight: int
    by_endpoint: dict[str, int]
    by_state: dict[str, int]
    oldest_at: str | None
    newest_at: str | None
    seconds_at_rate: int


def show_delivery(delivery: DeliveryRecord) -> dict[str, Any]:
    """A delivery as lists show it."""
    return {
        "id": delivery.id,
        "object": "webhook_delivery",
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "sequence": delivery.leaf_index,
        "endpoint_id": delivery.endpoint_id,
        "endpoint_url": delivery.endpoint_url,
        "intent_id": delivery.intent_id,
        "status": delivery.state,
        "purpose": delivery.purpose,
        "attempts": delivery.attempts,
        "next_attempt_at": moment(delivery.next_attempt_at),
        "first_due_at": moment(delivery.first_due_at),
        "resolved_at": moment(delivery.resolved_at),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error or None,
        "last_error_class": delivery.last_error_class or None,
        "is_replay_ready": delivery.is_replay_ready,
        "replay_id": delivery.replay_id,
        "created_at": clock.iso(delivery.recorded_at),
    }


def show_attempt(attempt: AttemptRecord) -> dict[str, Any]:
    """One call with what was sent beside the event and what came back."""
    text, encoded = read_body(attempt.response_body)
    return {
        "id": attempt.id,
        "object": "webhook_attempt",
        "delivery_id": attempt.delivery_id,
        "endpoint_id": attempt.endpoint_id,
        "number": attempt.number,
        "trigger": attempt.trigger,
        "replay_id": attempt.replay_id,
        "started_at": clock.iso(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "connect_ms": attempt.connect_ms,
        "first_byte_ms": attempt.first_byte_ms,
        "remote_address": attempt.remote_address or None,
        "url": attempt.url,
        "request_headers": attempt.request_headers,
        "response_status": attempt.response_status,
        "response_headers": [list(pair) for pair in attempt.response_headers],
        "response_body": text,
        "response_body_base64": encoded,
        "is_truncated": attempt.is_truncated,
        "error_class": attempt.error_class,
        "error_detail": attempt.error_detail,
        "next_attempt_at": moment(attempt.next_attempt_at),
        "is_signature_verified": attempt.is_signature_verified,
        "is_superseded": attempt.is_superseded,
    }


def show_replay(replay: ReplayRecord) -> dict[str, Any]:
    """A replay and how far it is."""
    return {
        "id": replay.id,
        "object": "webhook_replay",
        "status": replay.state,
        "scope": {
            "endpoint_id": replay.scope.endpoint_id,
            "event_id": replay.scope.event_id,
            "states": None if replay.scope.states is None else list(replay.scope.states),
            "event_type": replay.scope.event_type,
            "since": moment(replay.scope.since),
            "until": moment(replay.scope.until),
        },
        "rate_per_second": replay.rate_per_second,
        "matched": replay.matched,
        "requested": replay.requested,
        "skipped": replay.skipped,
        "skipped_disabled": replay.skipped_disabled,
        "taken_over": replay.taken_over,
        "not_requested": replay.not_requested,
        "resolved": replay.resolved,
        "failed": replay.failed,
        "waiting": replay.waiting,
        "percent": replay.percent,
        "seconds_left": replay.seconds_left,
        "reason": replay.reason,
        "actor": replay.actor,
        "canceled_by": replay.canceled_by,
        "cancel_reason": replay.cancel_reason,
        "created_at": clock.iso(replay.created_at),
        "ended_at": moment(replay.ended_at),
    }


def show_preview(preview: ReplayPreview) -> dict[str, Any]:
    """What a replay would send."""
    return {
        "object": "webhook_replay_preview",
        "matched": preview.matched,
        "requestable": preview.requestable,
        "skipped_disabled": preview.skipped_disabled,
        "in_flight": preview.in_flight,
        "by_endpoint": dict(preview.by_endpoint),
        "by_state": dict(preview.by_state),
        "oldest_at": moment(preview.oldest_at),
        "newest_at": moment(preview.newest_at),
        "seconds_at_rate": preview.seconds_at_rate,
    }


def read_body(body: bytes) -> tuple[str | None, str | None]:
    """A body as a text, or as base64 where it is not one: (text, base64), one of them None."""
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(body).decode()
