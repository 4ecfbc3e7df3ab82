"""Who calls: ``Authorization: Bearer zk_test_<key id>_<43 characters>``, and what that key may do.

The tenant comes from the credential and from nothing else. The key's secret has 256 random bits, of which only the
hash is stored; it is compared in constant time, and an unknown id is compared too, so that time tells nothing.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from django.http import HttpRequest
from ninja.security.http import HttpAuthBase

from zentra.core import clock, ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef
from zentra.tenants.access import PermissionDenied
from zentra.tenants.operations import hash_secret
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import find_credential
from zentra.tenants.types import Credential

WORKSPACE_ALIAS: Final = "workspace_scope"
_TOKEN: Final = re.compile(r"zk_(test|live)_([0-9a-z]{26})_([A-Za-z0-9_-]{43})")
_NO_HASH: Final = bytes(32)


class Unauthenticated(DomainError):
    """The request has no credential that counts."""

    code = "credential_missing"
    status = 401
    title = "An API key is required"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer realm="zentra"'}


class MalformedCredential(Unauthenticated):
    """The Authorization header does not hold an API key."""

    code = "credential_malformed"
    title = "The API key is malformed"


class UnknownCredential(Unauthenticated):
    """There is no such key. A wrong secret gets the same answer, so that ids cannot be tried out."""

    code = "credential_unknown"
    title = "The API key is not known"


class ExpiredCredential(Unauthenticated):
    """The key's time is over."""

    code = "credential_expired"
    title = "The API key has expired"


class RevokedCredential(Unauthenticated):
    """The key was revoked."""

    code = "credential_revoked"
    title = "The API key was revoked"


class WorkspaceSuspended(DomainError):
    """The key's workspace is suspended."""

    code = "workspace_suspended"
    status = 403
    title = "The workspace is suspended"


class ScopeMismatch(DomainError):
    """The request names a workspace that is not the credential's. The attempt is recorded as ``access.denied``."""

    code = "scope_mismatch"
    status = 403
    title = "The scope is not the credential's workspace"


# Each of these is kept as ``access.denied``; a request without any key is noise, not an attempt.
DENIALS: Final = (
    MalformedCredential,
    UnknownCredential,
    ExpiredCredential,
    RevokedCredential,
    WorkspaceSuspended,
    ScopeMismatch,
    PermissionDenied,
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A proven credential: the workspace that it acts in, as whom, and with which permissions."""

    tenant: TenantRef
    actor: Actor
    scopes: frozenset[str]


class ApiKey(HttpAuthBase):
    """Lets a request pass when its key holds one permission."""

    openapi_scheme = "bearer"

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        super().__init__()

    def __call__(self, request: HttpRequest) -> Caller:
        """The caller; raises one of this module's errors or PermissionDenied."""
        credential = _prove(request.headers.get("Authorization"))
        caller = Caller(tenant=credential.workspace, actor=credential.actor(), scopes=credential.scopes)
        # Set before it is checked: what is refused from here on is refused to somebody.
        request.caller = caller  # type: ignore[attr-defined]
        _check_valid(credential, now=clock.now())
        named = request.headers.get("Zentra-Workspace")
        if named is not None:
            check_scope(caller, named)
        if self.permission not in caller.scopes:
            raise PermissionDenied(f"This key lacks the scope {self.permission}.", scope=str(self.permission))
        return caller


def check_scope(caller: Caller, scope: str) -> None:
    """Refuse a scope other than the credential's workspace: its alias, slug or id; raises ScopeMismatch."""
    tenant = caller.tenant
    if scope not in {WORKSPACE_ALIAS, tenant.slug, str(tenant.id), ids.to_public("ws", tenant.id)}:
        raise ScopeMismatch(f"This key belongs to the workspace {tenant.slug!r}.", scope=scope[:80])


def _prove(header: str | None) -> Credential:
    """The credential whose secret the header holds; raises Unauthenticated or one of its kinds."""
    if not header:
        raise Unauthenticated("Send Authorization: Bearer zk_test_…")
    scheme, _, token = header.partition(" ")
    match = _TOKEN.fullmatch(token.strip())
    if scheme.lower() != "bearer" or match is None:
        raise MalformedCredential("The header must be: Authorization: Bearer zk_test_<key id>_<secret>.")
    mode, key_id, secret = match.groups()
    credential = _find(f"key_{key_id}")
    stored = credential.secret_hash if credential else _NO_HASH
    matches = hmac.compare_digest(hash_secret(secret), stored)
    if credential is None or not matches or (mode == "live") != (credential.workspace.mode == "live"):
        raise UnknownCredential("There is no such API key.", key_id=f"key_{key_id}")
    return credential


def _find(key_id: str) -> Credential | None:
    try:
        return find_credential(key_id=key_id)
    except ids.BadId:
        return None


def _check_valid(credential: Credential, *, now: datetime) -> None:
    if credential.revoked_at is not None and credential.revoked_at <= now:
        raise RevokedCredential("Issue another key.", revoked_at=clock.iso(credential.revoked_at))
    if credential.expires_at is not None and credential.expires_at <= now:
        raise ExpiredCredential("Issue another key.", expired_at=clock.iso(credential.expires_at))
    if credential.workspace_state != "active":
        raise WorkspaceSuspended(f"The workspace {credential.workspace.slug!r} takes no requests now.")
