"""The values that cross routing's door. Amounts are integer minor units, scores and rates integers (no floats:
they stand in event bytes), latencies milliseconds, times aware UTC.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from zentra.routing.schemes import STANDARD_WEBHOOKS, CallbackScheme

ANY = "*"


class RailState(StrEnum):
    """Whether a rail may be chosen."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class AttemptState(StrEnum):
    """What is known of one try at one rail."""

    STARTED = "started"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    SETTLED = "settled"
    DECLINED = "declined"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not_found"


# While an attempt is in one of these, money may have moved or may yet move: nothing is sent anywhere else.
LIVE_STATES = frozenset(
    {
        AttemptState.STARTED,
        AttemptState.UNKNOWN,
        AttemptState.ACCEPTED,
        AttemptState.SUCCEEDED,
        AttemptState.SETTLED,
    }
)
LIVE_WORDS = sorted(state.value for state in LIVE_STATES)
# The rail executed nothing and never will under this key: another rail may be tried.
UNEXECUTED_STATES = frozenset({AttemptState.UNAVAILABLE, AttemptState.NOT_FOUND})


class AnswerKind(StrEnum):
    """What a rail's answer, or its silence, means."""

    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    SETTLED = "settled"
    DECLINED = "declined"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    NOT_FOUND = "not_found"


class FilterReason(StrEnum):
    """Why a rail was no candidate."""

    NOT_IN_CORRIDOR = "not_in_corridor"
    DISABLED = "disabled"
    NOT_ELIGIBLE = "not_eligible"
    EXCLUDED = "excluded"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class CorridorRef:
    """Where money goes from and to, and how, in the caller's words; ``*`` where the caller did not say."""

    source: str = ANY
    destination: str = ANY
    method: str = ANY

    @classmethod
    def from_mapping(cls, words: Mapping[str, object] | None) -> Self:
        """The corridor of an intent body; unnamed parts become ``*``."""
        found = words or {}
        return cls(*(str(found.get(name) or ANY) for name in ("source", "destination", "method")))

    @property
    def label(self) -> str:
        """``US>GB:instant``, as decisions, events and rails see it."""
        return f"{self.source}>{self.destination}:{self.method}"


@dataclass(frozen=True, slots=True)
class RailRecord:
    """A rail as connected to this workspace. ``base_url`` has no trailing slash."""

    id: str
    name: str
    provider: str
    base_url: str
    state: RailState
    default_scenario: str | None
    scheme: CallbackScheme = STANDARD_WEBHOOKS


@dataclass(frozen=True, slots=True)
class Registration:
    """What a simulated rail must know of a connection before it can send callbacks and money."""

    base_url: str
    connection_id: str
    callback_url: str
    secret: str = field(repr=False)
    scheme: CallbackScheme = STANDARD_WEBHOOKS
    bank_account: str = ""
    """Where the rail pays what it collected."""


@dataclass(frozen=True, slots=True)
class CallbackKeys:
    """How a rail's callbacks are signed, and every secret that may sign them now, newest first."""

    scheme: CallbackScheme
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RailSecretRecord:
    """A callback secret without its text; ``expires_at`` is None for the current one."""

    id: str
    hint: str
    created_at: datetime
    expires_at: datetime | None

    @property
    def is_current(self) -> bool:
        """Whether it is the one that the provider should sign with."""
        return self.expires_at is None


@dataclass(frozen=True, slots=True)
class RotatedRailSecret:
    """A new current secret, shown once, and when the one before it ends (None: there was none)."""

    rail: RailRecord
    secret_id: str
    secret: str = field(repr=False)
    previous_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChangedScheme:
    """How the rail's callbacks are signed from now on; ``secret``, shown once, only where a new one was made."""

    scheme: CallbackScheme
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionRef:
    """Whose connection a callback's URL names."""

    rail_id: str
    workspace_id: UUID
    rail: str


@dataclass(frozen=True, slots=True)
class CorridorRail:
    """A rail's terms in a corridor: ``priority`` 1 is preferred; ``cost_bps`` in hundredths of a percent."""

    rail_id: str
    priority: int = 1
    cost_bps: int = 0


