"""Secrets at rest: encrypted under ``ZENTRA_SECRET_KEYS``, newest key first, older ones still read."""

import base64
import hashlib
import hmac
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from zentra.core.errors import DomainError


class UnreadableSecret(DomainError):
    """None of the configured keys opens this secret."""

    code = "unreadable_secret"
    status = 500
    title = "A stored secret cannot be read with the configured keys"


@cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    # A key may be any text; Fernet wants 32 bytes, which SHA-256 gives.
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])


def encrypt(content: bytes) -> bytes:
    """The content sealed under the newest key (Fernet: AES-128-CBC and HMAC-SHA-256)."""
    return _box(tuple(settings.ZENTRA_SECRET_KEYS)).encrypt(content)


def decrypt(sealed: bytes) -> bytes:
    """The content of a sealed secret; raises UnreadableSecret."""
    try:
        return _box(tuple(settings.ZENTRA_SECRET_KEYS)).decrypt(bytes(sealed))
    except InvalidToken as error:
        raise UnreadableSecret("Is ZENTRA_SECRET_KEYS missing the key that sealed it?") from error


def key_number(sealed: bytes) -> int | None:
    """Which of the configured keys opens a sealed secret: 0 is the newest; None when none does."""
    for number, key in enumerate(settings.ZENTRA_SECRET_KEYS):
        try:
            _box((key,)).decrypt(bytes(sealed))
        except InvalidToken:
            continue
        return number
    return None


def reseal(sealed: bytes) -> bytes:
    """The same content under the newest key, sealed at the same moment as before; raises UnreadableSecret."""
    try:
        return _box(tuple(settings.ZENTRA_SECRET_KEYS)).rotate(bytes(sealed))
    except InvalidToken as error:
        raise UnreadableSecret("Is ZENTRA_SECRET_KEYS missing the key that sealed it?") from error


def keyed_digest(content: bytes) -> bytes:
    """HMAC-SHA-256 under the oldest key: a digest of something secret from which nobody guesses it by trying.

    By the oldest, so that it stays the same while keys are added; it changes once that key is dropped, when what it
    sealed cannot be read any more either.
    """
    return hmac.new(settings.ZENTRA_SECRET_KEYS[-1].encode(), content, hashlib.sha256).digest()


def key_mark(number: int) -> str:
    """A few characters by which people tell the configured keys apart, and nobody guesses one."""
    return hmac.new(settings.ZENTRA_SECRET_KEYS[number].encode(), b"which key", hashlib.sha256).hexdigest()[:8]
