"""Who owns and decides a case is said by permissions: of built-in roles, of a workspace's own, and of teams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy.reviews.errors import CannotOwnReview, MakerCannotDecide, RoleCannotDecide
from policy.reviews.operations import assign_review, claim_next, claim_review, escalate_review, give_approval
from policy.reviews.operations.leaving import reown_abandoned
from policy.reviews.queries import approvals_of
from policy.reviews.types import QUEUE_OWNER
from tests.people import Person, join
from tests.policy.cases import Cases
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.tenants.members.operations import set_roles
from zentra.tenants.models import ApiCredential, Membership
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import DEFAULT_SCOPES
from zentra.tenants.roles.operations import change_role_definition, create_role

if TYPE_CHECKING:
    from policy.reviews.types import ApprovalResult, ReviewRecord
    from zentra.core.tenancy import TenantRef


@pytest.fixture
def cases(workspace: TenantRef) -> Cases:
    return Cases(workspace)


def make_role(cases: Cases, by: Person, *may: str, key: str = "shift_lead") -> None:
    cases.do(create_role, workspace=cases.ws, key=key, name=key, permissions=may, actor=by.actor())


def approve(cases: Cases, review: ReviewRecord, by: Person) -> ApprovalResult:
    result: ApprovalResult = cases.do(
        give_approval, review_id=review.id, actor=by.actor(), reason_code="known_pattern", note=""
    )
    return result


def test_a_role_of_the_workspace_s_own_owns_and_decides_the_cases_of_its_queue_and_no_others(
    cases: Cases, admin: Person, auditor: Person
) -> None:
    make_role(cases, admin, "reviews.decide")
    lead = join(cases.ws, role="shift_lead")

    review = cases.hold()

    assert review.owner == lead.id
    for stranger in (auditor, Actor("user", "usr_" + "0" * 26, "operator")):
        actor = stranger if isinstance(stranger, Actor) else stranger.actor()
        with pytest.raises(RoleCannotDecide):  # what a caller says of its role counts for nothing
            cases.do(claim_review, review_id=review.id, actor=actor)
    with pytest.raises(RoleCannotDecide):
        cases.do(claim_review, review_id=cases.hold(queue="compliance").id, actor=lead.actor())
    taken = cases.do(claim_next, actor=lead.actor())
    assert taken is not None
    assert taken.queue == "operations"
    assert approve(cases, taken, lead).is_final


def test_an_admin_is_given_what_is_escalated_and_decides_all(cases: Cases, admin: Person) -> None:
    assert cases.hold().owner == QUEUE_OWNER
    review = cases.hold()
    first = cases.do(escalate_review, review_id=review.id, note="look", actor=admin.actor())
    assert (first.queue, first.owner) == ("compliance", QUEUE_OWNER)
    assert cases.do(escalate_review, review_id=review.id, note="look", actor=admin.actor()).owner == admin.id
    assert approve(cases, review, admin).is_final


def test_a_permission_that_leaves_a_role_frees_what_its_people_worked_on_in_that_moment(
    cases: Cases, admin: Person
) -> None:
    make_role(cases, admin, "reviews.decide", "reviews.assign")
    lead = join(cases.ws, role="shift_lead")
    review = cases.hold()
    cases.do(claim_review, review_id=review.id, actor=lead.actor())
    operator = join(cases.ws, role="operator")

    cases.do(
        change_role_definition, workspace=cases.ws, key="shift_lead", version=None, name="Lead",
        permissions=["reviews.assign"], actor=admin.actor(),
    )  # fmt: skip

    now = cases.get(review)
    assert (now.claimed_by, now.owner) == (None, operator.id)
    with pytest.raises(RoleCannotDecide):
        cases.do(claim_review, review_id=review.id, actor=lead.actor())
    with pytest.raises(CannotOwnReview):
        cases.do(assign_review, review_id=review.id, owner=lead.id, actor=operator.actor())


def test_who_went_round_python_is_found_by_the_beat(cases: Cases, operator: Person) -> None:
    review = cases.hold()
    Membership.objects.filter(workspace_id=cases.ws.id, user_id=operator.id).update(role="viewer")
    assert cases.do(reown_abandoned) == 1
    assert cases.get(review).owner == QUEUE_OWNER


def test_a_further_role_decides_as_the_main_one_does(cases: Cases, admin: Person) -> None:
    person = join(cases.ws, role="viewer")
    cases.do(set_roles, workspace=cases.ws, user_id=person.id, roles=["support", "operator"], version=None,
             actor=admin.actor())  # fmt: skip
    review = cases.hold()
    assert review.owner == person.id
    assert approve(cases, review, person).is_final


def test_a_first_approval_counts_no_more_when_its_giver_lost_the_permission(
    cases: Cases, admin: Person, operator: Person, operator2: Person, compliance: Person
) -> None:
    review = cases.hold(four_eyes=True)
    assert not approve(cases, review, operator).is_final
    Membership.objects.filter(workspace_id=cases.ws.id, user_id=operator.id).update(role="support")

    second = approve(cases, review, operator2)

    assert (second.given, second.is_final) == (1, False)
    assert cases.get(review).is_open
    third = approve(cases, review, compliance)
    assert (third.given, third.is_final) == (2, True)
    assert [each.by_user for each in cases.ask(approvals_of, review_id=review.id)] == [
        operator.id, operator2.id, compliance.id,
    ]  # fmt: skip


def test_who_issued_a_key_decides_nothing_that_it_made(cases: Cases, operator: Person, operator2: Person) -> None:
    issued = issue_key(workspace=cases.ws, name="till", now=clock.now(), scopes=DEFAULT_SCOPES)
    ApiCredential.objects.filter(id=issued.id).update(issued_by=operator.id)
    by_key: Any = cases.hold(maker=issued.id)
    by_issuer = cases.hold(maker=Actor("key", issued.id, "developer", issued.id, responsible=operator.id).maker)
    for review in (by_key, by_issuer):
        with pytest.raises(MakerCannotDecide):
            approve(cases, review, operator)
        with pytest.raises(CannotOwnReview):
            cases.do(assign_review, review_id=review.id, owner=operator.id, actor=operator2.actor())
        assert approve(cases, review, operator2).is_final
