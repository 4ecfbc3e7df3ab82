"""Parties, hits, runs and lists of names, as people read them. What is personal stays on the page."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.words import NONE, age, dated, grouped, moment
from console.types import Mark, Moment, Proof
from console.types.ledger import Field, Option
from console.types.parties import (
    DocumentRow,
    HitView,
    KnownBy,
    PartyRow,
    RunRow,
    ScorePart,
    StepRow,
    VerificationRow,
)
from policy.screening.types import (
    DocumentRecord,
    HitRecord,
    PartyIdentifier,
    PartyName,
    PartyRecord,
    RunRecord,
    StepRecord,
    VerificationRecord,
)
from policy.screening.watchlists.types import EntryRecord

SOON: Final = timedelta(days=30)
NOT_YET: Final = Moment("", NONE, NONE)
KYC_WORDS: Final = {
    "none": "not verified",
    "pending": "being verified",
    "verified": "verified",
    "rejected": "rejected",
    "expired": "run out",
}
SCREENING_WORDS: Final = {
    "unscreened": "not screened",
    "clear": "clear",
    "unresolved": "hits to resolve",
    "confirmed": "confirmed hit",
}
HIT_WORDS: Final = {
    "open": "to resolve",
    "cleared": "not the same",
    "confirmed": "the same",
    "lapsed": "matches no more",
}
_PARTS: Final = {
    "name": "name",
    "alias": "other name",
    "date": "date",
    "country": "country",
    "identifier": "identifier",
    "kind": "person or company",
}
_STEPS: Final = {
    "created": "was added",
    "changed": "was changed",
    "closed": "was closed",
    "name_added": "got another name",
    "name_removed": "lost another name",
    "identifier_added": "got an identifier",
    "identifier_removed": "lost an identifier",
    "document_added": "got a document",
    "document_removed": "lost a document",
    "hit_cleared": "a hit was cleared: not the same",
    "hit_confirmed": "a hit was confirmed",
    "hit_reopened": "a confirmed hit was opened again",
    "screened": "was screened",
    "verification_started": "its verification began",
    "kyc_changed": "its verification changed",
}


def kyc_mark(record: PartyRecord, now: datetime) -> Mark:
    """The verification; one whose time is over is over, whatever is written."""
    is_over = record.kyc_expires_at is not None and record.kyc_expires_at <= now and record.kyc_state == "verified"
    state = "expired" if is_over else record.kyc_state
    return mark(state, says=KYC_WORDS[state])


def kyc_note(record: PartyRecord, now: datetime) -> str:
    """Until when it is good, in words."""
    if record.kyc_expires_at is None or record.kyc_state not in {"verified", "expired"}:
        return ""
    left = record.kyc_expires_at - now
    if left <= timedelta():
        return f"since {record.kyc_expires_at:%d %b %Y}"
    return f"{age(left)} left" if left <= SOON else f"until {record.kyc_expires_at:%d %b %Y}"


def party_row(record: PartyRecord, *, base: str, now: datetime) -> PartyRow:
    """A party in a list."""
    return PartyRow(
        party_id=record.id,
        url=f"{base}compliance/parties/{record.id}/",
        name=record.name,
        kind=record.kind,
        reference=record.reference,
        country=record.country or NONE,
        kyc=kyc_mark(record, now),
        kyc_note=kyc_note(record, now),
        screening=mark(record.screening, says=SCREENING_WORDS[record.screening]),
        risk=mark(record.risk),
        moment=moment(record.created_at, now),
        is_closed=record.state == "closed",
    )


def party_facts(record: PartyRecord) -> tuple[Proof, ...]:
    """Who it is."""
    born = "born" if record.kind == "person" else "founded"
    return (
        Proof("reference", record.reference, record.reference),
        Proof("kind", record.kind),
        Proof("country", record.country or NONE),
        Proof(born, f"{record.born_on:%Y-%m-%d}" if record.born_on else NONE),
        Proof("risk", record.risk),
        Proof("segment", record.segment or NONE),
        Proof("state", record.state),
        Proof("party", record.id, record.id),
        Proof("added", f"{dated(record.created_at)} UTC"),
        Proof("changed", f"{dated(record.changed_at)} UTC"),
    )


def kyc_facts(record: PartyRecord, now: datetime) -> tuple[Proof, ...]:
    """How its verification stands."""
    note = kyc_note(record, now)
    until = f"{dated(record.kyc_expires_at)} UTC" if record.kyc_expires_at else NONE
    return (
        Proof("state", kyc_mark(record, now).word),
        Proof("good until", f"{until}{f', {note}' if note.endswith('left') else ''}"),
    )


def screening_facts(record: PartyRecord) -> tuple[Proof, ...]:
    """How its screening stands."""
    return (
        Proof("state", SCREENING_WORDS[record.screening]),
        Proof("screened", f"{dated(record.screened_at)} UTC" if record.screened_at else "never"),
        Proof("in run", str(record.screened_against) if record.screened_against else NONE),
    )


# --- hits ------------------------------------------------------------------------------------------------------------


def hit_view(
    hit: HitRecord,
    *,
    party: PartyRecord,
    entry: EntryRecord | None,
    list_name: str,
    base: str,
    now: datetime,
    names: Names,
    may_resolve: bool,
    with_party: bool = False,
) -> HitView:
    """A hit with its score taken apart, and both sides of it."""
    here = f"{base}compliance/hits/{hit.id}/"
    return HitView(
        hit_id=hit.id,
        score=str(hit.score),
        state=mark(hit.state, says=HIT_WORDS[hit.state]),
        entry_name=entry.name if entry else hit.entry_uid,
        list_name=list_name or NONE,
        entry_uid=hit.entry_uid,
        sides=_sides(party, entry),
        parts=tuple(_part(each) for each in hit.parts),
        sum_words=_sum_words(hit),
        found=moment(hit.found_at, now),
        decided=f"{person({'id': hit.decided_by}, names)}, {dated(hit.decided_at)} UTC" if hit.decided_by else "",
        note=hit.note,
        resolve_url=f"{here}resolve/" if may_resolve and hit.state == "open" else "",
        reopen_url=f"{here}reopen/" if may_resolve and hit.state == "confirmed" else "",
        party_name=party.name if with_party else "",
        party_url=f"{base}compliance/parties/{party.id}/",
    )


def _sum_words(hit: HitRecord) -> str:
    """How the parts come to the score, which lies between 0 and 100."""
    points = sum(int(each.get("points") or 0) for each in hit.parts)
    return f"{points} points" if points == hit.score else f"{points} points, kept at {hit.score}"


def _sides(party: PartyRecord, entry: EntryRecord | None) -> tuple[tuple[str, str, str], ...]:
    """The party beside the entry, line by line."""
    if entry is None:
        return ()
    born = f"{party.born_on:%Y-%m-%d}" if party.born_on else NONE
    others = "; ".join(each.text for each in entry.names[1:5])
    more = f"; and {len(entry.names) - 5} more" if len(entry.names) > 5 else ""
    return (
        ("name", party.name, entry.name),
        ("other names", "", f"{others}{more}" or NONE),
        ("date", born, ", ".join(entry.dates[:4]) or NONE),
        ("country", party.country or NONE, ", ".join(entry.countries[:6]) or NONE),
        ("kind", party.kind, entry.kind),
        ("listed for", "", ", ".join(entry.programs[:6]) or NONE),
    )


def _part(part: Mapping[str, Any]) -> ScorePart:
    points, of = int(part.get("points") or 0), int(part.get("of") or 0)
    return ScorePart(
        name=_PARTS.get(str(part.get("part")), str(part.get("part"))),
        points=f"{points:+d}".replace("-", "−") if points < 0 else str(points),
        of=str(of) if of else NONE,
        percent=max(0, min(100, points * 100 // of)) if of else 0,
        words=str(part.get("words") or ""),
        is_minus=points < 0,
    )


# --- what belongs to a party -----------------------------------------------------------------------------------------


def document_row(record: DocumentRecord, *, now: datetime, remove: str) -> DocumentRow:
    """A document that was seen."""
    is_over = record.expires_on is not None and record.expires_on < now.date()
    expires = f"{record.expires_on:%d %b %Y}" if record.expires_on else "no end"
    return DocumentRow(
        record.id,
        record.type.replace("_", " "),
        f"…{record.number_hint}" if record.number_hint else NONE,
        record.issued_by or NONE,
        f"ran out {expires}" if is_over else expires,
        is_over,
        remove,
    )


def known_name(record: PartyName, *, remove: str) -> KnownBy:
    """Another name."""
    return KnownBy(record.id, record.kind, record.name, remove)


def known_identifier(record: PartyIdentifier, *, remove: str) -> KnownBy:
    """A number that it is known by."""
    kind = record.type.replace("_", " ")
    return KnownBy(record.id, f"{kind} {record.country}".strip(), record.value, remove)


def verification_row(record: VerificationRecord, *, now: datetime) -> VerificationRow:
    """A verification by a vendor."""
    words = " · ".join(
        each for each in (record.vendor_reference, record.reason_code.replace("_", " "), record.detail) if each
    )
    asked = f"{grouped(record.attempts)} {'request' if record.attempts == 1 else 'requests'}"
    return VerificationRow(
        mark(
            "running" if record.state == "pending" else record.state,
            says="waiting for the vendor" if record.state == "pending" else record.state,
        ),
        record.vendor,
        words or asked,
        moment(record.started_at, now),
    )


def step_row(record: StepRecord, *, now: datetime, names: Names) -> StepRow:
    """A line of a party's history."""
    words = _STEPS.get(record.what, record.what.replace("_", " "))
    facts = record.facts or {}
    if record.what == "changed" and isinstance(facts.get("after"), Mapping):
        words += f": {', '.join(str(name).replace('_', ' ') for name in facts['after'])}"
    elif state := facts.get("kyc_state") or facts.get("state"):
        words += f": {KYC_WORDS.get(str(state), state)}"
    return StepRow(words, person(record.actor, names), record.note, moment(record.at, now))


# --- runs and forms --------------------------------------------------------------------------------------------------


def run_row(record: RunRecord, *, now: datetime, lists: Names) -> RunRow:
    """A screening of all parties again."""
    end = record.finished_at or now
    of_list = f"{lists.get(record.list_id or '', 'a list')}, version {record.list_version}"
    reasons = {"list": of_list, "settings": "another score", "manual": "asked for"}
    return RunRow(
        run_id=record.id,
        number=str(record.number),
        reason=reasons[record.reason],
        state=mark("running" if record.state == "running" else "finished"),
        percent=record.percent,
        progress=f"{grouped(record.done)} of {grouped(record.total)} parties",
        new_hits=grouped(record.new_hits),
        moment=moment(record.started_at, now),
        took=age(end - record.started_at),
    )


def options(values: Sequence[str], chosen: str = "", *, empty: str = "") -> tuple[Option, ...]:
    """A select of words."""
    first = (Option("", empty, not chosen),) if empty else ()
    return (*first, *(Option(each, each.replace("_", " "), each == chosen) for each in values))


def text_field(name: str, label: str, value: str = "", *, kind: str = "text", hint: str = "") -> Field:
    """A field of a form of a party."""
    return Field(name, label, value, kind, placeholder=hint)
