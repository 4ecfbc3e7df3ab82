"""Verify what Zentra sent you, by the Standard Webhooks specification.

A delivery carries ``webhook-id``, ``webhook-timestamp`` (Unix seconds) and ``webhook-signature``: one or more
signatures separated by spaces, ``v1,<base64>`` (HMAC-SHA256) or ``v1a,<base64>`` (Ed25519), over
``<id>.<timestamp>.<body bytes>``. Verify the bytes as they arrived: JSON that was parsed and written again is others.

An endpoint in ten lines, here of Django; in any other framework it is the same three things, the raw bytes, the
headers and the answer::

    from zentra.sdk import WebhookVerificationError, webhooks

    SECRETS = ["whsec_…new", "whsec_…old"]                    # both, while you rotate

    def hook(request):
        try:
            event = webhooks.verify(request.body, request.headers, secret=SECRETS)
        except WebhookVerificationError:
            return HttpResponse(status=401)
        with transaction.atomic():
            # At least once: the id is the same on every attempt and replay, so the second one changes nothing.
            _, is_new = Inbox.objects.get_or_create(event_id=event.id, defaults={"body": event.to_dict()})
            if is_new and "ledger.posted" in event.names:
                # In any order: compare the sequence with the newest that you applied to this object.
                Order.objects.filter(intent_id=event.intent_id, sequence__lt=event.sequence).update(
                    posted_minor=event.data.minor_units, sequence=event.sequence)
        return HttpResponse(status=204)                        # only once it is kept: a 2xx is a promise

What is wrong is one of three, each a WebhookVerificationError: ``MalformedDelivery`` (a header or the body is not what
it must be), ``StaleDelivery`` (signed too long ago, or in the future: look at both clocks), ``SignatureMismatch``
(another secret, or bytes that changed on the way). Nothing else is raised, whatever arrives.
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

from zentra.sdk._errors import ConfigurationError, MalformedDelivery, SignatureMismatch, StaleDelivery
from zentra.sdk._records import Event

__all__ = ["TOLERANCE_SECONDS", "Headers", "WebhookEvent", "verify"]

TOLERANCE_SECONDS: Final = 300
_MOST_SIGNATURES: Final = 16
_TIMESTAMP: Final = re.compile(r"[0-9]{1,11}")
# The dot separates the signed parts, so an id with one could be split in another way and still match.
_ID: Final = re.compile(r"[A-Za-z0-9_\-:]{1,256}")
_COUNT: Final = re.compile(r"[0-9]{1,16}")
_SIGNED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_\-]{1,128}")
_HINTS: Final = ("zentra-sequence", "zentra-attempt", "zentra-challenge")

Headers = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]
"""The headers of a request: a mapping, or pairs as ASGI gives them. Names count in any case."""

_Check = Callable[[bytes, bytes], bool]


class WebhookEvent(Event):
    """An event as it was delivered: the recorded fact, and what the headers say of this delivery of it.

    ``sequence`` is the event's place in the log and ``attempt`` the number of this attempt, from 1. Both come from
    headers that are not signed, None when they are missing or no numbers: order by them, decide nothing by them.
    ``challenge`` is there while the endpoint has to prove that it wants our events: answer it in the same header.
    """

    __slots__ = ()

    sequence: int | None
    attempt: int | None
    challenge: str | None

    @property
    def names(self) -> frozenset[str]:
        """Every type under which this one fact is announced."""
        announced = self.to_dict()["data"].get("announced_as")
        others = announced if isinstance(announced, list) else []
        return frozenset((self.type, *(name for name in others if isinstance(name, str))))


def verify(
    payload: bytes,
    headers: Headers,
    *,
    secret: str | Sequence[str] | None = None,
    public_key: str | Sequence[str] | None = None,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> WebhookEvent:
    """The event of a delivery that is proven to be ours and fresh.

    ``secret`` is one ``whsec_…`` or several, all valid at once while you rotate; ``public_key`` one ``whpk_…`` or
    several, and needs the ``cryptography`` package. One signature that matches one of them is enough. A delivery may be
    ``tolerance_seconds`` old, and as far in the future. ``now`` is Unix seconds.

    Raises MalformedDelivery, StaleDelivery or SignatureMismatch, each a WebhookVerificationError, for whatever is wrong
    with the delivery, and ConfigurationError for a secret or key that cannot be used.
    """
    checks = _checks(secret=secret, public_key=public_key)
    body = _read_bytes(payload)
    found = _read_headers(headers)
    signatures = _read_signatures(found["webhook-signature"])
    _check_age(int(found["webhook-timestamp"]), now=time.time() if now is None else now, tolerance=tolerance_seconds)
    signed = f"{found['webhook-id']}.{found['webhook-timestamp']}.".encode() + body
    if not _any_matches(signatures, checks, signed):
        raise SignatureMismatch("No signature matches: another secret, or bytes that changed on the way.")
    return _read_event(body, found)


# What arrives is not always what a signature promises, so these take objects.
def _read_bytes(payload: object) -> bytes:
    if not isinstance(payload, bytes | bytearray | memoryview):
        raise MalformedDelivery("The payload must be the raw bytes of the request.")
    return bytes(payload)


def _read_headers(headers: Headers) -> dict[str, str]:
    """The headers that matter, by lower-case name, each in its form."""
    found: dict[str, str] = {}
    for name, value in _pairs(headers):
        lowered = (_text(name) or "").lower()
        if lowered in _SIGNED or lowered in _HINTS:
            text = _text(value)
            if text is None or found.get(lowered, text) != text:
                raise MalformedDelivery(f"The {lowered} header is ambiguous or not text.")
            found[lowered] = text
    missing = [name for name in _SIGNED if name not in found]
    if missing:
        raise MalformedDelivery(f"Missing header: {', '.join(missing)}.")
    if not _ID.fullmatch(found["webhook-id"]):
        raise MalformedDelivery("The webhook-id header is malformed.")
    if not _TIMESTAMP.fullmatch(found["webhook-timestamp"]):
        raise MalformedDelivery("The webhook-timestamp header is not Unix seconds.")
    return found


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    try:
        given = headers.items() if hasattr(headers, "items") else headers
        return [(name, value) for name, value in given]
    except (TypeError, ValueError) as error:
        raise MalformedDelivery("The headers are neither a mapping nor pairs.") from error


def _text(value: object) -> str | None:
    """A header as text: str as it is, bytes where they are ASCII; None for anything else."""
    if isinstance(value, bytes):
        return value.decode("ascii") if value.isascii() else None
    return value if isinstance(value, str) else None


def _read_signatures(header: str) -> list[tuple[str, bytes]]:
    """The signatures that can be read. Other schemes may be the future's: they neither prove nor break anything."""
    parts = header.split(" ")
    if len(parts) > _MOST_SIGNATURES:
        raise MalformedDelivery("The webhook-signature header names too many signatures.")
    signatures = []
    for part in parts:
        version, _, encoded = part.partition(",")
        content = _decode(encoded)
        if version in {"v1", "v1a"} and content:
            signatures.append((version, content))
    if not signatures:
        raise MalformedDelivery("The webhook-signature header holds no v1 or v1a signature that can be read.")
    return signatures


