"""What every signature scheme is given and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Signed:
    """A callback as it came: header names in lower case, the body's exact bytes, and what may have signed them."""

    headers: Mapping[str, str]
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)
    settings: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """What a good signature proves.

    ``event_id`` only where the scheme signs it; a header beside the signature could be changed by anybody, so with
    the other schemes the id is read from the verified body. ``signed_at`` is None where no moment is signed.
    """

    scheme: str
    signed_at: datetime | None
    event_id: str | None = None


class Scheme(Protocol):
    """One way to sign. Every secret is tried on every signature, so that time tells nothing about which matched."""

    def verify(self, signed: Signed) -> Proven:
        """What is proven. Raises InvalidSignature or StaleSignature, and nothing else for whatever came."""
        ...

    def proof_headers(self, settings: Mapping[str, str]) -> tuple[str, ...]:
        """The headers that this scheme reads."""
        ...
