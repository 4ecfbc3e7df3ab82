"""What limits and windows count: by whom, of what, since when; taken by all limits of an intent or by none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from policy.rules.types import AskedMeter, Meter, Window
from tests.evidence.sealing import as_role
from tests.policy.scales import COUNT, DAY, PAYEES, SUM, Scales, intent
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.configuration.queries import forget_settings

CAP = 1_000


@pytest.fixture
def scales(workspace: TenantRef) -> Scales:
    """The limits of `workspace`."""
    return Scales(workspace)


def test_what_fits_to_the_last_unit_is_taken_and_one_more_waits(scales: Scales) -> None:
    first = scales.weigh(intent(600), AskedMeter(SUM, CAP))
    second = scales.weigh(intent(400), AskedMeter(SUM, CAP))
    third = scales.weigh(intent(1), AskedMeter(SUM, CAP))

    assert (first.used, first.added, first.has_room, first.is_reserved) == ((0,), (600,), (True,), True)
    assert (second.used, second.added, second.is_reserved) == ((600,), (400,), True)
    assert (third.used, third.added, third.has_room, third.is_reserved) == ((1_000,), (1,), (False,), False)
    assert scales.stands(SUM) == CAP
    assert scales.sql("SELECT state, count(*) FROM policy_movement GROUP BY 1 ORDER BY 1") == [
        ("confirmed", 2), ("waiting", 1),
    ]  # fmt: skip


def test_an_intent_takes_all_of_its_limits_or_none(scales: Scales) -> None:
    scales.weigh(intent(900), AskedMeter(SUM, CAP), AskedMeter(COUNT, 5), AskedMeter(PAYEES, 5))

    refused = scales.weigh(intent(200, counterparty="bank"), AskedMeter(SUM, CAP), AskedMeter(COUNT, 5))

    assert (refused.has_room, refused.is_reserved) == ((False, True), False)
    assert [scales.stands(meter) for meter in (SUM, COUNT, PAYEES)] == [900, 1, 1]


def test_the_same_meter_under_two_caps_is_counted_once_and_bound_by_the_least(scales: Scales) -> None:
    found = scales.weigh(intent(600), AskedMeter(SUM, CAP), AskedMeter(SUM, 500), AskedMeter(SUM))

    assert (found.used, found.has_room, found.is_reserved) == ((0, 0, 0), (True, False, True), False)
    assert scales.stands(SUM) == 0
    assert scales.weigh(intent(500), AskedMeter(SUM, CAP), AskedMeter(SUM, 500)).is_reserved
    assert scales.stands(SUM) == 500


def test_counterparties_are_counted_once_each_and_while_one_of_theirs_counts(scales: Scales) -> None:
    now = clock.now()
    for hours, payee in enumerate(("shop", "shop", "bank")):
        scales.weigh(intent(counterparty=payee), AskedMeter(PAYEES, 2), at=now + timedelta(hours=hours))

    known = scales.weigh(intent(counterparty="bank"), AskedMeter(PAYEES, 2), at=now + timedelta(hours=3))
    third = scales.weigh(intent(counterparty="cafe"), AskedMeter(PAYEES, 2), at=now + timedelta(hours=24))

    assert (known.used, known.added, known.is_reserved) == ((2,), (0,), True)
    assert (third.used, third.added, third.is_reserved) == ((2,), (1,), False)
    # The first payment to the shop is a day old, the second is not yet.
    assert scales.weigh(intent(counterparty="cafe"), AskedMeter(PAYEES, 2), at=now + timedelta(hours=25)).is_reserved


def test_each_dimension_counts_its_own(scales: Scales) -> None:
    meters = [Meter(by, "count", DAY) for by in ("account", "customer", "corridor", "card", "workspace")]
    asked = [AskedMeter(meter, 10) for meter in meters]
    where: dict[str, Any] = {"corridor_source": "GB", "corridor_destination": "US", "corridor_method": "wire"}

    scales.weigh(intent(account="acct_a", card="card_1", **where), *asked)
    scales.weigh(intent(account="acct_b", card="card_1"), *asked)
    last = scales.weigh(intent(account="acct_a", customer="cust_2", card="card_2", **where), *asked)

    assert last.used == (1, 0, 1, 0, 2)


def test_whoever_has_no_such_dimension_has_room(scales: Scales) -> None:
    found = scales.weigh(intent(customer=None), AskedMeter(SUM, 1), AskedMeter(Meter("card", "count", DAY), 0))

    assert (found.used, found.added, found.has_room, found.is_reserved) == ((0, 0), (0, 0), (True, True), True)


def test_amounts_are_counted_by_currency_and_numbers_over_all(scales: Scales) -> None:
    banded = Meter("customer", "count", DAY, from_minor=50)
    for currency in ("USD", "EUR"):
        scales.weigh(intent(currency=currency), AskedMeter(SUM), AskedMeter(COUNT), AskedMeter(banded))

    found = scales.weigh(intent(currency="EUR"), AskedMeter(SUM), AskedMeter(COUNT), AskedMeter(banded))

    assert found.used == (100, 2, 1)


def test_many_just_under_a_limit_are_seen(scales: Scales) -> None:
    # A limit of 10,000.00: four amounts within ten percent under it, and some that are not.
    band = Meter("customer", "count", DAY, from_minor=900_000, below_minor=1_000_001)
    amounts = [950_000, 999_999, 899_999, 1_000_000, 1_000_001, 20_000]
    seen = [scales.weigh(intent(amount), AskedMeter(band)) for amount in amounts]
    fourth = scales.weigh(intent(900_000), AskedMeter(band))

    assert [each.added[0] for each in seen] == [1, 1, 0, 1, 0, 0]
    assert fourth.used[0] + fourth.added[0] == 4


def test_a_new_limit_counts_the_past_at_once(scales: Scales) -> None:
    start = clock.now()
    for hours in (30, 20, 10):
        scales.weigh(intent(300), at=start - timedelta(hours=hours))
    held = intent(500)
    scales.weigh(held, at=start)
    scales.release(held.intent_id, at=start)

    found = scales.publish(2).weigh(intent(400), AskedMeter(SUM, CAP), AskedMeter(COUNT, 3), at=start)

    assert (found.used, found.is_reserved) == ((600, 2), True)


def test_a_limit_that_comes_back_has_missed_nothing(scales: Scales) -> None:
    scales.weigh(intent(300), AskedMeter(SUM, CAP), AskedMeter(PAYEES, 9))
    without = scales.publish(2)
    without.weigh(intent(500, counterparty="bank"))

    found = without.publish(3).weigh(intent(200), AskedMeter(SUM, CAP), AskedMeter(PAYEES, 9))

    assert found.used == (800, 2)


def test_another_version_than_the_live_one_weighs_nothing(scales: Scales) -> None:
    scales.publish(2)

    found = scales.weigh(intent(), AskedMeter(SUM, CAP), version=1)

    assert (found.live_version, found.used, found.is_reserved) == (2, (), False)
    assert scales.sql("SELECT count(*) FROM policy_movement") == [(0,)]


def test_calendar_windows_begin_with_the_day_of_the_workspace(scales: Scales) -> None:
    day = AskedMeter(Meter("customer", "sum", Window(calendar="day")), CAP)
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    scales.weigh(intent(700), day, at=midnight - timedelta(microseconds=1))

    at_midnight = scales.weigh(intent(600), day, at=midnight)
    later = scales.weigh(intent(600), day, at=midnight + timedelta(hours=23))

    assert (at_midnight.used, at_midnight.is_reserved) == ((0,), True)
    assert (later.used, later.is_reserved) == ((600,), False)


def test_a_workspace_s_time_zone_moves_its_midnight(scales: Scales) -> None:
    day = AskedMeter(Meter("customer", "sum", Window(calendar="day")), CAP)
    with as_role("ZENTRA_OWNER_DATABASE_URL"):
        scales.sql(
            'UPDATE public.tenants_workspace SET settings = settings || \'{"time_zone": "Asia/Tokyo"}\' WHERE id = %s',
            [scales.ws.id],
        )
    forget_settings(workspace_id=scales.ws.id)
    tokyo_midnight = clock.now().replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=1)
    scales.weigh(intent(700), day, at=tokyo_midnight - timedelta(seconds=1))

    assert scales.weigh(intent(700), day, at=tokyo_midnight).is_reserved
    assert not scales.weigh(intent(700), day, at=tokyo_midnight + timedelta(hours=23)).is_reserved


def test_a_clock_that_goes_back_counts_what_left_the_window(scales: Scales) -> None:
    start = clock.now()
    scales.weigh(intent(600), AskedMeter(SUM, CAP), at=start)
    scales.weigh(intent(600), AskedMeter(SUM, CAP), at=start + timedelta(hours=25))

    back = scales.weigh(intent(300), AskedMeter(SUM, CAP), at=start + timedelta(hours=1))

    assert (back.used, back.is_reserved) == ((1_200,), False)


def test_a_reservation_counts_until_it_expires(scales: Scales) -> None:
    now = clock.now()
    scales.weigh(intent(900), AskedMeter(SUM, CAP), at=now, expires_at=now + timedelta(hours=1))

    early = scales.weigh(intent(200), AskedMeter(SUM, CAP), at=now + timedelta(minutes=59))
    late = scales.weigh(intent(200), AskedMeter(SUM, CAP), at=now + timedelta(hours=1))

    assert (early.is_reserved, late.is_reserved) == (False, True)
    assert [scales.expire(at=now + timedelta(hours=hours)) for hours in (0, 1, 2)] == [0, 1, 0]
    assert scales.stands(SUM, at=now + timedelta(hours=2)) == 200


def test_a_clock_that_goes_back_over_an_expiry_counts_the_reservation_again(scales: Scales) -> None:
    now = clock.now()
    scales.weigh(intent(900), AskedMeter(SUM, CAP), at=now, expires_at=now + timedelta(hours=1))
    assert scales.weigh(intent(50), AskedMeter(SUM, CAP), at=now + timedelta(hours=2)).used == (0,)

    back = scales.weigh(intent(200), AskedMeter(SUM, CAP), at=now + timedelta(minutes=30))

    assert (back.used, back.is_reserved) == ((950,), False)


def test_a_counter_that_is_not_asked_for_hears_of_changes_and_stays_where_it_is(scales: Scales) -> None:
    payments, now = Meter("customer", "sum", DAY, kinds=("payment",)), clock.now()
    kept, given_back = intent(300), intent(500)
    for one in (kept, given_back):
        scales.weigh(one, AskedMeter(SUM), AskedMeter(payments), at=now, expires_at=now + timedelta(hours=1))
    scales.release(given_back.intent_id, at=now)

    # A transfer asks the one meter of the customer and not the other; by then the reservation has expired.
    scales.weigh(intent(7, kind="transfer"), AskedMeter(SUM), at=now + timedelta(hours=2))

    assert scales.stands(payments, at=now) == 300
    assert scales.stands(payments, at=now + timedelta(hours=2)) == 0
    assert scales.weigh(intent(1), AskedMeter(SUM), AskedMeter(payments), at=now + timedelta(hours=3)).used == (7, 0)


def test_what_is_confirmed_does_not_expire(scales: Scales) -> None:
    now, one = clock.now(), intent(900)
    scales.weigh(one, AskedMeter(SUM, CAP), at=now, expires_at=now + timedelta(hours=1))

    scales.confirm(one.intent_id, at=now)

    assert scales.expire(at=now + timedelta(hours=2)) == 0
    assert not scales.weigh(intent(200), AskedMeter(SUM, CAP), at=now + timedelta(hours=2)).is_reserved


def test_what_another_rule_holds_stays_reserved_and_can_be_given_back_twice(scales: Scales) -> None:
    one, now = intent(900), clock.now()
    scales.weigh(one, AskedMeter(SUM, CAP), AskedMeter(PAYEES, 1), at=now)
    scales.hold(one.intent_id, until=now + timedelta(days=7), at=now)
    assert scales.stands(SUM) == 900

    for _ in range(2):
        scales.release(one.intent_id)

    assert scales.weigh(intent(CAP, counterparty="bank"), AskedMeter(SUM, CAP), AskedMeter(PAYEES, 1)).is_reserved


def test_an_approved_intent_counts_room_or_not_and_once(scales: Scales) -> None:
    scales.weigh(intent(900), AskedMeter(SUM, CAP), AskedMeter(COUNT, 5))
    waiting = intent(400)
    scales.weigh(waiting, AskedMeter(SUM, CAP), AskedMeter(COUNT, 5))

    for _ in range(2):
        scales.approve(waiting)

    found = scales.weigh(intent(1), AskedMeter(SUM, CAP), AskedMeter(COUNT, 5))
    assert (found.used, found.is_reserved) == ((1_300, 2), False)


def test_looking_leaves_no_trace_and_leaves_the_intent_itself_out(scales: Scales) -> None:
    one = intent(900)
    scales.weigh(one, AskedMeter(SUM, CAP), AskedMeter(PAYEES, 1))

    itself = scales.weigh(one, AskedMeter(SUM, CAP), AskedMeter(PAYEES, 1), is_reserving=False)
    other = scales.weigh(intent(200, counterparty="bank"), AskedMeter(SUM, CAP), AskedMeter(PAYEES), is_reserving=False)

    assert (itself.used, itself.added, itself.has_room, itself.is_reserved) == ((0, 0), (900, 1), (True, True), False)
    assert (other.used, other.added, other.has_room) == ((900, 1), (200, 1), (False, True))
    assert scales.sql("SELECT count(*) FROM policy_movement") == [(1,)]


def test_whether_a_customer_pays_somebody_for_the_first_time(scales: Scales) -> None:
    one = intent()

    assert scales.weigh(one).is_first is True
    assert scales.weigh(one, is_reserving=False).is_first is True
    assert scales.weigh(intent()).is_first is False
    assert scales.weigh(intent(counterparty="bank")).is_first is True
    assert scales.weigh(intent(customer="cust_2")).is_first is True
    assert scales.weigh(intent(customer=None)).is_first is None


def test_an_intent_is_weighed_once(scales: Scales) -> None:
    one = intent()
    scales.weigh(one, AskedMeter(SUM, CAP))

    with pytest.raises(IntegrityError, match="movement_once_per_intent"):
        scales.weigh(one, AskedMeter(SUM, CAP))

    assert scales.stands(SUM) == 100


def test_a_transaction_that_fails_holds_nothing(scales: Scales) -> None:
    with tenant_work(scales.ws):
        scales.weigh(intent(900), AskedMeter(SUM, CAP), AskedMeter(PAYEES, 1))
        transaction.set_rollback(True)

    found = scales.weigh(intent(CAP, counterparty="bank"), AskedMeter(SUM, CAP), AskedMeter(PAYEES, 1))
    assert (found.used, found.is_reserved) == ((0, 0), True)


def test_quiet_subjects_and_counters_of_older_rules_are_swept_and_counted_anew(scales: Scales) -> None:
    one = intent(900)
    scales.weigh(one, AskedMeter(SUM, CAP), AskedMeter(PAYEES, 1))
    scales.release(one.intent_id)

    assert scales.sweep() > 0
    assert scales.sql("SELECT (SELECT count(*) FROM policy_limit_change), (SELECT count(*) FROM policy_limit_counter)"
                      ", (SELECT count(*) FROM policy_limit_counterparty)") == [(0, 0, 0)]  # fmt: skip
    assert scales.weigh(intent(CAP), AskedMeter(SUM, CAP)).used == (0,)
    newer = scales.publish(2)
    assert newer.sweep() == 1
    assert newer.weigh(intent(1), AskedMeter(SUM, CAP)).used == (CAP,)


def test_what_a_movement_is_never_changes_while_it_counts(scales: Scales) -> None:
    scales.weigh(intent())

    with pytest.raises(DatabaseError, match="never changes while it counts"):
        scales.sql("UPDATE policy_movement SET amount_minor = 1, state = 'released'")
