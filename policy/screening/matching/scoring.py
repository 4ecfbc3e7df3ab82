"""The score of a party against an entry, part by part. Each part has its points and says in words what it saw.

Names bring 95 points at most, so that the same name alone is a hit and a worse one needs something else that agrees.
A part that disagrees takes points away. The numbers are ours, held by the quality set in
``tests/screening/test_matching_quality.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from babel import Locale

from policy.screening.matching.facts import ORDER, Agreement, agreement_of, read_days
from policy.screening.matching.keys import MIN_IDENTIFIER
from policy.screening.matching.likeness import names_alike, word_likeness
from policy.screening.matching.normal import NormalName, normal_identifier, normalise
from policy.screening.matching.types import Part, Score, ScreenedParty
from policy.screening.watchlists.types import EntryRecord

NAME_POINTS: Final = 95
WEAK_NAME: Final = -6
GIVEN_NAMES_ONLY: Final = 0.75
"""As alike as names are at most that share given names and no family name."""
IDENTIFIER_POINTS: Final = 80
COUNTRY_POINTS: Final = 4
DAY_POINTS: Final[dict[Agreement, int]] = {
    "exact": 10, "swapped": 6, "partly": 5, "year": 0, "near": -6, "off": -25,
}  # fmt: skip
KIND_POINTS: Final = -20
OTHER_KINDS: Final = -15
_COUNTRIES: Final = Locale("en").territories


@dataclass(frozen=True, slots=True)
class _Likest:
    """The two names that are most alike."""

    points: int
    party: str
    entry: str
    is_weak: bool
    words: str


def score_entry(*, party: ScreenedParty, entry: EntryRecord) -> Score:
    """How far a party may be an entry of a list."""
    parts = [
        *_names(party, entry),
        *_days(party, entry),
        *_countries(party, entry),
        *_identifiers(party, entry),
        *_kinds(party, entry),
    ]
    return Score(total=max(0, min(100, sum(part.points for part in parts))), parts=tuple(parts))


def _names(party: ScreenedParty, entry: EntryRecord) -> list[Part]:
    """The main name against the main name; what an alias of either side brings beyond that is a part of its own."""
    is_person = party.kind == "person" or entry.kind == "person"
    listed = [(name.text, name.is_weak) for name in entry.names]
    main = _likest(party.names[:1], listed[:1], is_person=is_person)
    best = _likest(party.names, listed, is_person=is_person)
    if main is None or best is None:
        return []
    parts = [Part("name", main.points, NAME_POINTS, main.words)]
    if best.points > main.points:
        parts.append(Part("alias", best.points - main.points, NAME_POINTS - main.points, best.words))
    return parts


def _likest(names: Sequence[str], listed: Sequence[tuple[str, bool]], *, is_person: bool) -> _Likest | None:
    found = [_compare(name, other, is_weak=is_weak, is_person=is_person) for name in names for other, is_weak in listed]
    return max(found, key=lambda one: one.points, default=None)


def _compare(name: str, other: str, *, is_weak: bool, is_person: bool) -> _Likest:
    ours, theirs = normalise(name, is_person=is_person), normalise(other, is_person=is_person)
    alike = names_alike(ours, theirs, is_person=is_person)
    if is_person and alike > GIVEN_NAMES_ONLY and not _shares_family_name(ours, other):
        alike = GIVEN_NAMES_ONLY
    points = max(0, round(NAME_POINTS * alike) + (WEAK_NAME if is_weak and alike else 0))
    return _Likest(points, name, other, is_weak, _name_words(name, other, ours, theirs, alike, is_weak=is_weak))


def _shares_family_name(ours: NormalName, other: str) -> bool:
    """Whether a name has a word of the family name, where the list says which that is, before a comma."""
    family, comma, _given = other.partition(",")
    if not comma:
        return True
    said = "".join(ours.tokens)
    words = normalise(family, is_person=True).tokens
    return any(word in said or word_likeness(word, mine) > 0 for word in words for mine in ours.tokens)


def _name_words(name: str, other: str, ours: NormalName, theirs: NormalName, alike: float, *, is_weak: bool) -> str:
    how = "the same name as" if alike == 1 else f"{round(alike * 100)} % like"
    said = f"“{name}” is {how} “{other}” on the list"
    read = [f"{was} read as {now}" for one in (ours, theirs) for was, now in zip(one.said, one.tokens, strict=True)
            if was != now]  # fmt: skip
    remarks = [*dict.fromkeys(read), *(["a weak alias there"] if is_weak else [])]
    return f"{said} ({'; '.join(remarks)})" if remarks else said


def _days(party: ScreenedParty, entry: EntryRecord) -> list[Part]:
    ours = [day for day in map(read_days, party.dates) if day]
    theirs = [day for day in map(read_days, entry.dates) if day]
    if not ours or not theirs:
        return []
    found = [(ORDER.index(agreement_of(one, other)), place, one, other)
             for one in ours for place, other in enumerate(theirs)]  # fmt: skip
    place, _, one, other = min(found, key=lambda each: each[:2])
    agreement = ORDER[place]
    verb = "born" if party.kind == "person" else "founded"
    same = " on both" if agreement == "exact" else f" vs {other.words} on the list"
    return [Part("date", DAY_POINTS[agreement], DAY_POINTS["exact"], f"{verb} {one.words}{same}")]


def _countries(party: ScreenedParty, entry: EntryRecord) -> list[Part]:
    ours, theirs = dict.fromkeys(party.countries), dict.fromkeys(entry.countries)
    if not ours or not theirs:
        return []
    shared = [country for country in ours if country in theirs]
    if shared:
        return [Part("country", COUNTRY_POINTS, COUNTRY_POINTS, f"{_country(shared[0])} on both")]
    said = f"{', '.join(map(_country, ours))} vs {', '.join(map(_country, theirs))} on the list"
    return [Part("country", -COUNTRY_POINTS, COUNTRY_POINTS, said)]


def _country(code: str) -> str:
    return str(_COUNTRIES.get(code, code))


def _identifiers(party: ScreenedParty, entry: EntryRecord) -> list[Part]:
    """The same number, whatever either side calls it; another country's number of the same digits is another one."""
    theirs = {normal_identifier(one.value): one for one in entry.identifiers}
    for ours in party.identifiers:
        normal = normal_identifier(ours.value)
        other = theirs.get(normal)
        if other is None or len(normal) < MIN_IDENTIFIER or not any(char.isdigit() for char in normal):
            continue
        if ours.country and other.country and ours.country != other.country:
            continue
        return [
            Part("identifier", IDENTIFIER_POINTS, IDENTIFIER_POINTS, f"the same number as {other.label} on the list")
        ]
    return []


def _kinds(party: ScreenedParty, entry: EntryRecord) -> list[Part]:
    if entry.kind in (party.kind, "other"):
        return []
    points = KIND_POINTS if entry.kind in ("person", "company") else OTHER_KINDS
    return [Part("kind", points, 0, f"a {party.kind}, but {_A[entry.kind]} on the list")]


_A: Final = {"person": "a person", "company": "a company", "vessel": "a vessel", "aircraft": "an aircraft"}
