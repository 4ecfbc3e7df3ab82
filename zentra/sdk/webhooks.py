"""Verify what Zentra sent you, by the Standard Webhooks specification.

A delivery carries ``webhook-id``, ``webhook-timestamp`` (Unix seconds) and ``webhook-signature``: one or more
signatures separated by spaces, ``v1,<base64>`` (HMAC-SHA256) or ``v1a,<base64>`` (Ed25519), over
``<id>.<timestamp>.<body bytes>``. Verify the bytes as they arrived: JSON that was parsed and written again is others.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from zentra.sdk._errors import ConfigurationError, WebhookVerificationError
from zentra.sdk._records import Event

__all__ = ["TOLERANCE_SECONDS", "verify"]

TOLERANCE_SECONDS: Final = 300
_MOST_SIGNATURES: Final = 16
_TIMESTAMP: Final = re.compile(r"[0-9]{1,11}")
_ID: Final = re.compile(r"[\x21-\x7e]{1,256}")

Check = Callable[[bytes, bytes], bool]


def verify(
    payload: bytes,
    headers: Mapping[str, str],
    *,
    secret: str | Sequence[str] | None = None,
    public_key: str | Sequence[str] | None = None,
    tolerance_seconds: int = TOLERANCE_SECONDS,
    now: float | None = None,
) -> Event:
    """The event of a delivery that is proven to be ours and fresh.

    ``secret`` is one ``whsec_…`` or several, all valid at once while you rotate; ``public_key`` one ``whpk_…`` or
    several, and needs the ``cryptography`` package. Header names count in any case. ``now`` is Unix seconds.

    Raises WebhookVerificationError for whatever is wrong with the delivery, malformed or forged, too old or too far in
    the future, and ConfigurationError for a secret or key that cannot be used.
    """
    checks = _checks(secret=secret, public_key=public_key)
    body = _read_bytes(payload)
    message_id, timestamp, signatures = _read_headers(headers)
    _check_age(int(timestamp), now=time.time() if now is None else now, tolerance=tolerance_seconds)
    signed = f"{message_id}.{timestamp}.".encode() + body
    if not _any_matches(signatures, checks, signed):
        raise WebhookVerificationError("No signature matches.")
    return _read_event(body)


# What arrives is not always what a signature promises, so these take objects.
def _read_bytes(payload: object) -> bytes:
    if not isinstance(payload, bytes | bytearray | memoryview):
        raise WebhookVerificationError("The payload must be the raw bytes of the request.")
    return bytes(payload)


def _read_headers(headers: Mapping[Any, Any]) -> tuple[str, str, list[tuple[str, bytes]]]:
    found: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower() if isinstance(name, str) else ""
        if lowered not in {"webhook-id", "webhook-timestamp", "webhook-signature"}:
            continue
        if not isinstance(value, str) or found.get(lowered, value) != value:
            raise WebhookVerificationError(f"The {lowered} header is ambiguous or not text.")
        found[lowered] = value
    missing = {"webhook-id", "webhook-timestamp", "webhook-signature"} - found.keys()
    if missing:
        raise WebhookVerificationError(f"Missing header: {', '.join(sorted(missing))}.")
    if not _ID.fullmatch(found["webhook-id"]):
        raise WebhookVerificationError("The webhook-id header is malformed.")
    if not _TIMESTAMP.fullmatch(found["webhook-timestamp"]):
        raise WebhookVerificationError("The webhook-timestamp header is not Unix seconds.")
    return found["webhook-id"], found["webhook-timestamp"], _read_signatures(found["webhook-signature"])


def _read_signatures(header: str) -> list[tuple[str, bytes]]:
    parts = header.split(" ")
    if len(parts) > _MOST_SIGNATURES:
        raise WebhookVerificationError("The webhook-signature header names too many signatures.")
    signatures = []
    for part in parts:
        version, comma, encoded = part.partition(",")
        if not comma:
            raise WebhookVerificationError("The webhook-signature header is malformed.")
        # A version that we do not know may be the future's; it neither proves nor breaks anything.
        if version in {"v1", "v1a"}:
            signatures.append((version, _decode_signature(encoded)))
    return signatures


def _decode_signature(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookVerificationError("A signature is not base64.") from error


def _check_age(timestamp: int, *, now: float, tolerance: int) -> None:
    if timestamp < now - tolerance:
        raise WebhookVerificationError("The delivery is too old.")
    if timestamp > now + tolerance:
        raise WebhookVerificationError("The delivery is too far in the future.")


def _any_matches(signatures: Iterable[tuple[str, bytes]], checks: Sequence[tuple[str, Check]], signed: bytes) -> bool:
    """Every pair is compared, so that the time taken does not tell which secret matched."""
    matched = False
    for version, signature in signatures:
        for wanted, check in checks:
            if wanted == version and check(signed, signature):
                matched = True
    return matched


def _checks(*, secret: str | Sequence[str] | None, public_key: str | Sequence[str] | None) -> list[tuple[str, Check]]:
    checks: list[tuple[str, Check]] = [("v1", _hmac_check(each)) for each in _several(secret)]
    checks += [("v1a", _ed25519_check(each)) for each in _several(public_key)]
    if not checks:
        raise ConfigurationError("Give a secret (whsec_…) or a public key (whpk_…).")
    return checks


def _several(value: str | Sequence[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _hmac_check(secret: str) -> Check:
    key = _decode_key(secret, prefix="whsec_")

    def check(signed: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(hmac.new(key, signed, hashlib.sha256).digest(), signature)

    return check


def _ed25519_check(public_key: str) -> Check:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise ConfigurationError("Verifying with a public key needs the cryptography package.") from error
    raw = _decode_key(public_key, prefix="whpk_")
    if len(raw) != 32:
        raise ConfigurationError("An Ed25519 public key has 32 bytes.")
    key = Ed25519PublicKey.from_public_bytes(raw)

    def check(signed: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    return check


def _decode_key(text: str, *, prefix: str) -> bytes:
    try:
        encoded = text.strip().removeprefix(prefix)
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (AttributeError, binascii.Error, ValueError) as error:
        raise ConfigurationError(f"Not a {prefix}… value.") from error
    if not key:
        raise ConfigurationError(f"The {prefix}… value is empty.")
    return key


def _read_event(body: bytes) -> Event:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WebhookVerificationError("The payload is not JSON.") from error
    if not isinstance(parsed, dict):
        raise WebhookVerificationError("The payload is not a JSON object.")
    return Event(parsed)
