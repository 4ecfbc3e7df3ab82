"""The values that cross this app's door."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, Literal, Protocol, TypeVar

from zentra.core.errors import DomainError

EndpointState = Literal["enabled", "disabled"]
DeliveryState = Literal["queued", "retained", "retrying", "resolved", "exhausted"]
DisabledBy = Literal["", "person", "gone", "failing", "unverified"]
BreakerState = Literal["closed", "open"]
SecretKind = Literal["hmac", "ed25519"]
Trigger = Literal["auto", "manual", "replay"]
Purpose = Literal["event", "test", "probe"]
ReplayState = Literal["running", "done", "canceled"]
QuarantineState = Literal["open", "applied", "dismissed"]
CallbackState = Literal["applied", "duplicate", "late", "mismatch", "unmatched", "quarantined", "refused"]
# Who brought it: the provider, our question for what was missed, a person who corrected it, the attempt that it names.
CallbackSource = Literal["callback", "poll", "repair", "match"]

# Lists for people page newest first by (recorded_at, id); this is the key of the last row shown.
PageKey = tuple[datetime, str]
# Figures of what has not arrived are exact up to here; a dead endpoint's years are not counted for a page.
COUNTED_TO: Final = 10_000


class Listed(Protocol):
    """A row of a list that goes on page by page."""

    @property
    def page_key(self) -> PageKey:
        """Where the list goes on after this row."""


Row = TypeVar("Row", bound=Listed)


@dataclass(frozen=True, slots=True)
class CallbackReceipt:
    """What became of one arrival.

    A refusal is returned, not raised, because its evidence must commit: the door leaves the tenant transaction first
    and raises ``refusal`` then. ``arrival`` counts how often this event of the provider has come; ``first_id`` is the
    callback that decided what it converged on, ``posting_id`` the posting that it converged on in the ledger.
    """

    status: int
    state: CallbackState
    callback_id: str | None = None
    first_id: str | None = None
    arrival: int = 0
    effect: str = ""
    mutations: int = 0
    intent_id: str | None = None
    posting_id: str | None = None
    refusal: DomainError | None = None

    def as_dict(self) -> dict[str, object]:
        """The answer's body."""
        return {
            "object": "callback",
            "id": self.callback_id,
            "state": self.state,
            "arrival": self.arrival,
            "converged_on": self.first_id,
            "effect": self.effect,
            "mutations": self.mutations,
            "intent_id": self.intent_id,
            "posting_id": self.posting_id,
        }


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """One verified arrival, as pages show it."""

    id: str
    recorded_at: datetime
    rail_id: str
    provider_event_id: str
    arrival: int
    first_id: str
    signed_at: datetime | None
    scheme: str
    body: bytes
    body_sha256: str
    reference: str
    intent_id: str | None
    provider_type: str
    state: CallbackState
    effect: str
    mutations: int
    detail: str
    posting_id: str | None
    source: CallbackSource

    @property
    def page_key(self) -> PageKey:
        """Where a list goes on after this row."""
        return self.recorded_at, self.id


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """An endpoint without its secrets. ``public_key`` is the newest ``whpk_`` key that verifies ``v1a`` signatures."""

    id: str
    url: str
    description: str
    event_filter: tuple[str, ...]
    state: EndpointState
    disabled_at: datetime | None
    disabled_reason: str
    disabled_by: DisabledBy
    removed_at: datetime | None
    timeout_seconds: int
    rate_per_second: int | None
    max_in_flight: int
    schedule: tuple[int, ...] | None
    api_version: str
    public_key: str
    consecutive_failures: int
    failing_since: datetime | None
    warnings: int
    warned_at: datetime | None
    breaker: BreakerState
    breaker_opened_at: datetime | None
    breaker_until: datetime | None
    breaker_opens: int
    probe_at: datetime | None
    version: int
    created_at: datetime
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreatedEndpoint:
    """A new endpoint and its ``whsec_`` secret, which is shown once."""

    endpoint: EndpointRecord
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Header:
    """A custom header as a person gives it. ``value`` None keeps the stored one, which may be readable to nobody."""

    name: str
    value: str | None = field(default=None, repr=False)
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class HeaderRecord:
    """A custom header as it may be shown: ``value`` None of a sensitive one."""

    name: str
    value: str | None
    is_sensitive: bool


