"""Who on the active lists a party may be: candidates from the database, compared name by name, scored part by part.

Three steps, each for fewer entries than the one before: rows that share a key with the party (an index answers), the
likest of their names (rapidfuzz, without a word about why), and the score of those few with all that is known of them.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from rapidfuzz import fuzz

from policy.screening.matching.keys import identifier_keys, search_keys
from policy.screening.matching.likeness import likeness
from policy.screening.matching.normal import NormalName, normal_identifier, normalise
from policy.screening.matching.scoring import score_entry
from policy.screening.matching.types import IdentifierFact, Match, Score, ScreenedParty
from policy.screening.watchlists.queries import entries_by_id
from policy.screening.watchlists.types import EntryRecord
from zentra.core import ids
from zentra.core.db.hot import execute_bulk

MOST_CANDIDATES: Final = 3_000
MOST_COMPARED: Final = 80
MOST_SCORED: Final = 40
LOWEST: Final = 50
"""The lowest score that a workspace may set for a hit."""
UNLIKE: Final = 0.6
"""Names less alike than this are no match, whatever else agrees, unless an identifier is the same."""


def match_party(*, party: ScreenedParty, limit: int = 25, from_score: int = LOWEST) -> list[Match]:
    """Entries of the active lists that the party may be with at least ``from_score``, best first."""
    entries = entries_by_id(entry_ids=find_candidates(party=party, limit=MOST_SCORED))
    matches = [Match(entry=entry, score=score_entry(party=party, entry=entry)) for entry in entries.values()]
    likely = [match for match in matches if match.score.total >= from_score]
    return sorted(likely, key=lambda match: (-match.score.total, match.entry.list_id, match.entry.uid))[:limit]


def score(*, party: ScreenedParty, entry: EntryRecord) -> Score:
    """How far a party may be this one entry, part by part."""
    return score_entry(party=party, entry=entry)


def find_candidates(*, party: ScreenedParty, limit: int) -> list[str]:
    """The ids of entries whose names are likest to the party's, and of those that share an identifier."""
    names = [normalise(name, is_person=party.kind == "person") for name in party.names]
    # What a list calls a company may be a person here, and the other way round: both readings of a name are looked for.
    names += [normalise(name, is_person=party.kind != "person") for name in party.names]
    numbers = identifier_keys(normal_identifier(one.value) for one in party.identifiers)
    rows = _candidates(sorted({*search_keys(names), *numbers}), numbers)
    same_number = [entry_id for entry_id, _, _, is_same in rows if is_same]
    found = list(dict.fromkeys([*same_number, *_likest(names, rows)]))[: limit + len(same_number)]
    return [ids.to_public("wle", entry_id) for entry_id in found]


_Row = tuple[UUID, bool, list[str], bool]


def _candidates(keys: list[int], identifiers: list[int]) -> list[Any]:
    if not keys:
        return []
    found = execute_bulk(
        "SELECT entry_id, is_person, names, is_same_number FROM screening_candidates(%s::int[], %s::int[], %s)",
        [keys, identifiers, MOST_CANDIDATES],
    )
    return found.fetchall()


def _likest(names: Sequence[NormalName], rows: list[_Row]) -> list[UUID]:
    """Entries with a name like one of these, likest first. Of many rows only the most promising are compared."""
    ours = list(dict.fromkeys(tokens for name in names for tokens in (name.tokens, name.said) if tokens))
    if len(rows) > MOST_COMPARED:
        texts = [" ".join(tokens) for tokens in ours]
        rows = sorted(rows, key=lambda row: _promise(texts, row[2]), reverse=True)[:MOST_COMPARED]
    found = [
        (max((_alike(one, name, is_person) for one in ours for name in theirs), default=0.0), entry_id)
        for entry_id, is_person, theirs, _ in rows
    ]
    return [entry_id for alike, entry_id in sorted(found, reverse=True) if alike >= UNLIKE]


def _promise(texts: list[str], names: list[str]) -> float:
    return max((fuzz.token_ratio(text, name) for text in texts for name in names), default=0.0)


def _alike(ours: tuple[str, ...], name: str, is_person: bool) -> float:
    return likeness(ours, tuple(name.split()), is_person=is_person)


# Reads every name of the active versions: for somebody who looks, not for screening. One word alone has no keys.
_CONTAINING: Final = """
SELECT k.entry_id FROM screening_entry_key k JOIN screening_list l ON l.id = k.list_id
 WHERE array_to_string(k.names, ' | ') LIKE ALL (%s::text[]) AND l.is_active AND k.first_version <= l.active_version
   AND (k.removed_version IS NULL OR k.removed_version > l.active_version)
 LIMIT %s
"""


def _containing(text: str) -> list[str]:
    """Entries whose names have all these words, or their beginnings and ends."""
    words = [f"%{word}%" for word in normalise(text, is_person=True).tokens]
    if not words:
        return []
    return [ids.to_public("wle", row[0]) for row in execute_bulk(_CONTAINING, [words, MOST_SCORED]).fetchall()]


def find_entries(*, text: str, limit: int, list_id: str | None = None) -> list[EntryRecord]:
    """Entries of the active lists, or of one of them, that somebody looks for by a name or a number, likest first."""
    looked_for = ScreenedParty(kind="company", names=(text,), identifiers=(IdentifierFact("any", text),))
    found = list(dict.fromkeys([*find_candidates(party=looked_for, limit=MOST_SCORED), *_containing(text)]))
    entries = entries_by_id(entry_ids=found)
    return [entries[one] for one in found if one in entries and list_id in (None, entries[one].list_id)][:limit]
