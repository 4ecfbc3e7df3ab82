"""Stripe's way: one header ``t=1711962000,v1=<hex>,v1=<hex>``; ``{t}.{body}`` is signed, by HMAC-SHA256.

The key is the secret's text as it stands. Several ``v1`` come while the provider rotates; names that we do not know
(``v0``) are passed over, as its own libraries do. Source: docs.stripe.com/webhooks, "Verify webhook signatures
manually".
"""

from collections.abc import Mapping
from typing import Final

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

_MOST_PARTS: Final = 16


class Stripe:
    """Setting ``header``: its name, ``stripe-signature``."""

    def verify(self, signed: Signed) -> Proven:
        """See Scheme."""
        name = signed.settings["header"]
        timestamp, signatures = _read(required(signed, name), name)
        signed_at = moment_of(timestamp, header=name)
        content = timestamp.encode() + b"." + signed.body
        if not any_hmac_matches(signatures, secrets=signed.secrets, content=content):
            raise no_match()
        check_age(signed_at, now=signed.now)
        return Proven(scheme="stripe", signed_at=signed_at)

    def proof_headers(self, settings: Mapping[str, str]) -> tuple[str, ...]:
        """See Scheme."""
        return (settings["header"],)


def _read(value: str, header: str) -> tuple[str, list[bytes]]:
    """The one moment and every readable signature. Two moments would leave open which of them was signed."""
    parts = value.split(",")
    pairs = [part.strip().partition("=") for part in parts]
    moments = [text for name, _, text in pairs if name == "t"]
    if len(parts) > _MOST_PARTS or len(moments) != 1:
        raise malformed(header)
    read = [read_hex_sha256(text) for name, _, text in pairs if name == "v1"]
    return moments[0], [signature for signature in read if signature is not None]
