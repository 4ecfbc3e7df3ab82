"""Reading endpoints, and the keys that sign for them."""

from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import Q

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
    row = Endpoint.objects.filter(id=endpoint_id).first()
    if row is None:
        raise EndpointNotFound(f"There is no endpoint {endpoint_id}.")
    return to_record(row)


def list_endpoints() -> list[EndpointRecord]:
    """Every endpoint of the workspace, oldest first."""
    return [to_record(row) for row in Endpoint.objects.order_by("created_at", "id")]


def signing_keys(*, endpoint_id: str, now: datetime) -> SigningKeys:
    """The keys that sign for an endpoint now, in the clear: for sending and for seeding, never for a page."""
    row = Endpoint.objects.get(id=endpoint_id)
    valid = EndpointSecret.objects.filter(endpoint_id=endpoint_id).filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    )
    return SigningKeys(
        secrets=tuple(crypto.decrypt(bytes(each.secret)).decode() for each in valid.order_by("-created_at", "-id")),
        private_key=crypto.decrypt(bytes(row.signing_key)).decode(),
        public_key=row.public_key,
    )


def to_record(row: Endpoint) -> EndpointRecord:
    """The row without its secrets."""
    return EndpointRecord(
        id=row.id,
        url=row.url,
        description=row.description,
        event_filter=tuple(row.event_filter),
        state="enabled" if row.state == "enabled" else "disabled",
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
        timeout_seconds=row.timeout_seconds,
        public_key=row.public_key,
        consecutive_failures=row.consecutive_failures,
        created_at=row.created_at,
    )
