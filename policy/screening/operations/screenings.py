"""Screening a party: its matches become hits, but for those that somebody already said it is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Max

from evidence.operations import record_events
from evidence.types import NewEvent
from policy.screening import cases, matches, store
from policy.screening.matching.types import ScreenedParty
from policy.screening.models import Check, Hit, Memory, Party, Run
from policy.screening.operations.settings import read_settings
from policy.screening.types import CheckReason, Found, HitRecord, ScreeningResult, ScreeningState
from zentra.core import ids
from zentra.core.actors import Actor

LIVE: Final = ("open", "confirmed")
NO_MATCH: Final = "no longer a match"


@dataclass(slots=True)
class Ground:
    """What a screening of some parties stands on, read once for all of them."""

    threshold: int
    run_number: int
    run_id: str | None = None
    hits: dict[str, list[Hit]] = field(default_factory=dict)
    memories: dict[str, list[Memory]] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What one party's screening comes to."""

    screening: ScreeningState = "clear"
    matched: int = 0
    remembered: int = 0
    new: list[Hit] = field(default_factory=list)
    lapsed: list[Hit] = field(default_factory=list)


def screen_party(*, party_id: str, actor: Actor, now: datetime) -> ScreeningResult:
    """Screen a party now, against every active list.

    Raises:
        PartyNotFound, PartyClosed.
    """
    with transaction.atomic(savepoint=False):
        return screen_locked(party=store.lock_party(party_id=party_id), reason="manual", actor=actor, now=now)


def screen_locked(*, party: Party, reason: CheckReason, actor: Actor, now: datetime) -> ScreeningResult:
    """Screen a party whose row the caller has locked or just made."""
    # The run's number is read before the lists are: a version that becomes active now is not claimed to be known.
    ground = read_ground(party_ids=[party.id], run_number=latest_run())
    facts = matches.screened_facts([party])[party.id]
    outcome = settle(party=party, facts=facts, found=matches.find_matches(facts), ground=ground, actor=actor, now=now)
    write_checks(settled=[(party, outcome)], reason=reason, ground=ground, actor=actor, now=now)
    _tell_completed(party, outcome, reason=reason, ground=ground, actor=actor, now=now)
    return ScreeningResult(
        party_id=party.id,
        screening=outcome.screening,
        hits=tuple(_live_hits(party.id)),
        new_hits=tuple(hit.id for hit in outcome.new),
        remembered=outcome.remembered,
        at=now,
    )


def latest_run() -> int:
    """The number of the newest run; 0 before the first."""
    return int(Run.objects.aggregate(number=Max("number"))["number"] or 0)


def read_ground(*, party_ids: Sequence[str], run_number: int, run_id: str | None = None) -> Ground:
    """The threshold, live hits and good memories of these parties."""
    ground = Ground(read_settings().hit_from_score, run_number, run_id)
    for hit in Hit.objects.filter(party__id__in=party_ids, state__in=LIVE).order_by("id"):
        ground.hits.setdefault(hit.party_id, []).append(hit)
    for memory in Memory.objects.filter(party__id__in=party_ids, voided_at__isnull=True):
        ground.memories.setdefault(memory.party_id, []).append(memory)
    return ground


def settle(
    *, party: Party, facts: ScreenedParty, found: Sequence[Found], ground: Ground, actor: Actor, now: datetime
) -> Outcome:
    """Turn matches into hits: keep what stands, remember what is none, open what is new, let lapse what is over."""
    digest = matches.facts_digest(facts)
    standing = {(hit.list_id, hit.entry_uid): hit for hit in ground.hits.get(party.id, ())}
    remembered = {(memory.list_id, memory.entry_uid): memory for memory in ground.memories.get(party.id, ())}
    outcome = Outcome()
    for match in found:
        if match.score < ground.threshold:
            continue
        outcome.matched += 1
        key = (match.list_id, match.entry_uid)
        if (hit := standing.pop(key, None)) is not None:
            _refresh(hit, match, digest)
        elif (memory := remembered.get(key)) is not None and _still_holds(memory, match, digest, now=now):
            outcome.remembered += 1
        else:
            outcome.new.append(_new_hit(party, match, digest, ground=ground, now=now))
    outcome.lapsed = [hit for hit in standing.values() if hit.state == "open"]
    _let_lapse(outcome.lapsed, now=now)
    Hit.objects.bulk_create(outcome.new)
    outcome.screening = screening_of(party_id=party.id) if outcome.matched or standing else "clear"
    _tell_hits(outcome, actor=actor, now=now)
    cases.open_hits_case(party_id=party.id, hits=[store.hit_record(hit) for hit in outcome.new], now=now)
    return outcome


