"""Verifying a party: by a vendor, asked outside any transaction and as often as it takes, or by a person's own word."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from django.db import transaction
from django.db.models import F

from policy.screening import store
from policy.screening.kyc import KycCause, next_state
from policy.screening.models import Document, Party, Verification
from policy.screening.operations.documents import expiry_of
from policy.screening.operations.settings import read_settings
from policy.screening.types import OPEN_VERIFICATIONS, PartyRecord, VerificationRecord
from policy.screening.vendors.adapters import VendorUnknown, check_vendor
from policy.screening.vendors.types import AnswerKind, Paper, VendorAnswer, VerificationRequest
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant

WORK: Final = "screening.verify"
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=5)
_STATES: Final[Mapping[AnswerKind, str]] = {
    AnswerKind.PENDING: "pending",
    AnswerKind.UNKNOWN: "unknown",
    # The vendor has never seen it: it is sent again, under the same key.
    AnswerKind.NOT_FOUND: "queued",
}


class VerificationOpen(DomainError):
    """A verification of this party is under way; ``verification_id`` says which."""

    code = "verification_open"
    status = 409
    title = "A verification is under way"


class KycNoteRequired(DomainError):
    """Who verifies or rejects by their own word says why."""

    code = "kyc_note_required"
    status = 422
    title = "Say why"


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask the vendor next: the whole request while it may not have it, else only what became of it."""

    vendor: str
    request: VerificationRequest
    is_send: bool


@transaction.atomic(savepoint=False)
def start_verification(
    *, party_id: str, actor: Actor, now: datetime, vendor: str = "sandbox", version: int | None = None
) -> VerificationRecord:
    """Have a vendor verify the party; what comes of it is taken in by work items.

    Raises:
        PartyNotFound, PartyClosed, StaleParty.
        VerificationOpen: with ``verification_id``.
        KycRefused: its state allows none.
        VendorUnknown: there is no such vendor, or it is simulated and the workspace live.
    """
    ws = current_tenant()
    if vendor == "sandbox" and ws.mode == "live":
        raise VendorUnknown("The simulated vendor verifies nobody in a live workspace.")
    check_vendor(vendor)
    party = store.lock_party(party_id=party_id, version=version)
    there = _open_one(party)
    if there is not None:
        raise VerificationOpen("One is under way; wait for it or decide yourself.", verification_id=there.id)
    party.kyc_state = next_state(state=party.kyc_state, cause="start")  # type: ignore[arg-type]  # the database checks
    party.save(update_fields=["kyc_state"])
    row = Verification(id=ids.new_id("ver"), party=party, vendor=vendor, started_at=now, started_by=actor.as_dict())
    row.save(force_insert=True)
    store.add_step(party_id=party.id, what="verification_started", actor=actor, now=now, facts={"vendor": vendor})
    store.tell(
        type="party.verification_started", actor=actor, now=now, party_id=party.id, verification_id=row.id,
        vendor=vendor, kyc_state=party.kyc_state,
    )  # fmt: skip
    enqueue(workspace_id=ws.id, kind=WORK, ref=row.id, due_at=now)
    return store.verification_record(row)


def next_call(*, verification_id: str, now: datetime) -> Call | None:
    """What to ask now, counted as an attempt; None when it is over; raises DoesNotExist for one that is not here."""
    with transaction.atomic(savepoint=False):
        row = (
            Verification.objects.select_for_update(of=("self",))
            .select_related("party")
            .filter(id=verification_id, state__in=OPEN_VERIFICATIONS)
            .first()
        )
        if row is None:
            Verification.objects.only("id").get(id=verification_id)
            return None
        is_send = row.state == "queued"
        row.attempts = F("attempts") + 1
        if is_send:
            row.sent_at = now
        row.asked_at = now
        row.save(update_fields=["attempts", "sent_at", "asked_at"])
        return Call(row.vendor, _request(row), is_send)


def _request(row: Verification) -> VerificationRequest:
    party = row.party
    papers = Document.objects.filter(party=party, removed_at__isnull=True).order_by("id")
    return VerificationRequest(
        key=row.id,
        kind=party.kind,
        name=party.name,
        country=party.country,
        born_on=party.born_on.isoformat() if party.born_on else "",
        documents=tuple(
            Paper(paper.type, paper.issued_by, paper.expires_on.isoformat() if paper.expires_on else "")
            for paper in papers
        ),
    )


@transaction.atomic(savepoint=False)
def record_answer(*, verification_id: str, answer: VendorAnswer, now: datetime) -> datetime | None:
    """Take in what the vendor said or did not say; returns when to ask again, None when it is over.

    Silence is never a no: the verification stays open, *unknown*, until an answer comes or a person decides.
    """
    whose = str(Verification.objects.get(id=verification_id).party_id)
    party = store.lock_party(party_id=whose, needs_active=False)
    row = Verification.objects.get(id=verification_id)
    if row.state not in OPEN_VERIFICATIONS:
        return None
    row.detail = answer.detail[:300]
    row.vendor_reference = answer.vendor_reference or row.vendor_reference
    if answer.kind in (AnswerKind.APPROVED, AnswerKind.REJECTED):
        _decided(party, row, answer, now=now)
        return None
    # Unavailable: the vendor took nothing, so that what was known before is still so.
    row.state = _STATES.get(answer.kind, row.state)
    row.save(update_fields=["detail", "vendor_reference", "state"])
    wait: timedelta = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 16), LONGEST_WAIT)
    return now + wait


