"""Standard Webhooks signatures, both ways: HMAC-SHA256 (``v1``) and Ed25519 (``v1a``).

What is signed is ``{webhook-id}.{webhook-timestamp}.{body}`` over the exact bytes of the body, never over a parsed and
printed copy of it. Source: the Standard Webhooks specification (standardwebhooks.com). Times are whole seconds, UTC.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature as _CryptoRefused
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zentra.core.errors import DomainError

HEADER_ID: Final = "webhook-id"
HEADER_TIMESTAMP: Final = "webhook-timestamp"
HEADER_SIGNATURE: Final = "webhook-signature"

TOLERANCE: Final = timedelta(minutes=5)
SECRET_BYTES: Final = 32
MAX_SIGNATURES: Final = 16

_HMAC_PREFIX: Final = "whsec_"
_PRIVATE_PREFIX: Final = "whsk_"
_PUBLIC_PREFIX: Final = "whpk_"
_KEY_PREFIXES: Final = (_HMAC_PREFIX, _PRIVATE_PREFIX, _PUBLIC_PREFIX)

# The dot separates the signed parts, so an id with one could be split in another way and still match.
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_\-:]{1,256}", re.ASCII)
_TIMESTAMP: Final = re.compile(r"[0-9]{1,11}", re.ASCII)

_KEYS_KEPT: Final = 1024

Scheme = Literal["v1", "v1a"]
_SCHEMES: Final[dict[str, Scheme]] = {"v1": "v1", "v1a": "v1a"}


class InvalidSignature(DomainError):
    """The message is not proved to come from who it says: a header is missing or malformed, or nothing matches."""

    code = "invalid_signature"
    status = 401
    title = "The signature does not verify"


class StaleSignature(InvalidSignature):
    """The signed moment is more than five minutes away from ours, in the past or in the future."""

    code = "stale_signature"
    title = "The signed timestamp is outside the accepted window"


class UnusableSecret(DomainError):
    """A signing or verifying key is not in the form ``whsec_``, ``whsk_`` or ``whpk_`` and base64."""

    code = "unusable_secret"
    status = 500
    title = "A configured signing key cannot be used"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An Ed25519 key pair as text: ``whsk_`` stays with us, ``whpk_`` is for everyone."""

    private: str
    public: str


@dataclass(frozen=True, slots=True)
class VerifiedMessage:
    """What a good signature proves."""

    message_id: str
    signed_at: datetime
    scheme: Scheme


def new_secret() -> str:
    """A fresh HMAC secret, ``whsec_`` and 256 bits in base64."""
    return _HMAC_PREFIX + _encode(os.urandom(SECRET_BYTES))


def new_key_pair() -> KeyPair:
    """A fresh Ed25519 key pair."""
    private = Ed25519PrivateKey.generate()
    return KeyPair(
        private=_PRIVATE_PREFIX + _encode(private.private_bytes_raw()),
        public=_PUBLIC_PREFIX + _encode(private.public_key().public_bytes_raw()),
    )


def public_half(private: str) -> str:
    """The ``whpk_`` key that verifies what a ``whsk_`` key signs; raises UnusableSecret."""
    key = Ed25519PrivateKey.from_private_bytes(key_bytes(check_secret(private)))
    return _PUBLIC_PREFIX + _encode(key.public_key().public_bytes_raw())