@dataclass(frozen=True, slots=True)
class RailFacts:
    """Everything about one rail that a choice depends on, read in one statement."""

    rail_id: str
    rail: str
    is_enabled: bool
    is_paused: bool
    priority: int | None
    cost_bps: int | None
    samples: int
    answered: int
    p95_ms: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rail in a decision: scored, or filtered and by what. ``success_bps`` is 10000 for always."""

    rail_id: str
    rail: str
    filtered_by: FilterReason | None
    score: int | None
    success_bps: int
    p95_ms: int
    cost_bps: int | None
    priority: int | None

    def as_dict(self) -> dict[str, object]:
        """The candidate as event bytes and decisions keep it."""
        return {
            "rail_id": self.rail_id,
            "rail": self.rail,
            "filtered_by": self.filtered_by.value if self.filtered_by else None,
            "score": self.score,
            "success_bps": self.success_bps,
            "p95_ms": self.p95_ms,
            "cost_bps": self.cost_bps,
            "priority": self.priority,
        }

    @classmethod
    def from_dict(cls, words: Mapping[str, object]) -> Self:
        """The candidate that ``as_dict`` wrote."""
        reason = words["filtered_by"]
        values = {**words, "filtered_by": FilterReason(str(reason)) if reason is not None else None}
        return cls(**values)  # type: ignore[arg-type]  # the keys are the fields: as_dict is the only writer


@dataclass(frozen=True, slots=True)
class RouteDecisionRecord:
    """Why this rail. ``number`` counts the decisions of an intent from 1; above 1 it is a failover."""

    id: str
    intent_id: str
    number: int
    kind: str
    corridor: str
    amount_minor: int
    currency: str
    rail_id: str
    rail: str
    candidates: tuple[Candidate, ...]
    why: str
    decided_at: datetime

    @property
    def is_failover(self) -> bool:
        """Whether an earlier rail executed nothing."""
        return self.number > 1


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try at one rail under ``key``. ``is_new`` is true for the caller that began it, who alone may send it."""

    id: str
    decision_id: str
    intent_id: str
    rail_id: str
    rail: str
    number: int
    key: str
    state: AttemptState
    provider_reference: str | None
    latency_ms: int | None
    detail: str
    asks: int
    started_at: datetime
    answered_at: datetime | None
    contradicted_by: str | None
    is_new: bool = False

    @property
    def is_live(self) -> bool:
        """Whether money may have moved or may yet move under this key."""
        return self.state in LIVE_STATES


AttemptListener = Callable[[AttemptRecord, datetime], None]
_attempt_listeners: list[AttemptListener] = []


def register_attempt_listener(listener: AttemptListener) -> None:
    """Have an app above be told of each attempt in the transaction that begins it, before anything is sent."""
    if listener not in _attempt_listeners:
        _attempt_listeners.append(listener)


def tell_of_attempt(attempt: AttemptRecord, now: datetime) -> None:
    """Tell the listeners of a new attempt."""
    for listener in _attempt_listeners:
        listener(attempt, now)


AnswerEffect = Literal["applied", "repeated", "late", "contradiction"]


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What an answer did. Act on ``attempt.state``, which stands, and not on the answer, which may have come late."""

    attempt: AttemptRecord
    effect: AnswerEffect


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """A rail's recent behaviour. ``success_bps`` is None without samples; a decline by the rail is a success of it."""

    rail_id: str
    rail: str
    state: RailState
    is_paused: bool
    samples: int
    answered: int
    success_bps: int | None
    p95_ms: int | None
    measured_at: datetime | None


@dataclass(frozen=True, slots=True)
class PauseRecord:
    """A stop of outgoing money. ``rail`` is None for the whole workspace."""

    id: str
    rail_id: str | None
    rail: str | None
    reason: str
    paused_by: str
    paused_at: datetime
    resumed_by: str | None = None
    resumed_at: datetime | None = None
    resume_reason: str = ""

    @property
    def scope(self) -> Literal["workspace", "rail"]:
        """What stands still."""
        return "workspace" if self.rail_id is None else "rail"
