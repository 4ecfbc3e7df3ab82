"""Keys, clients and what they prove, as the edge and the rooms need them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef

CHANNELS: Final = ("server", "web", "mobile", "partner")


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key as the edge needs it. ``id`` is ``key_…``."""

    id: str
    secret_hash: bytes
    role: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    workspace: TenantRef
    workspace_state: str
    channel: str = "server"
    allowed_networks: tuple[str, ...] = ()
    issued_by: str = ""
    bound_to: str = ""
    rate_policies: Mapping[str, Any] | None = None

    def actor(self) -> Actor:
        """This key as an actor."""
        return Actor(kind="key", id=self.id, role=self.role, credential=self.id, responsible=self.issued_by)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new API key. ``token`` is shown once and never kept."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as its room shows it."""

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    channel: str
    allowed_networks: tuple[str, ...]
    bound_to: str
    issued_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str
    replaces: str | None
    replaced_by: str | None
    last_used_at: datetime | None
    last_used_from: str | None

    def state(self, now: datetime) -> str:
        """``active``, ``ending`` (rotated, both work), ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "ending" if self.replaced_by else "active"


@dataclass(frozen=True, slots=True)
class KnownSecret:
    """One of a client's secrets: its id ``csec_…``, its hash, and who made it."""

    id: str
    secret_hash: bytes
    created_at: datetime
    ends_at: datetime | None
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """A certificate that a client may show: by its thumbprint, or by a name in it. ``id`` is ``cert_…``."""

    id: str
    thumbprint: str
    subject_name: str
    not_after: datetime | None
    created_at: datetime
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """An OAuth client as its room shows it, and as it signs in, with the secrets and certificates that count now.

    ``issued_by`` answers for it: who made it, and once it proved itself, who made what it proved itself by.
    """

    id: str
    workspace: TenantRef
    workspace_state: str
    name: str
    scopes: tuple[str, ...]
    channel: str
    allowed_networks: tuple[str, ...]
    token_seconds: int
    requires_certificate: bool
    version: int
    issued_by: str
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: str
    last_used_at: datetime | None
    rate_policies: Mapping[str, Any] | None
    secrets: tuple[KnownSecret, ...]
    certificates: tuple[KnownCertificate, ...]

    def actor(self) -> Actor:
        """This client as an actor."""
        return Actor(kind="client", id=self.id, role="developer", credential=self.id, responsible=self.issued_by)


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A new secret of a client. ``secret`` is shown once and never kept."""

    client_id: str
    secret_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """What a token's key, holder and workspace are at this moment; without ``public_key`` the key is not known."""

    public_key: bytes | None
    is_revoked: bool
    holder_id: str
    scopes: frozenset[str]
    channel: str
    allowed_networks: tuple[str, ...]
    issued_by: str
    ends_at: datetime | None
    tokens_before: datetime | None
    requires_certificate: bool
    workspace: TenantRef
    workspace_state: str
    rate_policies: Mapping[str, Any] | None
