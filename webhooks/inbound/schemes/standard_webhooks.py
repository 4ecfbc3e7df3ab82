"""Standard Webhooks: headers ``webhook-id``, ``-timestamp`` and ``-signature`` (``v1,…`` HMAC, ``v1a,…`` Ed25519).

The id and the moment are signed with the body. Source: standardwebhooks.com.
"""

from collections.abc import Mapping

from webhooks import signing
from webhooks.inbound.schemes.types import Proven, Signed


class StandardWebhooks:
    """Verified by the module that signs what we send."""

    def verify(self, signed: Signed) -> Proven:
        """See Scheme."""
        message = signing.verify(headers=signed.headers, body=signed.body, secrets=signed.secrets, now=signed.now)
        return Proven(scheme=message.scheme, signed_at=message.signed_at, event_id=message.message_id)

    def proof_headers(self, settings: Mapping[str, str]) -> tuple[str, ...]:
        """See Scheme."""
        del settings
        return signing.HEADER_ID, signing.HEADER_TIMESTAMP, signing.HEADER_SIGNATURE
