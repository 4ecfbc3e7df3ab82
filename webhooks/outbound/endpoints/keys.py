"""The keys that sign for an endpoint: HMAC secrets and Ed25519 pairs, several of a kind valid while one takes over.

A message is signed with every key that is valid when it is sent, so that a consumer may change over at any moment of
the overlap. Keys are encrypted at rest, an HMAC secret is shown once, and an Ed25519 private key never.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from webhooks import signing
from webhooks.models import Endpoint, EndpointSecret
from webhooks.outbound.directory import get_endpoint, open_sealed
from webhooks.outbound.endpoints import rows
from webhooks.types import RotatedSecret, SecretKind, SecretRecord
from zentra.core import clock, crypto, ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

MAX_VALID: Final = 5
DEFAULT_OVERLAP: Final = timedelta(hours=24)
LONGEST_OVERLAP: Final = timedelta(days=7)
FORGET_AFTER: Final = timedelta(days=30)
"""How long an expired key is still listed; then its ciphertext is deleted."""

_LOCK_WAIT: Final = timedelta(seconds=5)
_PREFIX: Final = "sec"
_HINT: Final = 4
_MIN_OWN, _MAX_OWN = 24, 64  # bytes of an HMAC secret (Standard Webhooks)
_OWN_PREFIX: Final[dict[SecretKind, str]] = {"hmac": "whsec_", "ed25519": "whsk_"}


class InvalidEndpointSecret(DomainError):
    """A caller's own secret is whsec_ and 24 to 64 bytes in base64, or whsk_ and the 32 of an Ed25519 key, and new."""

    code = "invalid_endpoint_secret"
    status = 422
    title = "The signing secret cannot be used"


class InvalidOverlap(DomainError):
    """The old key stays valid for 0 to 7 days after the new one was made."""

    code = "invalid_overlap"
    status = 422
    title = "The overlap must be between 0 and 7 days"


class TooManySecrets(DomainError):
    """At most five keys of a kind are valid at once; expire one first."""

    code = "too_many_secrets"
    status = 409
    title = "Too many secrets are valid at once"


class SecretNotFound(DomainError):
    """The endpoint has no such key."""

    code = "secret_not_found"
    status = 404
    title = "The endpoint has no such secret"


class SecretInUse(DomainError):
    """It is the current key of its kind: rotate it, so that another one signs, and expire it then."""

    code = "secret_in_use"
    status = 409
    title = "The current secret cannot be expired"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is not stored yet."""

    kind: SecretKind
    text: str = field(repr=False)
    public_key: str = ""


def first_keys(own: str | None) -> tuple[NewKey, NewKey]:
    """What an endpoint starts with: an HMAC secret, the caller's own or a fresh one, and an Ed25519 pair."""
    return _new_key("hmac", own), _new_key("ed25519", None)


def add(row: Endpoint, new: Sequence[NewKey], *, now: datetime) -> list[EndpointSecret]:
    """Store keys of a locked endpoint."""
    return EndpointSecret.objects.bulk_create(
        EndpointSecret(
            id=ids.new_uuid(),
            endpoint=row,
            kind=key.kind,
            secret=crypto.encrypt(key.text.encode()),
            public_key=key.public_key,
            created_at=now,
        )
        for key in new
    )