@dataclass(frozen=True, slots=True)
class SecretRecord:
    """A signing key without what is secret in it; ``hint`` is the end of it, ``expires_at`` None of the current one."""

    id: str
    kind: SecretKind
    public_key: str | None
    hint: str
    created_at: datetime
    expires_at: datetime | None

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether messages are signed with it then."""
        return self.expires_at is None or self.expires_at > moment


@dataclass(frozen=True, slots=True)
class RotatedSecret:
    """A new key. ``secret`` is the ``whsec_`` of an HMAC one, shown once; ``public_key`` the ``whpk_`` of an Ed25519.

    ``old_expires_at`` is when those before it end, None when there were none.
    """

    endpoint: EndpointRecord
    secret_id: str
    kind: SecretKind
    secret: str | None = field(repr=False)
    public_key: str | None
    old_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """An endpoint's last 24 hours. Shares are percentages with two decimals, None without data; times milliseconds.

    ``waiting`` (queued and retrying), ``exhausted`` and ``retained`` are what has not arrived now, whatever its age,
    and are counted up to ``COUNTED_TO``. ``rate`` is attempts a second over the last five minutes. ``p50_ms`` and
    ``p95_ms`` are within 10 % of the true ones.
    """

    endpoint: EndpointRecord
    first_due: int
    resolved: int
    waiting: int
    exhausted: int
    retained: int
    attempts: int
    failed_attempts: int
    p50_ms: int | None
    p95_ms: int | None
    oldest_waiting_at: datetime | None
    rate: float = 0.0
    in_flight: int = 0

    @property
    def health(self) -> float | None:
        """Deliveries resolved ÷ deliveries first due, in per cent."""
        return share(self.resolved, self.first_due)

    @property
    def success_share(self) -> float | None:
        """Attempts that were answered 2xx, in per cent."""
        return share(self.attempts - self.failed_attempts, self.attempts)

    @property
    def breaker(self) -> BreakerState:
        """Open while the endpoint is given a rest."""
        return self.endpoint.breaker

    @property
    def breaker_until(self) -> datetime | None:
        """Until when nothing is sent."""
        return self.endpoint.breaker_until


@dataclass(frozen=True, slots=True)
class WebhookHealth:
    """The room's figure: deliveries resolved ÷ deliveries first due in 24 hours. ``percent`` None without any."""

    resolved: int
    first_due: int
    retrying: int

    @property
    def percent(self) -> float | None:
        """Two decimals, never rounded up."""
        return share(self.resolved, self.first_due)

    @property
    def label(self) -> str:
        """``99.98%``, or an em dash when nothing was due."""
        return "—" if self.percent is None else f"{self.percent:.2f}%"


@dataclass(frozen=True, slots=True)
class HealthPoint:
    """A stretch of an endpoint's history, or of the workspace's, that begins ``at``.

    ``success_share`` is of its attempts, in per cent with two decimals, None of none; times in milliseconds, within
    10 %. ``resolved`` counts, of the deliveries first due in it, those that have arrived by now.
    """

    at: datetime
    attempts: int
    failures: int
    success_share: float | None
    p50_ms: int | None
    p95_ms: int | None
    first_due: int
    resolved: int


@dataclass(frozen=True, slots=True)
class DroppedMonth:
    """A partition of history that was dropped: whose, up to when, and how many rows it held."""

    table: Literal["attempts", "callbacks"]
    name: str
    until: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class PrunedHistory:
    """What retention did: months that ended before this moment are gone."""

    kept_days: int
    before: datetime
    dropped: tuple[DroppedMonth, ...]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A delivery as lists show it."""

    id: str
    recorded_at: datetime
    event_id: str
    event_recorded_at: datetime
    event_type: str
    leaf_index: int
    endpoint_id: str
    endpoint_url: str
    intent_id: str | None
    state: DeliveryState
    is_awaited: bool
    attempts: int
    next_attempt_at: datetime | None
    first_due_at: datetime | None
    resolved_at: datetime | None
    last_status: int | None
    last_error: str
    purpose: Purpose
    replay_id: str | None
    last_error_class: str

    @property
    def is_replay_ready(self) -> bool:
        """Whether a person may send it again now: nothing is on its way already."""
        return self.next_attempt_at is None

    @property
    def page_key(self) -> PageKey:
        """Where a list goes on after this row."""
        return self.recorded_at, self.id


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One call and what came of it. ``response_body`` is at most 16 KB, as it came."""

    id: str
    recorded_at: datetime
    delivery_id: str
    endpoint_id: str
    number: int
    trigger: Trigger
    started_at: datetime
    duration_ms: int
    url: str
    request_headers: dict[str, str]
    response_status: int | None
    response_headers: Sequence[tuple[str, str]]
    response_body: bytes
    is_truncated: bool
    error_class: str | None
    error_detail: str
    next_attempt_at: datetime | None
    is_signature_verified: bool
    is_superseded: bool
    replay_id: str | None
    connect_ms: int | None
    first_byte_ms: int | None
    remote_address: str

    @property
    def succeeded(self) -> bool:
        """Only 2xx is success."""
        return self.error_class is None

    @property
    def page_key(self) -> PageKey:
        """Where a list goes on after this row."""
        return self.recorded_at, self.id


@dataclass(frozen=True, slots=True)
class DeliveryDetail:
    """A delivery with every attempt, oldest first."""

    delivery: DeliveryRecord
    attempts: tuple[AttemptRecord, ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of rows, newest first; ``next_key`` is None on the last one."""

    rows: tuple[Row, ...]
    next_key: PageKey | None

    @classmethod
    def of(cls, found: Sequence[Row], *, limit: int) -> "Page[Row]":
        """A page of rows that were read one further than ``limit``, to know whether more follow."""
        shown = tuple(found[:limit])
        return cls(rows=shown, next_key=shown[-1].page_key if len(found) > limit else None)


def share(part: int, whole: int) -> float | None:
    """A percentage with two decimals; None of nothing. Never rounds up to 100 while something is missing."""
    if whole == 0:
        return None
    return (part * 10_000 // whole) / 100
