"""Credentials of every kind, as narrow or as wide as a test wants them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings

from tests.people import join
from zentra.core import clock, crypto, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import ApiClient, SigningKey
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import PLATFORM_SCOPES
from zentra.tenants.queries import platform_ref
from zentra.tenants.services import tokens
from zentra.tenants.services.operations.clients import create_client
from zentra.tenants.services.operations.signing import create_signing_key


class Mint:
    """Makes tokens with a signing key of its own, as the API would, and with any claim changed."""

    def __init__(self) -> None:
        self.kid = create_signing_key(now=clock.now())
        self._seed = crypto.decrypt(bytes(SigningKey.objects.get(id=self.kid).private_key))

    def end(self) -> None:
        """Take the key away again."""
        SigningKey.objects.filter(id=self.kid).delete()

    def access(self, ws: TenantRef, client_id: str, scopes: Collection[str], **changes: Any) -> str:
        """An access token of a client."""
        claims = {"sub": client_id, "client_id": client_id, "jti": ids.new_id("tok"), **self._common(ws, scopes)}
        return self._write(tokens.ACCESS_TYPE, {**claims, **changes})

    def end_user(self, ws: TenantRef, holder: str, scopes: Collection[str], **changes: Any) -> str:
        """A token for one end user, made by the key or client ``holder``."""
        claims = {"sub": "customer_1", "cred": holder, "jti": ids.new_id("eut"), "accounts": [],
                  **self._common(ws, scopes)}  # fmt: skip
        return self._write(tokens.END_USER_TYPE, {**claims, **changes})

    def _common(self, ws: TenantRef, scopes: Collection[str]) -> dict[str, Any]:
        at = int(clock.now().timestamp())
        return {
            "iss": settings.ZENTRA_BASE_URL, "aud": f"{settings.ZENTRA_BASE_URL}/v1", "iat": at, "nbf": at,
            "exp": at + 600, "workspace": ids.to_public("ws", ws.id), "scope": " ".join(sorted(map(str, scopes))),
            "channel": "server",
        }  # fmt: skip

    def _write(self, kind: str, claims: dict[str, Any]) -> str:
        return tokens.write_token(kind=kind, kid=self.kid, seed=self._seed, claims=claims)


def key(ws: TenantRef, scopes: Collection[str], **more: Any) -> tuple[str, str]:
    """A key with these scopes: its id and its token."""
    made = issue_key(workspace=ws, name="matrix", scopes=frozenset(map(str, scopes)), now=clock.now(), **more)
    return made.id, made.token


def client(ws: TenantRef, scopes: Collection[str]) -> str:
    """A client with these scopes; its id."""
    admin = join(ws, role="admin")
    with tenant_work(ws):
        made = create_client(
            workspace=ws,
            name="matrix",
            scopes={"accounts.read"},
            issuer=admin.member,
            now=clock.now(),
            with_secret=False,
        )
    # Beyond what one person may give: the matrix wants every scope.
    ApiClient.objects.filter(id=made.client_id).update(scopes=sorted(map(str, scopes)))
    return made.client_id


def home_of(ws: TenantRef, scope: str) -> TenantRef:
    """Where a key with this scope is made: the platform's own are made in ``platform``."""
    return platform_ref() if scope in PLATFORM_SCOPES else ws
