"""The public Standard Webhooks verifiers and our SDK accept what the engine really sends, and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks.webhooks
import svix.webhooks

from tests.webhooks.servers import Answer, Endpoint, scripted_endpoint
from tests.webhooks.work import DEVELOPER, publish, run_due, subscribe
from webhooks.operations import rotate_secret
from webhooks.types import CreatedEndpoint
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.sdk import WebhookVerificationError, webhooks

Verify = Callable[[str, bytes, Mapping[str, str]], Any]


@dataclass(frozen=True)
class Delivered:
    """A delivery as its endpoint got it over HTTP."""

    ws: TenantRef
    endpoint: CreatedEndpoint
    server: Endpoint
    headers: dict[str, str]
    body: bytes

    def with_header(self, name: str, value: str) -> Delivered:
        return replace(self, headers=self.headers | {name: value})

    def again(self) -> Delivered:
        """The next event of the workspace, delivered to the same endpoint."""
        publish(self.ws)
        run_due()
        headers, body = self.server.requests[-1]
        return replace(self, headers=headers, body=body)


@pytest.fixture
def delivered(workspace: TenantRef, local_webhooks: None) -> Iterator[Delivered]:
    with scripted_endpoint(lambda _: Answer(204)) as server:
        created = subscribe(workspace, server.url, "account.created")
        publish(workspace)
        run_due()
        [(headers, body)] = server.requests
        yield Delivered(workspace, created, server, headers, body)


def by_standardwebhooks(secret: str, body: bytes, headers: Mapping[str, str]) -> Any:
    return standardwebhooks.webhooks.Webhook(secret).verify(body, dict(headers))


def by_svix(secret: str, body: bytes, headers: Mapping[str, str]) -> Any:
    svix.webhooks.Webhook(secret).verify(body, dict(headers))
    return json.loads(body)


def by_our_sdk(secret: str, body: bytes, headers: Mapping[str, str]) -> Any:
    return webhooks.verify(body, headers, secret=secret).to_dict()


VERIFIERS = pytest.mark.parametrize("verify", [by_standardwebhooks, by_svix, by_our_sdk])
# What they raise for a forgery; standardwebhooks lets ValueError and binascii.Error (a ValueError) through.
REFUSALS = (
    standardwebhooks.webhooks.WebhookVerificationError,
    svix.webhooks.WebhookVerificationError,
    WebhookVerificationError,
    ValueError,
)


@VERIFIERS
def test_a_real_delivery_verifies(delivered: Delivered, verify: Verify) -> None:
    event = verify(delivered.endpoint.secret, delivered.body, delivered.headers)

    assert event["id"] == delivered.headers["webhook-id"]
    assert event["type"] == "account.created"


def other_body(d: Delivered) -> Delivered:
    return replace(d, body=d.body.replace(b'"account.created"', b'"account.closed"'))


def one_byte_more(d: Delivered) -> Delivered:
    return replace(d, body=d.body + b" ")


def printed_again(d: Delivered) -> Delivered:
    return replace(d, body=json.dumps(json.loads(d.body)).encode())


def other_id(d: Delivered) -> Delivered:
    given = d.headers["webhook-id"]
    return d.with_header("webhook-id", given[:-1] + ("0" if given[-1] != "0" else "g"))


def other_timestamp(d: Delivered) -> Delivered:
    return d.with_header("webhook-timestamp", str(int(d.headers["webhook-timestamp"]) + 1))


def old_timestamp(d: Delivered) -> Delivered:
    return d.with_header("webhook-timestamp", str(int(d.headers["webhook-timestamp"]) - 3600))


def other_signature(d: Delivered) -> Delivered:
    given = base64.b64decode(d.headers["webhook-signature"].split(" ")[0].removeprefix("v1,"))
    forged = bytes([given[0] ^ 1]) + given[1:]
    return d.with_header("webhook-signature", "v1," + base64.b64encode(forged).decode())


def short_signature(d: Delivered) -> Delivered:
    return d.with_header("webhook-signature", d.headers["webhook-signature"].split(" ")[0][:-8])


def no_signature(d: Delivered) -> Delivered:
    return replace(d, headers={name: value for name, value in d.headers.items() if name != "webhook-signature"})


TAMPERED = (
    other_body, one_byte_more, printed_again, other_id, other_timestamp, old_timestamp, other_signature,
    short_signature, no_signature,
)  # fmt: skip


@VERIFIERS
def test_a_tampered_delivery_is_refused(delivered: Delivered, verify: Verify) -> None:
    accepted = [tamper.__name__ for tamper in TAMPERED if is_accepted(tamper(delivered), verify)]

    assert accepted == []


def is_accepted(forged: Delivered, verify: Verify) -> bool:
    try:
        verify(forged.endpoint.secret, forged.body, forged.headers)
    except REFUSALS:
        return False
    return True


@VERIFIERS
def test_another_endpoint_s_secret_does_not_verify_it(delivered: Delivered, verify: Verify) -> None:
    other = subscribe(delivered.ws, delivered.server.url + "/other")

    with pytest.raises(REFUSALS):
        verify(other.secret, delivered.body, delivered.headers)


@VERIFIERS
def test_while_a_secret_rotates_both_verify_and_afterwards_the_new_one(delivered: Delivered, verify: Verify) -> None:
    with tenant_work(delivered.ws):
        new = rotate_secret(
            endpoint_id=delivered.endpoint.endpoint.id, overlap=timedelta(hours=1), actor=DEVELOPER, now=clock.now()
        ).secret
    assert new is not None
    both = delivered.again()

    for secret in (delivered.endpoint.secret, new):
        assert verify(secret, both.body, both.headers)["id"] == both.headers["webhook-id"]


def test_the_public_key_verifies_it_without_any_secret(delivered: Delivered) -> None:
    with tenant_work(delivered.ws):
        rotated = rotate_secret(
            endpoint_id=delivered.endpoint.endpoint.id,
            kind="ed25519",
            overlap=timedelta(0),
            actor=DEVELOPER,
            now=clock.now(),
        )
    assert rotated.public_key is not None
    both = delivered.again()

    assert webhooks.verify(both.body, both.headers, public_key=rotated.public_key).id == both.headers["webhook-id"]
    # The other verifiers pass over what they do not know, and find their own beside it.
    assert by_svix(delivered.endpoint.secret, both.body, both.headers)
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(both.body + b" ", both.headers, public_key=rotated.public_key)
