"""What signs a rail's callbacks: secrets that take over from one another, and the scheme that uses them."""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Least

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import telemetry
from zentra.core.actors import Actor
from zentra.core.clock import iso
from zentra.core.crypto import decrypt, encrypt
from zentra.core.errors import DomainError
from zentra.core.ids import new_uuid
from zentra.routing.models import Rail, RailSecret
from zentra.routing.queries import SIMULATED, find_rail, read_secret
from zentra.routing.schemes import CallbackScheme, carries_over, check_secret_for, new_secret_for, read_scheme
from zentra.routing.types import ChangedScheme, RailRecord, RailSecretRecord, RotatedRailSecret

USUAL_OVERLAP: Final = timedelta(hours=24)
LONGEST_OVERLAP: Final = timedelta(days=7)
MOST_VALID: Final = 5
"""Each valid secret is tried on each callback; more than these would only serve whoever guesses."""


class OverlapOutOfRange(DomainError):
    """The old secret may stay valid for 0 seconds to 7 days."""

    code = "rail_overlap_out_of_range"
    title = "The overlap is too long or negative"


class TooManyRailSecrets(DomainError):
    """Five secrets of the rail are valid already; end one, or rotate without overlap."""

    code = "too_many_rail_secrets"
    status = 409
    title = "Too many secrets of this rail are valid"


class RailSecretUnknown(DomainError):
    """The rail has no such secret that is valid now."""

    code = "rail_secret_unknown"
    status = 404
    title = "There is no such secret"


class CurrentRailSecret(DomainError):
    """The current secret is ended by rotating, so that there is always one."""

    code = "current_rail_secret"
    status = 409
    title = "The current secret cannot be ended"


def rotate_rail_secret(
    *, rail_id: str, actor: Actor, now: datetime, overlap: timedelta = USUAL_OVERLAP, secret: str | None = None
) -> RotatedRailSecret:
    """Make another secret current; those before it stay valid for ``overlap``, or shorter if they end earlier.

    ``secret`` is the provider's, in the form of the rail's scheme; without it one is made. It is in the answer, and
    nowhere again. An overlap of zero ends all others at once: for a secret that somebody has seen. The same secret
    again changes nothing but the overlap. Recorded as ``rail.secret_rotated``.

    Raises RailUnknown, OverlapOutOfRange, UnusableRailSecret, RailSecretNeeded, TooManyRailSecrets.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise OverlapOutOfRange(f"{overlap} is not between 0 and 7 days.")
    rail = _lock_rail(rail_id)
    is_simulated = rail.provider == SIMULATED
    chosen = new_secret_for(rail.scheme.name, is_simulated=is_simulated) if secret is None else secret
    check_secret_for(rail.scheme.name, chosen, is_simulated=is_simulated)
    valid = list(_valid(rail, now))
    same = next((row for row in valid if _is(row, chosen)), None)
    ends_at = now + overlap
    if overlap and same is None and len(valid) >= MOST_VALID:
        raise TooManyRailSecrets(f"{len(valid)} secrets of {rail.name} are valid.", most=MOST_VALID)
    _end(_valid(rail, now), at=ends_at)
    if same is not None:
        RailSecret.objects.filter(id=same.id).update(retired_at=None)
        secret_id = str(same.id)
    else:
        secret_id = add_secret(rail_id=rail.id, secret=chosen, now=now)
    others = sum(1 for row in valid if same is None or row.id != same.id)
    _record(rail, actor, now, secret_id=secret_id, overlap=overlap, others=others)
    return RotatedRailSecret(rail, secret_id, chosen, ends_at if others else None)


def expire_rail_secret(*, rail_id: str, secret_id: str, actor: Actor, now: datetime) -> RailSecretRecord:
    """End a secret that was valid for some time more, now. Recorded as ``rail.secret_rotated``.

    Raises RailUnknown, RailSecretUnknown (also when it has ended already), CurrentRailSecret.
    """
    rail = _lock_rail(rail_id)
    row = next((row for row in _valid(rail, now) if str(row.id) == secret_id), None)
    if row is None:
        raise RailSecretUnknown("The rail has no such secret that is valid now.")
    if row.retired_at is None:
        raise CurrentRailSecret("Rotate the secret without overlap instead.")
    _end(RailSecret.objects.filter(id=row.id), at=now)
    _record(rail, actor, now, secret_id=secret_id, overlap=timedelta(0), others=1, ended=secret_id)
    row.retired_at = now
    return read_secret(row=row)


def set_callback_scheme(
    *,
    rail_id: str,
    scheme: str,
    actor: Actor,
    now: datetime,
    settings: Mapping[str, str] | None = None,
    secret: str | None = None,
) -> ChangedScheme:
    """Say how the rail signs its callbacks from now on; ``settings`` are names of headers, see ``schemes``.

    Secrets that the new scheme cannot use end at once, and so do public keys where it has HMAC secrets. Where none is
    left, ``secret`` becomes the current one, or one is made. A callback that was signed in the old way is refused; the
    provider sends it again, and the catch-up asks for it. The same scheme again is harmless. Recorded as
    ``rail.secret_rotated``, which names the scheme.

    Raises RailUnknown, UnknownCallbackScheme, BadSchemeSettings, UnusableRailSecret, RailSecretNeeded.
    """
    chosen = read_scheme(scheme, settings or {})
    rail = _lock_rail(rail_id)
    is_simulated = rail.provider == SIMULATED
    if secret is not None:
        check_secret_for(chosen.name, secret, is_simulated=is_simulated)
    Rail.objects.filter(id=rail.id).update(callback_scheme=chosen.name, callback_settings=dict(chosen.settings))
    unfit = [row.id for row in _valid(rail, now) if not _carries_over(row, rail, chosen)]
    _end(RailSecret.objects.filter(id__in=unfit), at=now)
    current = _valid(rail, now).filter(retired_at=None).first()
    made = secret
    if current is None and secret is None:
        made = new_secret_for(chosen.name, is_simulated=is_simulated)
    secret_id = str(current.id) if current else ""
    if made is not None and not (current and _is(current, made)):
        _end(_valid(rail, now), at=now + USUAL_OVERLAP)
        secret_id = add_secret(rail_id=rail.id, secret=made, now=now)
    if chosen != rail.scheme or made is not None:
        _record(find_rail(rail=rail.id), actor, now, secret_id=secret_id, overlap=timedelta(0), others=len(unfit))
    return ChangedScheme(chosen, made)


def add_secret(*, rail_id: str, secret: str, now: datetime) -> str:
    """Keep a secret, encrypted, as the rail's current one; its id."""
    row = RailSecret.objects.create(
        id=new_uuid(), rail_id=rail_id, secret_encrypted=encrypt(secret.encode()), created_at=now
    )
    return str(row.id)


