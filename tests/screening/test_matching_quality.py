"""Who is found and who is left alone: recall and precision over our own set, against the database, among strangers.

The figures are printed (``pytest -s``) and have a floor. The set was used to choose the numbers of the scores, so it
says what they do to known difficulties, not how they do on names that nobody thought of; `bench.screening` prints the
share found of a hundred thousand names misspelt by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from bench.names import Names
from policy.screening.matching.queries import find_entries, match_party
from policy.screening.matching.types import IdentifierFact, Match, ScreenedParty
from tests.screening.quality import FOUND, LEFT_ALONE, LISTED
from tests.screening.shelf import Shelf, row, sdn
from zentra.core.tenancy import tenant_work

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

RECALL: float = 0.95
PRECISION: float = 0.95
STRANGERS: int = 600


@pytest.fixture(scope="module")
def listed(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Shelf]:
    """The set's list and some hundred strangers, active; for all tests of this file."""
    from tests.workspaces import create, drop

    with django_db_blocker.unblock():
        shelf = Shelf(create(slug="t-quality", mode="sandbox", ledger_currency="USD"))
        rows = [row(int(uid), name, kind=kind, remarks=said) for uid, (name, kind, said) in LISTED.items()]
        rows += [row(1_000 + n, name) for n, name in enumerate(islice(Names(8).people(), STRANGERS // 2))]
        rows += [
            row(5_000 + n, name, kind="entity") for n, name in enumerate(islice(Names(9).companies(), STRANGERS // 2))
        ]
        shelf.active(shelf.new_list(), sdn(*rows))
        yield shelf
        drop(shelf.ws)


def test_recall_and_precision(listed: Shelf) -> None:
    missed, wrong, right = [], [], 0
    for what, kind, name, uid in FOUND:
        uids = [match.entry.uid for match in listed.matches(name, kind=kind)]
        right += uid in uids
        missed += [] if uid in uids else [f"{what}: {name}"]
        wrong += [f"{name}: {other}" for other in uids if other != uid]
    for what, kind, name in LEFT_ALONE:
        wrong += [
            f"{name} ({what}): {match.entry.name} {match.score.total}" for match in listed.matches(name, kind=kind)
        ]
    recall, precision = right / len(FOUND), right / (right + len(wrong))
    print(f"\nrecall {recall:.1%} of {len(FOUND)}, precision {precision:.1%}; missed {missed}; wrong {wrong}")
    assert recall >= RECALL
    assert precision >= PRECISION


def test_a_day_of_birth_decides_between_namesakes(listed: Shelf) -> None:
    (same,) = listed.matches("Taras Marenko", dates=("1969-03-01",))
    (near,) = listed.matches("Taras Olegovich Marenko", dates=("1971-05-06",))
    assert listed.matches("Taras Olegovich Marenko", dates=("1994-05-06",)) == []
    assert (same.score.total, same.score.band) == (97, "strong")
    assert _words(same, "date") == "born 1 Mar 1969 on both"
    assert _words(near, "date") == "born 6 May 1971 vs 1 Mar 1969 on the list"
    assert (near.score.total, near.score.band) == (89, "possible")


def test_the_parts_add_up_and_say_what_they_saw(listed: Shelf) -> None:
    (match,) = listed.matches(
        "Tarasyk M.", "Sanya Marenko", "Taras Marenko", dates=("1969-01-03",), countries=("UA",)
    )  # fmt: skip
    parts = {part.part: part for part in match.score.parts}
    assert set(parts) == {"name", "alias", "date", "country"}
    assert match.score.total == min(100, sum(part.points for part in match.score.parts))
    assert parts["alias"].words == "“Taras Marenko” is 92 % like “MARENKO, Taras Olegovich” on the list"
    assert parts["country"].words == "Ukraine on both"
    assert parts["date"].points == 6


def test_a_nickname_is_said(listed: Shelf) -> None:
    (match,) = listed.matches("Bill Thornbeck")
    assert "(bill read as william)" in _words(match, "name")


def test_the_same_number_finds_whoever_has_another_name(listed: Shelf) -> None:
    number = IdentifierFact("passport", "ab-100200", "UA")
    (match,) = listed.matches("Completely Different", identifiers=(number,))
    assert (match.entry.uid, match.score.total) == ("1", 80)
    assert listed.matches("Completely Different", identifiers=(IdentifierFact("passport", "AB100201"),)) == []


def test_a_company_is_not_a_person_of_its_name(listed: Shelf) -> None:
    assert listed.matches("Taras Marenko", kind="company") == []
    with tenant_work(listed.ws):
        party = ScreenedParty(kind="company", names=("Taras Marenko",))
        (match,) = [one for one in match_party(party=party, from_score=50) if one.entry.uid == "1"]
    assert _words(match, "kind") == "a company, but a person on the list"


def test_a_weak_alias_is_worth_less(listed: Shelf) -> None:
    (match,) = listed.matches("Abu Tariq")
    assert match.score.total == 89
    assert "a weak alias there" in _words(match, "alias")


@pytest.mark.parametrize("name", ["", "!!!", "  ", "\x00", "Ltd", "a", "x" * 5_000, "١٢٣", "🙂 🙂"])
def test_a_name_of_nothing_matches_nobody(listed: Shelf, name: str) -> None:
    assert listed.matches(name) == []


def _words(match: Match, part: str) -> str:
    return next(one.words for one in match.score.parts if one.part == part)


@pytest.mark.parametrize("text", ["marenko taras", "Маренко", "AB 100200"])
def test_entries_are_looked_up_by_name_or_number(listed: Shelf, text: str) -> None:
    with tenant_work(listed.ws):
        found = find_entries(text=text, limit=5)
        elsewhere = find_entries(text=text, limit=5, list_id="wls_01jd3x7c2m9v5t0qk8w4z6r1bn")
    assert "1" in [entry.uid for entry in found]
    assert elsewhere == []
