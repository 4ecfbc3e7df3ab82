"""Access tokens at a door: every trick that is known of JWTs is refused, with the code that its holder needs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.ledger_of_writes import Writes
from tests.api.oauth import claims_of, forge, get_token, make_client, pack
from tests.people import join
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import SigningKey
from zentra.tenants.services.operations import signing
from zentra.tenants.services.operations.tokens import forget_revoked_tokens
from zentra.tenants.services.queries.signing import find_signer, list_public_keys
from zentra.tenants.services.types import IssuedSecret

Connect = Callable[..., httpx.Client]


@pytest.fixture
def client(workspace: TenantRef) -> IssuedSecret:
    return make_client(workspace)


@pytest.fixture
def token(connect: Connect, client: IssuedSecret) -> str:
    return get_token(connect(None), client)


@pytest.fixture
def refusal(connect: Connect) -> Callable[[str], str]:
    """The code that a token is refused with."""

    def code(token: str) -> str:
        answer = connect(token).get("/accounts")
        assert answer.status_code == 401, answer.text
        assert "invalid_token" in answer.headers["www-authenticate"]
        return str(answer.json()["code"])

    return code


def header_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    return found


def signature_of(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.rpartition(".")[2] + "==")


def test_a_token_whose_head_plays_tricks_is_no_token(
    token: str, refusal: Callable[[str], str], platform_writes: Writes, writes: Writes
) -> None:
    head, claims, signature = header_of(token), claims_of(token), signature_of(token)
    public = next(public for kid, public in list_public_keys(now=clock.now()) if kid == head["kid"])
    own = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(own.public_key().public_bytes_raw()).decode()}

    def mac(header: dict[str, Any]) -> str:
        """Signed with the public key as if it were a shared secret."""
        text = pack(header, claims, b"x" * 32).rpartition(".")[0]
        made = hmac.new(public, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"

    tricks = [
        pack({**head, "alg": "none"}, claims, b""),
        pack({**head, "alg": "none"}, claims, signature),
        pack({**head, "alg": "None"}, claims, signature),
        mac({**head, "alg": "HS256"}),
        pack({**head, "alg": "HS256"}, claims, signature),
        pack({**head, "alg": "ES256"}, claims, signature),
        pack({**head, "alg": "Ed25519"}, claims, signature),
        pack({**head, "jwk": jwk}, claims, signature),
        pack({**head, "jku": "https://attacker.example/keys"}, claims, signature),
        pack({**head, "x5u": "https://attacker.example/cert"}, claims, signature),
        pack({**head, "x5c": ["MII"]}, claims, signature),
        pack({**head, "crit": ["exp"]}, claims, signature),
        pack({**head, "b64": False}, claims, signature),
        pack({**head, "typ": "JWT"}, claims, signature),
        pack({name: head[name] for name in ("alg", "kid")}, claims, signature),
        pack({**head, "kid": 7}, claims, signature),
        pack({**head, "kid": "../../etc/passwd" * 10}, claims, signature),
        token + "x",
        token[:-1],
        "eyJ",
        "eyJ.eyJ.eyJ",
        token + "." + token,
        pack(head, {**claims, "pad": "x" * 5000}, signature),
    ]

    assert {refusal(each) for each in tricks} == {"credential_malformed"}
    assert platform_writes.new_types() == {"access.denied": len(tricks)}
    assert writes.new_events() == []


def test_a_signature_that_is_not_ours_is_no_token(token: str, refusal: Callable[[str], str], writes: Writes) -> None:
    head, claims = header_of(token), claims_of(token)
    own = Ed25519PrivateKey.generate()
    text = pack(head, claims, b"x").rpartition(".")[0]
    changed = bytearray(signature_of(token))
    changed[5] ^= 1
    for each in (
        pack(head, claims, own.sign(text.encode())),
        pack(head, claims, bytes(changed)),
        pack(head, {**claims, "scope": "ledger.post"}, signature_of(token)),
        pack({**head, "kid": ids.new_id("sig")}, claims, signature_of(token)),
        pack({**head, "kid": "sig_nonsense"}, claims, signature_of(token)),
        pack(head, {**claims, "sub": ids.new_id("cli")}, signature_of(token)),
        pack(head, {**claims, "sub": ids.new_id("key")}, signature_of(token)),
    ):
        assert refusal(each) == "credential_unknown"
    assert writes.new_events() == []


def test_a_token_of_ours_that_does_not_count_says_why_and_is_recorded(
    token: str, refusal: Callable[[str], str], writes: Writes, client: IssuedSecret, other_workspace: TenantRef
) -> None:
    at = int(clock.now().timestamp())
    said: list[tuple[str, str]] = [
        ("credential_audience", forge(token, aud="https://elsewhere.example/v1")),
        ("credential_audience", forge(token, aud=[claims_of(token)["aud"]])),
        ("credential_audience", forge(token, iss="https://elsewhere.example")),
        ("credential_expired", forge(token, exp=at - 31)),
        ("credential_not_yet_valid", forge(token, nbf=at + 60)),
        ("credential_not_yet_valid", forge(token, iat=at + 60)),
    ]
    for code, each in said:
        assert refusal(each) == code
    assert writes.new_types() == {"access.denied": len(said)}
    event = writes.new_events()[0]
    assert event["actor"]["kind"] == "client"
    assert event["actor"]["id"] == client.client_id
    # What it says of its workspace is checked against its client's.
    assert refusal(forge(token, workspace=ids.to_public("ws", other_workspace.id))) == "credential_unknown"


def test_clocks_may_differ_by_half_a_minute(token: str, connect: Connect) -> None:
    at = int(clock.now().timestamp())
    for each in (forge(token, exp=at - 20), forge(token, nbf=at + 20, iat=at + 20)):
        assert connect(each).get("/accounts").status_code == 200


def test_times_that_are_no_whole_numbers_are_refused(token: str, connect: Connect) -> None:
    for each in (forge(token, exp="never"), forge(token, exp=True), forge(token, exp=None), forge(token, exp=9e99)):
        answer = connect(each).get("/accounts")
        assert (answer.status_code, answer.json()["code"]) == (401, "credential_malformed")


def test_an_access_token_is_never_taken_for_an_end_users(token: str, refusal: Callable[[str], str]) -> None:
    assert refusal(forge(token, kind="zentra-eut+jwt")) in {"credential_malformed", "credential_unknown"}


def test_a_revoked_token_ends_and_others_of_the_client_do_not(
    connect: Connect, client: IssuedSecret, token: str, workspace: TenantRef, writes: Writes
) -> None:
    other, http = get_token(connect(None), client), connect(None)
    form = {"client_id": client.client_id, "client_secret": client.secret, "token": token}

    for _ in range(2):
        assert http.post("/oauth/revoke", data=form).status_code == 200

    assert connect(token).get("/accounts").json()["code"] == "credential_revoked"
    assert connect(other).get("/accounts").status_code == 200
    assert writes.new_types() == {"token.revoked": 1, "access.denied": 1}
    assert forget_revoked_tokens(now=clock.now()) == 0
    assert forget_revoked_tokens(now=clock.now() + timedelta(hours=2)) >= 1


def test_nobody_ends_anothers_token(connect: Connect, token: str, workspace: TenantRef, writes: Writes) -> None:
    stranger, http = make_client(workspace), connect(None)
    form = {"client_id": stranger.client_id, "client_secret": stranger.secret}

    assert http.post("/oauth/revoke", data={**form, "token": token}).status_code == 200
    assert http.post("/oauth/revoke", data={**form, "token": "nonsense"}).status_code == 200
    assert http.post("/oauth/revoke", data=form).json()["error"] == "invalid_request"
    assert http.post("/oauth/revoke", data={"token": token}).status_code == 401

    assert connect(token).get("/accounts").status_code == 200


def test_a_token_costs_one_statement(token: str, workspace: TenantRef) -> None:
    from django.test import RequestFactory

    from zentra.api.auth.tokens import prove_token

    request = RequestFactory().get("/v1/accounts")
    prove_token(request, token, now=clock.now())
    with CaptureQueriesContext(
        connection,
    ) as asked:
        caller = prove_token(request, token, now=clock.now())

    assert len(asked) == 1
    assert (caller.kind, caller.tenant.id) == ("client", workspace.id)
    assert caller.actor.maker == caller.issued_by


def test_keys_that_sign_follow_one_another_with_an_overlap(connect: Connect, client: IssuedSecret, token: str) -> None:
    now = clock.now()
    before = find_signer(now=now)
    assert before is not None
    new = signing.rotate_signing_key(now=now)

    # Known at once, signs in ten minutes; the old one still verifies for twenty after that.
    assert {new, before[0]} <= {kid for kid, _ in list_public_keys(now=now)}
    assert (find_signer(now=now) or ("",))[0] == before[0]
    later = now + timedelta(minutes=11)
    assert (find_signer(now=later) or ("",))[0] == new
    assert before[0] in {kid for kid, _ in list_public_keys(now=later)}
    assert before[0] not in {kid for kid, _ in list_public_keys(now=now + timedelta(minutes=31))}
    assert connect(token).get("/accounts").status_code == 200

    signing.rotate_signing_key(now=now, at_once=True)
    assert connect(token).get("/accounts").json()["code"] == "credential_unknown"
    assert connect(get_token(connect(None), client)).get("/accounts").status_code == 200
    assert signing.forget_signing_keys(now=now + timedelta(days=3)) >= 2


def test_the_private_half_is_encrypted_and_the_public_half_is_shown(connect: Connect, token: str) -> None:
    signer = find_signer(now=clock.now())
    assert signer is not None
    stored = SigningKey.objects.get(id=signer[0])
    assert signer[1] not in bytes(stored.private_key)

    root = str(connect(None).base_url).removesuffix("/v1/")
    keys = httpx.get(f"{root}/.well-known/jwks.json").json()["keys"]
    shown = next(each for each in keys if each["kid"] == signer[0])
    assert (shown["kty"], shown["crv"], shown["alg"], "d" in shown) == ("OKP", "Ed25519", "EdDSA", False)
    about = httpx.get(f"{root}/.well-known/oauth-authorization-server").json()
    assert about["issuer"] == claims_of(token)["iss"]
    assert about["jwks_uri"].endswith("/.well-known/jwks.json")
    assert "tls_client_auth" in about["token_endpoint_auth_methods_supported"]


def test_another_library_verifies_our_token_by_our_jwks(connect: Connect, token: str) -> None:
    root = str(connect(None).base_url).removesuffix("/v1/")
    keys = {each["kid"]: each for each in httpx.get(f"{root}/.well-known/jwks.json").json()["keys"]}
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, _, _ = token.rpartition(".")
    x = keys[header_of(token)["kid"]]["x"]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))
    public.verify(signature_of(token), text.encode())


def test_two_who_need_the_first_signing_key_at_once_both_get_a_token(database: None) -> None:
    from tests.ledger.book import at_once
    from zentra.api.oauth import sign

    now = clock.now()
    made = at_once([lambda: sign(kind="at+jwt", claims={"sub": "x"}, now=now)] * 4, threads=4)
    assert all(isinstance(each, str) for each in made)


def test_who_may_issue_a_client_is_its_maker(workspace: TenantRef) -> None:
    person = join(workspace, role="developer")
    made = make_client(workspace, person=person)
    with tenant_work(workspace):
        from zentra.tenants.services.queries.clients import find_client

        record = find_client(client_id=made.client_id, now=clock.now())
    assert record is not None
    assert record.actor().maker == person.id
