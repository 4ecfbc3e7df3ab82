"""The one-time code of a demo person, for who has no authenticator at hand."""

from __future__ import annotations

import base64

import pytest

from zentra.embedded.demo import code_of


# RFC 6238, appendix B: SHA-1, of eight digits the last six.
@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_rfc(at: int, code: str) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    demo = {"workspaces": [{"users": [{"email": "op@example.test", "totp_secret": secret}]}]}
    assert code_of(demo, email="op@example.test", at=at) == code


def test_who_has_no_authenticator_has_no_code() -> None:
    demo = {"workspaces": [{"users": [{"email": "op@example.test", "totp_secret": None}]}]}
    assert code_of(demo, email="op@example.test", at=0) is None
    assert code_of(demo, email="nobody@example.test", at=0) is None
    assert code_of({}, email="nobody@example.test", at=0) is None
