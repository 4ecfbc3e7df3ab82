"""What the API says of parties, hits and watchlists: shapes for the contract, and the documents themselves."""

from typing import Any, Literal

from pydantic import BaseModel

from policy.screening.types import (
    DocumentRecord,
    HitRecord,
    PartyIdentifier,
    PartyRecord,
    ScreeningResult,
    VerificationRecord,
)
from policy.screening.watchlists.types import ListRecord, VersionRecord
from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock


class PartySummary(BaseModel):
    """A person or company that intents name by ``reference``: a customer, or a payee."""

    id: str
    object: Literal["party"]
    kind: Literal["person", "company"]
    reference: str
    name: str
    country: str
    born_on: str | None
    status: Literal["active", "closed"]
    kyc_status: Literal["none", "pending", "verified", "rejected", "expired"]
    kyc_expires_at: str | None
    screening: Literal["unscreened", "clear", "unresolved", "confirmed"]
    screened_at: str | None
    risk: Literal["low", "medium", "high"]
    segment: str
    version: int
    created_at: str
    changed_at: str


class NameAnswer(BaseModel):
    """Another name of a party."""

    id: str
    name: str
    kind: str


class IdentifierAnswer(BaseModel):
    """A number by which a party is known."""

    id: str
    type: str
    value: str
    country: str


class DocumentAnswer(BaseModel):
    """A document that was seen; of its number only the end is kept."""

    id: str
    object: Literal["party_document"]
    type: str
    number_hint: str
    issued_by: str
    expires_on: str | None
    added_at: str


class VerificationAnswer(BaseModel):
    """One verification by a vendor. ``unknown``: sent, and nobody knows yet what became of it; it is asked for."""

    id: str
    object: Literal["party_verification"]
    party_id: str
    vendor: str
    status: Literal["queued", "pending", "unknown", "approved", "rejected", "abandoned"]
    reason_code: str
    attempts: int
    started_at: str
    answered_at: str | None


class PartyAnswer(PartySummary):
    """A party with its names, identifiers, documents and verifications."""

    names: list[NameAnswer]
    identifiers: list[IdentifierAnswer]
    documents: list[DocumentAnswer]
    verifications: list[VerificationAnswer]


class PartyPage(BaseModel):
    """Parties, newest first."""

    data: list[PartySummary]
    next_cursor: str | None
    has_more: bool


class ScorePartAnswer(BaseModel):
    """What one comparison brought: points of at most ``of``, or points taken away."""

    part: str
    points: int
    of: int
    words: str


class HitAnswer(BaseModel):
    """A match with an entry of a watchlist. A person clears or confirms it; a key never does."""

    id: str
    object: Literal["screening_hit"]
    party_id: str
    list_id: str
    entry_id: str
    entry_uid: str
    score: int
    parts: list[ScorePartAnswer]
    status: Literal["open", "cleared", "confirmed", "lapsed"]
    found_at: str
    decided_by: str | None
    decided_at: str | None


class HitPage(BaseModel):
    """Hits, newest first."""

    data: list[HitAnswer]
    next_cursor: str | None
    has_more: bool


class ScreeningAnswer(BaseModel):
    """What one screening found: the party's state now and the hits that are open or confirmed."""

    object: Literal["screening"]
    party_id: str
    screening: Literal["unscreened", "clear", "unresolved", "confirmed"]
    new_hits: list[str]
    remembered: int
    hits: list[HitAnswer]
    at: str


class WatchlistAnswer(BaseModel):
    """A watchlist; ``entries`` are those of its active version."""

    id: str
    object: Literal["watchlist"]
    name: str
    source: Literal["ofac_csv", "ofac_xml", "opensanctions_csv"]
    is_active: bool
    active_version: int | None
    entries: int
    created_at: str


class WatchlistPage(BaseModel):
    """Every watchlist, by name."""

    data: list[WatchlistAnswer]
    next_cursor: str | None
    has_more: bool


