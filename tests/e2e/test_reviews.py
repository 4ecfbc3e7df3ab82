"""A high-value intent is held before anything posts, owned from its first moment, and decided once (PRODUCT 4: 3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import movement, read_packet_file
from tests.e2e.waiting import wait_until
from tests.people import Person, join

if TYPE_CHECKING:
    from tests.e2e.desks import Desk
    from zentra.core.tenancy import TenantRef

pytestmark = pytest.mark.e2e
OVER_LIMIT = 4_300_000
FOUR_EYES = 16_000_000
APPROVE = {"decision": "approve", "reason_code": "known_pattern", "reason": "known customer"}
DECLINE = {"decision": "decline", "reason_code": "suspected_fraud", "reason": "not plausible"}


@pytest.fixture
def operator(workspace: TenantRef) -> Person:
    """An operator with an authenticator."""
    return join(workspace, role="operator", totp=True)


@pytest.fixture
def operator2(workspace: TenantRef) -> Person:
    """Another one."""
    return join(workspace, role="operator", name="Second operator", totp=True)


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

    said = desk.visit(operator, with_code=True).post("reviews/intent_high/decide/", **APPROVE)
    assert said.status_code == 302, said.text
    assert desk.wait_for_end_of_review("intent_high") == "evidenced"
    assert [event["data"]["owner"] for event in desk.books.events("review.opened")] == [operator.id]
    [decided] = desk.books.events("review.approved")
    assert decided["data"]["stepped_up"] is True
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
    desk.visit(operator, with_code=True).post("reviews/intent_high/decide/", **DECLINE)

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
    rooms = {
        "approve": (desk.visit(operator, with_code=True), APPROVE),
        "decline": (desk.visit(operator2, with_code=True), DECLINE),
    }

    for name in names:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda d, name=name: rooms[d][0].post(f"reviews/{name}/decide/", **rooms[d][1]), rooms))

    for name in names:
        assert desk.wait_for_end_of_review(name) in {"evidenced", "declined"}
    decisions = desk.books.count_events()
    assert decisions["review.approved"] + decisions["review.declined"] == len(names)
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_without_a_second_factor_no_money_is_let_go(desk: Desk, operator: Person) -> None:
    desk.send(movement("intent_high", OVER_LIMIT))

    assert desk.visit(operator).post("reviews/intent_high/decide/", **APPROVE).status_code == 403

    assert desk.books.intent("intent_high")["status"] == "review"
    assert desk.books.rows("SELECT * FROM policy_review_approval") == []


def test_a_large_amount_needs_two_people_and_the_packet_tells_both(
    desk: Desk, operator: Person, operator2: Person
) -> None:
    desk.send(movement("intent_large", FOUR_EYES))
    first, second = (desk.visit(person, with_code=True) for person in (operator, operator2))

    first.post("reviews/intent_large/decide/", **APPROVE)
    first.post("reviews/intent_large/decide/", **APPROVE)
    assert desk.books.intent("intent_large")["status"] == "review"
    assert desk.books.purposes("intent_large") == []
    second.post("reviews/intent_large/decide/", **APPROVE)

    assert desk.wait_for_end_of_review("intent_large") == "evidenced"
    section = read_packet_file(desk.packet("intent_large"), "sections/policy.json")
    assert [(each["place"], each["by"], each["role"]) for each in section["review"]["approvals"]] == [
        (1, operator.id, "operator"),
        (2, operator2.id, "operator"),
    ]
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_above_the_hard_limit_it_is_declined_at_once_and_sealed(desk: Desk) -> None:
    assert desk.send(movement("intent_huge", 60_000_000))["status"] == "declined"

    wait_until(lambda: desk.books.intent("intent_huge")["packet_revision"], why="the decline is sealed")
    assert desk.books.purposes("intent_huge") == []
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)
