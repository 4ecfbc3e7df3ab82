"""What the API says of webhook endpoints: shapes for the contract, and the documents. No secrets but once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from webhooks.types import EndpointHealth, EndpointRecord, HeaderRecord, HealthPoint, RotatedSecret, SecretRecord
from zentra.core import clock


class EndpointAnswer(BaseModel):
    """A webhook endpoint, without its secrets; ``public_key`` verifies its ``v1a`` signatures. Times are UTC."""

    id: str
    object: Literal["webhook_endpoint"]
    url: str
    description: str
    event_types: list[str]
    status: Literal["enabled", "disabled"]
    disabled_by: Literal["person", "gone", "failing", "unverified"] | None
    disabled_reason: str
    disabled_at: str | None
    timeout_seconds: int
    rate_per_second: int | None
    max_in_flight: int
    schedule: list[int] | None
    api_version: str
    public_key: str
    breaker: Literal["closed", "open"]
    breaker_until: str | None
    consecutive_failures: int
    failing_since: str | None
    probe_at: str | None
    version: int
    created_at: str
    changed_at: str | None
    removed_at: str | None


class CreatedEndpointAnswer(EndpointAnswer):
    """A new webhook endpoint, with the secret that is answered this once."""

    secret: str


class EndpointPage(BaseModel):
    """Webhook endpoints, oldest first."""

    data: list[EndpointAnswer]
    next_cursor: str | None
    has_more: bool


class SecretAnswer(BaseModel):
    """A signing key, told by its ``hint`` and its ``public_key``; ``expires_at`` null for the current one of a kind."""

    id: str
    object: Literal["webhook_secret"]
    kind: Literal["hmac", "ed25519"]
    hint: str
    public_key: str | None
    created_at: str
    expires_at: str | None


class SecretPage(BaseModel):
    """The signing keys of an endpoint, newest first; expired ones are listed for 30 days."""

    data: list[SecretAnswer]
    next_cursor: str | None
    has_more: bool


class RotatedSecretAnswer(BaseModel):
    """A new signing key: an HMAC ``secret``, answered this once, or a ``public_key``. Old ones end by themselves."""

    object: Literal["webhook_secret_rotation"]
    endpoint_id: str
    secret_id: str
    kind: Literal["hmac", "ed25519"]
    secret: str | None
    public_key: str | None
    old_expires_at: str | None


class HeaderAnswer(BaseModel):
    """A header that goes with each delivery. The value of a sensitive one is null: nobody reads it back."""

    object: Literal["webhook_header"]
    name: str
    value: str | None
    is_sensitive: bool


class HeaderPage(BaseModel):
    """The headers of an endpoint, by name."""

    data: list[HeaderAnswer]
    next_cursor: str | None
    has_more: bool


class SentTestAnswer(BaseModel):
    """A test event on its way: ``/v1/webhook-deliveries?event_id=…`` tells what came of it."""

    object: Literal["webhook_test"]
    endpoint_id: str
    event_id: str
    links: dict[str, str]


class PublicKeyAnswer(BaseModel):
    """A key that verifies ``v1a`` signatures; ``expires_at`` null until it is replaced."""

    public_key: str
    created_at: str
    expires_at: str | None


class PublicKeysAnswer(BaseModel):
    """The public keys of one endpoint: all that may have signed what arrives now."""

    object: Literal["webhook_keys"]
    endpoint_id: str
    keys: list[PublicKeyAnswer]


class HealthPointAnswer(BaseModel):
    """One span of the course: what was tried in it, and how much of what was first due then has arrived."""

    at: str
    attempts: int
    failures: int
    success_percent: float | None
    p50_ms: int | None
    p95_ms: int | None
    first_due: int
    resolved: int


class EndpointHealthAnswer(BaseModel):
    """An endpoint's last 24 hours, what waits for it now, and its course. Null where there was nothing to measure."""

    object: Literal["webhook_health"]
    endpoint_id: str
    url: str
    status: Literal["enabled", "disabled"]
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
    attempts_per_second: float
    in_flight: int
    breaker: Literal["closed", "open"]
    breaker_until: str | None
    points: list[HealthPointAnswer]


