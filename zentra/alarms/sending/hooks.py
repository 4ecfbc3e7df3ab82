"""Signed webhooks: Standard Webhooks over the guarded sender, which resolves, classifies and then connects."""

from datetime import datetime
from typing import Final

from webhooks import signing
from webhooks.outbound.sending import Outgoing, send
from zentra.alarms.messages import API_VERSION
from zentra.alarms.operations.notices import Claim, Result
from zentra.core import crypto

TIMEOUT_SECONDS: Final = 10.0


def send_hook(*, claim: Claim, now: datetime) -> Result:
    """POST once; every failure is a result, none is an exception. The id is the notice's, the same at every try."""
    try:
        secret = crypto.decrypt(claim.sealed_secret).decode()
    except crypto.UnreadableSecret as error:
        return Result("failed", error.detail)
    body = claim.body.encode()
    headers = {
        "content-type": "application/json",
        "user-agent": f"Zentra-Alarms/{API_VERSION}",
        **signing.sign(message_id=claim.notice_id, signed_at=now, body=body, secrets=[secret]),
    }
    sent = send(Outgoing(url=claim.target, headers=headers, body=body, timeout_seconds=TIMEOUT_SECONDS, started_at=now))
    if sent.error_class is None:
        return Result("sent")
    return Result("failed", f"{sent.error_class}: {sent.error_detail}")
