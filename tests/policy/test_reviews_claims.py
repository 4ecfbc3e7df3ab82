"""A case is worked on by one person at a time, for ten minutes unless they go on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from policy.reviews.operations import (
    ClaimLost,
    MakerCannotDecide,
    NoSuchReview,
    ReviewAlreadyDecided,
    ReviewClaimed,
    RoleCannotDecide,
    StaleReview,
    add_note,
    claim_next,
    claim_review,
    decline_review,
    expire_claims,
    give_approval,
    release_claim,
    renew_claim,
    resolve_alert,
    snooze_review,
)
from policy.reviews.queries import alerts_of, count_reviews, list_reviews
from policy.reviews.types import NewAlert, ReviewFilter, ReviewRecord
from tests import workspaces
from tests.ledger.book import at_once
from tests.people import Person, join
from tests.policy.cases import HIT, Cases
from zentra.core import clock, ids

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from zentra.core.tenancy import TenantRef

LEASE = timedelta(minutes=10)
APPROVE = {"reason_code": "known_pattern", "note": ""}


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


def test_of_twenty_who_race_for_a_case_one_has_it_and_the_others_are_told_who(cases: Cases) -> None:
    review = cases.hold()
    people = [join(cases.ws, role="operator") for _ in range(20)]

    results = at_once([lambda p=p: cases.do(claim_review, review_id=review.id, actor=p.actor())  # type: ignore[misc]  # bound at once
                       for p in people], threads=20)  # fmt: skip

    [taken] = [result for result in results if isinstance(result, ReviewRecord)]
    told = [result for result in results if isinstance(result, ReviewClaimed)]
    assert len(told) == 19
    assert {refusal.extra["claimed_by"] for refusal in told} == {taken.claimed_by}
    assert cases.get(review).claimed_by == taken.claimed_by
    assert len(cases.recorded(review, "claimed")) == 1


def test_twenty_who_ask_for_the_next_get_each_another(cases: Cases) -> None:
    kind = f"race.{secrets.token_hex(4)}"
    for number in range(20):
        cases.open(f"{kind}.{number}", alert=_alert(kind))
    people = [join(cases.ws, role="operator") for _ in range(20)]

    results = at_once(
        [lambda p=p: cases.do(claim_next, actor=p.actor(), where=ReviewFilter(rule=kind)) for p in people],  # type: ignore[misc]  # bound at once
        threads=20,
    )

    taken = [result for result in results if isinstance(result, ReviewRecord)]
    assert len({review.id for review in taken}) == 20
    assert {review.claimed_by for review in taken} == {person.id for person in people}
    assert cases.do(claim_next, actor=people[0].actor(), where=ReviewFilter(rule=kind)) is None


def test_of_twenty_who_ask_for_the_next_of_one_case_one_gets_it(cases: Cases) -> None:
    kind = f"race.{secrets.token_hex(4)}"
    cases.open(kind, alert=_alert(kind))
    people = [join(cases.ws, role="operator") for _ in range(20)]

    results = at_once(
        [lambda p=p: cases.do(claim_next, actor=p.actor(), where=ReviewFilter(rule=kind)) for p in people],  # type: ignore[misc]  # bound at once
        threads=20,
    )

    assert len([result for result in results if isinstance(result, ReviewRecord)]) == 1
    assert [result for result in results if result is not None and not isinstance(result, ReviewRecord)] == []


def test_the_most_urgent_comes_first_and_what_is_not_for_them_is_passed_over(
    cases: Cases, operator: Person, operator2: Person, compliance: Person
) -> None:
    kind = f"next.{secrets.token_hex(4)}"
    now = clock.now()
    makers = [operator.id, "svc", "svc", "svc", "svc"]
    opened = [cases.open(f"{kind}.{n}", alert=_alert(kind), maker=maker) for n, maker in enumerate(makers)]
    made, snoozed, late, early, breached = opened
    elsewhere = cases.open(f"{kind}.5", alert=_alert(kind), queue="compliance")
    for review, minutes in ((late, 50), (early, 10), (breached, 60), (made, 1), (snoozed, 1), (elsewhere, 1)):
        cases.late(review, due_at=now + timedelta(minutes=minutes))
    cases.sql("UPDATE policy_review SET breached_at = now() WHERE id = %s", [ids.to_uuid(breached.id, prefix="rev")])
    cases.do(snooze_review, review_id=snoozed.id, until=now + timedelta(hours=1), reason="later",
             actor=operator2.actor())  # fmt: skip

    def take(person: Person) -> str | None:
        found = cases.do(claim_next, actor=person.actor(), where=ReviewFilter(rule=kind))
        return found.id if found else None

    assert [take(operator) for _ in range(4)] == [breached.id, early.id, late.id, None]
    assert take(operator2) == made.id
    assert [take(compliance) for _ in range(2)] == [elsewhere.id, None]


def test_one_s_own_claim_is_renewed_and_recorded_once(cases: Cases, operator: Person) -> None:
    review, now = cases.hold(), clock.now()

    cases.do(claim_review, review_id=review.id, actor=operator.actor(), now=now)
    later = now + timedelta(minutes=4)
    assert cases.do(claim_review, review_id=review.id, actor=operator.actor(), now=later).claimed_until == later + LEASE
    later += timedelta(minutes=4)
    assert cases.do(renew_claim, review_id=review.id, actor=operator.actor(), now=later).claimed_until == later + LEASE
    later += timedelta(minutes=4)
    cases.do(add_note, review_id=review.id, text="asked the customer", actor=operator.actor(), now=later)

    assert cases.get(review).claimed_until == later + LEASE
    assert cases.get(review).version == review.version
    assert len(cases.recorded(review, "claimed")) == 1


def test_a_lease_that_ran_out_is_anybody_s_and_freed_once(cases: Cases, operator: Person, operator2: Person) -> None:
    review, other, now = cases.hold(), cases.hold(), clock.now()
    over = now + LEASE
    for each in (review, other):
        cases.do(claim_review, review_id=each.id, actor=operator.actor(), now=now)

    assert cases.do(claim_review, review_id=review.id, actor=operator2.actor(), now=over).claimed_by == operator2.id
    freed = at_once([lambda: cases.do(expire_claims, now=over)] * 4, threads=4)

    assert sum(count for count in freed if isinstance(count, int)) >= 1
    assert cases.get(other).claimed_by is None
    assert [data["reason"] for data in cases.recorded(other, "released")] == ["lease_expired"]
    assert cases.get(review).claimed_by == operator2.id
    with pytest.raises(ClaimLost):
        cases.do(renew_claim, review_id=review.id, actor=operator.actor(), now=over)
    with pytest.raises(ClaimLost):
        cases.do(renew_claim, review_id=other.id, actor=operator.actor(), now=over)


def test_a_decision_after_the_lease_was_lost_to_another_is_refused(
    cases: Cases, operator: Person, operator2: Person
) -> None:
    review, now = cases.hold(alert=HIT, queue="operations"), clock.now()
    cases.do(claim_review, review_id=review.id, actor=operator.actor(), now=now)
    over = now + LEASE
    cases.do(claim_review, review_id=review.id, actor=operator2.actor(), now=over)
    [_, hit] = cases.ask(alerts_of, review_id=review.id)

    words = {"review_id": review.id, "actor": operator.actor(), "now": over}
    for attempt in (
        lambda: cases.do(give_approval, **words, **APPROVE),
        lambda: cases.do(decline_review, **words, reason_code="suspected_fraud", note=""),
        lambda: cases.do(snooze_review, **words, until=over + LEASE, reason="later"),
        lambda: cases.do(
            resolve_alert, alert_id=hit.id, state="cleared", note="seen", actor=operator.actor(), now=over
        ),
    ):
        with pytest.raises(ReviewClaimed) as refused:
            attempt()
        assert refused.value.extra["claimed_by"] == operator2.id

    assert cases.get(review).state == "open"
    assert cases.ask(alerts_of, review_id=review.id)[1].state == "open"


def test_a_claim_is_let_go_by_its_holder_alone(cases: Cases, operator: Person, operator2: Person) -> None:
    review = cases.hold()
    cases.do(claim_review, review_id=review.id, actor=operator.actor())

    with pytest.raises(ClaimLost):
        cases.do(release_claim, review_id=review.id, actor=operator2.actor())
    cases.do(release_claim, review_id=review.id, actor=operator.actor())

    assert cases.get(review).claimed_by is None
    with pytest.raises(ClaimLost):
        cases.do(release_claim, review_id=review.id, actor=operator.actor())
    assert [data["reason"] for data in cases.recorded(review, "released")] == ["released"]
    assert cases.steps(review) == ["opened", "claimed", "released"]


def test_who_may_not_decide_may_not_claim(
    cases: Cases, operator: Person, support: Person, auditor: Person, compliance: Person
) -> None:
    mine, theirs, done = cases.hold(maker=operator.id), cases.hold(queue="compliance"), cases.hold()
    cases.do(decline_review, review_id=done.id, actor=compliance.actor(), reason_code="limit_policy", note="")

    for review, person, refusal in (
        (mine, operator, MakerCannotDecide),
        (theirs, operator, RoleCannotDecide),
        (theirs, support, RoleCannotDecide),
        (mine, auditor, RoleCannotDecide),
        (done, operator, ReviewAlreadyDecided),
    ):
        with pytest.raises(refusal):
            cases.do(claim_review, review_id=review.id, actor=person.actor())
    with pytest.raises(NoSuchReview):
        cases.do(claim_review, review_id=ids.new_id("rev"), actor=operator.actor())
    with pytest.raises(StaleReview):
        cases.do(claim_review, review_id=theirs.id, actor=compliance.actor(), version=7)
    assert cases.get(mine).claimed_by is None
    assert cases.do(claim_next, actor=support.actor()) is None


def test_a_claim_that_a_clock_gave_which_went_back_since_holds_nobody(
    cases: Cases, operator: Person, operator2: Person
) -> None:
    review, now = cases.hold(), clock.now()
    cases.do(claim_review, review_id=review.id, actor=operator.actor(), now=now + timedelta(days=3))

    assert cases.do(claim_review, review_id=review.id, actor=operator2.actor(), now=now).claimed_by == operator2.id


def test_the_queue_is_counted_and_listed_as_it_stands_to_a_person(cases: Cases, operator: Person) -> None:
    kind = f"list.{secrets.token_hex(4)}"
    me, now = operator.actor(), clock.now()
    free, held, snoozed = (cases.open(f"{kind}.{n}", alert=_alert(kind)) for n in range(3))
    before = cases.ask(count_reviews, user_id=operator.id, now=now)
    cases.do(claim_review, review_id=held.id, actor=join(cases.ws, role="operator").actor(), now=now)
    cases.do(snooze_review, review_id=snoozed.id, until=now + LEASE, reason="later", actor=me, now=now)

    def found(**words: object) -> list[str]:
        where = ReviewFilter(state="open", rule=kind, **words)  # type: ignore[arg-type]  # as the test says it
        return [review.id for review in cases.ask(list_reviews, where=where, now=now)]

    assert found() == [free.id, held.id, snoozed.id]
    assert found(free_for=operator.id, snoozed=False) == [free.id]
    assert found(is_claimed=True) == [held.id]
    assert found(snoozed=True) == [snoozed.id]
    assert found(text=f"{kind}.1") == [held.id]
    assert found(case_kind="hold") == []
    after = cases.ask(count_reviews, user_id=operator.id, now=now)
    assert (after.open, after.claimed_by_others) == (before.open, before.claimed_by_others + 1)
    assert (after.free, after.snoozed) == (before.free - 2, before.snoozed + 1)


def test_pages_of_the_queue_hold_every_case_once(cases: Cases) -> None:
    kind = f"page.{secrets.token_hex(4)}"
    made = [cases.open(f"{kind}.{n}", alert=_alert(kind)) for n in range(5)]
    cases.sql("UPDATE policy_review SET breached_at = now() WHERE id = %s", [ids.to_uuid(made[3].id, prefix="rev")])

    seen: list[str] = []
    last = None
    while page := cases.ask(list_reviews, where=ReviewFilter(state="open", rule=kind), now=clock.now(), limit=2,
                            before=last):  # fmt: skip
        seen += [review.id for review in page]
        last = (page[-1].due_at, page[-1].id)

    assert seen == [made[n].id for n in (3, 0, 1, 2, 4)]


def _alert(name: str) -> NewAlert:
    return NewAlert("system", name)
