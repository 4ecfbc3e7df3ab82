"""What the API says of callbacks, the quarantine and rails' secrets: shapes, and the documents themselves."""

import base64
from typing import Any, Literal

from pydantic import BaseModel

from webhooks.queries import CallbackDetail, PollState, QuarantineRecord, RefusalRecord
from webhooks.types import CallbackRecord
from zentra.api.v1.delivery_answers import read_body
from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock
from zentra.routing.schemes import CallbackScheme
from zentra.routing.types import ChangedScheme, RailSecretRecord, RotatedRailSecret

CallbackState = Literal["applied", "duplicate", "late", "mismatch", "unmatched", "quarantined"]


class CallbackAnswer(BaseModel):
    """One verified arrival. ``first_id`` is the callback that decided what this one converged on."""

    id: str
    object: Literal["callback"]
    rail_id: str
    provider_event_id: str
    provider_type: str
    arrival: int
    first_id: str
    scheme: str
    source: str
    status: CallbackState
    effect: str
    mutations: int
    detail: str
    reference: str
    intent_id: str | None
    posting_id: str | None
    body_sha256: str
    signed_at: str | None
    recorded_at: str


class CallbackPage(BaseModel):
    """Callbacks, newest first."""

    data: list[CallbackAnswer]
    next_cursor: str | None
    has_more: bool


class CallbackDetailAnswer(CallbackAnswer):
    """A callback with its raw bytes and every repeat of it, oldest first, with what each converged on.

    ``now_status`` is what the event came to since: an unmatched callback that was matched later is applied now.
    """

    now_status: CallbackState
    arrivals: int
    headers: dict[str, str]
    body: str | None
    body_base64: str
    repeats: list[CallbackAnswer]


class QuarantineAnswer(BaseModel):
    """A signed callback that could not be read, kept until a person repairs or dismisses it."""

    id: str
    object: Literal["quarantined_callback"]
    rail_id: str
    provider_event_id: str
    code: str
    detail: str
    status: Literal["open", "applied", "dismissed"]
    body: str | None
    body_base64: str
    fixed_body: str | None
    note: str
    decided_by: dict[str, Any] | None
    decided_at: str | None
    opened_at: str


class QuarantinePage(BaseModel):
    """Quarantined callbacks, newest first."""

    data: list[QuarantineAnswer]
    next_cursor: str | None
    has_more: bool


class ReceiptAnswer(BaseModel):
    """What became of a repaired callback."""

    object: Literal["callback"]
    id: str | None
    state: str
    arrival: int
    converged_on: str | None
    effect: str
    mutations: int
    intent_id: str | None
    posting_id: str | None


class RefusedCallbackAnswer(BaseModel):
    """A callback that was refused. Who sent it is not known, and its body is kept only if it was signed."""

    object: Literal["refused_callback"]
    event_id: str
    rail_id: str
    reason: str
    cause: str
    body_bytes: int
    callback_id: str | None
    recorded_at: str


class RefusedCallbackPage(BaseModel):
    """Refused callbacks, newest first."""

    data: list[RefusedCallbackAnswer]
    next_cursor: str | None
    has_more: bool


class PollAnswer(BaseModel):
    """How far a rail was asked for what we missed; ``failures`` counts those in a row."""

    object: Literal["callback_poll"]
    rail_id: str
    rail: str
    asked_at: str | None
    next_at: str | None
    asked: int
    found: int
    failures: int
    last_error: str


class PollPage(BaseModel):
    """The rails that are asked for what we missed."""

    data: list[PollAnswer]
    next_cursor: str | None
    has_more: bool


class RailSecretAnswer(BaseModel):
    """A callback secret, told by its end; ``expires_at`` null for the one that the rail should sign with."""

    id: str
    object: Literal["rail_secret"]
    hint: str
    is_current: bool
    created_at: str
    expires_at: str | None


class RailSecretPage(BaseModel):
    """A rail's valid callback secrets, the current one first, and how its callbacks are signed."""

    scheme: str
    settings: dict[str, str]
    data: list[RailSecretAnswer]
    next_cursor: str | None
    has_more: bool


class ChangedSchemeAnswer(BaseModel):
    """How a rail's callbacks are signed from now on. ``secret``, answered this once, only where a new one was made."""

    object: Literal["callback_scheme"]
    rail_id: str
    scheme: str
    settings: dict[str, str]
    secret: str | None


