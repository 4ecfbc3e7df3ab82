"""Between parties and the watchlists' matching: what of a party is compared, and what came of it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from policy.screening.matching.queries import match_party
from policy.screening.matching.types import IdentifierFact, ScreenedParty
from policy.screening.models import Identifier, Party, PartyName
from policy.screening.types import Found
from zentra.core import canonical

MOST_MATCHES: Final = 100
"""More than matching ever compares: a hit must not lapse because others are better."""


def screened_facts(parties: Sequence[Party]) -> dict[str, ScreenedParty]:
    """What of each party a list could know, in a canonical form, by party id. Two reads for any number of them."""
    wanted = [party.id for party in parties]
    names: dict[str, list[str]] = {party.id: [party.name] for party in parties}
    for other in PartyName.objects.filter(party__id__in=wanted).order_by("id"):
        names[str(other.party_id)].append(other.name)
    numbers: dict[str, list[IdentifierFact]] = {party.id: [] for party in parties}
    rows = Identifier.objects.filter(party__id__in=wanted).order_by("type", "normal", "country")
    for row in rows:
        numbers[str(row.party_id)].append(IdentifierFact(row.type, row.normal, row.country))
    return {
        party.id: ScreenedParty(
            kind="person" if party.kind == "person" else "company",
            names=tuple(names[party.id]),
            dates=(party.born_on.isoformat(),) if party.born_on else (),
            countries=tuple(sorted({party.country, *(number.country for number in numbers[party.id])} - {""})),
            identifiers=tuple(numbers[party.id]),
        )
        for party in parties
    }


def facts_digest(facts: ScreenedParty) -> str:
    """One hash of what was compared: a decision about a hit holds for these facts only."""
    # Aliases in any order are the same person.
    said = {**asdict(facts), "names": [facts.names[0], *sorted(facts.names[1:])]}
    return canonical.sha256_hex(canonical.dumps(said))


def find_matches(facts: ScreenedParty) -> list[Found]:
    """The entries of active lists that a party with these facts may be, best first, of any score."""
    return [
        Found(
            list_id=match.entry.list_id,
            entry_id=match.entry.id,
            entry_uid=match.entry.uid,
            entry_digest=match.entry.digest,
            score=match.score.total,
            parts=tuple(part.as_dict() for part in match.score.parts),
        )
        for match in match_party(party=facts, limit=MOST_MATCHES)
    ]
