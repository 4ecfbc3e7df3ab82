"""OAuth 2.0 client credentials (RFC 6749, 4.4): a client proves itself, and gets a short token.

Its refusals have the form of that RFC (5.2), not of our problems, because that is what its libraries read. What says
that somebody is not who they claim is recorded as ``access.denied``; every such answer is the same.
"""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from django.http import HttpRequest, JsonResponse

from zentra.api import limits
from zentra.api.auth.caller import Caller
from zentra.api.auth.certificates import shown_certificate
from zentra.api.auth.tokens import audience, issuer
from zentra.api.parser import check_size
from zentra.core import clock, ids, telemetry
from zentra.core.actors import ANONYMOUS
from zentra.core.addresses import client_address
from zentra.tenants.denials import record_denial
from zentra.tenants.services import tokens
from zentra.tenants.services.certificates import find_shown, thumbprint_of
from zentra.tenants.services.networks import is_within
from zentra.tenants.services.operations.signing import create_signing_key
from zentra.tenants.services.queries.clients import find_client
from zentra.tenants.services.queries.signing import find_signer
from zentra.tenants.services.secrets import LEAKED, hash_secret
from zentra.tenants.services.types import ClientRecord, KnownCertificate, KnownSecret
from zentra.tenants.services.usage import LAST_USES

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20
_NO_HASH: Final = bytes(32)
_SAME: Final = "The client is not known, or what it proves itself by does not count."


class OAuthRefusal(Exception):
    """A refusal as RFC 6749 writes it: ``error`` and a description for people."""

    def __init__(self, error: str, description: str, *, status: int = 400, reason: str = "") -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status
        # Why, for the record: a code. Empty: it is no denial, and nothing is recorded.
        self.reason = reason


def invalid_client(reason: str) -> OAuthRefusal:
    """Whoever asked is not who they claim; the answer never says why."""
    return OAuthRefusal("invalid_client", _SAME, status=401, reason=reason)


@dataclass(frozen=True, slots=True)
class Asked:
    """The form of a request, and how the client means to prove itself."""

    form: Mapping[str, str]
    client_id: str
    secret: str
    is_basic: bool = False


@dataclass(frozen=True, slots=True)
class ProvenClient:
    """A client that proved itself, and the certificate (its thumbprint) that its tokens are bound to, if any."""

    record: ClientRecord
    bound_to: str = ""
    caller: Caller = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "caller", caller_of(self.record))


def read_request(request: HttpRequest) -> Asked:
    """The form and the credentials that came with it; raises OAuthRefusal."""
    form = _read_form(request)
    header = request.headers.get("Authorization", "")
    if not header:
        return Asked(form, form.get("client_id", ""), form.get("client_secret", ""))
    if "client_secret" in form:
        raise OAuthRefusal("invalid_request", "The client proves itself in two ways at once.")
    client_id, secret = _read_basic(header)
    if form.get("client_id", client_id) != client_id:
        raise OAuthRefusal("invalid_request", "The header and the form name two clients.")
    return Asked(form, client_id, secret, is_basic=True)


