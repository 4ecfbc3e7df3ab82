"""``/oauth``: short tokens for services (client credentials), and the end of one before its time (RFC 7009)."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from zentra.api import oauth
from zentra.api.doors import public_door
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.services import tokens
from zentra.tenants.services.operations.tokens import revoke_token
from zentra.tenants.services.queries.clients import find_token_holder

router = Router(tags=["OAuth"])


@public_door(router, "POST", "/oauth/token")
def token(request: HttpRequest) -> HttpResponse:
    """A short access token for a client that proves itself.

    A form as in RFC 6749, 4.4: ``grant_type=client_credentials``, ``scope`` to ask for less than the client has, and
    the client by HTTP Basic, by ``client_id`` and ``client_secret``, or by its certificate.
    """
    now = clock.now()
    try:
        asked = oauth.read_request(request)
        grant = asked.form.get("grant_type", "")
        proven = oauth.prove_client(request, asked, now=now)
        if grant != "client_credentials":
            error = "unsupported_grant_type" if grant else "invalid_request"
            raise oauth.OAuthRefusal(error, "The grant is client_credentials.")
        return oauth.answer(oauth.issue_access_token(proven, asked, now=now))
    except oauth.OAuthRefusal as refusal:
        return oauth.refuse(request, refusal)


@public_door(router, "POST", "/oauth/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    """End an access token of one's own at once (RFC 7009).

    The client proves itself as for a token. What is no token of its own gets the same answer and changes nothing.
    """
    now = clock.now()
    try:
        asked = oauth.read_request(request)
        proven = oauth.prove_client(request, asked, now=now)
        if "token" not in asked.form:
            raise oauth.OAuthRefusal("invalid_request", "Say which token.")
    except oauth.OAuthRefusal as refusal:
        return oauth.refuse(request, refusal)
    found = _own_token(proven, asked.form["token"])
    if found is not None:
        token_id, expires_at = found
        with tenant_work(proven.record.workspace) as workspace:
            revoke_token(
                workspace=workspace, token_id=token_id, credential_id=proven.record.id, expires_at=expires_at,
                actor=proven.record.actor(), now=now,
            )  # fmt: skip
    return oauth.answer({})


def _own_token(proven: oauth.ProvenClient, text: str) -> tuple[str, int] | None:
    """The id and the end (seconds since 1970) of a token that was given to this client, or that it made."""
    try:
        unproven = tokens.read_unproven(text)
        token_id = tokens.token_uuid(unproven.token_id)
        if unproven.holder != proven.record.id:
            return None
        holder = find_token_holder(kid=unproven.kid, token_id=token_id, holder=unproven.holder, now=clock.now())
        if holder is None or holder.public_key is None:
            return None
        claims = tokens.prove(unproven, public_key=holder.public_key)
    except tokens.NotOurToken:
        return None
    return unproven.token_id, int(claims["exp"])
