"""One attempt outside any transaction: verify what is stored, sign it, verify the signature, call the endpoint."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import AnyStr, Final

from webhooks import signing
from webhooks.outbound.endpoints import verifying
from webhooks.outbound.engine.claiming import Claim
from webhooks.outbound.sending import (
    MAX_KEPT_BODY,
    MAX_KEPT_HEADER_VALUE,
    Caller,
    ErrorClass,
    Outgoing,
    SendResult,
)

USER_AGENT: Final = "Zentra-Webhooks/v2026.04"
HIDDEN: Final = "•••"
# Shorter ones stand in any text by chance.
_SHORTEST_HIDDEN: Final = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt that was made: the headers as they are kept, and what came of it."""

    headers: dict[str, str]
    result: SendResult
    is_signature_verified: bool


async def call(caller: Caller, claim: Claim, *, now: datetime) -> Sent:
    """Make the attempt; every failure is a result."""
    if not claim.is_intact:
        # Bytes that are not what was sealed must not leave under our signature.
        return _unsent("tampered", "the stored bytes do not match their leaf hash", now=now)
    if claim.endpoint.problem:
        return _unsent("unreadable_secret", "its signing keys cannot be opened with the keys configured here", now=now)
    headers = compose_headers(claim, now=now)
    outgoing = Outgoing(
        url=claim.endpoint.url,
        headers=headers,
        body=claim.body,
        timeout_seconds=claim.endpoint.timeout_seconds,
        started_at=now,
    )
    result = await caller.send(outgoing)
    secrets = {name: headers[name] for name in claim.endpoint.sensitive & headers.keys()}
    return Sent(
        headers=headers | dict.fromkeys(secrets, HIDDEN),
        result=_without(secrets.values(), result),
        is_signature_verified=True,
    )


def _without(secrets: Collection[str], result: SendResult) -> SendResult:
    """The answer as it may be kept: some servers repeat what they were sent, whole, or the token behind its scheme."""
    parts = [part for secret in secrets for part in (secret, *secret.split()[1:])]
    long_enough = [part for part in parts if len(part) >= _SHORTEST_HIDDEN]
    if not long_enough:
        return result
    body, headers = result.body, result.headers
    for secret in long_enough:
        body = _hide(body, secret.encode(), HIDDEN.encode(), is_cut=result.is_truncated)
        headers = tuple(
            (name, _hide(value, secret, HIDDEN, is_cut=len(value) >= MAX_KEPT_HEADER_VALUE)) for name, value in headers
        )
    return replace(result, body=body[:MAX_KEPT_BODY], headers=headers)


def _hide(text: AnyStr, secret: AnyStr, dots: AnyStr, *, is_cut: bool) -> AnyStr:
    """The text with dots for the secret; where it was cut, for the beginning of one at its end too."""
    if is_cut:
        longest = min(len(secret) - 1, len(text))
        kept = next((n for n in range(longest, _SHORTEST_HIDDEN - 1, -1) if text.endswith(secret[:n])), 0)
        text = text[: len(text) - kept] + dots if kept else text
    return text.replace(secret, dots)


def _unsent(error_class: ErrorClass, detail: str, *, now: datetime) -> Sent:
    refused = SendResult(started_at=now, duration_ms=0, error_class=error_class, error_detail=detail)
    return Sent(headers={}, result=refused, is_signature_verified=False)


def compose_headers(claim: Claim, *, now: datetime) -> dict[str, str]:
    """The request's headers, signed and verified as a consumer would; the endpoint's own cannot replace ours."""
    keys = claim.endpoint.keys
    signature = signing.sign(message_id=claim.event_id, signed_at=now, body=claim.body, secrets=keys.signing)
    # Over the same bytes as the Ed25519 signature beside it, whose verification would cost ten times as much.
    signing.verify(headers=signature, body=claim.body, secrets=keys.secrets, now=now)
    asked = {}
    if claim.endpoint.unverified:
        asked = {verifying.HEADER: verifying.challenge(endpoint_id=claim.endpoint_id, event_id=claim.event_id)}
    return {
        **dict(claim.endpoint.headers),
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **signature,
        "zentra-version": claim.endpoint.api_version,
        "zentra-sequence": str(claim.leaf_index),
        "zentra-attempt": str(claim.number),
        **asked,
    }
