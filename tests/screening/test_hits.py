"""Matches become hits, hits become what a party is, and what a person said of them is remembered."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from policy.screening.operations import HitDecided, HitNoteRequired
from policy.screening.operations.resolving import OwnParty
from policy.screening.store import HitNotFound
from tests.ledger.book import at_once
from tests.people import Person
from tests.screening.bureau import LIST, Bureau
from zentra.core import ids

COLUMNS = (
    "party_id, list_id, entry_id, entry_uid, entry_digest, party_digest, score, parts, state, found_at, found_in,"
    " decided_by, note, version"
)


def cases(bureau: Bureau, state: str = "open") -> list[tuple[Any, ...]]:
    """The cases of the desk: (subject, queue, number of alerts)."""
    return bureau.sql(
        "SELECT r.subject, r.queue, count(a.id) FROM policy_review r JOIN policy_review_alert a ON a.review_id = r.id"
        " WHERE r.case_kind = 'alert' AND r.state = %s GROUP BY r.id ORDER BY r.id",
        [state],
    )


def test_who_is_on_a_list_is_unresolved_from_the_first_moment_and_has_a_case(bureau: Bureau) -> None:
    entry = bureau.lists.add("Ada Lovelace", score=93)
    bureau.lists.add("Ada King", score=79)

    party = bureau.party(aliases=["Ada King"])

    assert party.screening == "unresolved"
    (hit,) = bureau.hits(party)
    assert (hit.score, hit.entry_uid, hit.state, hit.parts[0]["points"]) == (93, entry.entry_uid, "open", 93)
    assert cases(bureau) == [(party.id, "compliance", 1)]
    assert bureau.types("screening.") == ["screening.hit_found", "screening.completed"]
    assert bureau.sql("SELECT screening FROM screening_facts(%s)", [[party.reference]]) == [("unresolved",)]


def test_several_hits_of_one_party_are_one_case(bureau: Bureau) -> None:
    for name in ("Ada Lovelace", "Ada King", "Augusta Byron"):
        bureau.lists.add(name)

    party = bureau.party(aliases=["Ada King", "Augusta Byron"])

    assert len(bureau.hits(party)) == 3
    assert cases(bureau) == [(party.id, "compliance", 3)]


def test_screening_again_finds_the_same_hit_and_no_second_case(bureau: Bureau) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()

    results = [bureau.screen(party) for _ in range(3)]

    assert [result.new_hits for result in results] == [(), (), ()]
    assert len(bureau.hits(party)) == 1
    assert cases(bureau) == [(party.id, "compliance", 1)]
    assert [check.reason for check in bureau.ask("list_checks", party_id=party.id)] == ["manual"] * 3 + ["created"]


def test_screened_from_many_sides_at_once_a_match_is_one_hit(bureau: Bureau) -> None:
    party = bureau.party()
    bureau.lists.add("Ada Lovelace")

    answers = at_once([lambda: bureau.screen(party)] * 6, threads=6)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert len(bureau.hits(party)) == 1
    assert cases(bureau) == [(party.id, "compliance", 1)]


def test_a_cleared_hit_is_remembered(bureau: Bureau, compliance: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()
    (hit,) = bureau.hits(party)

    cleared = bureau.resolve(hit, "cleared", actor=compliance.actor(), note="born elsewhere")

    assert (cleared.state, cleared.decided_by, cleared.note) == ("cleared", compliance.id, "born elsewhere")
    assert bureau.get(party).screening == "clear"
    result = bureau.screen(party)
    assert (result.screening, result.new_hits, result.remembered) == ("clear", (), 1)
    assert bureau.change(party, segment="retail").screening == "clear"
    assert bureau.types("screening.hit_") == ["screening.hit_found", "screening.hit_cleared"]
    assert "elsewhere" not in str(bureau.events())


def test_a_changed_entry_asks_again(bureau: Bureau, compliance: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()
    bureau.resolve(bureau.hits(party)[0], "cleared", actor=compliance.actor())

    bureau.lists.change("Ada Lovelace", entry_digest="d2", score=88)
    result = bureau.screen(party)

    assert (result.screening, len(result.new_hits), result.remembered) == ("unresolved", 1, 0)
    assert [(hit.state, hit.score) for hit in bureau.hits(party)] == [("open", 88), ("cleared", 95)]
    assert bureau.sql("SELECT voided_because FROM screening_memory") == [("entry changed",)]


def test_a_party_that_changes_its_name_is_asked_again(bureau: Bureau, compliance: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()
    bureau.resolve(bureau.hits(party)[0], "cleared", actor=compliance.actor())

    bureau.do("add_name", party_id=party.id, name="Ada King")

    assert bureau.get(party).screening == "unresolved"
    assert bureau.sql("SELECT voided_because FROM screening_memory") == [("party changed",)]


def test_memory_is_of_one_party_and_one_entry(bureau: Bureau, compliance: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()
    bureau.resolve(bureau.hits(party)[0], "cleared", actor=compliance.actor())
    bureau.lists.add("Ada King")

    assert bureau.party().screening == "unresolved"
    bureau.do("add_name", party_id=bureau.party("Someone else").id, name="Ada King")
    assert bureau.ask("count_hits") == {"open": 2, "cleared": 1}


def test_a_confirmed_hit_stays_whatever_the_list_says_next(bureau: Bureau, compliance: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()

    bureau.resolve(bureau.hits(party)[0], "confirmed", actor=compliance.actor())
    assert bureau.get(party).screening == "confirmed"
    bureau.lists.change("Ada Lovelace", entry_digest="d2")
    assert bureau.screen(party).screening == "confirmed"
    bureau.lists.entries.clear()
    assert bureau.screen(party).screening == "confirmed"
    assert [hit.state for hit in bureau.hits(party)] == ["confirmed"]


def test_a_confirmation_can_be_taken_back_and_is_asked_again(bureau: Bureau, compliance: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()
    (hit,) = bureau.hits(party)
    bureau.resolve(hit, "confirmed", actor=compliance.actor())

    again = bureau.do("reopen_hit", hit_id=hit.id, note="the wrong person", actor=compliance.actor())

    assert (again.state, bureau.get(party).screening) == ("open", "unresolved")
    assert again.id != hit.id
    bureau.resolve(again, "cleared", actor=compliance.actor())
    assert bureau.get(party).screening == "clear"
    with pytest.raises(HitDecided):
        bureau.do("reopen_hit", hit_id=hit.id, note="once more")


def test_an_open_hit_lapses_when_they_match_no_more(bureau: Bureau) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()

    renamed = bureau.change(party, name="Augusta King")

    assert renamed.screening == "clear"
    assert [hit.state for hit in bureau.hits(party)] == ["lapsed"]
    assert bureau.types("screening.hit_") == ["screening.hit_found", "screening.hit_lapsed"]


def test_the_worst_of_several_hits_rules(bureau: Bureau, compliance: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    bureau.lists.add("Ada King")
    party = bureau.party(aliases=["Ada King"])
    first, second = bureau.hits(party)

    bureau.resolve(first, "cleared", actor=compliance.actor())
    assert bureau.get(party).screening == "unresolved"
    bureau.resolve(second, "confirmed", actor=compliance.actor())
    assert bureau.get(party).screening == "confirmed"


def test_of_two_resolvers_one_decides(bureau: Bureau, compliance: Person, admin: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()
    (hit,) = bureau.hits(party)

    answers = at_once(
        [
            lambda: bureau.resolve(hit, "cleared", actor=compliance.actor()),
            lambda: bureau.resolve(hit, "confirmed", actor=admin.actor()),
        ]
        * 3,
        threads=6,
    )

    decided = [answer for answer in answers if not isinstance(answer, Exception)]
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert (len(decided), len(refused)) == (1, 5)
    assert {getattr(error, "status", 500) for error in refused} == {409}
    (now,) = bureau.hits(party)
    assert (now.state, now.decided_by) == (decided[0].state, decided[0].decided_by)
    assert bureau.get(party).screening == ("clear" if now.state == "cleared" else "confirmed")
    assert len(bureau.types("screening.hit_c")) == 1


def test_a_hit_and_its_alert_are_decided_together(bureau: Bureau, compliance: Person) -> None:
    from policy.reviews.operations import resolve_alert
    from zentra.core import clock
    from zentra.core.tenancy import tenant_work

    bureau.lists.add("Ada Lovelace")
    party, other = bureau.party(), bureau.party()
    bureau.resolve(bureau.hits(party)[0], "cleared", actor=compliance.actor())
    (other_hit,) = bureau.hits(other)
    (alert_id,) = bureau.sql("SELECT id FROM policy_review_alert WHERE reference = %s", [other_hit.id])[0]

    with tenant_work(bureau.ws):
        resolve_alert(
            alert_id=ids.to_public("rva", alert_id), state="confirmed", note="it is them", actor=compliance.actor(),
            now=clock.now(),
        )  # fmt: skip

    assert [hit.state for hit in bureau.hits(other)] == ["confirmed"]
    assert bureau.get(other).screening == "confirmed"
    assert sorted(bureau.sql("SELECT state, resolved_by FROM policy_review_alert")) == [
        ("cleared", compliance.id),
        ("confirmed", compliance.id),
    ]


def test_refusals_change_nothing(bureau: Bureau) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()
    (hit,) = bureau.hits(party)

    with pytest.raises(HitNoteRequired):
        bureau.resolve(hit, "cleared", note="  ")
    with pytest.raises(HitNotFound):
        bureau.do("resolve_hit", hit_id=ids.new_id("hit"), state="cleared", note="x")
    assert bureau.hits(party) == [hit]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE screening_hit SET state = 'cleared'",
        "UPDATE screening_hit SET score = 101",
        "UPDATE screening_hit SET entry_uid = 'other'",
        f"INSERT INTO screening_hit ({COLUMNS}, id) SELECT {COLUMNS}, gen_random_uuid() FROM screening_hit",
    ],
)
def test_the_database_refuses_by_itself(bureau: Bureau, statement: str) -> None:
    bureau.lists.add("Ada Lovelace")
    bureau.party()

    with pytest.raises(IntegrityError):
        bureau.sql(statement)


def test_a_decided_hit_is_history(bureau: Bureau, compliance: Person) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party()
    bureau.resolve(bureau.hits(party)[0], "cleared", actor=compliance.actor())

    with pytest.raises(IntegrityError):
        bureau.sql("UPDATE screening_hit SET note = 'otherwise'")


def test_hits_are_listed_over_all_parties(bureau: Bureau) -> None:
    bureau.lists.add("Ada Lovelace")
    parties = [bureau.party() for _ in range(3)]

    hits = bureau.ask("list_hits", state="open")

    assert [hit.party_id for hit in hits] == [party.id for party in reversed(parties)]
    assert bureau.ask("list_hits", before=hits[0].page_key, limit=1) == [hits[1]]
    assert bureau.ask("list_hits", list_id=LIST, party_id=parties[0].id) == [hits[2]]
    assert bureau.ask("get_hit", hit_id=hits[0].id) == hits[0]


def test_resolving_and_changing_at_once_wait_for_each_other_and_never_deadlock(
    bureau: Bureau, compliance: Person
) -> None:
    for n in range(4):
        bureau.lists.add(f"Name {n}")
    party = bureau.party("Name 0")
    (hit,) = bureau.hits(party)

    answers = at_once(
        [
            lambda: bureau.resolve(hit, "cleared", actor=compliance.actor()),
            *[lambda n=n: bureau.do("add_name", party_id=party.id, name=f"Name {n}") for n in (1, 2, 3)],
            lambda: bureau.screen(party),
        ]
        * 2,
        threads=10,
    )

    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert [getattr(error, "status", 500) for error in refused] == [409] * len(refused)
    assert len(refused) <= 2
    assert bureau.ask("count_hits")["open"] >= 3
    assert len(cases(bureau)) == 1


def test_who_wrote_a_party_down_does_not_clear_its_hits_but_may_confirm_them(
    bureau: Bureau, compliance: Person, admin: Person
) -> None:
    bureau.lists.add("Ada Lovelace")
    party = bureau.party(actor=compliance.actor())
    (hit,) = bureau.hits(party)
    with pytest.raises(OwnParty):
        bureau.resolve(hit, "cleared", actor=compliance.actor())
    assert bureau.hits(party)[0].state == "open"
    bureau.resolve(hit, "confirmed", actor=compliance.actor())
    again = bureau.do("reopen_hit", hit_id=hit.id, note="the wrong person", actor=compliance.actor())
    with pytest.raises(OwnParty):
        bureau.resolve(again, "cleared", actor=compliance.actor())
    bureau.resolve(again, "cleared", actor=admin.actor())
