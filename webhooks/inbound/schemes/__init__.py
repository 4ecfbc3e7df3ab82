"""How providers sign: one file for each scheme, behind one Protocol. All verify raw bytes, before they are read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from webhooks.inbound.schemes.ed25519 import Ed25519
from webhooks.inbound.schemes.hmac_hex import HmacHex
from webhooks.inbound.schemes.standard_webhooks import StandardWebhooks
from webhooks.inbound.schemes.stripe import Stripe
from webhooks.inbound.schemes.types import Proven, Scheme, Signed
from webhooks.signing import InvalidSignature
from zentra.routing.schemes import SchemeName
from zentra.routing.types import CallbackKeys

SCHEMES: Final[Mapping[SchemeName, Scheme]] = {
    "standard_webhooks": StandardWebhooks(),
    "stripe": Stripe(),
    "hmac_hex": HmacHex(),
    "ed25519": Ed25519(),
}


def verify_callback(*, headers: Mapping[str, str], body: bytes, keys: CallbackKeys, now: datetime) -> Proven:
    """Verify a callback's raw bytes against any of a rail's secrets, by the rail's scheme; header names in any case.

    Raises InvalidSignature, StaleSignature; nothing else, whatever the headers hold.
    """
    if not keys.secrets:
        raise InvalidSignature("This connection has no secret that is valid now.", reason="no_secret")
    present = {name.lower(): value for name, value in headers.items()}
    signed = Signed(headers=present, body=body, secrets=keys.secrets, settings=keys.scheme.settings, now=now)
    return SCHEMES[keys.scheme.name].verify(signed)


def proof_headers(keys: CallbackKeys) -> tuple[str, ...]:
    """The headers that a scheme reads: kept with the callback, so that its proof can be looked at again."""
    return SCHEMES[keys.scheme.name].proof_headers(keys.scheme.settings)
