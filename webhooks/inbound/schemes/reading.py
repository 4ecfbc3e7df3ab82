"""Reading what a sender wrote into headers. Whatever is wrong with it ends in InvalidSignature, never in a 500."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from webhooks.inbound.schemes.types import Signed
from webhooks.signing import TOLERANCE, InvalidSignature, StaleSignature

_LONGEST_HEADER: Final = 4096
# Seconds since 1970 from 2001 to 2286: one length, so that no digit of the body could be taken for one of the moment.
_TIMESTAMP: Final = re.compile(r"[0-9]{10}", re.ASCII)
_HEX_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def required(signed: Signed, header: str) -> str:
    """A header's value. Raises InvalidSignature when it is missing, empty or longer than anything that makes sense."""
    value = signed.headers.get(header, "")
    if not value:
        raise InvalidSignature(f"The header {header} is missing.", reason="missing_header", header=header)
    if len(value) > _LONGEST_HEADER:
        raise malformed(header)
    return value


def malformed(header: str) -> InvalidSignature:
    """The refusal of a header that is there and cannot be read."""
    return InvalidSignature(f"The header {header} is malformed.", reason="malformed_header", header=header)


def no_match() -> InvalidSignature:
    """The refusal of a signature that nobody with a secret made."""
    return InvalidSignature("No signature matches a secret of this connection.", reason="no_match")


def moment_of(text: str, *, header: str) -> datetime:
    """The moment of a timestamp in whole seconds. Raises InvalidSignature."""
    if not _TIMESTAMP.fullmatch(text):
        raise malformed(header)
    return datetime.fromtimestamp(int(text), tz=UTC)


def check_age(signed_at: datetime, *, now: datetime) -> None:
    """Refuse what was signed more than five minutes ago, or as far ahead.

    Asked after the signature: only somebody who holds a secret learns what our clock says. Raises StaleSignature.
    """
    if signed_at < now - TOLERANCE:
        raise StaleSignature("The message was signed too long ago.", reason="too_old", signed_at=signed_at.isoformat())
    if signed_at > now + TOLERANCE:
        raise StaleSignature("The message is signed in the future.", reason="too_new", signed_at=signed_at.isoformat())


def read_hex_sha256(text: str) -> bytes | None:
    """The 32 bytes of 64 hexadecimal digits; None for anything else."""
    return bytes.fromhex(text) if _HEX_SHA256.fullmatch(text) else None


def read_base64(text: str) -> bytes | None:
    """The bytes of base64 with or without its padding; None for anything else."""
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):  # UnicodeEncodeError is a ValueError
        return None


def any_hmac_matches(signatures: Iterable[bytes], *, secrets: Iterable[str], content: bytes) -> bool:
    """Whether a signature is the HMAC-SHA256 of the content under a secret's own text; all are compared, always."""
    expected = [hmac.new(secret.encode(), content, hashlib.sha256).digest() for secret in secrets]
    return any([hmac.compare_digest(each, mine) for each in signatures for mine in expected])  # noqa: C419  # no early end
