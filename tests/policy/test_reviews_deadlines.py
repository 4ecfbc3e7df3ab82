"""What time does to a case: it breaches once, goes up once, wakes once, whoever looks and however long nobody did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from policy.reviews.operations import (
    breach_overdue,
    claim_next,
    escalate_unanswered,
    snooze_review,
    wake_snoozed,
)
from policy.reviews.operations.deadlines import BREACHES_A_ROUND
from policy.reviews.tasks import follow_time
from tests.ledger.book import at_once
from tests.people import Person
from tests.policy.cases import Cases
from tests.policy.desk import Desk
from zentra.core import clock
from zentra.core.tenancy import TenantRef

HOUR = timedelta(hours=1)


def beats(cases: Cases, work: Callable[..., int], now: datetime) -> int:
    """Four beats at once; what they did together."""
    done = at_once([lambda: cases.do(work, now=now)] * 4, threads=4)
    assert [each for each in done if isinstance(each, Exception)] == []
    return sum(each for each in done if isinstance(each, int))


def test_a_case_breaches_once_under_four_beats_and_keeps_its_owner_where_nobody_stands_above(
    workspace: TenantRef, operator: Person, compliance: Person
) -> None:
    cases = Cases(workspace)
    review = cases.hold(maker=compliance.id)
    assert review.owner == operator.id
    assert beats(cases, breach_overdue, review.due_at - timedelta(seconds=1)) == 0

    late = review.due_at + timedelta(minutes=3)
    assert beats(cases, breach_overdue, late) == 1
    assert beats(cases, breach_overdue, late + HOUR / 2) == 0

    breached = cases.get(review)
    assert (breached.breached_at, breached.escalation, breached.escalated_by) == (late, 1, "svc_policy")
    assert (breached.owner, breached.queue, breached.version) == (operator.id, "operations", review.version)
    assert [data["seconds_late"] for data in cases.recorded(review, "breached")] == [180]
    assert [data["level"] for data in cases.recorded(review, "escalated")] == [1]
    assert cases.steps(review) == ["opened", "breached", "escalated"]


def test_what_nobody_answers_goes_to_an_admin_once_and_no_further(
    workspace: TenantRef, operator: Person, compliance: Person, admin: Person
) -> None:
    cases = Cases(workspace)
    review = cases.hold()
    late = review.due_at + timedelta(minutes=1)
    beats(cases, breach_overdue, late)
    assert cases.get(review).owner == compliance.id
    assert beats(cases, escalate_unanswered, late + HOUR - timedelta(seconds=1)) == 0

    assert beats(cases, escalate_unanswered, late + HOUR) == 1
    assert beats(cases, escalate_unanswered, late + 9 * HOUR) == 0

    assert (cases.get(review).owner, cases.get(review).escalation) == (admin.id, 2)
    assert [data["level"] for data in cases.recorded(review, "escalated")] == [1, 2]


def test_after_an_outage_all_that_came_due_breaches_each_once(workspace: TenantRef, operator: Person) -> None:
    cases = Cases(workspace)
    made = [cases.open(f"case_{number}") for number in range(3)]
    cases.sql(
        "INSERT INTO policy_review (id, case_kind, subject, rule, saw, kind, owner, maker, opened_at, due_at, note,"
        " state, version) SELECT gen_random_uuid(), 'exception', 'bulk_' || n, 'x', '', '', 'queue_reviews', 'svc',"
        " now(), now() + interval '1 hour', '', 'open', 1 FROM generate_series(1, %s) n",
        [BREACHES_A_ROUND + 5],
    )
    with clock.frozen(made[-1].due_at + 100 * HOUR):
        results = at_once([lambda: follow_time(workspace)] * 2, threads=2)

    assert [each for each in results if isinstance(each, Exception)] == []
    assert cases.sql("SELECT count(*), count(breached_at), min(escalation) FROM policy_review") == [
        (BREACHES_A_ROUND + 8, BREACHES_A_ROUND + 8, 1)
    ]
    assert cases.sql("SELECT count(*) FROM evidence_event WHERE type = 'review.breached'") == [(BREACHES_A_ROUND + 8,)]


def test_what_was_decided_in_time_never_breaches(workspace: TenantRef, operator: Person) -> None:
    cases = Cases(workspace)
    review = cases.hold()
    Desk(workspace).close(review, operator.actor())

    assert beats(cases, breach_overdue, review.due_at + HOUR) == 0
    assert cases.get(review).breached_at is None


def test_a_snoozed_case_sleeps_until_its_moment_and_its_time_runs_on(workspace: TenantRef, operator: Person) -> None:
    cases = Cases(workspace)
    review = cases.hold()
    now = clock.now()
    until = now + 3 * HOUR
    cases.do(snooze_review, review_id=review.id, until=until, reason="asked the bank", actor=operator.actor(), now=now)

    assert cases.do(claim_next, actor=operator.actor(), now=now) is None
    assert beats(cases, wake_snoozed, until - timedelta(seconds=1)) == 0
    assert beats(cases, breach_overdue, review.due_at) == 1
    assert beats(cases, wake_snoozed, until) == 1

    assert cases.get(review).snoozed_until is None
    taken = cases.do(claim_next, actor=operator.actor(), now=until)
    assert taken is not None
    assert cases.steps(review) == ["opened", "snoozed", "breached", "escalated", "woken", "claimed"]
    assert "bank" not in str(cases.events(review))
