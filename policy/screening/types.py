"""The values that cross screening's door. Names, dates and identifiers in them are personal data: never in events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal

PartyKind = Literal["person", "company"]
PartyState = Literal["active", "closed"]
KycState = Literal["none", "pending", "verified", "rejected", "expired"]
ScreeningState = Literal["unscreened", "clear", "unresolved", "confirmed"]
Risk = Literal["low", "medium", "high"]
HitState = Literal["open", "cleared", "confirmed", "lapsed"]
VerificationState = Literal["queued", "pending", "unknown", "approved", "rejected", "abandoned"]
RunReason = Literal["list", "settings", "manual"]
CheckReason = Literal["created", "changed", "manual", "run"]

PARTY_KINDS: Final = ("person", "company")
PARTY_STATES: Final = ("active", "closed")
KYC_STATES: Final = ("none", "pending", "verified", "rejected", "expired")
SCREENING_STATES: Final = ("unscreened", "clear", "unresolved", "confirmed")
RISKS: Final = ("low", "medium", "high")
HIT_STATES: Final = ("open", "cleared", "confirmed", "lapsed")
VERIFICATION_STATES: Final = ("queued", "pending", "unknown", "approved", "rejected", "abandoned")
OPEN_VERIFICATIONS: Final = ("queued", "pending", "unknown")
RUN_STATES: Final = ("running", "finished")
RUN_REASONS: Final = ("list", "settings", "manual")
CHECK_REASONS: Final = ("created", "changed", "manual", "run")
NAME_KINDS: Final = ("alias", "former", "trade")
IDENTIFIER_TYPES: Final = ("passport", "national_id", "tax_id", "registration", "lei", "swift", "vessel", "other")
DOCUMENT_TYPES: Final = ("passport", "id_card", "driving_licence", "residence_permit", "registration", "address")


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of an active list that a party may be. ``score`` is 0–100, ``parts`` explain it.

    Each part: ``{"part": "name", "points": 71, "of": 80, "words": "…"}``. ``entry_digest`` changes with the entry.
    """

    list_id: str
    entry_id: str
    entry_uid: str
    entry_digest: str
    score: int
    parts: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class PartyRecord:
    """A party as pages and the API show it."""

    id: str
    kind: PartyKind
    reference: str
    name: str
    country: str
    born_on: date | None
    state: PartyState
    kyc_state: KycState
    kyc_expires_at: datetime | None
    risk: Risk
    segment: str
    screening: ScreeningState
    screened_at: datetime | None
    screened_against: int
    version: int
    created_at: datetime
    changed_at: datetime

    @property
    def page_key(self) -> tuple[datetime, str]:
        """Where this row stands in a list, newest first."""
        return self.created_at, self.id


@dataclass(frozen=True, slots=True)
class PartyName:
    """Another name of a party."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class PartyIdentifier:
    """An identifier as it was given (``value``) and as it is compared (``normal``)."""

    id: str
    type: str
    value: str
    normal: str
    country: str


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document that was seen. ``number_hint`` is the end of its number; ``file`` a storage name or ''."""

    id: str
    type: str
    number_hint: str
    issued_by: str
    expires_on: date | None
    file: str
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class VerificationRecord:
    """One verification by a vendor. ``unknown``: sent, and no answer that says what became of it."""

    id: str
    party_id: str
    vendor: str
    state: VerificationState
    vendor_reference: str
    reason_code: str
    detail: str
    attempts: int
    started_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class HitRecord:
    """A match that a person decides on. ``note`` is theirs."""

    id: str
    party_id: str
    list_id: str
    entry_id: str
    entry_uid: str
    entry_digest: str
    score: int
    parts: list[dict[str, Any]]
    state: HitState
    found_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str
    version: int

    @property
    def page_key(self) -> tuple[datetime, str]:
        """Where this row stands in a list, newest first."""
        return self.found_at, self.id


@dataclass(frozen=True, slots=True)
class ScreeningResult:
    """What one screening of a party found: its state now, the hits that are open, and which of them are new."""

    party_id: str
    screening: ScreeningState
    hits: tuple[HitRecord, ...]
    new_hits: tuple[str, ...]
    remembered: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A re-screening of all parties, with its progress. ``total`` and ``done`` count parties."""

    id: str
    number: int
    reason: RunReason
    list_id: str | None
    list_version: int | None
    state: str
    total: int
    done: int
    new_hits: int
    started_at: datetime
    finished_at: datetime | None

    @property
    def percent(self) -> int:
        """Parties done of all, whole percent."""
        return 100 if self.total == 0 else self.done * 100 // self.total


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One line of a party's history."""

    what: str
    actor: dict[str, Any]
    at: datetime
    note: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """From which score a match becomes a hit, and how long a verification lasts."""

    hit_from_score: int
    kyc_lasts_days: int
    version: int


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """That a party was screened: why, from which score, and what came of it."""

    reason: CheckReason
    run_number: int
    threshold: int
    matches: int
    new_hits: int
    remembered: int
    screening: ScreeningState
    at: datetime
    actor: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """What a monitoring scenario saw of somebody in a period. ``facts`` are its numbers, minor units where amounts."""

    id: str
    reference: str
    party_id: str | None
    scenario: str
    period: str
    currency: str
    score: int
    facts: dict[str, Any]
    review_id: str
    found_at: datetime

    @property
    def page_key(self) -> tuple[datetime, str]:
        """Where this row stands in a list, newest first."""
        return self.found_at, self.id
