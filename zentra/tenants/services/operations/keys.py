"""Issue, rotate and revoke API keys. Only the hash of a secret is kept, and the token is handed out once.

Whoever acts was stepped up and is held as a member by the door; here it is looked at what they may give. A command
acts for nobody: then nobody answers for the key (``issued_by`` is empty).
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from zentra.core import clock, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import ApiCredential
from zentra.tenants.permissions import DEFAULT_SCOPES
from zentra.tenants.services.checks import (
    check_channel,
    check_expiry,
    check_name,
    check_scopes,
    is_dangerous,
    record_act,
)
from zentra.tenants.services.errors import InvalidExpiry, KeyEnded, KeyRotated, UnknownKey
from zentra.tenants.services.networks import read_networks
from zentra.tenants.services.secrets import hash_secret, new_secret, write_token
from zentra.tenants.services.types import IssuedKey
from zentra.tenants.types import Member

LIFE: Final = timedelta(days=365)
LONGEST_OVERLAP: Final = timedelta(days=7)


def issue_key(
    *,
    workspace: TenantRef,
    name: str,
    now: datetime,
    scopes: Collection[str] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
    channel: str = "server",
    allowed_networks: Iterable[str] = (),
    bound_to: str = "",
    issuer: Member | None = None,
    on_behalf_of: str = "",
) -> IssuedKey:
    """Make an API key ``zk_test_<key id>_<43 chars>`` (``zk_live_…`` in a live workspace), good for a year unless said.

    Inside the workspace when somebody issues it, for its event; ``bound_to`` is the thumbprint of a certificate.
    ``on_behalf_of`` is who answers for one that a room of ours makes for a moment.

    Raises:
        InvalidCredentialName, InvalidScopes, InvalidChannel, InvalidNetworks, InvalidExpiry: it has another form.
        ScopesBeyondIssuer: who issues it may not do that themselves.
        PermissionDenied: who issues it may not manage keys.
    """
    given = check_scopes(workspace=workspace, scopes=scopes, issuer=issuer)
    ends_at = expires_at or now + LIFE
    if issuer is not None:
        check_expiry(expires_at=ends_at, now=now)
    key_id, secret = ids.new_id("key"), new_secret()
    row = ApiCredential.objects.create(
        id=key_id, workspace_id=workspace.id, name=check_name(name), secret_hash=hash_secret(secret), scopes=given,
        channel=check_channel(channel), allowed_networks=read_networks(allowed_networks), bound_to=bound_to,
        issued_by=issuer.user_id if issuer else on_behalf_of, created_at=now, expires_at=ends_at,
    )  # fmt: skip
    if issuer is not None:
        record_act("key.issued", issuer.actor(), _facts(row, workspace), now)
    return IssuedKey(id=key_id, token=write_token(kind="zk", mode=workspace.mode, holder=key_id, secret=secret))


def rotate_key(*, workspace: TenantRef, key_id: str, overlap: timedelta, issuer: Member, now: datetime) -> IssuedKey:
    """Another key in the place of one; the old one ends after ``overlap`` (at most seven days), both work until then.

    The new one lives as long as the old one was given, a year at most.

    Raises:
        UnknownKey: no such key here.
        KeyEnded, KeyRotated: it is over, or has been rotated before.
        InvalidExpiry: the overlap is negative or too long.
        ScopesBeyondIssuer, PermissionDenied: as when one is issued.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise InvalidExpiry("The old key lasts at most seven days longer.")
    old = _lock(workspace, key_id)
    _check_alive(old, now)
    given = check_scopes(workspace=workspace, scopes=old.scopes, issuer=issuer)
    if ApiCredential.objects.filter(replaces=ids.to_uuid(key_id, prefix="key")).exists():
        raise KeyRotated
    new_id, secret = ids.new_id("key"), new_secret()
    ApiCredential.objects.create(
        id=new_id, workspace_id=workspace.id, name=old.name, secret_hash=hash_secret(secret), scopes=given,
        role=old.role, channel=old.channel, allowed_networks=old.allowed_networks, bound_to=old.bound_to,
        issued_by=issuer.user_id, created_at=now, expires_at=now + _life_of(old),
        replaces=ids.to_uuid(key_id, prefix="key"),
    )  # fmt: skip
    old.expires_at = min(old.expires_at or now + overlap, now + overlap)
    old.save(update_fields=["expires_at"])
    facts = {
        "key_id": key_id,
        "replaced_by": new_id,
        "ends_at": clock.iso(old.expires_at),
        "scopes": given,
        "is_dangerous": is_dangerous(workspace, given),
    }
    record_act("key.rotated", issuer.actor(), facts, now)
    return IssuedKey(id=new_id, token=write_token(kind="zk", mode=workspace.mode, holder=new_id, secret=secret))


def revoke_key(
    *, key_id: str, now: datetime, workspace: TenantRef | None = None, actor: Actor | None = None, reason: str = "asked"
) -> bool:
    """End a key at once; whether it was alive. With ``workspace`` it must be that one's, and the end is recorded there.

    ``reason`` is a code: ``asked`` or ``leaked``. Raises UnknownKey.
    """
    if workspace is None:
        return bool(ApiCredential.objects.filter(id=key_id, revoked_at__isnull=True).update(revoked_at=now))
    key = _lock(workspace, key_id)
    if key.revoked_at is not None:
        return False
    key.revoked_at, key.revoked_by = now, actor.id if actor else ""
    key.save(update_fields=["revoked_at", "revoked_by"])
    if actor is not None:
        record_act("key.revoked", actor, {"key_id": key_id, "scopes": sorted(key.scopes), "reason": reason}, now)
    return True


def _lock(workspace: TenantRef, key_id: str) -> ApiCredential:
    try:
        found = ApiCredential.objects.select_for_update(of=("self",)).filter(id=key_id, workspace_id=workspace.id)
        row = found.first()
    except ids.BadId:
        row = None
    if row is None:
        raise UnknownKey
    return row


def _life_of(key: ApiCredential) -> timedelta:
    """How long it was given, a year at most."""
    return LIFE if key.expires_at is None else min(key.expires_at - key.created_at, LIFE)


def _check_alive(key: ApiCredential, now: datetime) -> None:
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise KeyEnded("Issue a new key.")


def _facts(key: ApiCredential, workspace: TenantRef) -> dict[str, object]:
    return {
        "key_id": key.id,
        "scopes": key.scopes,
        "channel": key.channel,
        "expires_at": clock.iso(key.expires_at or key.created_at),
        "networks": len(key.allowed_networks),
        "is_bound": bool(key.bound_to),
        "is_dangerous": is_dangerous(workspace, key.scopes),
    }
