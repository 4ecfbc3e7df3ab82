"""A high-value intent is held before anything posts, owned from its first moment, and decided once (PRODUCT 4: 3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import movement, read_packet_file
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from tests.e2e.desks import Desk
    from tests.people import Person

pytestmark = pytest.mark.e2e
OVER_LIMIT = 4_300_000


def test_it_is_owned_in_the_transaction_that_held_it_and_approval_lets_it_go_on(desk: Desk, operator: Person) -> None:
    answer = desk.send(movement("intent_high", OVER_LIMIT))

    assert (answer["status"], answer["ledger_state"]) == ("review", None)
    [review] = desk.books.rows("SELECT *, xmin::text AS written_by FROM policy_review")
    assert review["owner"] == operator.id
    for table in ("runtime_intent", "policy_decision", "evidence_event"):
        writers = {
            row["x"] for row in desk.books.rows(f"SELECT xmin::text AS x FROM {table} WHERE intent_id = 'intent_high'")
        }
        assert writers == {review["written_by"]}, table
    assert desk.books.count_events("intent_high")["review.assigned"] == 1
    assert desk.books.purposes("intent_high") == []

    said = desk.visit(operator).post("reviews/intent_high/decide/", decision="approve", reason="known customer")
    assert said.status_code == 302, said.text
    assert desk.wait_for_end_of_review("intent_high") == "evidenced"
    [decided] = desk.books.events("review.approved")
    assert (decided["actor"]["id"], decided["actor"]["role"]) == (operator.id, "operator")
    [closed] = desk.books.events("review.closed")
    assert closed["data"]["closed_by"] == operator.id
    manifest = read_packet_file(desk.packet("intent_high"), "manifest.json")
    assert {"policy.review", "review.assigned", "review.approved"} <= {row["type"] for row in manifest["events"]}
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_declined_it_ends_without_a_posting_and_with_a_packet(
    desk: Desk, operator: Person, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk.send(movement("intent_high", OVER_LIMIT))
    desk.visit(operator).post("reviews/intent_high/decide/", decision="decline", reason="not plausible")

    assert desk.wait_for_end_of_review("intent_high") == "declined"
    assert desk.books.purposes("intent_high") == []
    assert "Verified" in desk.verify(desk.packet("intent_high"), tmp_path_factory.mktemp("packets"))
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_of_two_operators_who_race_one_decides_and_the_other_is_told(
    desk: Desk, operator: Person, operator2: Person
) -> None:
    names = [f"intent_high_{number}" for number in range(4)]
    for name in names:
        desk.send(movement(name, OVER_LIMIT))
    rooms = {"approve": desk.visit(operator), "decline": desk.visit(operator2)}

    for name in names:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda d, name=name: rooms[d].post(f"reviews/{name}/decide/", decision=d, reason="mine"),
                          rooms))  # fmt: skip

    for name in names:
        assert desk.wait_for_end_of_review(name) in {"evidenced", "declined"}
    decisions = desk.books.count_events()
    assert decisions["review.approved"] + decisions["review.declined"] == len(names)
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_above_the_hard_limit_it_is_declined_at_once_and_sealed(desk: Desk) -> None:
    assert desk.send(movement("intent_huge", 60_000_000))["status"] == "declined"

    wait_until(lambda: desk.books.intent("intent_huge")["packet_revision"], why="the decline is sealed")
    assert desk.books.purposes("intent_huge") == []
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)
