"""Whether a delivery verifies, and where not, why: the mistakes that people make are tried one by one."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from zentra.core import canonical
from zentra.sdk import (
    ConfigurationError,
    MalformedDelivery,
    SignatureMismatch,
    StaleDelivery,
    WebhookEvent,
    WebhookVerificationError,
    webhooks,
)

_MILLISECONDS: Final = 10**11


@dataclass(frozen=True, slots=True)
class Keys:
    """What to verify with: any one that matches is enough."""

    secrets: Sequence[str] = ()
    public_keys: Sequence[str] = ()

    def verify(self, body: bytes, headers: Iterable[tuple[str, str]], *, now: float) -> WebhookEvent:
        """As a consumer does. Raises WebhookVerificationError and ConfigurationError."""
        return webhooks.verify(body, headers, secret=self.secrets, public_key=self.public_keys, now=now)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one delivery: the event, or what is wrong and what may be behind it."""

    event: WebhookEvent | None
    error: str = ""
    hints: tuple[str, ...] = ()


def examine(*, body: bytes, headers: Sequence[tuple[str, str]], keys: Keys, now: float) -> Finding:
    """Verify a delivery, and explain a refusal. ``now`` is Unix seconds."""
    try:
        return Finding(keys.verify(body, headers, now=now))
    except StaleDelivery as error:
        return _refused(error, _hints_of_age(body, headers, keys, error, now))
    except SignatureMismatch as error:
        return _refused(error, _hints_of_mismatch(body, headers, keys, now))
    except MalformedDelivery as error:
        return _refused(error, _hints_of_form(headers))
    except ConfigurationError as error:
        return Finding(None, f"{type(error).__name__}: {error}")


def _refused(error: WebhookVerificationError, hints: Iterable[str]) -> Finding:
    return Finding(None, f"{type(error).__name__}: {error}", tuple(hints))


def _hints_of_age(
    body: bytes, headers: Sequence[tuple[str, str]], keys: Keys, error: StaleDelivery, now: float
) -> Iterator[str]:
    if _matches(keys, body, headers, now - error.age_seconds):
        yield "The signature itself is good: compare this machine's clock with the sender's."
        if error.age_seconds > 0:
            yield "Or somebody sent an old delivery again: each attempt of ours is signed anew."
    else:
        yield "The signature does not match either."


def _hints_of_mismatch(body: bytes, headers: Sequence[tuple[str, str]], keys: Keys, now: float) -> Iterator[str]:
    given = _header(headers, "webhook-signature").split(" ")
    schemes = {part.partition(",")[0] for part in given}
    if "v1" not in schemes and keys.secrets:
        yield "It carries no v1 signature: this endpoint signs with Ed25519, so give --public-key whpk_…."
    if "v1a" not in schemes and keys.public_keys and not keys.secrets:
        yield "It carries no v1a signature: give --secret whsec_…."
    for changed, words in _likely_bodies(body):
        if changed != body and _matches(keys, changed, headers, now):
            yield words
            return
    yield "Is it this endpoint's secret? Each endpoint has its own, and a rotated one ends after its overlap."
    yield "Are these the bytes that arrived? A framework or proxy that parses and prints JSON again changes them."


def _likely_bodies(body: bytes) -> Iterator[tuple[bytes, str]]:
    yield body.strip(), "The body was signed without the white space around it: something added it on the way."
    yield body + b"\n", "The body was signed with a line end that is gone."
    try:
        parsed = json.loads(body)
        yield (
            canonical.dumps(parsed),
            "The body was parsed and printed again on the way: verify the bytes as they arrive.",
        )
    except (ValueError, RecursionError, canonical.NotCanonical):
        return


def _hints_of_form(headers: Sequence[tuple[str, str]]) -> Iterator[str]:
    timestamp = _header(headers, "webhook-timestamp")
    if timestamp.isascii() and timestamp.isdigit() and int(timestamp[:20]) >= _MILLISECONDS:
        yield "The timestamp looks like milliseconds; it is seconds."
    if not _header(headers, "webhook-id"):
        yield "This is no delivery of Standard Webhooks, or a proxy drops its headers."


def _matches(keys: Keys, body: bytes, headers: Sequence[tuple[str, str]], now: float) -> bool:
    """Whether the signature holds; what the body then says does not matter."""
    try:
        keys.verify(body, headers, now=now)
    except MalformedDelivery:
        return True
    except WebhookVerificationError:
        return False
    return True


def _header(headers: Iterable[tuple[str, str]], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")
