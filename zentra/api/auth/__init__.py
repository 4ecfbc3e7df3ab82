"""Who calls. The tenant comes from the credential and from nothing else."""

from zentra.api.auth.bearer import ApiKey, RateClass  # last: the limits that it asks import the caller
from zentra.api.auth.caller import WORKSPACE_ALIAS, Caller, CallerKind, check_scope
from zentra.api.auth.errors import (
    DENIALS,
    ExpiredCredential,
    MalformedCredential,
    NetworkRefused,
    RevokedCredential,
    ScopeMismatch,
    Unauthenticated,
    UnknownCredential,
    WorkspaceSuspended,
)

__all__ = [
    "DENIALS",
    "WORKSPACE_ALIAS",
    "ApiKey",
    "Caller",
    "CallerKind",
    "ExpiredCredential",
    "MalformedCredential",
    "NetworkRefused",
    "RateClass",
    "RevokedCredential",
    "ScopeMismatch",
    "Unauthenticated",
    "UnknownCredential",
    "WorkspaceSuspended",
    "check_scope",
]
