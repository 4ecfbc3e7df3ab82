"""Who loses a role loses claims and cases with it, in the same moment; no case is left with somebody who is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policy.reviews.operations import claim_review
from policy.reviews.operations.leaving import reown_abandoned
from policy.reviews.types import QUEUE_OWNER
from tests.people import Person, join
from tests.policy.cases import Cases
from zentra.core import clock
from zentra.tenants.members.operations import remove_member, set_roles
from zentra.tenants.models import Membership

if TYPE_CHECKING:
    from policy.reviews.types import ReviewRecord
    from zentra.core.tenancy import TenantRef


@pytest.fixture
def cases(workspace: TenantRef) -> Cases:
    return Cases(workspace)


def remove(cases: Cases, by: Person, whom: Person) -> None:
    cases.do(remove_member, workspace=cases.ws, user_id=whom.id, version=None, actor=by.actor())


def change(cases: Cases, by: Person, whom: Person, role: str) -> None:
    cases.do(set_roles, workspace=cases.ws, user_id=whom.id, roles=[role], version=None, actor=by.actor())


def claimed(cases: Cases, person: Person) -> ReviewRecord:
    review = cases.hold()
    assert review.owner == person.id
    claimed_: ReviewRecord = cases.do(claim_review, review_id=review.id, actor=person.actor())
    assert claimed_.claimed_by == person.id
    return claimed_


def test_claims_are_freed_and_cases_get_another_owner_in_the_same_moment(
    cases: Cases, admin: Person, operator: Person
) -> None:
    reviews = [claimed(cases, operator) for _ in range(3)]
    others = [join(cases.ws, role="operator"), join(cases.ws, role="compliance")]

    remove(cases, admin, operator)

    after = [cases.get(review) for review in reviews]
    assert [each.claimed_by for each in after] == [None] * 3
    assert {each.owner for each in after} == {each.id for each in others}
    (released,) = cases.recorded(reviews[0], "released")
    assert (released["released_by"], released["reason"]) == (operator.id, "member_left")
    assert cases.recorded(reviews[0], "assigned")[-1]["previous_owner"] == operator.id
    taken: ReviewRecord = cases.do(claim_review, review_id=reviews[0].id, actor=others[0].actor())
    assert taken.claimed_by == others[0].id


def test_where_nobody_is_left_the_queue_owns_them(cases: Cases, admin: Person, operator: Person) -> None:
    review = claimed(cases, operator)
    remove(cases, admin, operator)
    assert cases.get(review).owner == QUEUE_OWNER


def test_a_role_that_may_decide_the_same_keeps_claim_and_case(cases: Cases, admin: Person, operator: Person) -> None:
    review = claimed(cases, operator)
    change(cases, admin, operator, "compliance")
    after = cases.get(review)
    assert (after.owner, after.claimed_by) == (operator.id, operator.id)


def test_a_role_that_may_not_loses_both(cases: Cases, admin: Person, operator: Person) -> None:
    review = claimed(cases, operator)
    second = join(cases.ws, role="operator")
    change(cases, admin, operator, "auditor")
    after = cases.get(review)
    assert (after.owner, after.claimed_by) == (second.id, None)


def test_a_case_that_was_opened_for_somebody_just_gone_is_found(cases: Cases, admin: Person, operator: Person) -> None:
    review = cases.hold()
    second = join(cases.ws, role="operator")
    Membership.objects.filter(workspace_id=cases.ws.id, user_id=operator.id).delete()  # unheard of by anybody

    assert cases.do(reown_abandoned) == 1

    assert cases.get(review).owner == second.id
    assert cases.do(reown_abandoned) == 0
    assert clock.now() > review.opened_at
