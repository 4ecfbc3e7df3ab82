"""A plain HMAC-SHA256 in hex, ``sha256=`` before it or not: what GitHub and many providers send.

With a timestamp header the moment is signed too, as ``{timestamp}.{body}``, and must be within five minutes. Without
one the signature never grows old: a repeat is then recognised by its event id alone, and ids are kept for ever.
Source: docs.github.com/webhooks, "Validating webhook deliveries".
"""

from collections.abc import Mapping
from datetime import datetime

from webhooks.inbound.schemes.reading import (
    any_hmac_matches,
    check_age,
    malformed,
    moment_of,
    no_match,
    read_hex_sha256,
    required,
)
from webhooks.inbound.schemes.types import Proven, Signed


class HmacHex:
    """Settings ``header`` (``x-signature``) and ``timestamp_header`` (none)."""

    def verify(self, signed: Signed) -> Proven:
        """See Scheme."""
        name = signed.settings["header"]
        signature = read_hex_sha256(required(signed, name).removeprefix("sha256="))
        if signature is None:
            raise malformed(name)
        signed_at, content = _content(signed)
        if not any_hmac_matches([signature], secrets=signed.secrets, content=content):
            raise no_match()
        if signed_at is not None:
            check_age(signed_at, now=signed.now)
        return Proven(scheme="hmac_hex", signed_at=signed_at)

    def proof_headers(self, settings: Mapping[str, str]) -> tuple[str, ...]:
        """See Scheme."""
        return tuple(name for name in (settings["header"], settings["timestamp_header"]) if name)


def _content(signed: Signed) -> tuple[datetime | None, bytes]:
    """The moment, where there is one, and the bytes that are signed."""
    name = signed.settings["timestamp_header"]
    if not name:
        return None, signed.body
    timestamp = required(signed, name)
    return moment_of(timestamp, header=name), timestamp.encode() + b"." + signed.body
