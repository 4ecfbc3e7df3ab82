"""What one customer moves in 24 hours: reserved and checked in one call, exact under any number of intents at once."""

from datetime import timedelta

from django.db import transaction

from policy.operations import count_approved
from policy.rules import Subject
from policy.types import DecisionRecord
from tests.ledger.book import at_once
from tests.policy.desk import CAP, Desk
from zentra.core import clock
from zentra.core.tenancy import tenant_work

EACH = 3_000_000
PART = CAP // 8
"""Eight of these use up the cap; none comes near the limit of a single intent, as structuring would."""
DAY = timedelta(days=1)


def test_twenty_intents_of_one_customer_at_once_never_take_more_than_the_cap(desk: Desk) -> None:
    decisions = at_once([lambda: desk.decide(EACH, customer="cust_1")] * 20, threads=20)

    outcomes = [d.outcome for d in decisions if isinstance(d, DecisionRecord)]
    assert len(outcomes) == 20
    assert outcomes.count("accepted") == CAP // EACH
    assert outcomes.count("review") == 20 - CAP // EACH
    assert desk.used("cust_1") == CAP // EACH * EACH


def test_the_cap_itself_may_be_used_to_the_last_unit(desk: Desk) -> None:
    for _ in range(8):
        assert desk.decide(PART, customer="cust_1").outcome == "accepted"

    assert desk.decide(1, customer="cust_1").outcome == "review"
    assert desk.used("cust_1") == CAP


def test_customers_and_currencies_have_limits_of_their_own(desk: Desk) -> None:
    for _ in range(8):
        desk.decide(PART, customer="cust_1")

    assert desk.decide(EACH, customer="cust_2").outcome == "accepted"
    assert desk.decide(EACH, customer="cust_1", currency="EUR").outcome == "accepted"


def test_the_window_rolls(desk: Desk) -> None:
    start = clock.now()
    for hour in range(8):
        desk.decide(PART, customer="cust_1", at=start + timedelta(hours=hour))

    assert desk.decide(1, customer="cust_1", at=start + DAY - timedelta(seconds=1)).outcome == "review"
    assert desk.decide(PART, customer="cust_1", at=start + DAY).outcome == "accepted"
    assert desk.decide(1, customer="cust_1", at=start + DAY).outcome == "review"


def test_what_is_released_can_be_taken_again(desk: Desk) -> None:
    taken = [desk.decide(PART, customer="cust_1") for _ in range(8)]

    desk.release(taken[0].intent_id)
    desk.release(taken[0].intent_id)

    assert desk.used("cust_1") == PART * 7
    assert desk.decide(PART, customer="cust_1").outcome == "accepted"


def test_a_declined_intent_holds_nothing(desk: Desk) -> None:
    declined = desk.decide(50_000_001, customer="cust_1")

    assert declined.outcome == "declined"
    assert desk.used("cust_1") == 0


def test_an_intent_that_the_limit_holds_counts_once_it_is_approved(desk: Desk) -> None:
    for _ in range(8):
        desk.decide(PART, customer="cust_1")
    held = desk.decide(EACH, customer="cust_1")
    subject = Subject(held.intent_id, "payment", EACH, "USD", "cust_1")

    for _ in range(2):
        with tenant_work(desk.ws):
            count_approved(subject=subject, now=clock.now())

    assert desk.used("cust_1") == CAP + EACH


def test_a_transaction_that_fails_holds_nothing(desk: Desk) -> None:
    with tenant_work(desk.ws):
        desk.decide(EACH, customer="cust_1")
        transaction.set_rollback(True)

    assert desk.used("cust_1") == 0
