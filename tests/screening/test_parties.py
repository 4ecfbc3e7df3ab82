"""Parties come, change and close: each refusal, each race, and what is never in an event."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError

from policy.screening import normal
from policy.screening.normal import InvalidParty
from policy.screening.operations import NameNotFound, ReferenceTaken
from policy.screening.store import PartyClosed, PartyNotFound, StaleParty
from tests.ledger.book import at_once
from tests.screening.bureau import Bureau
from zentra.core import clock, ids
from zentra.core.ids import BadId


def test_a_party_is_kept_screened_and_told_without_its_name(bureau: Bureau) -> None:
    party = bureau.party(
        "  Ada   Lovelace ",
        reference="cust_ada",
        country="gb",
        born_on=date(1985, 12, 10),
        aliases=["Augusta Byron"],
        identifiers=[{"type": "passport", "value": "ab 12-34", "country": "GB"}],
    )

    assert (party.name, party.country, party.version, party.screening) == ("Ada Lovelace", "GB", 1, "clear")
    assert bureau.ask("find_party", reference="cust_ada") == party
    assert [name.name for name in bureau.ask("names_of", party_id=party.id)] == ["Augusta Byron"]
    assert [(i.value, i.normal) for i in bureau.ask("identifiers_of", party_id=party.id)] == [("ab 12-34", "AB1234")]
    assert bureau.types("party.") == ["party.created"]
    assert bureau.types("screening.") == ["screening.completed"]
    told = json.dumps(bureau.events())
    for personal in ("Ada", "Lovelace", "Augusta", "1985", "AB1234", "12-34"):
        assert personal not in told


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("kind", {"kind": "ship"}),
        ("name", {"name": "   "}),
        ("name", {"name": "Ada\x00"}),
        ("name", {"name": "Ada \u202eecalevoL"}),
        ("name", {"name": "a" * 301}),
        ("name", {"name": 7}),
        ("reference", {"reference": "has space"}),
        ("reference", {"reference": ""}),
        ("country", {"country": "GBR"}),
        ("born_on", {"born_on": date(2999, 1, 1)}),
        ("born_on", {"born_on": datetime(1990, 1, 1, tzinfo=UTC)}),
        ("born_on", {"born_on": "1990-01-01"}),
        ("risk", {"risk": "none"}),
        ("segment", {"segment": "Some Words"}),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(field: str, words: dict[str, Any]) -> None:
    with pytest.raises(InvalidParty) as refused:
        normal.normal_fields(words, now=clock.now())

    assert [error["field"] for error in refused.value.extra["errors"]] == [field]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("type", {"type": "library_card", "value": "1", "country": ""}),
        ("value", {"type": "passport", "value": "--", "country": ""}),
        ("value", {"type": "passport", "value": "", "country": ""}),
        ("country", {"type": "passport", "value": "1", "country": "Great Britain"}),
    ],
)
def test_numbers_that_cannot_be_are_refused(field: str, words: dict[str, str]) -> None:
    with pytest.raises(InvalidParty) as refused:
        normal.identifier_row(**words)

    assert [error["field"] for error in refused.value.extra["errors"]] == [field]


@pytest.mark.parametrize(
    ("given", "normal_form"),
    [("ab 12-34", "AB1234"), ("\uff21\uff22\uff11", "AB1"), ("No. 7/B", "NO7B"), ("é9", "E9")],
)
def test_spellings_of_one_number_are_one(given: str, normal_form: str) -> None:
    assert normal.normal_identifier(given) == normal_form


def test_a_reference_belongs_to_one_party_also_when_two_come_at_once(bureau: Bureau) -> None:
    answers = at_once([lambda: bureau.party(reference="cust_one")] * 6, threads=6)

    made = [answer for answer in answers if not isinstance(answer, Exception)]
    refused = [answer for answer in answers if isinstance(answer, ReferenceTaken)]
    assert (len(made), len(refused)) == (1, 5)
    assert {error.extra["party_id"] for error in refused} == {made[0].id}
    assert bureau.types("party.") == ["party.created"]


def test_of_two_changers_one_changes_and_the_other_is_told_the_version(bureau: Bureau) -> None:
    party = bureau.party()
    words = {"party_id": party.id, "version": 1}

    answers = at_once(
        [lambda n=n: bureau.do("change_party", **words, changes={"segment": f"s{n}"}) for n in range(6)],  # type: ignore[misc]
        threads=6,
    )

    changed = [answer for answer in answers if not isinstance(answer, Exception)]
    stale = [answer for answer in answers if isinstance(answer, StaleParty)]
    assert (len(changed), len(stale)) == (1, 5)
    assert {error.extra["version"] for error in stale} == {2}
    now = bureau.get(party)
    assert (now.version, now.segment) == (2, changed[0].segment)
    assert bureau.types("party.changed") == ["party.changed"]


def test_a_change_of_nothing_is_no_version_and_what_never_changes_is_refused(bureau: Bureau) -> None:
    party = bureau.party()

    assert bureau.change(party, name=party.name) == party
    for fixed in ("reference", "kind"):
        with pytest.raises(InvalidParty):
            bureau.change(party, **{fixed: "company"})
    with pytest.raises(InvalidParty):
        bureau.change(party, screening="clear")
    assert bureau.get(party) == party


def test_only_what_a_list_could_know_is_screened_again(bureau: Bureau) -> None:
    party = bureau.party()
    asked = bureau.lists.asked

    bureau.change(party, risk="high", segment="retail")
    assert bureau.lists.asked == asked
    for change in ({"name": "Ada King"}, {"country": "GB"}, {"born_on": date(1985, 1, 1)}):
        bureau.change(party, **change)
    alias = bureau.do("add_name", party_id=party.id, name="Countess of Lovelace")
    number = bureau.do("add_identifier", party_id=party.id, type="passport", value="X 1")
    bureau.do("remove_name", party_id=party.id, name_id=alias.id)
    bureau.do("remove_identifier", party_id=party.id, identifier_id=number.id)

    assert bureau.lists.asked == asked + 7
    assert bureau.get(party).version == 9


def test_names_and_numbers_are_safe_to_repeat(bureau: Bureau) -> None:
    party = bureau.party()

    names = [bureau.do("add_name", party_id=party.id, name="Ada King").id for _ in range(2)]
    numbers = [
        bureau.do("add_identifier", party_id=party.id, type="passport", value=value).id for value in ("x-1", "X 1")
    ]

    assert (len(set(names)), len(set(numbers)), bureau.get(party).version) == (1, 1, 3)
    bureau.do("remove_name", party_id=party.id, name_id=names[0])
    for operation, words in (
        ("remove_name", {"name_id": names[0]}),
        ("remove_identifier", {"identifier_id": ids.new_id("idn")}),
    ):
        with pytest.raises(NameNotFound):
            bureau.do(operation, party_id=party.id, **words)


def test_a_closed_party_is_kept_and_changes_no_more(bureau: Bureau) -> None:
    party = bureau.party()

    closed = bureau.do("close_party", party_id=party.id, version=1, note="left us")

    assert (closed.state, closed.version) == ("closed", 2)
    for operation, words in (
        ("change_party", {"version": 2, "changes": {"name": "B"}}),
        ("add_name", {"name": "B"}),
        ("add_identifier", {"type": "passport", "value": "1"}),
        ("add_document", {"type": "passport"}),
        ("close_party", {"version": 2, "note": ""}),
        ("screen_party", {}),
        ("start_verification", {}),
    ):
        with pytest.raises(PartyClosed):
            bureau.do(operation, party_id=party.id, **words)
    assert bureau.ask("steps_of", party_id=party.id)[0].note == "left us"


def test_a_party_that_is_not_there(bureau: Bureau) -> None:
    with pytest.raises(PartyNotFound):
        bureau.ask("get_party", party_id=ids.new_id("pty"))
    with pytest.raises(PartyNotFound):
        bureau.do("screen_party", party_id=ids.new_id("pty"))
    with pytest.raises(BadId):
        bureau.ask("get_party", party_id="pty_no")


def test_parties_are_found_by_any_of_their_names_and_paged(bureau: Bureau) -> None:
    first = bureau.party("Grace Hopper", aliases=["Amazing Grace"])
    second = bureau.party("Alan Turing", kind="person", risk="high")
    third = bureau.party("Hopper & Sons", kind="company")

    def found(**words: Any) -> list[str]:
        return [party.id for party in bureau.ask("list_parties", **words)]

    assert found() == [third.id, second.id, first.id]
    assert found(before=third.page_key, limit=1) == [second.id]
    assert found(text="amazing") == [first.id]
    assert found(text="hopper") == [third.id, first.id]
    assert found(text=second.reference) == [second.id]
    assert found(risk="high") == [second.id]
    assert found(kind="company", screening="clear") == [third.id]
    assert bureau.ask("count_parties")["kind"] == {"company": 1, "person": 2}
    assert set(bureau.ask("parties_of", references=[first.reference, "nobody"])) == {first.reference}


def test_history_says_what_was_before_and_cannot_be_rewritten(bureau: Bureau) -> None:
    party = bureau.party()
    bureau.change(party, country="GB")

    step = bureau.ask("steps_of", party_id=party.id)[0]
    assert (step.what, step.facts) == ("changed", {"before": {"country": ""}, "after": {"country": "GB"}})
    for table in ("screening_step", "screening_check"):
        for statement in (f"UPDATE {table} SET at = now()", f"DELETE FROM {table}"):
            with pytest.raises((IntegrityError, ProgrammingError)):
                bureau.sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE screening_party SET state = 'gone'",
        "UPDATE screening_party SET kyc_state = 'known'",
        "UPDATE screening_party SET name = ''",
        "UPDATE screening_party SET country = 'GBR'",
        "UPDATE screening_party SET risk = 'none'",
        "UPDATE screening_party SET screening = 'fine'",
        "UPDATE screening_party SET state = 'closed'",
        "UPDATE screening_party SET kyc_state = 'expired'",
        "UPDATE screening_identifier SET normal = 'a-1'",
        "DELETE FROM screening_party",
    ],
)
def test_the_database_refuses_by_itself(bureau: Bureau, statement: str) -> None:
    bureau.party(identifiers=[{"type": "passport", "value": "A1"}])

    with pytest.raises((IntegrityError, ProgrammingError)):
        bureau.sql(statement)


def test_facts_are_one_row_for_each_known_reference(bureau: Bureau) -> None:
    party = bureau.party(reference="cust_known", country="GB", risk="high", segment="retail")

    rows = bureau.sql("SELECT * FROM screening_facts(%s)", [["cust_known", "nobody", "cust_known"]])

    assert rows == [
        ("cust_known", ids.to_uuid(party.id, prefix="pty"), "person", "none", None, "clear", "high", "GB", "retail")
    ]


def test_another_workspace_sees_none_of_them(bureau: Bureau, other_workspace: Any) -> None:
    party = bureau.party(reference="cust_ours")
    other = Bureau(other_workspace, bureau.lists)

    with pytest.raises(PartyNotFound):
        other.ask("get_party", party_id=party.id)
    assert other.sql("SELECT * FROM screening_facts(%s)", [["cust_ours"]]) == []
    assert other.ask("list_parties") == []
