"""What may be given to a key or a client, and by whom; and the record of it."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.access import PermissionDenied
from zentra.tenants.permissions import API_SCOPES, DANGEROUS, PLATFORM_SCOPES, Permission
from zentra.tenants.services.errors import (
    InvalidChannel,
    InvalidCredentialName,
    InvalidExpiry,
    InvalidScopes,
    ScopesBeyondIssuer,
)
from zentra.tenants.services.types import CHANNELS
from zentra.tenants.types import Member

LONGEST_LIFE: Final = timedelta(days=731)
MAX_NAME: Final = 80


def check_scopes(*, workspace: TenantRef, scopes: Collection[str], issuer: Member | None) -> list[str]:
    """The scopes in order, if they can be given here and by this person.

    Raises InvalidScopes, ScopesBeyondIssuer, and PermissionDenied when they may not manage keys at all.
    """
    possible = possible_scopes(workspace=workspace)
    wanted = {str(each) for each in scopes}
    unknown = wanted - {str(each) for each in possible}
    if unknown:
        raise InvalidScopes(f"No key here can have {', '.join(sorted(unknown))[:200]}.")
    if issuer is None:
        return sorted(wanted)
    if not issuer.may(Permission.KEYS_MANAGE):
        raise PermissionDenied("Keys are managed by who holds keys.manage.", permission=str(Permission.KEYS_MANAGE))
    if not wanted:
        raise InvalidScopes("Choose what the key may do.")
    beyond = sorted(wanted - {str(each) for each in issuer.permissions})
    if beyond:
        raise ScopesBeyondIssuer(f"You may not {', '.join(beyond)} yourself.", scopes=beyond)
    return sorted(wanted)


def possible_scopes(*, workspace: TenantRef) -> frozenset[Permission]:
    """What keys and clients of a workspace can be given at all."""
    mode: str = workspace.mode
    return PLATFORM_SCOPES if mode == "platform" else API_SCOPES


def is_dangerous(workspace: TenantRef, scopes: Iterable[str]) -> bool:
    """Whether it moves real money, or says who may: noted with the event."""
    return workspace.mode == "live" and not {str(each) for each in DANGEROUS}.isdisjoint(scopes)


def check_expiry(*, expires_at: datetime, now: datetime) -> None:
    """Refuse an end in the past, or more than two years ahead; raises InvalidExpiry."""
    if not now < expires_at <= now + LONGEST_LIFE:
        raise InvalidExpiry("Say a moment in the future, at most two years ahead.")


def check_name(name: str) -> str:
    """The name on one line; raises InvalidCredentialName."""
    text = " ".join(name.split())
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise InvalidCredentialName(f"Say what it is for, in at most {MAX_NAME} characters.")
    return text


def check_channel(channel: str) -> str:
    """The channel; raises InvalidChannel."""
    if channel not in CHANNELS:
        raise InvalidChannel(f"A channel is one of {', '.join(CHANNELS)}.")
    return channel


def record_act(event_type: str, actor: Actor, data: dict[str, object], now: datetime) -> None:
    """Keep what was done, in the workspace of this unit of work."""
    record_events(events=[NewEvent(type=event_type, actor=actor, data=data)], now=now)
