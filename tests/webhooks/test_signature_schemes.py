"""Every scheme: good signatures of several secrets, both edges of the window; whatever is malformed is a refusal."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhooks import signed_callbacks as sign
from webhooks.inbound.payload import peek_event_id
from webhooks.inbound.schemes import proof_headers, verify_callback
from webhooks.inbound.schemes.types import Proven
from webhooks.signing import InvalidSignature, StaleSignature
from zentra.routing.schemes import SCHEME_NAMES, SETTINGS_OF, CallbackScheme, SchemeName
from zentra.routing.types import CallbackKeys

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
BODY = b'{"id": "pev_1", "type": "payment.settled"}'


@dataclass(frozen=True)
class Case:
    """One way to sign, and how a rail would be set up for it."""

    name: str
    scheme: SchemeName
    sign: Any
    secret: str
    settings: Mapping[str, str] = field(default_factory=dict)
    is_timed: bool = True

    def keys(self, *secrets: str) -> CallbackKeys:
        settings = {**SETTINGS_OF[self.scheme], **self.settings}
        return CallbackKeys(CallbackScheme(self.scheme, settings), secrets or (self.secret,))

    def verify(self, headers: Mapping[str, str], body: bytes = BODY, *secrets: str, now: datetime = NOW) -> Proven:
        return verify_callback(headers=headers, body=body, keys=self.keys(*secrets), now=now)


TIMED = {"timestamp_header": "x-timestamp"}
CASES = [
    Case("standard", "standard_webhooks", sign.standard, sign.STANDARD),
    Case("stripe", "stripe", sign.stripe, sign.TEXT),
    Case("hmac", "hmac_hex", sign.plain_hmac, sign.TEXT, is_timed=False),
    Case("hmac with a moment", "hmac_hex", sign.timed_hmac, sign.TEXT, TIMED),
    Case("ed25519 in hex", "ed25519", sign.ed25519_hex, sign.PUBLIC.hex()),
    Case("ed25519 in base64", "ed25519", sign.ed25519_base64, base64.b64encode(sign.PUBLIC).decode()),
    Case("ed25519, whpk_", "ed25519", sign.ed25519_hex, "whpk_" + base64.b64encode(sign.PUBLIC).decode()),
    Case("ed25519, simulated", "ed25519", sign.ed25519_hex, "whsk_" + base64.b64encode(bytes(range(32))).decode()),
]
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@every_case
def test_a_good_signature_proves_scheme_and_moment(case: Case) -> None:
    proven = case.verify(case.sign(BODY, NOW))

    assert proven.scheme == {"standard_webhooks": "v1"}.get(case.scheme, case.scheme)
    assert proven.signed_at == (NOW if case.is_timed else None)
    # Only where the header is signed is it believed.
    assert proven.event_id == ("pev_1" if case.scheme == "standard_webhooks" else None)


@every_case
def test_any_of_several_secrets_verifies_and_none_of_nobodys(case: Case) -> None:
    other = {"standard_webhooks": sign.FORGED, "ed25519": sign.OTHER_PRIVATE.public_key().public_bytes_raw().hex()}
    wrong = other.get(case.scheme, "another-text-of-16-and-more")

    case.verify(case.sign(BODY, NOW), BODY, wrong, case.secret)
    case.verify(case.sign(BODY, NOW), BODY, case.secret, wrong)
    with pytest.raises(InvalidSignature):
        case.verify(case.sign(BODY, NOW), BODY, wrong)
    with pytest.raises(InvalidSignature):
        case.verify(case.sign(BODY, NOW, sign.FORGED))


@every_case
def test_a_connection_without_a_secret_believes_nobody(case: Case) -> None:
    keys = CallbackKeys(case.keys().scheme, ())
    with pytest.raises(InvalidSignature):
        verify_callback(headers=case.sign(BODY, NOW), body=BODY, keys=keys, now=NOW)


@every_case
def test_one_changed_bit_of_the_body_is_refused(case: Case) -> None:
    headers = case.sign(BODY, NOW)
    for changed in (BODY + b" ", BODY[:-1], b"", BODY.replace(b"settled", b"Settled"), b"\x00" + BODY):
        with pytest.raises(InvalidSignature):
            case.verify(headers, changed)


@every_case
@pytest.mark.parametrize(
    "age", [timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1), timedelta(days=3650)]
)
def test_too_old_and_too_new_are_refused_alike(case: Case, age: timedelta) -> None:
    if not case.is_timed:
        case.verify(case.sign(BODY, NOW - age))
        return
    with pytest.raises(StaleSignature):
        case.verify(case.sign(BODY, NOW - age))
    for edge in (timedelta(minutes=5), timedelta(minutes=-5)):
        case.verify(case.sign(BODY, NOW - edge))


@every_case
def test_the_signed_moment_cannot_be_moved(case: Case) -> None:
    if not case.is_timed:
        return
    at = NOW - timedelta(minutes=10)
    headers = case.sign(BODY, at)
    moved = {name: value.replace(sign.seconds(at), sign.seconds(NOW)) for name, value in headers.items()}
    with pytest.raises(InvalidSignature) as refused:
        case.verify(moved)
    assert not isinstance(refused.value, StaleSignature)


@every_case
@pytest.mark.parametrize(
    "value",
    ["", " ", "x", "t=", "t=1,t=2,v1=", "v1=" + "0" * 64, "sha256=", "é" * 64, "\udcff" * 64, "0" * 128, "A" * 88,
     "=" * 64, "t=99999999999999999999,v1=" + "0" * 64, "v1," + "A" * 44,
     ",".join(["v1=00"] * 40), "٠" * 64, "1" * 5000, "\x00"],
)  # fmt: skip
def test_malformed_headers_are_refused_with_a_code_and_never_an_error(case: Case, value: str) -> None:
    good = case.sign(BODY, NOW)
    for name in good:
        if name == "webhook-id" and value == "x":
            continue
        with pytest.raises(InvalidSignature) as refused:
            case.verify(good | {name: value})
        assert refused.value.status == 401
        with pytest.raises(InvalidSignature):
            case.verify({each: text for each, text in good.items() if each != name})


@every_case
@given(values=st.lists(st.text(max_size=200), min_size=3, max_size=3), body=st.binary(max_size=200))
def test_whatever_the_headers_hold_only_a_refusal_comes_out(case: Case, values: list[str], body: bytes) -> None:
    names = proof_headers(case.keys())
    with pytest.raises(InvalidSignature):
        case.verify(dict(zip(names, values, strict=False)), body)


def test_stripe_rotates_with_several_signatures_in_one_header() -> None:
    case = CASES[1]
    t = sign.seconds(NOW)
    mine = sign.digest(sign.TEXT, t.encode() + b"." + BODY)
    case.verify({"stripe-signature": f"t={t}, v1={'0' * 64} , v1={mine}"})
    with pytest.raises(InvalidSignature):
        case.verify({"stripe-signature": f"t={t},v0={mine}"})
    with pytest.raises(InvalidSignature):
        case.verify({"stripe-signature": f"t={t},v1={'0' * 64}" + f",v1={'0' * 64}" * 20 + f",v1={mine}"})


def test_the_header_of_an_hmac_is_the_rails_own() -> None:
    case = Case("github", "hmac_hex", sign.plain_hmac, sign.TEXT, {"header": "x-hub-signature-256"})
    headers = {"X-Hub-Signature-256": sign.plain_hmac(BODY, NOW)["X-Signature"]}
    assert case.verify(headers).signed_at is None
    assert proof_headers(case.keys()) == ("x-hub-signature-256",)
    with pytest.raises(InvalidSignature):
        case.verify(sign.plain_hmac(BODY, NOW))


def test_a_moment_beside_an_hmac_that_does_not_sign_it_proves_nothing() -> None:
    case = CASES[3]
    with pytest.raises(InvalidSignature):
        case.verify(sign.plain_hmac(BODY, NOW) | {"X-Timestamp": sign.seconds(NOW)})


def test_no_scheme_accepts_the_signature_of_another() -> None:
    for case in CASES:
        for other in CASES:
            if case.scheme == other.scheme:
                continue
            with pytest.raises(InvalidSignature):
                case.verify(other.sign(BODY, NOW), BODY, case.secret)


def test_every_scheme_of_the_routing_can_be_verified() -> None:
    assert {case.scheme for case in CASES} == set(SCHEME_NAMES)


@pytest.mark.parametrize(
    ("body", "event_id"),
    [
        (b'{"id": "pev_1"}', "pev_1"),
        (b'{"id": 1}', "sha256:"),
        (b'{"id": "a", "id": "b"}', "sha256:"),
        (b'{"id": "\\u0000"}', "sha256:"),
        (b"[]", "sha256:"),
        (b"\xff", "sha256:"),
        (b"", "sha256:"),
    ],
)
def test_without_a_signed_id_the_body_says_it_or_is_it(body: bytes, event_id: str) -> None:
    assert peek_event_id(body).startswith(event_id)
    assert peek_event_id(body) == peek_event_id(body)