def _decided(party: Party, row: Verification, answer: VendorAnswer, *, now: datetime) -> None:
    is_good = answer.kind is AnswerKind.APPROVED
    row.state, row.reason_code, row.answered_at = str(answer.kind), answer.reason_code, now
    row.save(update_fields=["detail", "vendor_reference", "state", "reason_code", "answered_at"])
    until = now + timedelta(days=read_settings().kyc_lasts_days) if is_good else None
    _change_kyc(
        party, "approve" if is_good else "reject", until=until, actor=actors.POLICY, now=now,
        verification_id=row.id, reason_code=row.reason_code,
    )  # fmt: skip


@transaction.atomic(savepoint=False)
def decide_kyc(
    *,
    party_id: str,
    state: Literal["verified", "rejected"],
    note: str,
    actor: Actor,
    now: datetime,
    valid_until: datetime | None = None,
    version: int | None = None,
) -> PartyRecord:
    """A person verifies or rejects by their own word; an open verification by a vendor is abandoned.

    ``valid_until`` (UTC): how long; as long as the workspace's setting says when it is None.

    Raises:
        PartyNotFound, PartyClosed, StaleParty, KycRefused, KycNoteRequired.
    """
    if not note.strip():
        raise KycNoteRequired("Say what you saw; the words are kept with the party.")
    party = store.lock_party(party_id=party_id, version=version)
    _abandon(party, actor=actor, now=now)
    until = None
    if state == "verified":
        until = valid_until or now + timedelta(days=read_settings().kyc_lasts_days)
    _change_kyc(
        party, "approve" if state == "verified" else "reject", until=until, actor=actor, now=now,
        reason_code="own_word", note=note.strip()[:2000],
    )  # fmt: skip
    return store.party_record(party)


@transaction.atomic(savepoint=False)
def abandon_verification(*, party_id: str, actor: Actor, now: datetime) -> PartyRecord:
    """Wait for the vendor no longer. Raises PartyNotFound; where none is open nothing happens."""
    party = store.lock_party(party_id=party_id, needs_active=False)
    if _abandon(party, actor=actor, now=now):
        is_over = party.kyc_expires_at is not None and party.kyc_expires_at <= now
        cause: KycCause = "abandon_expired" if is_over and party.kyc_state == "pending" else "abandon"
        party.kyc_state = next_state(state=party.kyc_state, cause=cause)  # type: ignore[arg-type]  # the database checks
        party.save(update_fields=["kyc_state"])
    return store.party_record(party)


def _abandon(party: Party, *, actor: Actor, now: datetime) -> bool:
    row = _open_one(party)
    if row is None:
        return False
    row.state, row.answered_at = "abandoned", now
    row.save(update_fields=["state", "answered_at"])
    store.add_step(party_id=party.id, what="verification_abandoned", actor=actor, now=now)
    store.tell(
        type="party.verification_abandoned", actor=actor, now=now, party_id=party.id, verification_id=row.id,
        vendor=row.vendor, kyc_state=party.kyc_state,
    )  # fmt: skip
    return True


def _open_one(party: Party) -> Verification | None:
    return Verification.objects.filter(party=party, state__in=OPEN_VERIFICATIONS).first()


def _change_kyc(
    party: Party,
    cause: KycCause,
    *,
    until: datetime | None,
    actor: Actor,
    now: datetime,
    reason_code: str,
    verification_id: str | None = None,
    note: str = "",
) -> None:
    """Go where the table says, with its step and its event."""
    before = party.kyc_state
    party.kyc_state = next_state(state=before, cause=cause)  # type: ignore[arg-type]  # the database checks
    party.kyc_verified_until = until
    party.kyc_expires_at = expiry_of(party=party)
    party.save(update_fields=["kyc_state", "kyc_verified_until", "kyc_expires_at"])
    facts: dict[str, Any] = {"from": before, "to": party.kyc_state, "verification_id": verification_id}
    store.add_step(party_id=party.id, what=party.kyc_state, actor=actor, now=now, note=note, facts=facts)
    store.tell(
        type=f"party.{party.kyc_state}", actor=actor, now=now, party_id=party.id, kyc_before=before,
        verification_id=verification_id, reason_code=reason_code,
    )  # fmt: skip


@transaction.atomic(savepoint=False)
def expire_kyc(*, now: datetime, limit: int = 200) -> int:
    """Let verifications run out whose own time or whose documents have; returns how many."""
    due = (
        Party.objects.select_for_update(skip_locked=True)
        .filter(kyc_state="verified", kyc_expires_at__lte=now)
        .order_by("kyc_expires_at")[:limit]
    )
    parties = list(due)
    for party in parties:
        is_paper = party.kyc_verified_until is not None and party.kyc_verified_until > now
        party.kyc_state = next_state(state="verified", cause="expire")
        party.save(update_fields=["kyc_state"])
        reason = "document" if is_paper else "verification"
        store.add_step(party_id=party.id, what="expired", actor=actors.POLICY, now=now, facts={"because": reason})
        store.tell(
            type="party.expired", actor=actors.POLICY, now=now, party_id=party.id, kyc_before="verified",
            verification_id=None, reason_code=reason,
        )  # fmt: skip
    return len(parties)