class RotatedRailSecretAnswer(BaseModel):
    """A rail's new callback secret, answered this once; the one before it is valid until ``old_expires_at``."""

    object: Literal["rail_secret_rotation"]
    rail_id: str
    secret_id: str
    secret: str
    old_expires_at: str | None


def show_callback(callback: CallbackRecord) -> dict[str, Any]:
    """An arrival without its bytes."""
    return {
        "id": callback.id,
        "object": "callback",
        "rail_id": callback.rail_id,
        "provider_event_id": callback.provider_event_id,
        "provider_type": callback.provider_type,
        "arrival": callback.arrival,
        "first_id": callback.first_id,
        "scheme": callback.scheme,
        "source": callback.source,
        "status": callback.state,
        "effect": callback.effect,
        "mutations": callback.mutations,
        "detail": callback.detail,
        "reference": callback.reference,
        "intent_id": callback.intent_id,
        "posting_id": callback.posting_id,
        "body_sha256": callback.body_sha256,
        "signed_at": moment(callback.signed_at),
        "recorded_at": clock.iso(callback.recorded_at),
    }


def show_callback_detail(found: CallbackDetail) -> dict[str, Any]:
    """An arrival with its bytes and its repeats."""
    return show_callback(found.callback) | {
        "now_status": found.now_state,
        "arrivals": found.arrivals,
        "headers": dict(found.headers),
        "body": found.body_text,
        "body_base64": base64.b64encode(found.callback.body).decode(),
        "repeats": [show_callback(each) for each in found.repeats],
    }


def show_quarantined(row: QuarantineRecord) -> dict[str, Any]:
    """A quarantined callback with its bytes."""
    text, _ = read_body(row.body)
    return {
        "id": row.id,
        "object": "quarantined_callback",
        "rail_id": row.rail_id,
        "provider_event_id": row.provider_event_id,
        "code": row.code,
        "detail": row.detail,
        "status": row.state,
        "body": text,
        "body_base64": base64.b64encode(row.body).decode(),
        "fixed_body": None if row.fixed_body is None else row.fixed_body.decode(errors="replace"),
        "note": row.note,
        "decided_by": None if row.decided_by is None else dict(row.decided_by),
        "decided_at": moment(row.decided_at),
        "opened_at": clock.iso(row.opened_at),
    }


def show_refused(refusal: RefusalRecord) -> dict[str, Any]:
    """A refused callback."""
    return {
        "object": "refused_callback",
        "event_id": refusal.event_id,
        "rail_id": refusal.rail_id,
        "reason": refusal.reason,
        "cause": refusal.cause,
        "body_bytes": refusal.body_bytes,
        "callback_id": refusal.callback_id,
        "recorded_at": clock.iso(refusal.recorded_at),
    }


def show_poll(poll: PollState) -> dict[str, Any]:
    """How far a rail was asked."""
    return {
        "object": "callback_poll",
        "rail_id": poll.rail_id,
        "rail": poll.rail,
        "asked_at": moment(poll.asked_at),
        "next_at": moment(poll.next_at),
        "asked": poll.asked,
        "found": poll.found,
        "failures": poll.failures,
        "last_error": poll.last_error,
    }


def show_rail_secret(secret: RailSecretRecord) -> dict[str, Any]:
    """A callback secret without its text."""
    return {
        "id": secret.id,
        "object": "rail_secret",
        "hint": secret.hint,
        "is_current": secret.is_current,
        "created_at": clock.iso(secret.created_at),
        "expires_at": moment(secret.expires_at),
    }


def show_rail_secrets(scheme: CallbackScheme, secrets: list[RailSecretRecord]) -> dict[str, Any]:
    """A rail's scheme and its secrets."""
    return {
        "scheme": scheme.name,
        "settings": dict(scheme.settings),
        "data": [show_rail_secret(each) for each in secrets],
        "next_cursor": None,
        "has_more": False,
    }


def show_rail_rotation(rotated: RotatedRailSecret) -> dict[str, Any]:
    """A new callback secret, this once."""
    return {
        "object": "rail_secret_rotation",
        "rail_id": rotated.rail.id,
        "secret_id": rotated.secret_id,
        "secret": rotated.secret,
        "old_expires_at": moment(rotated.previous_expires_at),
    }


def show_changed_scheme(rail_id: str, changed: ChangedScheme) -> dict[str, Any]:
    """A rail's scheme, with a new secret this once."""
    return {
        "object": "callback_scheme",
        "rail_id": rail_id,
        "scheme": changed.scheme.name,
        "settings": dict(changed.scheme.settings),
        "secret": changed.secret,
    }
