"""Reads of parties: one, a page of them, and what belongs to each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import Count, Q

from policy.screening import store
from policy.screening.models import Document, Identifier, Party, PartyName, Step, Verification
from policy.screening.types import (
    DocumentRecord,
    PartyIdentifier,
    PartyRecord,
    StepRecord,
    VerificationRecord,
)
from policy.screening.types import PartyName as NameRecord
from zentra.core import ids

DEFAULT_LIMIT: Final = 50
PageKey = tuple[datetime, str]


def get_party(*, party_id: str) -> PartyRecord:
    """One party. Raises PartyNotFound, BadId."""
    row = Party.objects.filter(id=party_id).first()
    if row is None:
        raise store.PartyNotFound(f"There is no party {party_id[:40]}.")
    return store.party_record(row)


def find_party(*, reference: str) -> PartyRecord | None:
    """The party that intents name like this, if there is one."""
    row = Party.objects.filter(reference=reference).first()
    return None if row is None else store.party_record(row)


def parties_of(*, references: Sequence[str]) -> dict[str, PartyRecord]:
    """The parties of a page of references, by reference."""
    return {row.reference: store.party_record(row) for row in Party.objects.filter(reference__in=references)}


def parties_by_id(*, party_ids: Sequence[str]) -> dict[str, PartyRecord]:
    """The parties of a page of hits, by id."""
    return {row.id: store.party_record(row) for row in Party.objects.filter(id__in=party_ids)}


def list_parties(
    *,
    kind: str | None = None,
    state: str | None = None,
    kyc_state: str | None = None,
    screening: str | None = None,
    risk: str | None = None,
    text: str | None = None,
    before: PageKey | None = None,
    limit: int = DEFAULT_LIMIT,
) -> list[PartyRecord]:
    """Parties, newest first; ``text`` is looked for in names and at the start of references, without regard to case.

    ``before`` is the ``page_key`` of the last row seen.
    """
    rows = Party.objects.order_by("-created_at", "-id")
    wanted = {"kind": kind, "state": state, "kyc_state": kyc_state, "screening": screening, "risk": risk}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value})
    if text:
        other = PartyName.objects.filter(name__icontains=text).values("party")
        rows = rows.filter(Q(name__icontains=text) | Q(reference__istartswith=text) | Q(id__in=other))
    if before is not None:
        rows = rows.filter(
            Q(created_at__lt=before[0]) | Q(created_at=before[0], id__lt=ids.to_uuid(before[1], prefix="pty"))
        )
    return [store.party_record(row) for row in rows[:limit]]


def count_parties() -> dict[str, dict[str, int]]:
    """How many active parties are in each state: ``{"screening": {"clear": 38, …}, "kyc_state": {…}, "risk": {…}}``."""
    rows = Party.objects.filter(state="active")
    return {
        column: dict(rows.values_list(column).annotate(count=Count("id")).order_by(column))
        for column in ("screening", "kyc_state", "risk", "kind")
    }


def expiring_parties(*, before: datetime, limit: int = DEFAULT_LIMIT) -> list[PartyRecord]:
    """Verified parties whose verification or documents run out before a moment, the soonest first."""
    rows = Party.objects.filter(kyc_state="verified", kyc_expires_at__lt=before).order_by("kyc_expires_at", "id")
    return [store.party_record(row) for row in rows[:limit]]


def names_of(*, party_id: str) -> list[NameRecord]:
    """A party's other names, in the order in which they came."""
    return [
        NameRecord(row.id, row.name, row.kind) for row in PartyName.objects.filter(party__id=party_id).order_by("id")
    ]


def identifiers_of(*, party_id: str) -> list[PartyIdentifier]:
    """A party's identifiers, in the order in which they came."""
    rows = Identifier.objects.filter(party__id=party_id).order_by("id")
    return [PartyIdentifier(row.id, row.type, row.value, row.normal, row.country) for row in rows]


def documents_of(*, party_id: str) -> list[DocumentRecord]:
    """A party's documents that count, newest first."""
    rows = Document.objects.filter(party__id=party_id, removed_at__isnull=True).order_by("-added_at", "-id")
    return [store.document_record(row) for row in rows]


def verifications_of(*, party_id: str) -> list[VerificationRecord]:
    """A party's verifications, newest first."""
    rows = Verification.objects.filter(party__id=party_id).order_by("-started_at", "-id")
    return [store.verification_record(row) for row in rows]


def steps_of(*, party_id: str, limit: int = 200) -> list[StepRecord]:
    """A party's history, newest first."""
    rows = Step.objects.filter(party__id=party_id).order_by("-at", "-id")[:limit]
    return [StepRecord(row.what, row.actor, row.at, row.note, row.facts) for row in rows]
