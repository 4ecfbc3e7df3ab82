"""Typed answers about webhooks and alarms. Times are RFC 3339 in UTC, durations milliseconds or seconds as named."""

from zentra.sdk._records import Record


class Endpoint(Record):
    """A webhook endpoint. ``secret`` is there only in the answer that created it; ``version`` counts its changes."""

    __slots__ = ()

    id: str
    url: str
    description: str
    event_types: list[str]
    status: str
    disabled_by: str | None
    disabled_reason: str
    timeout_seconds: int
    rate_per_second: int | None
    max_in_flight: int
    schedule: list[int] | None
    api_version: str
    public_key: str
    breaker: str
    breaker_until: str | None
    consecutive_failures: int
    failing_since: str | None
    version: int
    created_at: str
    secret: str


class EndpointSecret(Record):
    """A signing key of an endpoint without the key itself: ``hint`` of an HMAC secret, ``public_key`` of a pair."""

    __slots__ = ()

    id: str
    kind: str
    hint: str | None
    public_key: str | None
    created_at: str
    expires_at: str | None


class RotatedSecret(Record):
    """A new signing key. ``secret`` is answered this once; what was valid before ends at ``old_expires_at``."""

    __slots__ = ()

    endpoint_id: str
    kind: str
    secret: str | None
    public_key: str | None
    old_expires_at: str | None


class EndpointHeader(Record):
    """A header of your own on each delivery; the ``value`` of a sensitive one is None."""

    __slots__ = ()

    name: str
    value: str | None
    is_sensitive: bool


class EndpointHealth(Record):
    """How an endpoint does over 24 hours, what waits for it, and its course in ``points``."""

    __slots__ = ()

    endpoint_id: str
    health_percent: float | None
    first_due: int
    resolved: int
    waiting: int
    exhausted: int
    retained: int
    attempts: int
    failed_attempts: int
    p50_ms: int | None
    p95_ms: int | None
    oldest_waiting_at: str | None
    breaker: str
    breaker_until: str | None
    points: list[Record]


class Delivery(Record):
    """One event on its way to one endpoint. ``data`` has its attempts where it was read by itself."""

    __slots__ = ()

    id: str
    event_id: str
    event_type: str
    sequence: int
    endpoint_id: str
    intent_id: str | None
    status: str
    purpose: str
    attempts: int
    next_attempt_at: str | None
    resolved_at: str | None
    last_status: int | None
    last_error: str | None
    replay_id: str | None
    created_at: str


class DeliveryDetail(Delivery):
    """A delivery with every attempt, oldest first, in ``attempt_list``."""

    __slots__ = ()

    attempt_list: list[Record]


class Attempt(Record):
    """One call to an endpoint and what came of it. ``response_body`` is at most 16 KB."""

    __slots__ = ()

    id: str
    delivery_id: str
    number: int
    trigger: str
    started_at: str
    duration_ms: int
    response_status: int | None
    response_headers: list[list[str]]
    response_body: str | None
    error_class: str | None
    error_detail: str
    next_attempt_at: str | None


class Replay(Record):
    """A range of deliveries that is sent again: what matched, how far it is, and who asked for it why."""

    __slots__ = ()

    id: str
    status: str
    matched: int
    requested: int
    skipped: int
    resolved: int
    failed: int
    waiting: int
    percent: float
    rate_per_second: int
    reason: str
    created_at: str
    ended_at: str | None


class ReplayPreview(Record):
    """What a replay would send; nothing was."""

    __slots__ = ()

    matched: int
    skipped_disabled: int
    by_endpoint: Record
    by_state: Record
    oldest_at: str | None
    newest_at: str | None
    seconds_at_rate: int


class EventDetail(Record):
    """An event with the exact bytes that are hashed and delivered, in ``body_base64``."""

    __slots__ = ()

    id: str
    type: str
    announced_as: list[str]
    sequence: int | None
    recorded_at: str
    body_base64: str
    body_sha256: str
    leaf_hash: str


class EventReach(Record):
    """Whether an event went to one endpoint, and why not: ``why`` is a code, ``words`` say it."""

    __slots__ = ()

    endpoint_id: str
    endpoint_url: str
    why: str
    words: str
    delivery: Record | None


class EventType(Record):
    """A type of event. Read by itself it has its JSON Schema in ``schema`` and an ``example``."""

    __slots__ = ()

    name: str
    title: str
    description: str
    stage: str
    carried_by: list[str]
    version: str
    schema: Record
    example: Record


class Alarm(Record):
    """Something that a person has to know: raised, acknowledged by one, cleared."""

    __slots__ = ()

    id: str
    kind: str
    status: str
    title: str
    runbook: str
    raised_at: str
    acknowledged_at: str | None
    cleared_at: str | None