def screening_of(*, party_id: str) -> ScreeningState:
    """The state that follows from a party's hits."""
    states = set(Hit.objects.filter(party__id=party_id, state__in=LIVE).values_list("state", flat=True))
    return "confirmed" if "confirmed" in states else "unresolved" if states else "clear"


def _refresh(hit: Hit, match: Found, digest: str) -> None:
    """A hit that stands shows the entry, the party and the score of now; its decision stays."""
    now_is = (match.entry_id, match.entry_digest, digest, match.score)
    if (hit.entry_id, hit.entry_digest, hit.party_digest, hit.score) == now_is:
        return
    hit.entry_id, hit.entry_digest, hit.party_digest, hit.score = now_is
    hit.parts, hit.version = [dict(part) for part in match.parts], hit.version + 1
    hit.save(update_fields=["entry_id", "entry_digest", "party_digest", "score", "parts", "version"])


def _still_holds(memory: Memory, match: Found, digest: str, *, now: datetime) -> bool:
    """Whether what somebody decided was about this very entry and this very party; else the memory is voided."""
    if (memory.entry_digest, memory.party_digest) == (match.entry_digest, digest):
        return True
    memory.voided_at = now
    memory.voided_because = "entry changed" if memory.entry_digest != match.entry_digest else "party changed"
    memory.save(update_fields=["voided_at", "voided_because"])
    return False


def _new_hit(party: Party, match: Found, digest: str, *, ground: Ground, now: datetime) -> Hit:
    return Hit(
        id=ids.new_id("hit"), party=party, list_id=match.list_id, entry_id=match.entry_id, entry_uid=match.entry_uid,
        entry_digest=match.entry_digest, party_digest=digest, score=match.score,
        parts=[dict(part) for part in match.parts], found_at=now, found_in=ground.run_number if ground.run_id else 0,
    )  # fmt: skip


def _let_lapse(hits: Sequence[Hit], *, now: datetime) -> None:
    for hit in hits:
        hit.state, hit.decided_at, hit.note, hit.version = "lapsed", now, NO_MATCH, hit.version + 1
        hit.save(update_fields=["state", "decided_at", "note", "version"])


def _tell_hits(outcome: Outcome, *, actor: Actor, now: datetime) -> None:
    events = [
        NewEvent(
            type=type_,
            actor=actor,
            data={
                "hit_id": hit.id, "party_id": hit.party_id, "list_id": hit.list_id, "entry_id": hit.entry_id,
                "score": hit.score,
            },
        )
        for type_, hits in (("screening.hit_found", outcome.new), ("screening.hit_lapsed", outcome.lapsed))
        for hit in hits
    ]  # fmt: skip
    record_events(events=events, now=now)


def write_checks(
    *, settled: Sequence[tuple[Party, Outcome]], reason: CheckReason, ground: Ground, actor: Actor, now: datetime
) -> None:
    """Keep that these parties were screened, and what they are now. Breaks on a second check of one run."""
    for party, outcome in settled:
        party.screening, party.screened_at, party.screened_against = outcome.screening, now, ground.run_number
    Check.objects.bulk_create(
        [
            Check(
                id=ids.new_id("chk"), party=party, reason=reason, run_id=ground.run_id, run_number=ground.run_number,
                threshold=ground.threshold, matches=outcome.matched, new_hits=len(outcome.new),
                remembered=outcome.remembered, screening=outcome.screening, at=now, actor=actor.as_dict(),
            )
            for party, outcome in settled
        ]
    )  # fmt: skip
    Party.objects.bulk_update([party for party, _ in settled], ["screening", "screened_at", "screened_against"])


def _tell_completed(
    party: Party, outcome: Outcome, *, reason: CheckReason, ground: Ground, actor: Actor, now: datetime
) -> None:
    store.tell(
        type="screening.completed", actor=actor, now=now, party_id=party.id, reason=reason,
        screening=outcome.screening, matches=outcome.matched, new_hits=len(outcome.new),
        remembered=outcome.remembered, run_number=ground.run_number,
    )  # fmt: skip


def _live_hits(party_id: str) -> list[HitRecord]:
    rows = Hit.objects.filter(party__id=party_id, state__in=LIVE).order_by("-score", "id")
    return [store.hit_record(row) for row in rows]
