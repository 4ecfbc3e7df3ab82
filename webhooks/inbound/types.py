"""The values of callbacks in that cross this app's door, beside the receipt and the record in ``webhooks/types.py``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webhooks.types import CallbackRecord, CallbackSource, CallbackState, PageKey, QuarantineState


@dataclass(frozen=True, slots=True)
class CallbackFilter:
    """Which callbacks to list; what is None narrows nothing.

    ``text`` is looked for in the provider's event id, the intent's id, our reference, the type and the detail.
    """

    states: tuple[CallbackState, ...] | None = None
    sources: tuple[CallbackSource, ...] | None = None
    rail_id: str | None = None
    intent_id: str | None = None
    provider_event_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantineRecord:
    """A signed callback that could not be taken in; ``id`` is the callback that came first under its event id."""

    id: str
    rail_id: str
    provider_event_id: str
    code: str
    detail: str
    state: QuarantineState
    body: bytes
    fixed_body: bytes | None
    note: str
    decided_by: Mapping[str, Any] | None
    decided_at: datetime | None
    opened_at: datetime

    @property
    def page_key(self) -> PageKey:
        """Where a list goes on after this row."""
        return self.opened_at, self.id


@dataclass(frozen=True, slots=True)
class CallbackDetail:
    """One arrival with everything that is known of it.

    ``now_state`` is what the event converged on since, which the arrival itself does not tell: an unmatched callback
    that was matched later is ``applied`` now. ``body_text`` is None for bytes that are not UTF-8.
    """

    callback: CallbackRecord
    headers: Mapping[str, str]
    body_text: str | None
    body_hex: str
    now_state: CallbackState
    arrivals: int
    repeats: tuple[CallbackRecord, ...]
    quarantine: QuarantineRecord | None


@dataclass(frozen=True, slots=True)
class OutcomePoint:
    """How many callbacks there were of each state from ``at`` to the next point."""

    at: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    """A callback that was refused: who sent it is not known, and its body is kept only if it was signed."""

    event_id: str
    recorded_at: datetime
    rail_id: str
    reason: str
    cause: str
    body_bytes: int
    callback_id: str | None

    @property
    def page_key(self) -> PageKey:
        """Where a list goes on after this row."""
        return self.recorded_at, self.event_id


@dataclass(frozen=True, slots=True)
class PollState:
    """How far a rail was asked for what we missed. ``failures`` counts those in a row; ``asked_at`` None: never yet."""

    rail_id: str
    rail: str
    cursor: str
    asked_at: datetime | None
    next_at: datetime | None
    asked: int
    found: int
    failures: int
    last_error: str


@dataclass(frozen=True, slots=True)
class PollResult:
    """What asking once brought: events that the rail told of, how many we had missed, and why it ended early."""

    asked: int
    found: int
    error: str = ""
