"""The body of a callback: strict JSON into one value, or one typed refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.inbound.payload import MalformedCallback, parse_callback

GOOD: dict[str, Any] = {
    "id": "pev_1",
    "type": "payment.succeeded",
    "reference": "rail_x.intent_1.1",
    "provider_reference": "a-77",
    "amount_minor": 125000,
    "currency": "USD",
    "something_new": {"of": "theirs"},
}


def test_a_callback_is_read_and_unknown_fields_are_ignored() -> None:
    outcome = parse_callback(json.dumps(GOOD).encode())

    assert (outcome.outcome, outcome.reference, outcome.amount_minor) == ("succeeded", "rail_x.intent_1.1", 125000)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "payment.exploded"},
        {"type": 7},
        {"type": None},
        {"reference": ""},
        {"reference": "x" * 201},
        {"reference": "a\x00b"},
        {"provider_reference": None},
        {"amount_minor": 1250.0},
        {"amount_minor": "125000"},
        {"amount_minor": True},
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"amount_minor": 2**53},
        {"currency": "usd!"},
        {"currency": "XXQ"},
    ],
)
def test_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedCallback):
        parse_callback(json.dumps({**GOOD, **change}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"type": NaN}',
        b'{"type": "payment.succeeded", "type": "payment.failed"}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"amount_minor": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedCallback):
        parse_callback(body)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_raise_anything_else(body: bytes) -> None:
    with pytest.raises(MalformedCallback):
        parse_callback(body)
