"""Signing as providers do, written from the schemes' own descriptions and apart from what verifies."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
OTHER_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
STANDARD = "whsec_" + base64.b64encode(b"a secret of the rail's own, 32 b").decode()
TEXT = "a-text-that-is-a-secret-4711"
FORGED = "whsec_" + base64.b64encode(b"nobody's secret, and 32 bytes too").decode()

Headers = dict[str, str]
Sign = Callable[[bytes, datetime, str], Headers]


def seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


def digest(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def standard(body: bytes, at: datetime, secret: str = STANDARD, *, event_id: str = "pev_1") -> Headers:
    text = body.decode("utf-8", "surrogateescape")
    signature = Webhook(secret).sign(event_id, at, text)
    return {"webhook-id": event_id, "webhook-timestamp": seconds(at), "webhook-signature": signature}


def stripe(body: bytes, at: datetime, secret: str = TEXT) -> Headers:
    return {"Stripe-Signature": f"t={seconds(at)},v1={digest(secret, seconds(at).encode() + b'.' + body)},v0=beef"}


def plain_hmac(body: bytes, at: datetime, secret: str = TEXT) -> Headers:
    return {"X-Signature": "sha256=" + digest(secret, body)}


def timed_hmac(body: bytes, at: datetime, secret: str = TEXT) -> Headers:
    return {"X-Signature": digest(secret, seconds(at).encode() + b"." + body), "X-Timestamp": seconds(at)}


def ed25519_hex(body: bytes, at: datetime, secret: str = "") -> Headers:
    key = OTHER_PRIVATE if secret == FORGED else PRIVATE
    signature = key.sign(seconds(at).encode() + body)
    return {"X-Signature-Ed25519": signature.hex(), "X-Signature-Timestamp": seconds(at)}


def ed25519_base64(body: bytes, at: datetime, secret: str = "") -> Headers:
    signed = ed25519_hex(body, at, secret)
    signature = base64.b64encode(bytes.fromhex(signed["X-Signature-Ed25519"])).decode()
    return signed | {"X-Signature-Ed25519": signature}
