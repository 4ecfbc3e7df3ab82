"""Documents that were seen, and until when they are good. A verification lasts no longer than its documents."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Max

from policy.screening import normal, store
from policy.screening.kyc import next_state
from policy.screening.models import Document, Party
from policy.screening.types import DOCUMENT_TYPES, DocumentRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError


class DocumentNotFound(DomainError):
    """The party has no such document."""

    code = "document_not_found"
    status = 404
    title = "The party has no such document"


@transaction.atomic(savepoint=False)
def add_document(
    *,
    party_id: str,
    type: str,  # noqa: A002  # the field's name in the API
    actor: Actor,
    now: datetime,
    number_hint: str = "",
    issued_by: str = "",
    expires_on: date | None = None,
    file: str = "",
) -> DocumentRecord:
    """Keep that a document was seen. ``number_hint``: at most four characters; ``expires_on``: the last good day.

    Raises:
        PartyNotFound, PartyClosed, InvalidParty.
    """
    hint = normal.normal_identifier(number_hint, field="number_hint") if number_hint else ""
    if len(hint) > 4:
        raise normal.refuse("number_hint", "at most its last four characters are kept")
    if isinstance(expires_on, datetime) or not isinstance(expires_on, date | None):
        raise normal.refuse("expires_on", "must be a day")
    party = store.lock_party(party_id=party_id)
    row = Document(
        id=ids.new_id("doc"), party=party, type=normal.one_of(type, DOCUMENT_TYPES, field="type"), number_hint=hint,
        issued_by=normal.normal_country(issued_by, field="issued_by"), expires_on=expires_on, file=file[:300],
        added_at=now, added_by=actor.id,
    )  # fmt: skip
    row.save(force_insert=True)
    _changed(party, row, what="document_added", actor=actor, now=now)
    return store.document_record(row)


@transaction.atomic(savepoint=False)
def remove_document(*, party_id: str, document_id: str, actor: Actor, now: datetime) -> None:
    """Take a document back; it is kept and counts no more. Raises PartyNotFound, PartyClosed, DocumentNotFound."""
    party = store.lock_party(party_id=party_id)
    row = Document.objects.filter(party=party, id=document_id, removed_at__isnull=True).first()
    if row is None:
        raise DocumentNotFound("The party has no such document.")
    row.removed_at = now
    row.save(update_fields=["removed_at"])
    _changed(party, row, what="document_removed", actor=actor, now=now)


def good_until(*, party_id: str) -> datetime | None:
    """The end of the last good day of a party's documents; None while it has one that never expires, or none."""
    rows = Document.objects.filter(party__id=party_id, removed_at__isnull=True)
    if rows.filter(expires_on__isnull=True).exists():
        return None
    last = rows.aggregate(last=Max("expires_on"))["last"]
    return None if last is None else datetime.combine(last, time(), UTC) + timedelta(days=1)


def expiry_of(*, party: Party) -> datetime | None:
    """Until when the party counts as verified: the earlier of its verification's end and its documents'."""
    if party.kyc_verified_until is None:
        return None
    papers = good_until(party_id=party.id)
    return party.kyc_verified_until if papers is None else min(papers, party.kyc_verified_until)


def _changed(party: Party, row: Document, *, what: str, actor: Actor, now: datetime) -> None:
    party.kyc_expires_at = expiry_of(party=party)
    if party.kyc_state == "expired" and party.kyc_expires_at is not None and party.kyc_expires_at > now:
        party.kyc_state = next_state(state="expired", cause="renew")
    party.version, party.changed_at = party.version + 1, now
    party.save(update_fields=["kyc_expires_at", "kyc_state", "version", "changed_at"])
    facts = {"type": row.type, "issued_by": row.issued_by,
             "expires_on": row.expires_on.isoformat() if row.expires_on else None}  # fmt: skip
    store.add_step(party_id=party.id, what=what, actor=actor, now=now, facts=facts)
    store.tell(
        type=f"party.{what}", actor=actor, now=now, party_id=party.id, document_id=row.id, document_type=row.type,
        kyc_state=party.kyc_state, version=party.version,
    )  # fmt: skip
