"""The values that cross this app's door. Times are aware UTC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

AlarmState = Literal["raised", "acknowledged", "cleared"]
Severity = Literal["critical", "warning"]
ChannelKind = Literal["mail", "webhook"]
ChannelState = Literal["active", "removed"]
Step = Literal["raised", "reminder", "cleared", "test"]
NoticeState = Literal["queued", "sent", "failed", "kept", "dropped"]

ALARM_STATES: Final[tuple[str, ...]] = get_args(AlarmState)
SEVERITIES: Final[tuple[str, ...]] = get_args(Severity)
CHANNEL_KINDS: Final[tuple[str, ...]] = get_args(ChannelKind)
STEPS: Final[tuple[str, ...]] = get_args(Step)
NOTICE_STATES: Final[tuple[str, ...]] = get_args(NoticeState)

# Whole numbers and words only: they stand in event bytes.
Fact = int | str | None
Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something bad that a watcher sees now. ``subject`` tells it from others of its kind; '' is the whole."""

    subject: str
    words: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a watcher saw. ``unsure`` subjects could not be judged: nothing is concluded about them."""

    findings: tuple[Finding, ...] = ()
    unsure: frozenset[str] = frozenset()


# What looks for one kind in the workspace, at a moment.
Watcher = Callable[[datetime], Sight]


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """An alarm as pages and the API show it. ``acknowledged_by`` is the actor's four fields.

    ``bad_since`` is when it was first seen, ``raised_at`` when that had lasted long enough to tell people.
    """

    id: str
    kind: str
    title: str
    subject: str
    severity: Severity
    state: AlarmState
    words: str
    facts: dict[str, Fact]
    bad_since: datetime
    raised_at: datetime
    last_seen_at: datetime
    seen_count: int
    reminded_at: datetime | None
    acknowledged_by: dict[str, str | None] | None
    acknowledged_at: datetime | None
    note: str
    cleared_at: datetime | None
    runbook: str

    @property
    def is_open(self) -> bool:
        """Whether it is not good again yet."""
        return self.state != "cleared"

    @property
    def headline(self) -> str:
        """``Ledger drift: USD``."""
        return f"{self.title}: {self.subject}" if self.subject else self.title

    @property
    def page_key(self) -> tuple[datetime, str]:
        """Where this row stands in a list, newest first."""
        return self.raised_at, self.id


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel without its secret. ``kinds`` are kinds of alarms, or ``*``."""

    id: str
    kind: ChannelKind
    target: str
    who: str
    kinds: tuple[str, ...]
    state: ChannelState
    created_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreatedChannel:
    """A new channel; a webhook's ``whsec_`` secret is shown once, a mail channel has none."""

    channel: ChannelRecord
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """One message. ``body`` is exactly what was or will be sent; ``alarm_id`` is None for a test of the channel.

    queued: will be tried at ``next_at``; sent; failed: no try is left; kept: no mail server is configured, so that it
    is only shown; dropped: overtaken by an acknowledgement or the clearing before it was sent.
    """

    id: str
    alarm_id: str | None
    alarm_kind: str | None
    channel_id: str
    channel_kind: ChannelKind
    target: str
    who: str
    step: Step
    state: NoticeState
    subject: str
    body: str
    attempts: int
    next_at: datetime | None
    error: str
    created_at: datetime
    done_at: datetime | None

    @property
    def page_key(self) -> tuple[datetime, str]:
        """Where this row stands in a list, newest first."""
        return self.created_at, self.id


WaitsFor = Literal["review", "resume", "route", "rail", "outcome", "endpoint", "seal", "work", "hold"]


@dataclass(frozen=True, slots=True)
class Stuck:
    """An intent that waits: for what, in one sentence, since when, who can act, and where.

    ``intent_id`` is None only for a hold that belongs to no intent. ``door`` is the page that helps, under the
    workspace's own address (``reviews/``, ``intents/<id>/`` …).
    """

    intent_id: str | None
    waits_for: WaitsFor
    words: str
    since: datetime
    who_can_act: str
    door: str
