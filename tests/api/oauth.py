"""OAuth clients of the tests, and what is done with their tokens."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import httpx

from tests.people import Person, join
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.services.operations.clients import add_client_certificate, create_client
from zentra.tenants.services.types import IssuedSecret

READS = frozenset({"accounts.read", "intents.read"})


def make_client(workspace: TenantRef, *, person: Person | None = None, **how: Any) -> IssuedSecret:
    """A client of `workspace`, made by one of its developers."""
    member = (person or join(workspace, role="developer")).member
    said: dict[str, Any] = {"name": "billing", "scopes": READS, "now": clock.now()} | how
    with tenant_work(workspace):
        return create_client(workspace=workspace, issuer=member, **said)


def register_certificate(workspace: TenantRef, client_id: str, text: str, *, person: Person | None = None) -> str:
    """Let the client show this certificate; the registration's id."""
    member = (person or join(workspace, role="developer")).member
    with tenant_work(workspace):
        return add_client_certificate(
            workspace=workspace, client_id=client_id, text=text, issuer=member, now=clock.now()
        )


def ask_token(http: httpx.Client, client: IssuedSecret, **form: str) -> httpx.Response:
    """What the token address answers to a client that posts its secret."""
    said = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.secret}
    return http.post("/oauth/token", data=said | form)


def get_token(http: httpx.Client, client: IssuedSecret, **form: str) -> str:
    """A token of the client."""
    answer = ask_token(http, client, **form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unproven."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def forge(token: str, *, kind: str | None = None, now: datetime | None = None, **claims: Any) -> str:
    """The same token with other claims, properly signed by the installation's own key."""
    from zentra.api.oauth import sign

    said = {name: value for name, value in {**claims_of(token), **claims}.items() if value is not None}
    header = json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    return sign(kind=kind or header["typ"], claims=said, now=now or clock.now())


def pack(header: dict[str, Any], claims: dict[str, Any], signature: bytes) -> str:
    """Any header, any claims, any signature, as a token."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