def _read_form(request: HttpRequest) -> dict[str, str]:
    check_size(request)
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _FORM:
        raise OAuthRefusal("invalid_request", f"The body must be {_FORM}.")
    try:
        said = parse_qsl(
            request.body.decode(), keep_blank_values=True, strict_parsing=bool(request.body), errors="strict",
            max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise OAuthRefusal("invalid_request", "The form cannot be read.") from error
    form = dict(said)
    if len(form) != len(said) or any("\0" in text for pair in said for text in pair):
        raise OAuthRefusal("invalid_request", "The form says something twice, or holds a NUL.")
    # RFC 6749, 3.2: what is sent without a value is left out.
    return {name: value for name, value in form.items() if value}


def _read_basic(header: str) -> tuple[str, str]:
    scheme, _, said = header.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(said.strip(), validate=True).decode("ascii").partition(":")
    except ValueError as error:  # no base64, or no ASCII in it or in the header itself
        raise invalid_client("malformed") from error
    if scheme.lower() != "basic" or not colon:
        raise invalid_client("malformed")
    return unquote_plus(client_id), unquote_plus(secret)


def prove_client(request: HttpRequest, asked: Asked, *, now: datetime) -> ProvenClient:
    """The client, proven by a secret or by its certificate (RFC 8705); raises OAuthRefusal, RateLimited."""
    if not asked.client_id:
        raise OAuthRefusal("invalid_client", "Say which client you are.", status=401)
    der = shown_certificate(request)
    proof = hash_secret(asked.client_id + asked.secret if asked.secret else asked.client_id + str(der))
    limits.check_address(request, proof)
    try:
        proven = _prove(asked, der, now=now)
        request.caller = proven.caller  # type: ignore[attr-defined]  # whose refusals these are from here on
        _check(proven.record, request)
    except OAuthRefusal:
        limits.note_wrong(request)
        limits.forget_right(proof)
        raise
    limits.note_right(proof)
    limits.admit(request, proven.caller, "token")
    LAST_USES.note(proven.record.id, address="", now=now)
    return proven


def _prove(asked: Asked, der: bytes | None, *, now: datetime) -> ProvenClient:
    client = find_client(client_id=asked.client_id, now=now)
    proof: KnownSecret | KnownCertificate | None = None
    if asked.secret:
        proof = _right_secret(client, asked.secret)
    elif client is not None and der is not None:
        proof = find_shown(der, client.certificates, now=now)
    if client is None or proof is None:
        raise invalid_client("unknown")
    if (
        asked.secret
        and client.requires_certificate
        and (der is None or find_shown(der, client.certificates, now=now) is None)
    ):
        raise invalid_client("certificate")
    binds = der is not None and (not asked.secret or client.requires_certificate)
    # Whoever made the proof can use it, so what is done by it is theirs, whoever made the client.
    used = replace(client, issued_by=proof.created_by or client.issued_by)
    return ProvenClient(used, thumbprint_of(der) if binds and der is not None else "")


def _right_secret(client: ClientRecord | None, token: str) -> KnownSecret | None:
    """In constant time, and for a client that is not there too."""
    match = LEAKED.fullmatch(token)
    secret = match[4] if match else ""
    hashed = hash_secret(secret)
    known = client.secrets if client else ()
    hmac.compare_digest(hashed, _NO_HASH)
    found = [each for each in known if hmac.compare_digest(hashed, each.secret_hash)]
    if client is None or match is None or not found:
        return None
    mode = "live" if client.workspace.mode == "live" else "test"
    is_right = match[1] == "zs" and match[2] == mode and f"cli_{match[3]}" == client.id
    return found[0] if is_right else None


def _check(client: ClientRecord, request: HttpRequest) -> None:
    if client.revoked_at is not None:
        raise invalid_client("revoked")
    if client.allowed_networks and not is_within(client_address(request), client.allowed_networks):
        raise invalid_client("network")
    if client.workspace_state != "active":
        raise invalid_client("workspace_suspended")


def caller_of(client: ClientRecord) -> Caller:
    """A client as whoever asks."""
    return Caller(
        tenant=client.workspace, actor=client.actor(), scopes=frozenset(client.scopes), kind="client",
        channel=client.channel, credential_id=client.id, issued_by=client.issued_by,
        rate_policies=client.rate_policies,
    )  # fmt: skip


def issue_access_token(proven: ProvenClient, asked: Asked, *, now: datetime) -> dict[str, Any]:
    """The answer of the token address; raises OAuthRefusal for scopes or an audience that cannot be given."""
    client = proven.record
    scopes = _granted(client, asked.form.get("scope", ""))
    for name in ("resource", "audience"):
        if asked.form.get(name, audience()) != audience():
            raise OAuthRefusal("invalid_target", "Tokens are made for this API alone.", reason="audience")
    at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer(), "aud": audience(), "sub": client.id, "client_id": client.id, "jti": ids.new_id("tok"),
        "iat": at, "nbf": at, "exp": at + client.token_seconds, "scope": " ".join(scopes),
        "workspace": ids.to_public("ws", client.workspace.id), "channel": client.channel,
    }  # fmt: skip
    if client.issued_by:
        claims["resp"] = client.issued_by
    if proven.bound_to:
        claims["cnf"] = {"x5t#S256": proven.bound_to}
    token = sign(kind=tokens.ACCESS_TYPE, claims=claims, now=now)
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": client.token_seconds,
        "scope": claims["scope"],
    }


def _granted(client: ClientRecord, said: str) -> list[str]:
    wanted = set(said.split()) or set(client.scopes)
    if not wanted <= set(client.scopes):
        raise OAuthRefusal("invalid_scope", "The client has not all of these scopes.", reason="scope")
    return sorted(wanted)


def sign(*, kind: str, claims: Mapping[str, Any], now: datetime) -> str:
    """A token by the key that signs now; the first one ever makes that key."""
    signer = find_signer(now=now)
    if signer is None:
        create_signing_key(now=now)
        signer = find_signer(now=now)
    if signer is None:
        raise LookupError("There is no key to sign tokens with.")
    return tokens.write_token(kind=kind, kid=signer[0], seed=signer[1], claims=claims)


def answer(document: Mapping[str, Any], *, status: int = 200) -> JsonResponse:
    """An answer in the form of RFC 6749, which nothing keeps."""
    made = JsonResponse(dict(document), status=status)
    made["Cache-Control"], made["Pragma"] = "no-store", "no-cache"
    made.is_oauth = True  # type: ignore[attr-defined]  # ApiMiddleware leaves its form alone
    return made


def refuse(request: HttpRequest, refusal: OAuthRefusal, *, is_basic: bool = True) -> JsonResponse:
    """The answer to a refusal, recorded when it is a denial."""
    if refusal.reason:
        _record(request, refusal)
    made = answer({"error": refusal.error, "error_description": refusal.description}, status=refusal.status)
    if refusal.status == 401 and is_basic:
        made["WWW-Authenticate"] = 'Basic realm="zentra", charset="UTF-8"'
    return made


def _record(request: HttpRequest, refusal: OAuthRefusal) -> None:
    caller: Caller | None = getattr(request, "caller", None)
    own = caller.tenant if caller else None
    route = f"/{request.resolver_match.route}" if request.resolver_match else "/v1"
    record_denial(
        actor=caller.actor if caller else ANONYMOUS, action=f"POST {route}", reason=refusal.error, surface="api",
        target=own, home=own, now=clock.now(),
        extra={
            "code": refusal.error, "status": refusal.status, "method": "POST", "route": route,
            "request_id": telemetry.request_id(), "named": {"why": refusal.reason},
        },
    )  # fmt: skip