class WatchlistVersionAnswer(BaseModel):
    """A version of a list: how far its import is, and what it changes against the version before."""

    id: str
    object: Literal["watchlist_version"]
    list_id: str
    number: int
    status: Literal["importing", "ready", "active", "replaced", "failed", "canceled", "discarded"]
    percent: int
    entries: int
    added: int
    changed: int
    removed: int
    problem: dict[str, Any]
    created_at: str
    activated_at: str | None


class WatchlistVersionPage(BaseModel):
    """The versions of a list, newest first."""

    data: list[WatchlistVersionAnswer]
    next_cursor: str | None
    has_more: bool


def show_party(party: PartyRecord) -> dict[str, Any]:
    """A party as lists show it."""
    return {
        "id": party.id,
        "object": "party",
        "kind": party.kind,
        "reference": party.reference,
        "name": party.name,
        "country": party.country,
        "born_on": party.born_on.isoformat() if party.born_on else None,
        "status": party.state,
        "kyc_status": party.kyc_state,
        "kyc_expires_at": moment(party.kyc_expires_at),
        "screening": party.screening,
        "screened_at": moment(party.screened_at),
        "risk": party.risk,
        "segment": party.segment,
        "version": party.version,
        "created_at": clock.iso(party.created_at),
        "changed_at": clock.iso(party.changed_at),
    }


def show_identifier(identifier: PartyIdentifier) -> dict[str, Any]:
    """A number by which a party is known."""
    return {
        "id": identifier.id,
        "type": identifier.type,
        "value": identifier.value,
        "country": identifier.country,
    }


def show_document(document: DocumentRecord) -> dict[str, Any]:
    """A document that was seen."""
    return {
        "id": document.id,
        "object": "party_document",
        "type": document.type,
        "number_hint": document.number_hint,
        "issued_by": document.issued_by,
        "expires_on": document.expires_on.isoformat() if document.expires_on else None,
        "added_at": clock.iso(document.added_at),
    }


def show_verification(verification: VerificationRecord) -> dict[str, Any]:
    """One verification."""
    return {
        "id": verification.id,
        "object": "party_verification",
        "party_id": verification.party_id,
        "vendor": verification.vendor,
        "status": verification.state,
        "reason_code": verification.reason_code,
        "attempts": verification.attempts,
        "started_at": clock.iso(verification.started_at),
        "answered_at": moment(verification.answered_at),
    }


def show_hit(hit: HitRecord) -> dict[str, Any]:
    """A hit and the parts of its score."""
    return {
        "id": hit.id,
        "object": "screening_hit",
        "party_id": hit.party_id,
        "list_id": hit.list_id,
        "entry_id": hit.entry_id,
        "entry_uid": hit.entry_uid,
        "score": hit.score,
        "parts": hit.parts,
        "status": hit.state,
        "found_at": clock.iso(hit.found_at),
        "decided_by": hit.decided_by or None,
        "decided_at": moment(hit.decided_at),
    }


def show_screening(result: ScreeningResult) -> dict[str, Any]:
    """What one screening found."""
    return {
        "object": "screening",
        "party_id": result.party_id,
        "screening": result.screening,
        "new_hits": list(result.new_hits),
        "remembered": result.remembered,
        "hits": [show_hit(each) for each in result.hits],
        "at": clock.iso(result.at),
    }


def show_watchlist(found: ListRecord) -> dict[str, Any]:
    """A watchlist."""
    return {
        "id": found.id,
        "object": "watchlist",
        "name": found.name,
        "source": found.source,
        "is_active": found.is_active,
        "active_version": found.active_version,
        "entries": found.entries,
        "created_at": clock.iso(found.created_at),
    }


def show_version(version: VersionRecord) -> dict[str, Any]:
    """A version and how far it is."""
    return {
        "id": version.id,
        "object": "watchlist_version",
        "list_id": version.list_id,
        "number": version.number,
        "status": version.state,
        "percent": version.percent,
        "entries": version.entries,
        "added": version.added,
        "changed": version.changed,
        "removed": version.removed,
        "problem": version.problem,
        "created_at": clock.iso(version.created_at),
        "activated_at": moment(version.activated_at),
    }
