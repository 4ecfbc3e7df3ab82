"""Signing keys and custom headers as people read them: never a secret half, never a sensitive value."""

from datetime import datetime

from console.presenters.words import age, stamp
from console.types.endpoints import HeaderLine, SecretLine
from webhooks.types import HeaderRecord, SecretRecord


def secret_line(record: SecretRecord, *, now: datetime, expire_url: str) -> SecretLine:
    """A signing key without its secret half."""
    is_current = record.expires_at is None
    until = "signs now" if record.expires_at is None else "over"
    if record.expires_at is not None and record.expires_at > now:
        until = f"also valid for {age(record.expires_at - now)}"
    return SecretLine(
        secret_id=record.id,
        kind="HMAC, v1" if record.kind == "hmac" else "Ed25519, v1a",
        shown=record.public_key or record.hint,
        copy=record.public_key or "",
        since=stamp(record.created_at),
        until=until,
        is_current=is_current,
        expire_url=expire_url if record.is_valid_at(now) and not is_current else "",
    )


def header_line(record: HeaderRecord) -> HeaderLine:
    """A custom header; a sensitive value is never shown again."""
    return HeaderLine(record.name, record.value if record.value is not None else "•••", record.is_sensitive)