def rotate_secret(
    *,
    endpoint_id: str,
    actor: Actor,
    now: datetime,
    overlap: timedelta = DEFAULT_OVERLAP,
    kind: SecretKind = "hmac",
    secret: str | None = None,
) -> RotatedSecret:
    """Sign with a new key from now on, and with those before it too for as long as the overlap.

    Zero means that the old ones are not to be trusted any more: they end now. ``secret`` is a key of the caller's own.

    Raises:
        EndpointNotFound, EndpointRemoved: there is nothing to sign for.
        InvalidOverlap: not 0 to 7 days.
        InvalidEndpointSecret: the caller's key is malformed, or the endpoint has it already.
        TooManySecrets: five of this kind would stay valid beside it.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidOverlap(f"{overlap} is not between 0 and {LONGEST_OVERLAP.days} days.")
    new = _new_key(kind, secret)
    with transaction.atomic(savepoint=False):
        row = rows.lock(endpoint_id=endpoint_id)
        if secret is not None:
            _check_unused(row, new)
        old = _valid(row.id, now=now).filter(kind=kind)
        if overlap and old.count() >= MAX_VALID:
            raise TooManySecrets(f"{MAX_VALID} {kind} secrets are valid already.", most=MAX_VALID)
        ends_at = now + overlap
        has_old = old.filter(Q(expires_at=None) | Q(expires_at__gt=ends_at)).update(expires_at=ends_at) > 0
        [stored] = add(row, [new], now=now)
        old_expires_at = ends_at if has_old else None
        _record(row.id, stored, "rotated", old_expires_at, actor=actor, now=now)
    return RotatedSecret(
        endpoint=get_endpoint(endpoint_id=endpoint_id),
        secret_id=_public(stored.id),
        kind=kind,
        secret=new.text if kind == "hmac" else None,
        public_key=new.public_key or None,
        old_expires_at=old_expires_at,
    )


def expire_secret(*, endpoint_id: str, secret_id: str, actor: Actor, now: datetime) -> SecretRecord:
    """End a key before its overlap does. One that has ended already, or is about to, stays as it is.

    Raises:
        EndpointNotFound, EndpointRemoved, SecretNotFound: there is nothing to expire.
        SecretInUse: it is the current one.
    """
    key_id = ids.to_uuid(secret_id, prefix=_PREFIX)
    with transaction.atomic(savepoint=False):
        row = rows.lock(endpoint_id=endpoint_id)
        key = EndpointSecret.objects.filter(endpoint=row, id=key_id).first()
        if key is None:
            raise SecretNotFound(f"The endpoint {endpoint_id} has no secret {secret_id}.")
        if key.expires_at is None:
            raise SecretInUse(f"{secret_id} signs now; rotate it first.")
        # A twin read its clock before it waited for the lock, which takes five seconds at most.
        if key.expires_at - now > _LOCK_WAIT:
            EndpointSecret.objects.filter(id=key.id).update(expires_at=now)
            key.expires_at = now
            _record(row.id, key, "expired", now, actor=actor, now=now)
    return _show(key)


def list_secrets(*, endpoint_id: str) -> list[SecretRecord]:
    """An endpoint's keys without what is secret in them, the newest first, expired ones up to 30 days later too.

    Raises EndpointNotFound.
    """
    get_endpoint(endpoint_id=endpoint_id)
    return [_show(key) for key in EndpointSecret.objects.filter(endpoint_id=endpoint_id).order_by("-created_at", "-id")]


def public_keys(*, endpoint_id: str, now: datetime) -> list[SecretRecord]:
    """The Ed25519 keys with which messages may be signed now, the newest first; raises EndpointNotFound."""
    get_endpoint(endpoint_id=endpoint_id)
    valid = _valid(endpoint_id, now=now).filter(kind="ed25519")
    return [_show(key) for key in valid.order_by("-created_at", "-id")]


def forget_expired_secrets(*, now: datetime) -> int:
    """Delete the ciphertext of keys that expired a month ago; returns how many."""
    deleted, _ = EndpointSecret.objects.filter(expires_at__lte=now - FORGET_AFTER).delete()
    return deleted


def end_all(row: Endpoint, *, now: datetime) -> None:
    """End every key of a locked endpoint: nothing is signed for it any more."""
    _valid(row.id, now=now).update(expires_at=now)


def _valid(endpoint_id: str, *, now: datetime) -> QuerySet[EndpointSecret]:
    return EndpointSecret.objects.filter(endpoint_id=endpoint_id).filter(Q(expires_at=None) | Q(expires_at__gt=now))


def _new_key(kind: SecretKind, own: str | None) -> NewKey:
    if kind not in _OWN_PREFIX:
        raise InvalidEndpointSecret(f"{str(kind)[:40]!r} is neither hmac nor ed25519.")
    if own is not None:
        _check_own(kind, own)
        return NewKey(kind, own, signing.public_half(own) if kind == "ed25519" else "")
    if kind == "hmac":
        return NewKey(kind, signing.new_secret())
    pair = signing.new_key_pair()
    return NewKey(kind, pair.private, pair.public)


def _check_own(kind: SecretKind, own: str) -> None:
    """Without a word of the secret itself in what is raised."""
    prefix = _OWN_PREFIX[kind]
    try:
        if own.startswith(prefix) and own.isascii():
            size = len(signing.key_bytes(own))
            if size == signing.SECRET_BYTES or (kind == "hmac" and _MIN_OWN <= size <= _MAX_OWN):
                return
    except signing.UnusableSecret:
        pass
    wanted = f"{_MIN_OWN} to {_MAX_OWN}" if kind == "hmac" else str(signing.SECRET_BYTES)
    raise InvalidEndpointSecret(f"A secret of this kind is {prefix} and {wanted} bytes in base64.", kind=kind)


def _check_unused(row: Endpoint, new: NewKey) -> None:
    """A repeat of a rotation whose answer was lost must not store the caller's key twice."""
    for key in EndpointSecret.objects.filter(endpoint=row, kind=new.kind):
        if hmac.compare_digest(open_sealed(bytes(key.secret)).encode(), new.text.encode()):
            raise InvalidEndpointSecret("The endpoint has this secret already.", secret_id=_public(key.id))


def _record(
    endpoint_id: str, key: EndpointSecret, action: str, old_expires_at: datetime | None, *, actor: Actor, now: datetime
) -> None:
    data = {
        "secret_id": _public(key.id),
        "kind": key.kind,
        "action": action,
        "old_expires_at": clock.iso(old_expires_at) if old_expires_at else None,
    }
    rows.record("endpoint.secret_rotated", endpoint_id, actor=actor, data=data, now=now)


def _show(key: EndpointSecret) -> SecretRecord:
    return SecretRecord(
        id=_public(key.id),
        kind=cast("SecretKind", key.kind),
        public_key=key.public_key or None,
        hint=_hint(key),
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


def _hint(key: EndpointSecret) -> str:
    """By which people tell keys apart: the end of a secret, or of the public half where there is one."""
    shown = key.public_key or open_sealed(bytes(key.secret))
    return f"{shown.partition('_')[0]}_…{shown[-_HINT:]}"


def _public(key_id: UUID) -> str:
    return ids.to_public(_PREFIX, key_id)
