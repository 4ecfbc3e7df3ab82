"""Access tokens of clients (RFC 9068) and tokens of end users: proven strictly, by one statement of the database.

The order matters. Before the signature is proven nothing of the token counts, and whatever is wrong with it gets the
same answer as a token that never was. After it the answer may be precise: it goes to the holder.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from zentra.api.auth.caller import Caller, EndUser
from zentra.api.auth.certificates import shown_certificate
from zentra.api.auth.errors import (
    ExpiredCredential,
    MalformedCredential,
    NotYetValid,
    RevokedCredential,
    UnknownCredential,
    WorkspaceSuspended,
    WrongAudience,
)
from zentra.api.auth.keys import check_certificate, check_network
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.addresses import client_address
from zentra.tenants.permissions import END_USER_SCOPES, Permission
from zentra.tenants.services import tokens
from zentra.tenants.services.queries.clients import find_token_holder
from zentra.tenants.services.types import TokenHolder


def issuer() -> str:
    """Who makes our tokens (``iss``)."""
    return str(settings.ZENTRA_BASE_URL)


def audience() -> str:
    """For whom they are (``aud``)."""
    return f"{settings.ZENTRA_BASE_URL}/v1"


def prove_token(request: HttpRequest, text: str, *, now: datetime) -> Caller:
    """Whose token it is, and that it counts now; raises Unauthenticated or one of its kinds, or WorkspaceSuspended."""
    claims, unproven, holder = _read(text, now)
    caller = _caller(unproven, holder, claims)
    # Set before it is checked: what is refused from here on is refused to somebody.
    request.caller = caller  # type: ignore[attr-defined]
    if claims.get("iss") != issuer() or claims.get("aud") != audience():
        raise WrongAudience("The token was not made by and for this API.")
    _check_time(claims, holder, now)
    if caller.kind == "client":
        check_network(holder.allowed_networks, client_address(request))
        _check_binding(request, claims, holder)
    if holder.workspace_state != "active":
        raise WorkspaceSuspended(f"The workspace {holder.workspace.slug!r} takes no requests now.")
    return caller


def _read(text: str, now: datetime) -> tuple[dict[str, Any], tokens.Unproven, TokenHolder]:
    try:
        unproven = tokens.read_unproven(text)
        token_id = tokens.token_uuid(unproven.token_id)
    except tokens.NotOurToken as error:
        raise MalformedCredential("That is no access token of this API.") from error
    holder = find_token_holder(kid=unproven.kid, token_id=token_id, holder=unproven.holder, now=now)
    if holder is None or holder.public_key is None:
        raise UnknownCredential("There is no such access token.")
    try:
        claims = tokens.prove(unproven, public_key=holder.public_key)
    except tokens.NotOurToken as error:
        raise UnknownCredential("There is no such access token.") from error
    if claims.get("workspace") != ids.to_public("ws", holder.workspace.id):
        raise UnknownCredential("There is no such access token.")
    return claims, unproven, holder


def _caller(unproven: tokens.Unproven, holder: TokenHolder, claims: Mapping[str, Any]) -> Caller:
    said = frozenset(str(claims.get("scope", "")).split())
    if unproven.kind == tokens.ACCESS_TYPE:
        if not holder.holder_id.startswith("cli_"):
            raise UnknownCredential("There is no such access token.")
        actor = Actor("client", holder.holder_id, "developer", holder.holder_id, _responsible(holder, claims))
        return _of(holder, actor, said & holder.scopes, claims)
    actor = Actor("end_user", unproven.token_id, "end_user", holder.holder_id, _responsible(holder, claims))
    # Whoever made it may not make such tokens any more: then those that there are end too.
    may_issue = str(Permission.END_USERS_ISSUE) in holder.scopes
    scopes = said & holder.scopes & {str(each) for each in END_USER_SCOPES} if may_issue else frozenset[str]()
    return _of(holder, actor, frozenset(scopes), claims, end_user=_bounds(claims))


def _responsible(holder: TokenHolder, claims: Mapping[str, Any]) -> str:
    """Who made the secret or the certificate that the token was given for; without one, who made its holder."""
    return str(claims.get("resp") or holder.issued_by)


def _of(
    holder: TokenHolder,
    actor: Actor,
    scopes: frozenset[str],
    claims: Mapping[str, Any],
    *,
    end_user: EndUser | None = None,
) -> Caller:
    return Caller(
        tenant=holder.workspace, actor=actor, scopes=scopes, kind="end_user" if end_user else "client",
        channel=str(claims.get("channel", holder.channel)), credential_id=holder.holder_id,
        issued_by=actor.responsible, rate_policies=holder.rate_policies, end_user=end_user,
    )  # fmt: skip


def _bounds(claims: Mapping[str, Any]) -> EndUser:
    most = claims.get("max_amount_minor")
    return EndUser(
        customer=str(claims["sub"]),
        accounts=frozenset(claims["accounts"]),
        max_amount_minor=int(most) if most is not None else None,
    )


def _check_time(claims: Mapping[str, Any], holder: TokenHolder, now: datetime) -> None:
    try:
        in_time = tokens.is_in_time(claims, now=now)
    except tokens.NotOurToken as error:
        raise MalformedCredential("Its times are no whole numbers of seconds.") from error
    if in_time is None:
        raise NotYetValid("Look at the clock of whoever made it.")
    if not in_time:
        raise ExpiredCredential("Ask for another token.")
    before = holder.tokens_before
    if holder.is_revoked or (before is not None and claims["iat"] < before.timestamp()):
        raise RevokedCredential("Ask for another token.")
    if holder.ends_at is not None and holder.ends_at <= now:
        raise RevokedCredential("Whoever it was given to has ended.")


def _check_binding(request: HttpRequest, claims: Mapping[str, Any], holder: TokenHolder) -> None:
    """The token works with the certificate that it names (RFC 8705, 3), and must name one where the client needs it."""
    bound_to = str(claims.get("cnf", {}).get("x5t#S256", ""))
    if holder.requires_certificate and not bound_to:
        raise RevokedCredential("The client's tokens are bound to its certificate by now; ask for another.")
    check_certificate(bound_to, shown_certificate(request))