def _decode(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None


def _check_age(timestamp: int, *, now: float, tolerance: float) -> None:
    age = now - timestamp
    if age > tolerance:
        raise StaleDelivery(f"The delivery was signed {age:.0f} s ago.", age_seconds=age)
    if age < -tolerance:
        raise StaleDelivery(f"The delivery is signed {-age:.0f} s in the future.", age_seconds=age)


def _any_matches(signatures: Iterable[tuple[str, bytes]], checks: Sequence[tuple[str, _Check]], signed: bytes) -> bool:
    """Every pair is compared, so that the time taken does not tell which secret matched."""
    matched = False
    for version, signature in signatures:
        for wanted, check in checks:
            if wanted == version and check(signed, signature):
                matched = True
    return matched


def _checks(*, secret: str | Sequence[str] | None, public_key: str | Sequence[str] | None) -> list[tuple[str, _Check]]:
    checks: list[tuple[str, _Check]] = [("v1", _hmac_check(each)) for each in _several(secret)]
    checks += [("v1a", _ed25519_check(each)) for each in _several(public_key)]
    if not checks:
        raise ConfigurationError("Give a secret (whsec_…) or a public key (whpk_…).")
    return checks


def _several(value: str | Sequence[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _hmac_check(secret: str) -> _Check:
    key = _decode_key(secret, prefix="whsec_")

    def check(signed: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(hmac.new(key, signed, hashlib.sha256).digest(), signature)

    return check


def _ed25519_check(public_key: str) -> _Check:
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
    except (AttributeError, TypeError, binascii.Error, ValueError) as error:
        raise ConfigurationError(f"Not a {prefix}… value.") from error
    if not key:
        raise ConfigurationError(f"The {prefix}… value is empty.")
    return key


def _read_event(body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
    try:
        parsed = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedDelivery("The payload is not JSON in UTF-8.") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("type"), str):
        raise MalformedDelivery("The payload is not an event.")
    if not isinstance(parsed.get("data"), dict):
        raise MalformedDelivery("The payload is an event without data.")
    if parsed.get("id") != headers["webhook-id"]:
        raise MalformedDelivery("The payload is another event than the webhook-id header says.")
    challenge = headers.get("zentra-challenge", "")
    hints = {
        "sequence": _count(headers.get("zentra-sequence", "")),
        "attempt": _count(headers.get("zentra-attempt", "")),
        "challenge": challenge if _CHALLENGE.fullmatch(challenge) else None,
    }
    return WebhookEvent(parsed | hints)


def _count(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
