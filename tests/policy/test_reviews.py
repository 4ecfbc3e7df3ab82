"""A held intent: owned from the first moment, decided once, by somebody else than its maker, with a reason."""

import pytest
from django.db import connection

from policy.reviews.operations import (
    CannotOwnReview,
    MakerCannotDecide,
    NoSuchReview,
    ReasonRequired,
    ReviewAlreadyDecided,
    assign_review,
    decline_review,
)
from policy.reviews.types import QUEUE_OWNER, ReviewRecord
from tests.ledger.book import at_once
from tests.people import Person, join
from tests.policy.desk import Desk
from zentra.core import clock
from zentra.core.ids import new_id
from zentra.core.tenancy import tenant_work


def test_the_least_loaded_reviewer_on_shift_owns_the_next(
    desk: Desk, operator: Person, operator2: Person, compliance: Person, support: Person, admin: Person
) -> None:
    owners = [desk.hold().owner for _ in range(9)]

    able = {operator.id, operator2.id, compliance.id}
    assert {owner: owners.count(owner) for owner in able} == dict.fromkeys(able, 3)


def test_whoever_decided_theirs_gets_the_next(desk: Desk, operator: Person, operator2: Person) -> None:
    first, second = desk.hold(), desk.hold()
    assert {first.owner, second.owner} == {operator.id, operator2.id}
    free = operator if second.owner == operator.id else operator2

    desk.close(second, (operator2 if free is operator else operator).actor())

    assert desk.hold().owner == free.id


def test_somebody_off_shift_is_given_nothing(desk: Desk, operator: Person) -> None:
    join(desk.ws, role="operator", on_shift=False)

    assert {desk.hold().owner for _ in range(3)} == {operator.id}


def test_the_maker_never_owns_what_they_made(desk: Desk, operator: Person, operator2: Person) -> None:
    assert {desk.hold(maker=operator.id).owner for _ in range(3)} == {operator2.id}


def test_a_review_is_never_unowned(desk: Desk, operator: Person) -> None:
    assert desk.hold(maker=operator.id).owner == QUEUE_OWNER


def test_people_of_another_workspace_own_nothing_here(desk: Desk, outsider: Person, other_workspace: object) -> None:
    join(outsider.workspace, role="operator")

    assert desk.hold().owner == QUEUE_OWNER


def test_a_person_who_was_made_inactive_is_given_nothing(desk: Desk, operator: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_user SET is_active = false WHERE email = %s", [operator.email])

    assert desk.hold().owner == QUEUE_OWNER


def test_the_maker_cannot_decide(desk: Desk, operator: Person) -> None:
    review = desk.hold(maker=operator.id)

    for approve in (True, False):
        with pytest.raises(MakerCannotDecide):
            desk.close(review, operator.actor(), approve=approve)

    assert desk.review(review.intent_id) == review


@pytest.mark.parametrize("reason", ["", " ", "\n\t "])
def test_a_decision_needs_its_reason(reason: str, desk: Desk, operator: Person) -> None:
    review = desk.hold()

    with pytest.raises(ReasonRequired):
        desk.close(review, operator.actor(), reason=reason)

    assert desk.review(review.intent_id).state == "open"


def test_who_when_and_why_are_kept(desk: Desk, operator: Person) -> None:
    review = desk.hold()
    before = clock.now()

    closed = desk.close(review, operator.actor(), approve=False, reason="  the payee is new  ")

    assert (closed.state, closed.decided_by, closed.decided_role) == ("declined", operator.id, "operator")
    assert (closed.note, closed.version) == ("the payee is new", 2)
    assert closed.decided_at is not None
    assert before <= closed.decided_at <= clock.now()


def test_of_operators_who_race_one_decides_and_the_others_are_told_who_and_when(
    desk: Desk, operator: Person, operator2: Person
) -> None:
    review = desk.hold()
    people = [operator, operator2] * 4

    results = at_once([lambda p=p, n=n: desk.close(review, p.actor(), approve=n % 2 == 0)  # type: ignore[misc]  # bound at once
                       for n, p in enumerate(people)], threads=8)  # fmt: skip

    [decided] = [result for result in results if isinstance(result, ReviewRecord)]
    told = [result for result in results if isinstance(result, ReviewAlreadyDecided)]
    assert len(told) == 7
    assert decided.decided_at is not None
    for error in told:
        assert error.extra == {
            "state": decided.state,
            "decided_by": decided.decided_by,
            "decided_at": decided.decided_at.isoformat(),
        }
    assert desk.review(review.intent_id) == decided


def test_what_is_not_held_cannot_be_decided(desk: Desk, operator: Person) -> None:
    for review_id in (new_id("rev"), "intent_042", ""):
        with tenant_work(desk.ws), pytest.raises(NoSuchReview):
            decline_review(
                review_id=review_id, actor=operator.actor(), reason_code="suspected_fraud", note="", now=clock.now()
            )


def test_an_open_review_is_given_to_somebody_who_may_decide_and_nobody_else(
    desk: Desk, operator: Person, compliance: Person, support: Person
) -> None:
    review = desk.hold()

    def assign(owner: str) -> ReviewRecord:
        with tenant_work(desk.ws):
            return assign_review(review_id=review.id, owner=owner, actor=support.actor(), now=clock.now())

    assert assign(compliance.id).owner == compliance.id
    for other in (support.id, "usr_nobody", ""):
        with pytest.raises(CannotOwnReview):
            assign(other)
    desk.close(review, operator.actor())
    with pytest.raises(ReviewAlreadyDecided):
        assign(operator.id)
