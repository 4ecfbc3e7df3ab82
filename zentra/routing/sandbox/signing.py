"""How the simulated rails sign a callback: one small function for each scheme that a client may have asked for.

They are written from the schemes' own descriptions and share no code with what verifies them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks.webhooks import Webhook

# Of the right form for every scheme, and nobody's.
_NOBODYS = b"not the secret of any connection"
FORGED_SECRETS = {
    "standard_webhooks": "whsec_" + base64.b64encode(_NOBODYS).decode(),
    "stripe": _NOBODYS.hex(),
    "hmac_hex": _NOBODYS.hex(),
    "ed25519": "whsk_" + base64.b64encode(_NOBODYS).decode(),
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is signed. ``event_id`` travels in a header only where the scheme has one; it is in the body too."""

    event_id: str
    signed_at: datetime
    body: str

    @property
    def timestamp(self) -> str:
        return str(int(self.signed_at.timestamp()))


Settings = Mapping[str, str]


def sign(*, scheme: str, settings: Settings, secret: str, message: Message) -> dict[str, str]:
    """The headers of a signed callback. Raises KeyError for a scheme that there is not."""
    return SIGNERS[scheme](settings, secret, message)


def has_timestamp(scheme: str, settings: Settings) -> bool:
    """Whether a signature of this scheme grows old."""
    return scheme != "hmac_hex" or bool(settings.get("timestamp_header"))


def _standard_webhooks(_: Settings, secret: str, message: Message) -> dict[str, str]:
    return {
        "webhook-id": message.event_id,
        "webhook-timestamp": message.timestamp,
        "webhook-signature": Webhook(secret).sign(message.event_id, message.signed_at, message.body),
    }


def _stripe(settings: Settings, secret: str, message: Message) -> dict[str, str]:
    signature = _hmac_hex_digest(secret, f"{message.timestamp}.{message.body}")
    return {settings.get("header", "stripe-signature"): f"t={message.timestamp},v1={signature}"}


def _hmac_hex(settings: Settings, secret: str, message: Message) -> dict[str, str]:
    header, timestamp_header = settings.get("header", "x-signature"), settings.get("timestamp_header", "")
    if not timestamp_header:
        return {header: "sha256=" + _hmac_hex_digest(secret, message.body)}
    signature = _hmac_hex_digest(secret, f"{message.timestamp}.{message.body}")
    return {header: "sha256=" + signature, timestamp_header: message.timestamp}


def _ed25519(settings: Settings, secret: str, message: Message) -> dict[str, str]:
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret.removeprefix("whsk_")))
    return {
        settings.get("header", "x-signature-ed25519"): key.sign((message.timestamp + message.body).encode()).hex(),
        settings.get("timestamp_header", "x-signature-timestamp"): message.timestamp,
    }


def _hmac_hex_digest(secret: str, content: str) -> str:
    return hmac.new(secret.encode(), content.encode(), hashlib.sha256).hexdigest()


SIGNERS: dict[str, Callable[[Settings, str, Message], dict[str, str]]] = {
    "standard_webhooks": _standard_webhooks,
    "stripe": _stripe,
    "hmac_hex": _hmac_hex,
    "ed25519": _ed25519,
}