class WorkspaceHealthAnswer(BaseModel):
    """Deliveries resolved ÷ first due in 24 hours, over all endpoints and for each."""

    object: Literal["workspace_webhook_health"]
    health_percent: float | None
    first_due: int
    resolved: int
    retrying: int
    points: list[HealthPointAnswer]
    data: list[EndpointHealthAnswer]


def show_endpoint(endpoint: EndpointRecord) -> dict[str, Any]:
    """An endpoint as the API answers it."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": list(endpoint.event_filter),
        "status": endpoint.state,
        "disabled_by": endpoint.disabled_by or None,
        "disabled_reason": endpoint.disabled_reason,
        "disabled_at": moment(endpoint.disabled_at),
        "timeout_seconds": endpoint.timeout_seconds,
        "rate_per_second": endpoint.rate_per_second,
        "max_in_flight": endpoint.max_in_flight,
        "schedule": None if endpoint.schedule is None else list(endpoint.schedule),
        "api_version": endpoint.api_version,
        "public_key": endpoint.public_key,
        "breaker": endpoint.breaker,
        "breaker_until": moment(endpoint.breaker_until),
        "consecutive_failures": endpoint.consecutive_failures,
        "failing_since": moment(endpoint.failing_since),
        "probe_at": moment(endpoint.probe_at),
        "version": endpoint.version,
        "created_at": clock.iso(endpoint.created_at),
        "changed_at": moment(endpoint.changed_at),
        "removed_at": moment(endpoint.removed_at),
    }


def show_secret(secret: SecretRecord) -> dict[str, Any]:
    """A signing key without the key."""
    return {
        "id": secret.id,
        "object": "webhook_secret",
        "kind": secret.kind,
        "hint": secret.hint,
        "public_key": secret.public_key,
        "created_at": clock.iso(secret.created_at),
        "expires_at": moment(secret.expires_at),
    }


def show_rotation(rotated: RotatedSecret) -> dict[str, Any]:
    """A new signing key, with its secret this once."""
    return {
        "object": "webhook_secret_rotation",
        "endpoint_id": rotated.endpoint.id,
        "secret_id": rotated.secret_id,
        "kind": rotated.kind,
        "secret": rotated.secret,
        "public_key": rotated.public_key,
        "old_expires_at": moment(rotated.old_expires_at),
    }


def show_header(header: HeaderRecord) -> dict[str, Any]:
    """A header of an endpoint; a sensitive value is not there to be told."""
    return {
        "object": "webhook_header",
        "name": header.name,
        "value": None if header.is_sensitive else header.value,
        "is_sensitive": header.is_sensitive,
    }


def show_health(health: EndpointHealth, points: Sequence[HealthPoint]) -> dict[str, Any]:
    """An endpoint's figures and course."""
    return {
        "object": "webhook_health",
        "endpoint_id": health.endpoint.id,
        "url": health.endpoint.url,
        "status": health.endpoint.state,
        "health_percent": health.health,
        "first_due": health.first_due,
        "resolved": health.resolved,
        "waiting": health.waiting,
        "exhausted": health.exhausted,
        "retained": health.retained,
        "attempts": health.attempts,
        "failed_attempts": health.failed_attempts,
        "p50_ms": health.p50_ms,
        "p95_ms": health.p95_ms,
        "oldest_waiting_at": moment(health.oldest_waiting_at),
        "attempts_per_second": health.rate,
        "in_flight": health.in_flight,
        "breaker": health.breaker,
        "breaker_until": moment(health.breaker_until),
        "points": [show_point(point) for point in points],
    }


def show_point(point: HealthPoint) -> dict[str, Any]:
    """One span of a course."""
    return {
        "at": clock.iso(point.at),
        "attempts": point.attempts,
        "failures": point.failures,
        "success_percent": point.success_share,
        "p50_ms": point.p50_ms,
        "p95_ms": point.p95_ms,
        "first_due": point.first_due,
        "resolved": point.resolved,
    }


def moment(at: datetime | None) -> str | None:
    """A moment as the contract writes it, null for none."""
    return None if at is None else clock.iso(at)
