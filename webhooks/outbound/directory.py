"""Reading endpoints, and the keys that sign for them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery

from webhooks.models import Endpoint, EndpointSecret
from webhooks.types import EndpointRecord
from zentra.core import crypto
from zentra.core.errors import DomainError


class EndpointNotFound(DomainError):
    """There is no such endpoint in this workspace."""

    code = "endpoint_not_found"
    status = 404
    title = "There is no such endpoint"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Everything that signs one message: ``whsec_`` secrets, newest first, and the ``whsk_`` key."""

    secrets: tuple[str, ...] = field(repr=False)
    private_key: str = field(repr=False)
    public_key: str

    @property
    def signing(self) -> list[str]:
        """What goes into the signature header."""
        return [*self.secrets, self.private_key]

    @property
    def verifying(self) -> list[str]:
        """What a consumer holds."""
        return [*self.secrets, self.public_key]


def allows_local() -> bool:
    """Whether this installation may call loopback and private addresses (``ZENTRA_ALLOW_LOCAL_WEBHOOKS``)."""
    return bool(getattr(settings, "ZENTRA_ALLOW_LOCAL_WEBHOOKS", False))


def get_endpoint(*, endpoint_id: str) -> EndpointRecord:
    """An endpoint; raises EndpointNotFound."""
    row = _rows().filter(id=endpoint_id).first()
    if row is None:
        raise EndpointNotFound(f"There is no endpoint {endpoint_id}.")
    return to_record(row)


def list_endpoints() -> list[EndpointRecord]:
    """Every endpoint of the workspace, oldest first."""
    return [to_record(row) for row in _rows().filter(removed_at=None).order_by("created_at", "id")]


def signing_keys(*, endpoint_id: str, now: datetime) -> SigningKeys:
    """The keys that sign for an endpoint now, in the clear: for sending and for seeding, never for a page."""
    valid = EndpointSecret.objects.filter(endpoint_id=endpoint_id).filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    )
    rows = list(valid.order_by("-created_at", "-id"))
    newest = next(each for each in rows if each.kind == "ed25519")
    return SigningKeys(
        secrets=tuple(crypto.decrypt(bytes(each.secret)).decode() for each in rows if each.kind == "hmac"),
        private_key=crypto.decrypt(bytes(newest.secret)).decode(),
        public_key=newest.public_key,
    )


def _rows() -> QuerySet[Endpoint]:
    """Endpoints with the newest public key beside them."""
    newest = EndpointSecret.objects.filter(endpoint_id=OuterRef("id"), kind="ed25519").order_by("-created_at", "-id")
    return Endpoint.objects.annotate(public_key=Subquery(newest.values("public_key")[:1]))


def to_record(row: Any) -> EndpointRecord:
    """The row without its secrets."""
    return EndpointRecord(
        id=row.id,
        url=row.url,
        description=row.description,
        event_filter=tuple(row.event_filter),
        state="enabled" if row.state == "enabled" else "disabled",
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
        disabled_by=row.disabled_by,
        removed_at=row.removed_at,
        timeout_seconds=row.timeout_seconds,
        rate_per_second=row.rate_per_second,
        max_in_flight=row.max_in_flight,
        schedule=None if row.schedule is None else tuple(row.schedule),
        api_version=row.api_version,
        public_key=row.public_key,
        consecutive_failures=row.consecutive_failures,
        failing_since=row.failing_since,
        breaker=row.breaker,
        breaker_until=row.breaker_until,
        probe_at=row.probe_at,
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
