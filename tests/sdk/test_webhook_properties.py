"""Whatever arrives, ``verify`` either proves it or raises its own error; and what it proves was signed so."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zentra.sdk import WebhookVerificationError, webhooks

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
PUBLIC = "whpk_" + base64.b64encode(b"p" * 32).decode()
NOW = 1_800_000_000

IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["webhook-id", "Webhook-Timestamp", "WEBHOOK-SIGNATURE", "zentra-sequence", "zentra-attempt"])
ODD_VALUES = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60),
    st.integers(),
    st.none(),
    st.sampled_from(["v1,", "v1a,AAAA", "v1,AAAA v1a,BBBB", "1800000000", "evt_1", "v1," + "A" * 44]),
)


def sign(message_id: str, body: bytes, *, at: int = NOW) -> dict[str, str]:
    mac = hmac.new(KEY, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def prove(body: bytes, headers: Any) -> webhooks.WebhookEvent:
    return webhooks.verify(body, headers, secret=SECRET, public_key=PUBLIC, now=NOW)


@given(body=st.binary(max_size=200), headers=st.dictionaries(NAMES | st.text(max_size=10), ODD_VALUES, max_size=6))
def test_any_headers_and_any_bytes_raise_its_own_error(body: bytes, headers: dict[str, Any]) -> None:
    with pytest.raises(WebhookVerificationError):
        prove(body, headers)


@given(
    body=st.binary(max_size=200), pairs=st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=60)), max_size=6)
)
def test_any_pairs_of_bytes_raise_its_own_error(body: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(WebhookVerificationError):
        prove(body, pairs)


@given(body=st.binary(max_size=200))
def test_any_signed_bytes_are_an_event_or_raise_its_own_error(body: bytes) -> None:
    try:
        event = prove(body, sign("evt_1", body))
    except WebhookVerificationError:
        return
    assert event.id == json.loads(body)["id"] == "evt_1"


@given(
    message_id=IDS, kind=st.text(min_size=1, max_size=20), data=st.dictionaries(st.text(max_size=8), VALUES, max_size=4)
)
def test_what_was_signed_is_read_as_it_was(message_id: str, kind: str, data: dict[str, Any]) -> None:
    body = json.dumps({"id": message_id, "type": kind, "data": data}).encode()

    event = prove(body, sign(message_id, body) | {"zentra-sequence": "5"})

    assert (event.id, event.type, event.sequence) == (message_id, kind, 5)
    assert event.to_dict()["data"] == data


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7), part=st.sampled_from(["body", "signature"]))
def test_one_flipped_bit_of_the_body_or_the_signature_is_refused(place: int, bit: int, part: str) -> None:
    body = json.dumps({"id": "evt_1", "type": "ledger.posted", "data": {"amount_minor": 125_000}}).encode()
    headers = sign("evt_1", body)
    if part == "body":
        body = flipped(body, place, bit)
    else:
        mac = base64.b64decode(headers["webhook-signature"].removeprefix("v1,"))
        headers["webhook-signature"] = "v1," + base64.b64encode(flipped(mac, place, bit)).decode()

    with pytest.raises(WebhookVerificationError):
        prove(body, headers)


@given(offset=st.integers(-2_000_000_000, 2_000_000_000))
def test_only_what_was_signed_within_the_tolerance_passes(offset: int) -> None:
    body = b'{"id": "evt_1", "type": "a", "data": {}}'
    headers = sign("evt_1", body, at=NOW + offset)

    if abs(offset) <= webhooks.TOLERANCE_SECONDS:
        assert prove(body, headers).id == "evt_1"
    else:
        with pytest.raises(WebhookVerificationError):
            prove(body, headers)


def flipped(content: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[place % len(changed)] ^= 1 << bit
    return bytes(changed)
