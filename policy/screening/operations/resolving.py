"""A person's word on a hit. Of two who speak at once, one decides and the other is told who and when."""

from datetime import datetime
from typing import Final, Literal

from django.db import transaction

from policy.reviews.types import AlertWord
from policy.screening import cases, store
from policy.screening.models import Hit, Memory, Party
from policy.screening.operations.screenings import screening_of
from policy.screening.types import HitRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.tenancy import current_tenant
from zentra.tenants.roles.queries import people_behind

HitWord = Literal["cleared", "confirmed"]
LONGEST_NOTE: Final = 2000


class HitDecided(DomainError):
    """Somebody decided this hit before; ``state``, ``decided_by`` and ``decided_at`` say what, who and when."""

    code = "hit_decided"
    status = 409
    title = "The hit was decided before"


class HitNoteRequired(DomainError):
    """A decision about a hit says why."""

    code = "hit_note_required"
    status = 422
    title = "Say why"


class OwnParty(DomainError):
    """Whoever wrote a party down, or issued the key that did, does not clear its hits."""

    code = "own_party"
    status = 403
    title = "Somebody else clears the hits of what you wrote down"


@transaction.atomic(savepoint=False)
def resolve_hit(*, hit_id: str, state: HitWord, note: str, actor: Actor, now: datetime) -> HitRecord:
    """Clear an open hit (and remember it) or confirm it; the case's alert follows.

    Raises:
        HitNotFound, HitNoteRequired.
        HitDecided: with ``state``, ``decided_by``, ``decided_at``.
        OwnParty: the actor wrote the party down, and would clear it.
    """
    _check_note(note)
    hit = _existing(hit_id)
    if not cases.resolve_alert_of(hit_id=hit.id, party_id=hit.party_id, state=state, note=note, actor=actor, now=now):
        decide_hit(hit_id=hit_id, state=state, note=note, actor=actor, now=now)
    return store.hit_record(_existing(hit_id))


def resolve_from_case(*, reference: str, state: AlertWord, note: str, actor: Actor, now: datetime) -> None:
    """The desk's resolver for alerts of kind ``screening``. A hit that lapsed may be cleared, for nothing is left.

    Raises:
        HitNotFound, HitNoteRequired, HitDecided.
    """
    hit = _existing(reference)
    if state == "cleared" and hit.state in ("lapsed", "cleared"):
        return
    decide_hit(hit_id=hit.id, state=state, note=note, actor=actor, now=now)


def decide_hit(*, hit_id: str, state: HitWord, note: str, actor: Actor, now: datetime) -> None:
    """The hit alone, without its case; ``party.screening`` follows. Raises HitNotFound, HitNoteRequired, HitDecided."""
    _check_note(note)
    party = store.lock_party(party_id=_existing(hit_id).party_id, needs_active=False)
    # The party's lock is ours: what is read now is what the one before us left.
    hit = Hit.objects.get(id=hit_id)
    if hit.state != "open":
        raise HitDecided(
            f"{hit.decided_by or 'Screening'} left it {hit.state}.",
            state=hit.state,
            decided_by=hit.decided_by,
            decided_at=hit.decided_at.isoformat() if hit.decided_at else None,
        )
    if state == "cleared":
        _check_not_own(party, actor)
    hit.state, hit.decided_by, hit.decided_at, hit.version = state, actor.id, now, hit.version + 1
    hit.note = note.strip()[:LONGEST_NOTE]
    hit.save(update_fields=["state", "decided_by", "decided_at", "note", "version"])
    if state == "cleared":
        _remember(hit, actor=actor, now=now)
    _follow(party, hit, what=f"hit_{state}", actor=actor, now=now)


@transaction.atomic(savepoint=False)
def reopen_hit(*, hit_id: str, note: str, actor: Actor, now: datetime) -> HitRecord:
    """Take back a confirmation: that hit lapses, and the same match is asked again as a new one; returns the new hit.

    Raises:
        HitNotFound, HitNoteRequired.
        HitDecided: it is not confirmed. What was cleared asks again by itself when the entry or the party changes.
    """
    _check_note(note)
    party_id = _existing(hit_id).party_id
    party = store.lock_party(party_id=party_id, needs_active=False)
    hit = Hit.objects.get(id=hit_id)
    if hit.state != "confirmed":
        raise HitDecided(f"It is {hit.state}, not confirmed.", state=hit.state, decided_by=hit.decided_by)
    hit.state, hit.version = "lapsed", hit.version + 1
    hit.save(update_fields=["state", "version"])
    again = Hit.objects.get(id=hit_id)
    again.id, again.state, again.found_at, again.version = ids.new_id("hit"), "open", now, 1
    again.decided_by, again.decided_at, again.note = "", None, ""
    again.save(force_insert=True)
    _follow(party, again, what="hit_reopened", actor=actor, now=now, note=note.strip()[:LONGEST_NOTE])
    cases.open_hits_case(party_id=party.id, hits=[store.hit_record(again)], now=now)
    return store.hit_record(again)


def _check_not_own(party: Party, actor: Actor) -> None:
    if actor.id in people_behind(who=party.created_by, workspace_id=current_tenant().id):
        raise OwnParty("Ask somebody else of compliance to look at it.")


def _check_note(note: str) -> None:
    if not note.strip():
        raise HitNoteRequired("Say why; the words are kept with the party.")


def _existing(hit_id: str) -> Hit:
    hit = Hit.objects.filter(id=hit_id).first()
    if hit is None:
        raise store.HitNotFound(f"There is no hit {hit_id[:40]}.")
    return hit


def _remember(hit: Hit, *, actor: Actor, now: datetime) -> None:
    """This party is not this entry, as both were when it was decided."""
    known = Memory.objects.filter(
        party__id=hit.party_id, list_id=hit.list_id, entry_uid=hit.entry_uid, voided_at__isnull=True
    )
    known.update(voided_at=now, voided_because="decided again")
    Memory(
        id=ids.new_id("mem"), party_id=hit.party_id, list_id=hit.list_id, entry_uid=hit.entry_uid,
        entry_digest=hit.entry_digest, party_digest=hit.party_digest, hit=hit, by=actor.id, at=now,
    ).save(force_insert=True)  # fmt: skip


def _follow(party: Party, hit: Hit, *, what: str, actor: Actor, now: datetime, note: str = "") -> None:
    party.screening = screening_of(party_id=party.id)
    party.save(update_fields=["screening"])
    store.add_step(
        party_id=party.id, what=what, actor=actor, now=now, note=note or hit.note,
        facts={"hit_id": hit.id, "list_id": hit.list_id, "entry_uid": hit.entry_uid, "score": hit.score},
    )  # fmt: skip
    store.tell(
        type=f"screening.{what}", actor=actor, now=now, hit_id=hit.id, party_id=party.id, list_id=hit.list_id,
        entry_id=hit.entry_id, score=hit.score, screening=party.screening,
    )  # fmt: skip
