"""Mutual TLS (RFC 8705) over a real gunicorn that ends TLS itself, with real certificates of several kinds."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.certificates import Issued, make, make_ca, odd_certificates, pem_of
from tests.api.ledger_of_writes import Writes
from tests.api.oauth import READS, ask_token, claims_of, get_token, make_client, register_certificate
from tests.people import Person, join
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.embedded.layout import CLONE
from zentra.embedded.ports import free_port
from zentra.sdk import AsyncZentra, AuthenticationError, ConfigurationError, Zentra
from zentra.tenants.models import ApiClient
from zentra.tenants.services.certificates import names_of, read_registration, thumbprint_of
from zentra.tenants.services.errors import InvalidCertificate
from zentra.tenants.services.operations.clients import end_client_certificate
from zentra.tenants.services.operations.keys import issue_key
from zentra.tenants.services.types import IssuedSecret

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@dataclass(frozen=True)
class Paper:
    """Who vouches for whom."""

    ca: Issued
    server: Issued
    client: Issued
    twin: Issued
    renamed: Issued
    expired: Issued
    stranger: Issued


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    folder = tmp_path_factory.mktemp("certificates")
    ca, other = make_ca(folder, "ca"), make_ca(folder, "other")
    return Paper(
        ca=ca,
        server=make(folder, "server", ca, dns=("localhost",)),
        client=make(folder, "client", ca, dns=("billing.example.com",)),
        twin=make(folder, "twin", ca, dns=("billing.example.com",)),
        renamed=make(folder, "renamed", ca, dns=("elsewhere.example.com",)),
        expired=make(folder, "expired", ca, dns=("billing.example.com",), days=(-30, -1)),
        stranger=make(folder, "stranger", other, dns=("billing.example.com",)),
    )


@pytest.fixture(scope="module")
def tls_url(migrated: str, paper: Paper) -> Iterator[str]:
    """Where a gunicorn of our own configuration answers over TLS; its path ends in /v1."""
    port = free_port()
    env = os.environ | {
        "ZENTRA_TLS_BIND": f"127.0.0.1:{port}",
        "ZENTRA_TLS_CERTIFICATE": str(paper.server.pem),
        "ZENTRA_TLS_KEY": str(paper.server.key_pem),
        "ZENTRA_TLS_CLIENT_CA": str(paper.ca.pem),
        "ZENTRA_TLS_WORKERS": "1",
        # Of a process behind a proxy: the configuration takes no notice.
        "ZENTRA_BEHIND_PROXY": "1",
        "ZENTRA_TRUSTED_PROXIES": "127.0.0.0/8",
    }
    argv = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn_tls.py", "zentra.wsgi:application"]
    running = subprocess.Popen(argv, cwd=CLONE, env=env, stderr=subprocess.PIPE)
    url = f"https://127.0.0.1:{port}"
    try:
        _wait(f"{url}/healthz", context(paper))
        yield f"{url}/v1"
    finally:
        running.terminate()
        running.communicate(timeout=30)


def _wait(url: str, verify: ssl.SSLContext) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(url, verify=verify).status_code == 200:
                return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def context(paper: Paper, shows: Issued | None = None) -> ssl.SSLContext:
    """What a client trusts and shows."""
    made = ssl.create_default_context(cafile=str(paper.ca.pem))
    if shows is not None:
        made.load_cert_chain(*shows.files)
    return made


Dial = Callable[..., httpx.Client]


@pytest.fixture
def dial(tls_url: str, paper: Paper, database: None) -> Iterator[Dial]:
    """`dial(certificate, token)`: a client over TLS that shows them."""
    opened: list[httpx.Client] = []

    def client(shows: Issued | None = None, token: str | None = None, **headers: str) -> httpx.Client:
        own = {"Authorization": f"Bearer {token}"} if token else {}
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        opened.append(httpx.Client(base_url=tls_url, headers=own, verify=context(paper, shows), timeout=30))
        return opened[-1]

    yield client
    for each in opened:
        each.close()


@pytest.fixture
def person(workspace: TenantRef) -> Person:
    return join(workspace, role="developer")


@pytest.fixture
def bound(workspace: TenantRef, person: Person, paper: Paper) -> IssuedSecret:
    """A client that must show its certificate."""
    client = make_client(workspace, person=person, requires_certificate=True)
    register_certificate(workspace, client.client_id, paper.client.text, person=person)
    return client


def ask(http: httpx.Client, client: IssuedSecret) -> httpx.Response:
    """A token by the certificate alone."""
    return http.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": client.client_id})


def test_a_token_by_certificate_works_over_its_connection_only(
    dial: Dial, bound: IssuedSecret, paper: Paper, writes: Writes
) -> None:
    answer = ask(dial(paper.client), bound)
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert claims_of(token)["cnf"] == {"x5t#S256": thumbprint_of(paper.client.der)}

    assert dial(paper.client, token).get("/accounts").status_code == 200
    for shows in (None, paper.twin, paper.renamed):
        refused = dial(shows, token).get("/accounts")
        assert (refused.status_code, refused.json()["code"]) == (401, "certificate_refused")
    assert writes.new_types() == {"access.denied": 3}
    assert writes.new_events()[0]["actor"]["id"] == bound.client_id


def test_a_header_shows_no_certificate_to_who_ends_tls_itself(dial: Dial, bound: IssuedSecret, paper: Paper) -> None:
    token = ask(dial(paper.client), bound).json()["access_token"]
    said = f":{base64.b64encode(paper.client.der).decode()}:"

    forged = dial(None, token, Client_Cert=said, X_Forwarded_For="127.0.0.1").get("/accounts")

    assert forged.json()["code"] == "certificate_refused"


def test_a_wrong_certificate_gets_no_token(dial: Dial, bound: IssuedSecret, paper: Paper) -> None:
    for shows in (None, paper.twin, paper.renamed):
        answer = ask(dial(shows), bound)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        # Nor does the secret help, without it.
        assert ask_token(dial(shows), bound).json()["error"] == "invalid_client"
    assert get_token(dial(paper.client), bound)


def test_a_chain_that_does_not_hold_is_refused_by_tls(dial: Dial, paper: Paper) -> None:
    for shows in (paper.expired, paper.stranger):
        with pytest.raises(httpx.TransportError):
            dial(shows).get("/accounts")


def test_a_certificate_by_name_is_vouched_for_by_our_ca(
    dial: Dial, workspace: TenantRef, person: Person, paper: Paper
) -> None:
    client = make_client(workspace, person=person, with_secret=False)
    register_certificate(workspace, client.client_id, "dns:Billing.Example.com", person=person)

    for shows in (paper.client, paper.twin):
        token = ask(dial(shows), client).json()["access_token"]
        assert dial(shows, token).get("/accounts").status_code == 200
    assert ask(dial(paper.renamed), client).json()["error"] == "invalid_client"
    assert ask(dial(None), client).json()["error"] == "invalid_client"


def test_whoever_is_slow_with_the_handshake_or_the_head_keeps_nobody_waiting(
    dial: Dial, tls_url: str, paper: Paper
) -> None:
    """Three times as many as the process has threads: they say nothing, begin a handshake, or begin a request."""
    port = int(tls_url.split(":")[2].split("/", maxsplit=1)[0])
    slow = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(24)]
    try:
        for wire in slow[8:16]:
            wire.sendall(b"\x16\x03\x01\x02\x00\x01")
        began = time.monotonic()
        for place, wire in enumerate(slow[16:], start=16):
            slow[place] = context(paper).wrap_socket(wire, server_hostname="localhost")
            slow[place].sendall(b"GET /v1/accounts HTTP/1.1\r\nHost: ")
        assert dial(None).get("/accounts").status_code == 401
        assert time.monotonic() - began < 4
        # What was begun is finished like any other.
        slow[20].sendall(b"localhost\r\n\r\n")
        assert slow[20].recv(65536).startswith(b"HTTP/1.1 401")
        assert time.monotonic() - began < 5
    finally:
        for wire in slow:
            wire.close()


def test_a_certificate_that_ended_ends_its_tokens(
    dial: Dial, workspace: TenantRef, person: Person, paper: Paper
) -> None:
    client = make_client(workspace, person=person, requires_certificate=True)
    certificate = register_certificate(workspace, client.client_id, paper.client.text, person=person)
    bearer = dial(paper.client, ask(dial(paper.client), client).json()["access_token"])
    assert bearer.get("/accounts").status_code == 200

    began = clock.now()
    with tenant_work(workspace):
        how: dict[str, Any] = {"client_id": client.client_id, "certificate_id": certificate, "actor": person.actor()}
        assert end_client_certificate(workspace=workspace, now=clock.now(), **how)
        assert not end_client_certificate(workspace=workspace, now=clock.now(), **how)

    assert bearer.get("/accounts").json()["code"] == "credential_revoked"
    assert ask(dial(paper.client), client).json()["error"] == "invalid_client"
    # One that was given while the end waited for the row is over as well.
    before = ApiClient.objects.get(id=client.client_id).tokens_before
    assert before is not None
    assert timedelta(seconds=6) <= before - began < timedelta(seconds=16)


def test_a_key_may_be_bound_to_a_certificate(dial: Dial, workspace: TenantRef, paper: Paper) -> None:
    key = issue_key(
        workspace=workspace, name="bound", scopes=READS, now=clock.now(), bound_to=thumbprint_of(paper.client.der)
    )

    assert dial(paper.client, key.token).get("/accounts").status_code == 200
    assert dial(paper.twin, key.token).get("/accounts").json()["code"] == "certificate_refused"
    assert dial(None, key.token).get("/accounts").json()["code"] == "certificate_refused"


async def test_the_sdk_shows_a_certificate_and_renews_its_token(
    tls_url: str, bound: IssuedSecret, paper: Paper, database: None
) -> None:
    how: dict[str, Any] = {"client_id": bound.client_id, "certificate": paper.client.files, "retries": 0}
    with Zentra(base_url=tls_url, ca_file=str(paper.ca.pem), **how) as client:
        assert client.accounts.list().data

    async with AsyncZentra(base_url=tls_url, ca_file=str(paper.ca.pem), **how) as client:
        assert (await client.accounts.list()).data
    how["certificate"] = paper.twin.files
    with Zentra(base_url=tls_url, ca_file=str(paper.ca.pem), **how) as client, pytest.raises(AuthenticationError):
        client.accounts.list()
    with pytest.raises(ConfigurationError):
        Zentra(base_url=tls_url, client_id=bound.client_id, certificate="/no/such/file.pem")


def test_a_proxy_that_is_trusted_says_which_certificate_was_shown(
    connect: Callable[..., httpx.Client], settings: Any, bound: IssuedSecret, paper: Paper
) -> None:
    said = f":{base64.b64encode(paper.client.der).decode()}:"
    http = connect(None, Client_Cert=said)
    assert ask(http, bound).json()["error"] == "invalid_client"

    settings.ZENTRA_TRUSTED_PROXIES = ["127.0.0.0/8"]
    token = ask(http, bound).json()["access_token"]
    assert connect(token, Client_Cert=said).get("/accounts").status_code == 200
    assert connect(token).get("/accounts").json()["code"] == "certificate_refused"
    for nonsense in ("x", "::", ":!!!:", said[:-1], f":{base64.b64encode(b'no certificate').decode()}:"):
        assert ask(connect(None, Client_Cert=nonsense), bound).json()["error"] == "invalid_client"


def test_what_is_registered_is_read_strictly(paper: Paper) -> None:
    now = clock.now()
    thumbprint = thumbprint_of(paper.client.der)
    hexadecimal = paper.client.certificate.fingerprint(paper.client.certificate.signature_hash_algorithm or _sha())
    assert read_registration(paper.client.text, now=now).thumbprint == thumbprint
    assert read_registration(hexadecimal.hex(":").upper(), now=now).thumbprint == thumbprint
    assert read_registration(thumbprint, now=now).thumbprint == thumbprint
    assert read_registration("URI:spiffe://acme/billing", now=now).subject_name == "uri:spiffe://acme/billing"
    odd = odd_certificates(paper.client)
    wrong = ["", "nonsense", "dns:", "dns:a b", "uri:", paper.expired.text, "-----BEGIN CERTIFICATE-----\nx"]
    for each in (*wrong, pem_of(odd["version"])):
        with pytest.raises(InvalidCertificate):
            read_registration(each, now=now)
    # Shown instead: a name of a kind that nobody can read, the same extension twice, a version that does not exist.
    for der in odd.values():
        assert "dns:billing.example.com" not in names_of(der, now=now)


def _sha() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()
