"""``webhooks.verify`` agrees with the public Standard Webhooks package and refuses everything else with one error."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from zentra.sdk import (
    ConfigurationError,
    MalformedDelivery,
    MockTransport,
    SignatureMismatch,
    StaleDelivery,
    WebhookVerificationError,
    Zentra,
    webhooks,
)

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
NOW = 1_800_000_000
BODY = json.dumps({"id": "evt_1", "type": "ledger.posted", "data": {"amount_minor": 5}}).encode()


def signed(body: bytes = BODY, *, secret: str = SECRET, at: int = NOW, message_id: str = "evt_1") -> dict[str, str]:
    moment = datetime.fromtimestamp(at, tz=UTC)
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(at),
        "Webhook-Signature": Webhook(secret).sign(message_id, moment, body.decode()),
    }


def signed_ed25519(key: Ed25519PrivateKey, body: bytes = BODY) -> dict[str, str]:
    signature = key.sign(b"evt_1.%d." % NOW + body)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": "v1a," + base64.b64encode(signature).decode(),
    }


def public_text(key: Ed25519PrivateKey) -> str:
    return "whpk_" + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def test_a_delivery_signed_by_the_public_package_is_read_as_an_event() -> None:
    event = webhooks.verify(BODY, signed(), secret=SECRET, now=NOW)

    assert (event.type, event.data.amount_minor) == ("ledger.posted", 5)


def test_the_client_offers_it_too() -> None:
    zentra = Zentra(api_key="zk_test_mock", transport=MockTransport())

    assert zentra.webhooks.verify(BODY, signed(), secret=SECRET, now=NOW).id == "evt_1"


def test_what_the_unsigned_headers_say_is_beside_the_event() -> None:
    said = webhooks.verify(BODY, signed() | {"Zentra-Sequence": "8172", "zentra-attempt": "2"}, secret=SECRET, now=NOW)
    silent = webhooks.verify(BODY, signed(), secret=SECRET, now=NOW)
    odd = webhooks.verify(BODY, signed() | {"zentra-sequence": "-1", "zentra-attempt": "x"}, secret=SECRET, now=NOW)

    assert (said.sequence, said.attempt) == (8172, 2)
    assert (silent.sequence, silent.attempt) == (odd.sequence, odd.attempt) == (None, None)


def test_a_challenge_is_read_where_it_can_be_answered() -> None:
    asked = webhooks.verify(BODY, signed() | {"zentra-challenge": "a1B2"}, secret=SECRET, now=NOW)
    odd = webhooks.verify(BODY, signed() | {"zentra-challenge": "a\r\nset-cookie: b"}, secret=SECRET, now=NOW)

    assert (asked.challenge, odd.challenge) == ("a1B2", None)


def test_an_event_has_every_name_that_it_is_announced_under() -> None:
    data = {"announced_as": ["posting.committed", 7]}
    body = json.dumps({"id": "evt_1", "type": "ledger.entry.posted", "data": data}).encode()

    names = webhooks.verify(body, signed(body), secret=SECRET, now=NOW).names

    assert names == {"ledger.entry.posted", "posting.committed"}


def test_headers_may_be_the_pairs_of_an_asgi_scope() -> None:
    pairs = [(name.lower().encode(), value.encode()) for name, value in signed().items()]

    assert webhooks.verify(BODY, [(b"host", b"\xff"), *pairs], secret=SECRET, now=NOW).id == "evt_1"


def test_several_secrets_are_valid_at_once_while_they_rotate() -> None:
    assert webhooks.verify(BODY, signed(secret=OTHER), secret=[SECRET, OTHER], now=NOW).id == "evt_1"


def test_one_matching_signature_among_several_is_enough() -> None:
    headers = signed()
    headers["Webhook-Signature"] = (
        "v9,future v1," + base64.b64encode(b"x" * 32).decode() + " " + headers["Webhook-Signature"]
    )

    assert webhooks.verify(BODY, headers, secret=SECRET, now=NOW).id == "evt_1"


def test_an_ed25519_delivery_is_verified_with_the_public_key() -> None:
    key = Ed25519PrivateKey.generate()

    assert webhooks.verify(BODY, signed_ed25519(key), public_key=public_text(key), now=NOW).id == "evt_1"
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(BODY + b" ", signed_ed25519(key), public_key=public_text(key), now=NOW)
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(BODY, signed_ed25519(key), public_key=public_text(Ed25519PrivateKey.generate()), now=NOW)


def test_an_hmac_signature_never_passes_as_ed25519_nor_the_other_way() -> None:
    key = Ed25519PrivateKey.generate()

    with pytest.raises(WebhookVerificationError):
        webhooks.verify(BODY, signed(), public_key=public_text(key), now=NOW)
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(BODY, signed_ed25519(key), secret=SECRET, now=NOW)


@pytest.mark.parametrize("age", [-301, 301])
def test_too_old_and_too_new_are_both_refused(age: int) -> None:
    with pytest.raises(StaleDelivery) as refusal:
        webhooks.verify(BODY, signed(at=NOW + age), secret=SECRET, now=NOW)

    assert refusal.value.age_seconds == -age


@pytest.mark.parametrize("age", [-300, 300])
def test_the_tolerance_itself_is_allowed(age: int) -> None:
    assert webhooks.verify(BODY, signed(at=NOW + age), secret=SECRET, now=NOW)


def test_a_changed_byte_is_refused() -> None:
    with pytest.raises(SignatureMismatch):
        webhooks.verify(BODY.replace(b"5", b"6"), signed(), secret=SECRET, now=NOW)


def test_a_signature_that_cannot_be_read_does_not_spoil_the_one_beside_it() -> None:
    headers = signed()
    headers["Webhook-Signature"] = "v1,%%% " + headers["Webhook-Signature"]

    assert webhooks.verify(BODY, headers, secret=SECRET, now=NOW).id == "evt_1"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": None},
        {"webhook-timestamp": None},
        {"webhook-signature": None},
        {"webhook-id": ""},
        {"webhook-id": "evt 1"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "١٨٠٠٠٠٠٠٠٠"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1,AAAA,BBBB"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 99)},
        {"webhook-signature": b"v1,AAAA"},
        {"webhook-id": 7},
    ],
)
def test_malformed_headers_all_raise_the_one_error(change: dict[str, object]) -> None:
    headers: dict[str, object] = {name.lower(): value for name, value in signed().items()}
    headers |= change

    with pytest.raises(WebhookVerificationError):
        webhooks.verify(BODY, {k: v for k, v in headers.items() if v is not None}, secret=SECRET, now=NOW)  # type: ignore[arg-type]


def test_one_header_in_two_spellings_and_values_is_refused() -> None:
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(BODY, signed() | {"webhook-id": "evt_2"}, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[1]",
        b"nonsense",
        b"[" * 100_000,
        b'{"id": "evt_1", "type": "a", "data": NaN}',
        b'{"id": "evt_1", "type": "a", "data": {"n": ' + b"9" * 10_000 + b"}}",
        b'{"id": "evt_1", "type": "a"}',
        b'{"id": "evt_1", "type": 7, "data": {}}',
        b'{"id": "evt_2", "type": "a", "data": {}}',
        '{"id": "evt_1", "type": "a", "data": {}}'.encode("utf-16"),
    ],
)
def test_a_signed_payload_that_is_no_event_raises_the_one_error(body: bytes) -> None:
    mac = hmac.new(b"k" * 32, b"evt_1.%d." % NOW + body, hashlib.sha256).digest()
    headers = signed() | {"Webhook-Signature": "v1," + base64.b64encode(mac).decode()}

    with pytest.raises(MalformedDelivery):
        webhooks.verify(body, headers, secret=SECRET, now=NOW)


def test_text_in_place_of_bytes_is_refused() -> None:
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(BODY.decode(), signed(), secret=SECRET, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%", None, []])
def test_a_secret_that_cannot_be_used_is_a_configuration_error(secret: object) -> None:
    with pytest.raises(ConfigurationError):
        webhooks.verify(BODY, signed(), secret=secret, now=NOW)  # type: ignore[arg-type]