def sign(*, message_id: str, signed_at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of one message, with one signature for each ``whsec_`` or ``whsk_`` secret.

    Raises:
        UnusableSecret: a secret is malformed, or there is none.
    """
    if not secrets:
        raise UnusableSecret("There is no secret to sign with.")
    timestamp = str(int(signed_at.timestamp()))
    content = _signed_content(message_id, timestamp, body)
    return {
        HEADER_ID: message_id,
        HEADER_TIMESTAMP: timestamp,
        HEADER_SIGNATURE: " ".join(_sign_with(secret, content) for secret in secrets),
    }


def verify(
    *, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime, tolerance: timedelta = TOLERANCE
) -> VerifiedMessage:
    """Verify a message against any of several ``whsec_`` or ``whpk_`` secrets; header names in any case.

    Whatever is wrong with the headers ends in one error, so that no malformed input can become a 500. Every secret is
    tried against every signature, whether one matched before or not: the time taken tells nothing about which.

    Raises:
        InvalidSignature: a header is missing or malformed, or no signature matches.
        StaleSignature: the timestamp is older or newer than the tolerance.
        UnusableSecret: one of *our* secrets is malformed.
    """
    present = {name.lower(): value for name, value in headers.items()}
    message_id = _required(present, HEADER_ID, _MESSAGE_ID)
    timestamp = _required(present, HEADER_TIMESTAMP, _TIMESTAMP)
    signed_at = datetime.fromtimestamp(int(timestamp), tz=UTC)
    content = _signed_content(message_id, timestamp, body)
    if not present.get(HEADER_SIGNATURE):
        raise InvalidSignature(
            f"The header {HEADER_SIGNATURE} is missing.", reason="missing_header", header=HEADER_SIGNATURE
        )
    schemes = {
        scheme
        for scheme, signature in _signatures(present.get(HEADER_SIGNATURE, ""))
        for secret in secrets
        if _matches(scheme, signature, secret, content)
    }
    if not schemes:
        raise InvalidSignature("No signature matches a secret of this connection.", reason="no_match")
    # Asked last: only somebody who holds a secret learns what our clock says of the message.
    _check_age(signed_at, now=now, tolerance=tolerance)
    return VerifiedMessage(message_id=message_id, signed_at=signed_at, scheme="v1a" if "v1a" in schemes else "v1")


def check_secret(secret: str) -> str:
    """The secret itself when it can be used; raises UnusableSecret."""
    key = key_bytes(secret)
    if secret.startswith(_HMAC_PREFIX) and not 16 <= len(key) <= 64:
        raise UnusableSecret("A whsec_ secret has 16 to 64 bytes.")
    if not secret.startswith(_HMAC_PREFIX) and len(key) != SECRET_BYTES:
        raise UnusableSecret("An Ed25519 key has 32 bytes.")
    return secret


def _required(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = headers.get(name)
    if value is None or not value:
        raise InvalidSignature(f"The header {name} is missing.", reason="missing_header", header=name)
    if not pattern.fullmatch(value):
        raise InvalidSignature(f"The header {name} is malformed.", reason="malformed_header", header=name)
    return value


def _check_age(signed_at: datetime, *, now: datetime, tolerance: timedelta) -> None:
    if signed_at < now - tolerance:
        raise StaleSignature("The message was signed too long ago.", reason="too_old", signed_at=signed_at.isoformat())
    if signed_at > now + tolerance:
        raise StaleSignature("The message is signed in the future.", reason="too_new", signed_at=signed_at.isoformat())


def _signatures(header: str) -> Iterable[tuple[Scheme, bytes]]:
    """The signatures that can be read; unknown schemes and malformed ones are passed over, as the source asks."""
    for part in header.split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]:
        scheme, _, encoded = part.partition(",")
        known = _SCHEMES.get(scheme)
        if known is None:
            continue
        try:
            yield known, base64.b64decode(encoded.encode("ascii"), validate=True)
        except (binascii.Error, ValueError):  # UnicodeEncodeError is a ValueError
            continue


def _matches(scheme: Scheme, signature: bytes, secret: str, content: bytes) -> bool:
    if scheme == "v1":
        return secret.startswith(_HMAC_PREFIX) and hmac.compare_digest(_hmac(secret, content), signature)
    if not secret.startswith(_PUBLIC_PREFIX):
        return False
    try:
        _public_key(secret).verify(signature, content)
    except _CryptoRefused:
        return False
    return True


def _sign_with(secret: str, content: bytes) -> str:
    if secret.startswith(_HMAC_PREFIX):
        return f"v1,{_encode(_hmac(secret, content))}"
    if secret.startswith(_PRIVATE_PREFIX):
        return f"v1a,{_encode(_private_key(secret).sign(content))}"
    raise UnusableSecret("Only whsec_ and whsk_ secrets can sign.")


def _signed_content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body


def _hmac(secret: str, content: bytes) -> bytes:
    return hmac.new(key_bytes(secret), content, hashlib.sha256).digest()


# Reading a key costs more than signing with it, and few keys sign many messages.
@lru_cache(maxsize=_KEYS_KEPT)
def _private_key(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key_bytes(secret))


@lru_cache(maxsize=_KEYS_KEPT)
def _public_key(secret: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(key_bytes(secret))


@lru_cache(maxsize=_KEYS_KEPT)
def key_bytes(secret: str) -> bytes:
    """What a key says in base64; raises UnusableSecret."""
    for prefix in _KEY_PREFIXES:
        if secret.startswith(prefix):
            encoded = secret.removeprefix(prefix)
            try:
                # Secrets are found in the wild without their padding.
                return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
            except (binascii.Error, ValueError):
                break
    raise UnusableSecret("A key is whsec_, whsk_ or whpk_ followed by base64.")


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