def _lock_rail(rail_id: str) -> RailRecord:
    """The rail, held by us, so that two people who rotate come one after the other. Raises RailUnknown."""
    rail = find_rail(rail=rail_id)
    Rail.objects.select_for_update().only("id").get(id=rail.id)
    return find_rail(rail=rail.id)


def _valid(rail: RailRecord, now: datetime) -> QuerySet[RailSecret]:
    return RailSecret.objects.filter(Q(retired_at=None) | Q(retired_at__gt=now), rail_id=rail.id)


def _end(rows: QuerySet[RailSecret], *, at: datetime) -> None:
    """Let secrets end at a moment, or at their own when that is earlier."""
    # LEAST of PostgreSQL passes over NULL, which is what "until it is replaced" asks for.
    rows.update(retired_at=Least("retired_at", at))


def _is(row: RailSecret, secret: str) -> bool:
    return hmac.compare_digest(decrypt(bytes(row.secret_encrypted)), secret.encode())


def _carries_over(row: RailSecret, rail: RailRecord, scheme: CallbackScheme) -> bool:
    """``rail`` is as it was before it got the scheme."""
    secret = decrypt(bytes(row.secret_encrypted)).decode()
    return carries_over(secret, old=rail.scheme.name, new=scheme.name, is_simulated=rail.provider == SIMULATED)


def _record(
    rail: RailRecord,
    actor: Actor,
    now: datetime,
    *,
    secret_id: str,
    overlap: timedelta,
    others: int,
    ended: str | None = None,
) -> None:
    data: dict[str, object] = {
        "rail_id": rail.id,
        "rail": rail.name,
        "scheme": rail.scheme.name,
        "settings": dict(rail.scheme.settings),
        "secret_id": str(UUID(secret_id)),
        "ended_secret_id": ended,
        "old_expires_at": iso(now + overlap) if others else None,
    }
    event = NewEvent(type="rail.secret_rotated", actor=actor, data=data, trace_id=telemetry.trace_id())
    record_events(events=[event], now=now)
