"""Where four eyes rule, two people approve: neither the maker, nor one person twice, nor the last editor second."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, IntegrityError

from policy.reviews.operations import (
    AlertsUnresolved,
    AlreadyApproved,
    ApprovalNotAsked,
    EditorCannotApprove,
    HitConfirmed,
    InvalidReasonCode,
    MakerCannotDecide,
    ReasonRequired,
    ReviewAlreadyDecided,
    RoleCannotDecide,
    StaleReview,
    claim_next,
    decline_review,
    give_approval,
    resolve_alert,
    resolve_case,
)
from policy.reviews.queries import alerts_of, approvals_of
from policy.reviews.types import ApprovalResult, NewAlert, ReviewFilter, ReviewRecord
from tests import workspaces
from tests.evidence.sealing import as_role
from tests.ledger.book import at_once
from tests.people import Person, join
from tests.policy.cases import HIT, Cases
from zentra.core import actors, ids
from zentra.core.actors import Actor

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from zentra.core.tenancy import TenantRef


@pytest.fixture(scope="module")
def workspace(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    """One for all of these: each test looks at cases of its own."""
    with django_db_blocker.unblock():
        made = workspaces.create(slug=f"t-{secrets.token_hex(5)}", mode="sandbox", ledger_currency="USD")
        yield made
        workspaces.drop(made)


@pytest.fixture
def cases(workspace: TenantRef, database: None) -> Cases:
    return Cases(workspace)


SEEN = NewAlert("screening", "sanctions.hit", "92 of 100", 92, "hit_1")


def approve(cases: Cases, review: ReviewRecord, actor: Actor, **words: Any) -> ApprovalResult:
    said: dict[str, Any] = {"reason_code": "known_pattern", "note": "", **words}
    return cases.do(give_approval, review_id=review.id, actor=actor, **said)


def clear(cases: Cases, review: ReviewRecord, actor: Actor, state: str = "cleared") -> None:
    [hit] = [each for each in cases.ask(alerts_of, review_id=review.id) if each.kind == "aml"]
    cases.do(resolve_alert, alert_id=hit.id, state=state, note="another date of birth", actor=actor)


def test_two_people_approve_and_both_are_kept(cases: Cases, operator: Person, operator2: Person) -> None:
    review = cases.hold(four_eyes=True)

    first = approve(cases, review, operator.actor(), stepped_up=True)
    assert (first.given, first.needed, first.is_final, first.review.state) == (1, 2, False, "open")
    assert first.review.claimed_by is None
    second = approve(cases, review, operator2.actor(), reason_code="documents_received", note="passport")

    assert (second.is_final, second.review.state, second.review.decided_by) == (True, "approved", operator2.id)
    assert (second.review.outcome_code, second.review.reason_code) == ("approved", "documents_received")
    given = cases.ask(approvals_of, review_id=review.id)
    assert [(a.place, a.by_user, a.by_role, a.reason_code, a.note) for a in given] == [
        (1, operator.id, "operator", "known_pattern", ""),
        (2, operator2.id, "operator", "documents_received", "passport"),
    ]
    [told] = cases.recorded(review, "approval_given")
    assert (told["by"], told["place"], told["needed"], told["stepped_up"]) == (operator.id, 1, 2, True)
    assert "passport" not in str(cases.events(review))


def test_one_approval_is_enough_where_they_do_not_rule(cases: Cases, operator: Person) -> None:
    review = cases.hold()

    assert approve(cases, review, operator.actor()).is_final
    assert cases.recorded(review, "approval_given") == []


def test_nobody_approves_twice(cases: Cases, operator: Person) -> None:
    review = cases.hold(four_eyes=True)
    approve(cases, review, operator.actor())

    with pytest.raises(AlreadyApproved):
        approve(cases, review, operator.actor())

    assert (cases.get(review).state, len(cases.ask(approvals_of, review_id=review.id))) == ("open", 1)
    assert cases.do(claim_next, actor=operator.actor(), where=ReviewFilter(text=review.subject)) is None


def test_one_person_at_eight_doors_at_once_approves_once(cases: Cases, operator: Person) -> None:
    review = cases.hold(four_eyes=True)

    results = at_once([lambda: approve(cases, review, operator.actor())] * 8, threads=8)

    assert len([result for result in results if isinstance(result, ApprovalResult)]) == 1
    assert {type(result) for result in results if isinstance(result, Exception)} == {AlreadyApproved}
    assert cases.get(review).state == "open"


def test_of_eight_who_race_to_be_second_one_is(cases: Cases, operator: Person) -> None:
    review = cases.hold(four_eyes=True)
    approve(cases, review, operator.actor())
    people = [join(cases.ws, role="operator") for _ in range(8)]

    results = at_once([lambda p=p: approve(cases, review, p.actor()) for p in people], threads=8)  # type: ignore[misc]  # bound at once

    [final] = [result for result in results if isinstance(result, ApprovalResult)]
    assert final.is_final
    assert {type(result) for result in results if isinstance(result, Exception)} == {ReviewAlreadyDecided}
    assert len(cases.ask(approvals_of, review_id=review.id)) == 2


def test_an_approval_and_a_decline_race_and_one_stands(cases: Cases, operator: Person, operator2: Person) -> None:
    review = cases.hold(four_eyes=True)
    approve(cases, review, operator.actor())

    def decline() -> ReviewRecord:
        return cases.do(
            decline_review, review_id=review.id, actor=operator.actor(), reason_code="suspected_fraud", note=""
        )

    results = at_once([lambda: approve(cases, review, operator2.actor()), decline] * 4, threads=8)

    assert len([result for result in results if not isinstance(result, Exception)]) == 1
    refused = {type(result) for result in results if isinstance(result, Exception)}
    assert refused == {ReviewAlreadyDecided}
    assert cases.get(review).state in ("approved", "declined")


def test_the_maker_is_neither_first_nor_second(cases: Cases, operator: Person, operator2: Person) -> None:
    review = cases.hold(maker=operator.id, four_eyes=True)

    with pytest.raises(MakerCannotDecide):
        approve(cases, review, operator.actor())
    approve(cases, review, operator2.actor())
    with pytest.raises(MakerCannotDecide):
        approve(cases, review, operator.actor())

    assert cases.get(review).state == "open"


def test_whoever_changed_the_case_last_is_not_the_second(
    cases: Cases, operator: Person, operator2: Person, compliance: Person
) -> None:
    review = cases.hold(four_eyes=True, alert=HIT)
    clear(cases, review, operator2.actor())
    approve(cases, review, operator.actor())

    with pytest.raises(EditorCannotApprove):
        approve(cases, review, operator2.actor())
    assert cases.do(claim_next, actor=operator2.actor(), where=ReviewFilter(text=review.subject)) is None

    assert approve(cases, review, compliance.actor()).is_final


def test_keys_services_and_other_roles_approve_nothing(
    cases: Cases, operator: Person, compliance: Person, support: Person
) -> None:
    review, theirs = cases.hold(), cases.hold(queue="compliance")
    key = Actor(kind="key", id="key_1", role="operator", credential="key_1")

    for actor in (key, actors.POLICY, support.actor()):
        with pytest.raises(RoleCannotDecide):
            approve(cases, review, actor)
    with pytest.raises(RoleCannotDecide):
        approve(cases, theirs, operator.actor())

    assert approve(cases, theirs, compliance.actor()).is_final


def test_hits_are_resolved_before_an_approval_and_a_confirmed_one_is_declined(
    cases: Cases, operator: Person, operator2: Person
) -> None:
    review = cases.hold(alert=HIT)

    with pytest.raises(AlertsUnresolved) as refused:
        approve(cases, review, operator.actor())
    assert len(refused.value.extra["alerts"]) == 1
    clear(cases, review, operator.actor(), "confirmed")
    with pytest.raises(HitConfirmed):
        approve(cases, review, operator2.actor())

    declined = cases.do(
        decline_review, review_id=review.id, actor=operator2.actor(), reason_code="sanctions_match", note=""
    )
    assert (declined.state, declined.reason_code) == ("declined", "sanctions_match")
    assert cases.recorded(review, "alert_resolved")[0]["state"] == "confirmed"


def test_the_hits_of_the_party_in_doubt_count_though_they_wait_in_a_case_of_their_own(
    cases: Cases, compliance: Person
) -> None:
    party = ids.new_id("pty")
    review = cases.hold()
    cases.sql("UPDATE policy_review SET party_id = %s WHERE id = %s", [party, ids.to_uuid(review.id, prefix="rev")])
    theirs = cases.open(party, kind="alert", queue="compliance", party_id=party, alert=SEEN)

    with pytest.raises(AlertsUnresolved):
        approve(cases, review, compliance.actor())
    cases.sql("UPDATE policy_review_alert SET state = 'cleared' WHERE review_id = %s", [key(theirs)])

    assert approve(cases, review, compliance.actor()).is_final


@pytest.mark.parametrize(("state", "refusal"), [("open", AlertsUnresolved), ("confirmed", HitConfirmed)])
def test_an_intent_of_a_party_with_such_a_hit_is_not_approved(
    state: str, refusal: type[Exception], cases: Cases, compliance: Person
) -> None:
    customer, party = f"cust_{secrets.token_hex(4)}", ids.new_id("pty")
    review = cases.hold(customer=customer)
    cases.sql(
        "INSERT INTO screening_party (id, reference, kind, state, name, country, risk, segment, kyc_state, screening,"
        " screened_against, version, created_at, created_by, changed_at)"
        " SELECT %s, %s, 'person', 'active', 'J', 'US', 'low', '', 'verified', %s, 0, 1, now(), 'usr_x', now()",
        [ids.to_uuid(party, prefix="pty"), customer, "confirmed" if state == "confirmed" else "unresolved"],
    )
    cases.open(party, kind="alert", queue="compliance", party_id=party, alert=SEEN)

    with pytest.raises(refusal):
        approve(cases, review, compliance.actor())

    assert cases.get(review).state == "open"


def test_whoever_read_an_older_state_is_told_who_acted(cases: Cases, operator: Person, operator2: Person) -> None:
    review = cases.hold(four_eyes=True)
    approve(cases, review, operator.actor(), version=review.version)

    with pytest.raises(StaleReview) as refused:
        approve(cases, review, operator2.actor(), version=review.version)

    assert refused.value.extra["changed_by"] == operator.id
    assert refused.value.extra["version"] == review.version + 1
    assert len(cases.ask(approvals_of, review_id=review.id)) == 1


def test_a_decision_has_a_code_of_its_list_and_words_where_the_code_says_nothing(
    cases: Cases, operator: Person
) -> None:
    review, other = cases.hold(), cases.open()

    with pytest.raises(InvalidReasonCode):
        approve(cases, review, operator.actor(), reason_code="suspected_fraud")
    with pytest.raises(ReasonRequired):
        approve(cases, review, operator.actor(), reason_code="other_approve", note="  ")
    words: dict[str, Any] = {"review_id": other.id, "actor": operator.actor(), "note": ""}
    for outcome, reason in (("approved", "fixed"), ("handled", "known_pattern")):
        with pytest.raises(InvalidReasonCode):
            cases.do(resolve_case, outcome_code=outcome, reason_code=reason, **words)
    with pytest.raises(ApprovalNotAsked):
        approve(cases, other, operator.actor())
    with pytest.raises(ApprovalNotAsked):
        cases.do(resolve_case, **(words | {"review_id": review.id}), outcome_code="handled", reason_code="fixed")

    resolved = cases.do(resolve_case, **words, outcome_code="cleared", reason_code="no_action")
    assert (resolved.state, resolved.outcome_code, resolved.reason_code) == ("resolved", "cleared", "no_action")
    assert cases.recorded(other, "resolved")[0]["outcome_code"] == "cleared"


# -- Round Python: the database refuses as well ------------------------------------------------------------------------

APPROVAL = (
    "INSERT INTO policy_review_approval (id, review_id, place, by_user, by_role, at, reason_code, note)"
    " VALUES (gen_random_uuid(), %s, %s, %s, 'operator', now(), 'known_pattern', '')"
)
APPROVED = (
    "UPDATE policy_review SET state = 'approved', decided_at = now(), decided_by = %s, decided_role = 'operator',"
    " outcome_code = 'approved', reason_code = 'known_pattern' WHERE id = %s"
)


END = "decided_at = now(), outcome_code = 'x', reason_code = 'x' WHERE id = %(id)s"


def key(review: ReviewRecord) -> Any:
    return ids.to_uuid(review.id, prefix="rev")


def test_by_sql_too_two_people_approve_and_none_who_may_not(
    cases: Cases, operator: Person, operator2: Person, compliance: Person
) -> None:
    review = cases.hold(maker=compliance.id, four_eyes=True, alert=HIT)
    clear(cases, review, operator2.actor())

    def refused(statement: str, *values: Any) -> None:
        with pytest.raises(IntegrityError):
            cases.sql(statement, list(values))

    refused(APPROVED, operator.id, key(review))
    refused(APPROVAL, key(review), 1, compliance.id)
    refused(APPROVAL, key(review), 1, "svc_policy")
    refused(APPROVAL, key(review), 2, operator.id)
    cases.sql(APPROVAL, [key(review), 1, operator.id])
    refused(APPROVED, operator.id, key(review))
    refused(APPROVAL, key(review), 2, operator.id)
    refused(APPROVAL, key(review), 1, compliance.id)
    refused(APPROVAL, key(review), 2, operator2.id)
    for column, value in (("approvals_needed", 1), ("maker", "x"), ("edited_by", None), ("amount_minor", 1)):
        refused(f"UPDATE policy_review SET {column} = %s WHERE id = %s", value, key(review))
    third = join(cases.ws, role="operator")
    cases.sql(APPROVAL, [key(review), 2, third.id])
    refused(APPROVED, operator.id, key(review))
    cases.sql(APPROVED, [third.id, key(review)])

    refused(APPROVAL, key(review), 3, join(cases.ws, role="operator").id)
    assert cases.get(review).decided_by == third.id


@pytest.mark.parametrize("role", ["ZENTRA_DATABASE_URL", "ZENTRA_OWNER_DATABASE_URL"])
def test_a_closed_case_never_changes_and_what_was_said_stays(
    role: str, cases: Cases, operator: Person, operator2: Person
) -> None:
    review, held = cases.hold(alert=HIT), cases.hold(four_eyes=True)
    clear(cases, review, operator.actor())
    closed = approve(cases, review, operator.actor()).review
    approve(cases, held, operator2.actor())

    with as_role(role):
        for change in (
            "UPDATE policy_review SET note = 'x' WHERE id = %(id)s",
            "UPDATE policy_review SET state = 'open' WHERE id = %(id)s",
            "DELETE FROM policy_review WHERE id = %(id)s",
            "UPDATE policy_review_alert SET state = 'open' WHERE review_id = %(id)s",
            "INSERT INTO policy_review_alert SELECT gen_random_uuid(), %(id)s, 'rule', 'x', '', 0, '', 'open', now()",
            "UPDATE policy_review_approval SET by_user = 'usr_x' WHERE review_id = %(held)s",
            "DELETE FROM policy_review_approval WHERE review_id = %(held)s",
            "UPDATE policy_review_step SET by = 'x'",
            "DELETE FROM policy_review_note",
            "UPDATE policy_review_attachment SET name = 'x'",
            "TRUNCATE policy_review CASCADE",
            "TRUNCATE policy_review_approval",
        ):
            with pytest.raises(DatabaseError, match=r"permission denied|never|stay|is refused|null value"):
                cases.sql(change, {"id": key(review), "held": key(held)})

    assert cases.get(review) == closed


def test_by_sql_a_hit_that_is_not_cleared_is_not_approved(cases: Cases, operator: Person) -> None:
    review = cases.hold(alert=HIT)
    cases.sql(APPROVAL, [key(review), 1, operator.id])

    with pytest.raises(IntegrityError, match="not cleared"):
        cases.sql(APPROVED, [operator.id, key(review)])

    clear(cases, review, operator.actor(), "confirmed")
    with pytest.raises(IntegrityError, match="stays confirmed"):
        cases.sql("UPDATE policy_review_alert SET state = 'cleared' WHERE review_id = %s", [key(review)])


def test_by_sql_a_case_ends_with_who_and_why(cases: Cases) -> None:
    review = cases.hold()

    for change in (
        "UPDATE policy_review SET state = 'declined' WHERE id = %(id)s",
        f"UPDATE policy_review SET state = 'resolved', decided_by = 'usr_x', {END}",
        f"UPDATE policy_review SET state = 'declined', decided_by = maker, {END}",
        "UPDATE policy_review SET owner = '' WHERE id = %(id)s",
    ):
        with pytest.raises(DatabaseError):
            cases.sql(change, {"id": key(review)})

    assert cases.get(review) == review
