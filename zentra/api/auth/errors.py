"""Why a credential does not count. Each says as much as its holder needs, and nothing that helps to guess another."""

from typing import ClassVar, Final

from zentra.core.errors import DomainError
from zentra.tenants.access import PermissionDenied


class Unauthenticated(DomainError):
    """The request has no credential that counts."""

    code = "credential_missing"
    status = 401
    title = "An API key is required"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer realm="zentra"'}


class MalformedCredential(Unauthenticated):
    """The Authorization header holds neither an API key nor an access token."""

    code = "credential_malformed"
    title = "The API key is malformed"


class UnknownCredential(Unauthenticated):
    """There is no such key. A wrong secret gets the same answer, so that ids cannot be tried out."""

    code = "credential_unknown"
    title = "The API key is not known"


class ExpiredCredential(Unauthenticated):
    """The credential's time is over."""

    code = "credential_expired"
    title = "The API key has expired"


class RevokedCredential(Unauthenticated):
    """The credential was revoked."""

    code = "credential_revoked"
    title = "The API key was revoked"


class AddressRefused(DomainError):
    """The credential names networks, and the request came from none of them."""

    code = "address_refused"
    status = 403
    title = "The credential may not be used from there"


class WorkspaceSuspended(DomainError):
    """The credential's workspace is suspended."""

    code = "workspace_suspended"
    status = 403
    title = "The workspace is suspended"


class ScopeMismatch(DomainError):
    """The request names a workspace that is not the credential's. The attempt is recorded as ``access.denied``."""

    code = "scope_mismatch"
    status = 403
    title = "The scope is not the credential's workspace"


# Each of these is kept as ``access.denied``; a request without any credential is noise, not an attempt.
DENIALS: Final = (
    MalformedCredential,
    UnknownCredential,
    ExpiredCredential,
    RevokedCredential,
    AddressRefused,
    WorkspaceSuspended,
    ScopeMismatch,
    PermissionDenied,
)
