"""What an adapter of a verification vendor is, and what it answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class AnswerKind(StrEnum):
    """What is known after a call. Silence is ``UNKNOWN``: the vendor may have taken the request."""

    APPROVED = "approved"
    REJECTED = "rejected"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as a vendor is told of it."""

    type: str
    issued_by: str
    expires_on: str


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What a vendor is asked. ``key`` is ours and the same at every try; days are ISO 8601 texts or empty."""

    key: str
    kind: str
    name: str
    country: str
    born_on: str
    documents: tuple[Paper, ...]


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """What the vendor said, or that it said nothing. ``detail`` holds no personal data."""

    kind: AnswerKind
    vendor_reference: str = ""
    reason_code: str = ""
    detail: str = ""


class VerificationVendor(Protocol):
    """A vendor. Both calls answer within their deadlines and never raise for what the network does."""

    name: str

    def send(self, request: VerificationRequest) -> VendorAnswer:
        """Ask for a verification; the same key again is the same verification."""

    def ask(self, key: str) -> VendorAnswer:
        """What became of a key; ``NOT_FOUND`` when the vendor says in so many words that it has never seen it."""
