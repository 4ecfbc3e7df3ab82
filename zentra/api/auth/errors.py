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


_INVALID: Final = {"WWW-Authenticate": 'Bearer realm="zentra", error="invalid_token"'}


class MalformedCredential(Unauthenticated):
    """The Authorization header holds neither an API key nor an access token."""

    headers: ClassVar[dict[str, str]] = _INVALID

    code = "credential_malformed"
    title = "The API key is malformed"


class UnknownCredential(Unauthenticated):
    """There is no such key. A wrong secret gets the same answer, so that ids cannot be tried out."""

    headers: ClassVar[dict[str, str]] = _INVALID

    code = "credential_unknown"
    title = "The API key is not known"


class ExpiredCredential(Unauthenticated):
    """The credential's time is over."""

    headers: ClassVar[dict[str, str]] = _INVALID

    code = "credential_expired"
    title = "The API key has expired"


class RevokedCredential(Unauthenticated):
    """The credential was revoked."""

    headers: ClassVar[dict[str, str]] = _INVALID

    code = "credential_revoked"
    title = "The API key was revoked"


class NotYetValid(Unauthenticated):
    """The token's time has not come, by more than 30 seconds: its clock or ours is wrong."""

    headers: ClassVar[dict[str, str]] = _INVALID

    code = "credential_not_yet_valid"
    title = "The access token is not valid yet"


class WrongAudience(Unauthenticated):
    """The token was made by or for somebody else."""

    headers: ClassVar[dict[str, str]] = _INVALID

    code = "credential_audience"
    title = "The access token is not for this API"


class CertificateRefused(Unauthenticated):
    """The credential works over a connection with its certificate only, and this one showed none or another."""

    headers: ClassVar[dict[str, str]] = _INVALID

    code = "certificate_refused"
    title = "The credential's certificate was not shown"


class NetworkRefused(DomainError):
    """The credential names networks, and the request came from none of them."""

    code = "network_refused"
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


class OutsideBounds:
    """Marks what an end user's token does not reach: answered as what is not there, and recorded all the same."""


# Each of these is kept as ``access.denied``; a request without any credential is noise, not an attempt.
DENIALS: Final = (
    MalformedCredential,
    UnknownCredential,
    ExpiredCredential,
    RevokedCredential,
    NotYetValid,
    WrongAudience,
    CertificateRefused,
    NetworkRefused,
    WorkspaceSuspended,
    ScopeMismatch,
    PermissionDenied,
    OutsideBounds,
)
