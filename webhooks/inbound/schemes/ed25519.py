"""Ed25519 over ``{timestamp}{body}``, the signature in hex or base64 in one header and the moment in another.

We hold public keys only, so that nobody who reads our database can sign. Source: Discord's "Security and
Authorization"; RFC 8032.
"""

from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature as Refused
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from webhooks.inbound.schemes.reading import (
    check_age,
    malformed,
    moment_of,
    no_match,
    read_base64,
    read_hex_sha256,
    required,
)
from webhooks.inbound.schemes.types import Proven, Signed

_SIGNATURE_BYTES: Final = 64
_HEX_LENGTH: Final = 2 * _SIGNATURE_BYTES


class Ed25519:
    """Settings ``header`` (``x-signature-ed25519``) and ``timestamp_header`` (``x-signature-timestamp``)."""

    def verify(self, signed: Signed) -> Proven:
        """See Scheme."""
        name, moment_name = signed.settings["header"], signed.settings["timestamp_header"]
        signature = _read_signature(required(signed, name), name)
        timestamp = required(signed, moment_name)
        signed_at = moment_of(timestamp, header=moment_name)
        content = timestamp.encode() + signed.body
        if not any([_verifies(secret, signature, content) for secret in signed.secrets]):  # noqa: C419  # no early end
            raise no_match()
        check_age(signed_at, now=signed.now)
        return Proven(scheme="ed25519", signed_at=signed_at)

    def proof_headers(self, settings: Mapping[str, str]) -> tuple[str, ...]:
        """See Scheme."""
        return settings["header"], settings["timestamp_header"]


def _read_signature(text: str, header: str) -> bytes:
    half = _HEX_LENGTH // 2
    first, second = read_hex_sha256(text[:half]), read_hex_sha256(text[half:])
    if len(text) == _HEX_LENGTH and first is not None and second is not None:
        return first + second
    read = read_base64(text)
    if read is None or len(read) != _SIGNATURE_BYTES:
        raise malformed(header)
    return read


def _verifies(secret: str, signature: bytes, content: bytes) -> bool:
    try:
        _public_key(secret).verify(signature, content)
    except (Refused, ValueError):  # ValueError: a key of ours that is none; the others may still do
        return False
    return True


def _public_key(secret: str) -> Ed25519PublicKey:
    """The public key in ``whpk_``, hex or base64; of a simulated rail we hold its ``whsk_`` and take the half of it."""
    if secret.startswith("whsk_"):
        return Ed25519PrivateKey.from_private_bytes(read_base64(secret.removeprefix("whsk_")) or b"").public_key()
    key = read_hex_sha256(secret) or read_base64(secret.removeprefix("whpk_")) or b""
    return Ed25519PublicKey.from_public_bytes(key)
