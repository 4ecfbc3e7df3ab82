"""Make, change and end OAuth clients, their secrets and their certificates.

As with keys: whoever acts was stepped up and is held as a member by the door, and gives no more than they may do.
Everything runs inside the workspace, for its event.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from zentra.core import clock, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import ApiClient, ClientCertificate, ClientSecret
from zentra.tenants.services.certificates import read_registration
from zentra.tenants.services.checks import (
    check_channel,
    check_name,
    check_scopes,
    is_dangerous,
    record_act,
)
from zentra.tenants.services.errors import (
    ClientEnded,
    InvalidExpiry,
    InvalidTokenLifetime,
    StaleClient,
    TooManySecrets,
    UnknownCertificate,
    UnknownClient,
    UnknownSecret,
)
from zentra.tenants.services.networks import read_networks
from zentra.tenants.services.operations.keys import LONGEST_OVERLAP
from zentra.tenants.services.secrets import hash_secret, new_secret, write_token
from zentra.tenants.services.types import IssuedSecret
from zentra.tenants.types import Member

MOST_SECRETS: Final = 2
MOST_CERTIFICATES: Final = 10
LEAST_SECONDS, MOST_SECONDS = 300, 900
# Who asks for a token while something ends may get one of a moment later; it does not outlive what it was given for.
_LAST_TOKENS: Final = timedelta(seconds=6)


def create_client(
    *,
    workspace: TenantRef,
    name: str,
    scopes: Collection[str],
    issuer: Member,
    now: datetime,
    channel: str = "server",
    allowed_networks: Iterable[str] = (),
    token_seconds: int = 600,
    requires_certificate: bool = False,
    with_secret: bool = True,
) -> IssuedSecret:
    """Make a client ``cli_…`` and its first secret ``zs_test_…`` (none, and empty, for one that shows a certificate).

    Raises:
        InvalidCredentialName, InvalidScopes, InvalidChannel, InvalidNetworks, InvalidTokenLifetime: another form.
        ScopesBeyondIssuer, PermissionDenied: who makes it may not.
    """
    given = check_scopes(workspace=workspace, scopes=scopes, issuer=issuer)
    client = ApiClient.objects.create(
        id=ids.new_id("cli"), workspace_id=workspace.id, name=check_name(name), scopes=given,
        channel=check_channel(channel), allowed_networks=read_networks(allowed_networks),
        token_seconds=_check_seconds(token_seconds), requires_certificate=requires_certificate,
        issued_by=issuer.user_id, created_at=now,
    )  # fmt: skip
    record_act("client.created", issuer.actor(), {**_facts(client, workspace), "channel": client.channel}, now)
    return _add_secret(client, workspace, issuer.user_id, now) if with_secret else IssuedSecret(client.id, "", "")


def change_client(
    *,
    workspace: TenantRef,
    client_id: str,
    version: int,
    scopes: Collection[str],
    allowed_networks: Iterable[str],
    token_seconds: int,
    requires_certificate: bool,
    issuer: Member,
    now: datetime,
) -> None:
    """What it may do, from where, and for how long its tokens live. What is taken away, its tokens lose at once.

    Raises UnknownClient, ClientEnded, StaleClient, and what creating one raises.
    """
    client = _lock(workspace, client_id, version=version)
    client.scopes = check_scopes(workspace=workspace, scopes=scopes, issuer=issuer)
    client.allowed_networks = read_networks(allowed_networks)
    client.token_seconds = _check_seconds(token_seconds)
    client.requires_certificate = requires_certificate
    # Who made it goes on answering for it, and whoever adds a secret for what is done with that secret.
    client.version = version + 1
    client.save()
    record_act("client.changed", issuer.actor(), _facts(client, workspace), now)


def add_client_secret(
    *, workspace: TenantRef, client_id: str, overlap: timedelta | None, issuer: Member, now: datetime
) -> IssuedSecret:
    """Another secret. ``overlap``: for how long the one before still works (at most seven days); None: both stay.

    Raises UnknownClient, ClientEnded, InvalidExpiry, TooManySecrets, ScopesBeyondIssuer, PermissionDenied.
    """
    if overlap is not None and not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise InvalidExpiry("The old secret lasts at most seven days longer.")
    client = _lock(workspace, client_id)
    check_scopes(workspace=workspace, scopes=client.scopes, issuer=issuer)
    alive = [each for each in client.secrets.order_by("created_at") if each.ends_at is None or each.ends_at > now]
    if len(alive) >= MOST_SECRETS:
        raise TooManySecrets
    ends_at = None if overlap is None else now + overlap
    if ends_at is not None:
        for old in alive:
            old.ends_at = min(old.ends_at or ends_at, ends_at)
            old.save(update_fields=["ends_at"])
    return _add_secret(client, workspace, issuer.user_id, now, actor=issuer.actor(), old_ends_at=ends_at)


def end_client_secret(
    *, workspace: TenantRef, client_id: str, secret_id: str, actor: Actor, now: datetime, reason: str = "asked"
) -> bool:
    """A secret ends at once; whether it was alive. ``reason`` is ``asked`` or ``leaked``.

    When it leaked, every token of the client ends with it, whoever got it.

    Raises UnknownClient, UnknownSecret.
    """
    client = _lock(workspace, client_id, ended=True)
    try:
        wanted = ids.to_uuid(secret_id, prefix="csec")
    except ids.BadId as error:
        raise UnknownSecret from error
    secret = client.secrets.filter(id=wanted).first()
    if secret is None:
        raise UnknownSecret
    if secret.ends_at is not None and secret.ends_at <= now:
        return False
    secret.ends_at = now
    secret.save(update_fields=["ends_at"])
    if reason == "leaked":
        _end_tokens(client)
    record_act("client.secret_ended", actor, {"client_id": client.id, "secret_id": secret_id, "reason": reason}, now)
    return True


def add_client_certificate(*, workspace: TenantRef, client_id: str, text: str, issuer: Member, now: datetime) -> str:
    """Another certificate that the client may show: PEM, a SHA-256 thumbprint, or ``dns:name`` / ``uri:…``; its id.

    Raises UnknownClient, ClientEnded, InvalidCertificate, TooManySecrets, ScopesBeyondIssuer, PermissionDenied.
    """
    client = _lock(workspace, client_id)
    check_scopes(workspace=workspace, scopes=client.scopes, issuer=issuer)
    found = read_registration(text, now=now)
    if client.certificates.filter(ended_at__isnull=True).count() >= MOST_CERTIFICATES:
        raise TooManySecrets(f"A client has at most {MOST_CERTIFICATES} certificates.")
    row = ClientCertificate.objects.create(
        client=client, thumbprint=found.thumbprint, subject_name=found.subject_name, not_after=found.not_after,
        created_by=issuer.user_id, created_at=now,
    )  # fmt: skip
    certificate_id = ids.to_public("cert", row.id)
    by = "thumbprint" if found.thumbprint else "subject_name"
    facts = {"client_id": client.id, "certificate_id": certificate_id, "by": by}
    record_act("client.certificate_added", issuer.actor(), facts, now)
    return certificate_id


def end_client_certificate(
    *, workspace: TenantRef, client_id: str, certificate_id: str, actor: Actor, now: datetime
) -> bool:
    """A certificate counts no more, and no token of the client from before now does; whether it counted.

    Raises UnknownClient, UnknownCertificate.
    """
    client = _lock(workspace, client_id, ended=True)
    try:
        wanted = ids.to_uuid(certificate_id, prefix="cert")
    except ids.BadId as error:
        raise UnknownCertificate from error
    certificate = client.certificates.filter(id=wanted).first()
    if certificate is None:
        raise UnknownCertificate
    if certificate.ended_at is not None:
        return False
    certificate.ended_at = now
    certificate.save(update_fields=["ended_at"])
    _end_tokens(client)
    facts = {"client_id": client.id, "certificate_id": certificate_id}
    record_act("client.certificate_ended", actor, facts, now)
    return True


def revoke_client(*, workspace: TenantRef, client_id: str, actor: Actor, now: datetime, reason: str = "asked") -> bool:
    """The client ends at once, with its secrets and every token it has; whether it was alive. Raises UnknownClient."""
    client = _lock(workspace, client_id, ended=True)
    if client.revoked_at is not None:
        return False
    client.revoked_at, client.revoked_by, client.tokens_before = now, actor.id, now
    client.save(update_fields=["revoked_at", "revoked_by", "tokens_before"])
    facts: dict[str, object] = {"client_id": client.id, "scopes": sorted(client.scopes), "reason": reason}
    record_act("client.revoked", actor, facts, now)
    return True


def _end_tokens(client: ApiClient) -> None:
    """All that are out count no more, and none of the next few seconds does."""
    client.tokens_before = clock.now() + _LAST_TOKENS
    client.save(update_fields=["tokens_before"])


def _add_secret(
    client: ApiClient,
    workspace: TenantRef,
    user_id: str,
    now: datetime,
    *,
    actor: Actor | None = None,
    old_ends_at: datetime | None = None,
) -> IssuedSecret:
    secret = new_secret()
    row = ClientSecret.objects.create(
        client=client, secret_hash=hash_secret(secret), created_by=user_id, created_at=now
    )
    secret_id = ids.to_public("csec", row.id)
    if actor is not None:
        ends = clock.iso(old_ends_at) if old_ends_at else None
        facts = {"client_id": client.id, "secret_id": secret_id, "old_ends_at": ends}
        record_act("client.secret_added", actor, facts, now)
    token = write_token(kind="zs", mode=workspace.mode, holder=client.id, secret=secret)
    return IssuedSecret(client.id, secret_id, token)


def _lock(workspace: TenantRef, client_id: str, *, version: int | None = None, ended: bool = False) -> ApiClient:
    """The client's row, held. One that ended is given only to what is safe to repeat (``ended``)."""
    try:
        rows = ApiClient.objects.select_for_update(of=("self",)).filter(id=client_id, workspace_id=workspace.id)
        client = rows.first()
    except ids.BadId:
        client = None
    if client is None:
        raise UnknownClient
    if client.revoked_at is not None and not ended:
        raise ClientEnded
    if version is not None and client.version != version:
        raise StaleClient("Look at it again and repeat what you meant to change.")
    return client


def _check_seconds(seconds: int) -> int:
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise InvalidTokenLifetime("Tokens live for 5 to 15 minutes.")
    return seconds


def _facts(client: ApiClient, workspace: TenantRef) -> dict[str, object]:
    return {
        "client_id": client.id,
        "scopes": client.scopes,
        "is_dangerous": is_dangerous(workspace, client.scopes),
        "token_seconds": client.token_seconds,
        "networks": len(client.allowed_networks),
        "requires_certificate": client.requires_certificate,
    }
