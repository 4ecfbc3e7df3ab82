"""Standard Webhooks signatures: what we sign the public package verifies, and malformed input is one typed error."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from webhooks import signing
from webhooks.signing import InvalidSignature, StaleSignature, UnusableSecret

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BODY = b'{"id":"evt_1","type":"ledger.posted"}'


def headers_now(*secrets: str, at: datetime = NOW, body: bytes = BODY) -> dict[str, str]:
    return signing.sign(message_id="evt_1", signed_at=at, body=body, secrets=secrets)


def test_the_public_package_verifies_what_we_sign() -> None:
    secret = signing.new_secret()
    headers = headers_now(secret, at=datetime.now(UTC))

    assert Webhook(secret).verify(BODY, headers)["type"] == "ledger.posted"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)


def test_we_verify_what_the_public_package_signs() -> None:
    secret = signing.new_secret()
    signature = Webhook(secret).sign("msg_1", NOW, BODY.decode())
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(NOW.timestamp())),
        "Webhook-Signature": signature,
    }

    verified = signing.verify(headers=headers, body=BODY, secrets=[secret], now=NOW)

    assert (verified.message_id, verified.scheme, verified.signed_at) == ("msg_1", "v1", NOW)


def test_an_ed25519_signature_verifies_with_the_public_half_alone() -> None:
    pair = signing.new_key_pair()
    headers = headers_now(pair.private)

    assert signing.verify(headers=headers, body=BODY, secrets=[pair.public], now=NOW).scheme == "v1a"
    with pytest.raises(InvalidSignature):
        signing.verify(headers=headers, body=BODY + b"x", secrets=[pair.public], now=NOW)


def test_during_a_rotation_either_secret_verifies() -> None:
    old, new = signing.new_secret(), signing.new_secret()
    headers = headers_now(new, old)

    assert len(headers["webhook-signature"].split()) == 2
    for held in ([old], [new], [signing.new_secret(), old]):
        signing.verify(headers=headers, body=BODY, secrets=held, now=NOW)


def test_a_secret_without_padding_is_the_same_secret() -> None:
    secret = signing.new_secret()

    signing.verify(headers=headers_now(secret), body=BODY, secrets=[secret.rstrip("=")], now=NOW)


@pytest.mark.parametrize(("age", "reason"), [(timedelta(seconds=301), "too_old"), (-timedelta(seconds=301), "too_new")])
def test_too_old_and_too_new_are_refused(age: timedelta, reason: str) -> None:
    secret = signing.new_secret()
    headers = headers_now(secret, at=NOW - age)

    with pytest.raises(StaleSignature) as refused:
        signing.verify(headers=headers, body=BODY, secrets=[secret], now=NOW)

    assert (refused.value.status, refused.value.extra["reason"]) == (401, reason)


def test_five_minutes_either_way_are_accepted() -> None:
    secret = signing.new_secret()
    for age in (timedelta(seconds=300), -timedelta(seconds=300)):
        signing.verify(headers=headers_now(secret, at=NOW - age), body=BODY, secrets=[secret], now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": None},
        {"webhook-id": ""},
        {"webhook-id": "a.b"},  # a dot could be split in another way
        {"webhook-id": "é"},
        {"webhook-id": "x" * 257},
        {"webhook-timestamp": None},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1.5"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "٣"},  # a digit, but not an ASCII one
        {"webhook-timestamp": "9" * 11},
        {"webhook-timestamp": "9" * 40},
        {"webhook-signature": None},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,a,b,c"},
        {"webhook-signature": "v1a,AAAA"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-signature": "v1,\udce9"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 500)},
    ],
)
def test_a_malformed_header_is_one_typed_error(change: dict[str, str | None]) -> None:
    secret = signing.new_secret()
    headers = {name: value for name, value in {**headers_now(secret), **change}.items() if value is not None}

    with pytest.raises(InvalidSignature) as refused:
        signing.verify(headers=headers, body=BODY, secrets=[secret], now=NOW)

    assert refused.value.status == 401


def test_a_good_signature_is_found_among_malformed_ones() -> None:
    secret = signing.new_secret()
    headers = headers_now(secret)
    headers["webhook-signature"] = f"v1 v1,%% v9,zz {headers['webhook-signature']} v1a,AAAA"

    signing.verify(headers=headers, body=BODY, secrets=[secret], now=NOW)


@given(
    identity=st.text(max_size=40),
    timestamp=st.text(max_size=20),
    signature=st.text(max_size=80),
    body=st.binary(max_size=80),
)
def test_no_input_at_all_is_anything_but_a_refusal(identity: str, timestamp: str, signature: str, body: bytes) -> None:
    headers = {"webhook-id": identity, "webhook-timestamp": timestamp, "webhook-signature": signature}
    secrets = [signing.new_secret(), signing.new_key_pair().public]

    with pytest.raises(InvalidSignature):
        signing.verify(headers=headers, body=body, secrets=secrets, now=NOW)


def test_without_any_secret_nothing_verifies() -> None:
    with pytest.raises(InvalidSignature):
        signing.verify(headers=headers_now(signing.new_secret()), body=BODY, secrets=[], now=NOW)
    with pytest.raises(UnusableSecret):
        headers_now()


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "secret", "whsec_%%%", "whsec_" + base64.b64encode(b"short").decode(), "whpk_AAAA"]
)
def test_a_secret_that_cannot_sign_well_is_refused(secret: str) -> None:
    with pytest.raises(UnusableSecret):
        signing.check_secret(secret)
