"""How much of a limit is used, as bars: by the rules in force, page by page, exact at their moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policy.limits import queries
from policy.limits.types import LimitUsage, ShownLimit
from policy.rules.types import AskedMeter, Meter, Window
from tests.policy.scales import COUNT, DAY, SUM, Scales, intent
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work

TODAY = Meter("workspace", "count", Window(calendar="day"))
MONTH = Meter("workspace", "sum", Window(calendar="month"))
SHOWN = [
    ShownLimit("limit.outgoing", SUM, {"USD": 1_000}, 500),
    ShownLimit("limit.daily", TODAY, {}, 10),
    ShownLimit("limit.card", Meter("card", "sum", DAY), {}, 10),
]


@pytest.fixture
def scales(workspace: TenantRef) -> Scales:
    """The limits of `workspace`, which three customers have used."""
    made = Scales(workspace)
    for customer, amount, currency in (("a", 400, "USD"), ("b", 900, "USD"), ("c", 250, "EUR"), ("b", 100, "USD")):
        one = intent(amount, customer=customer, currency=currency)
        made.weigh(one, *(AskedMeter(each.meter, each.cap_in(currency)) for each in SHOWN))
    return made


def bars(scales: Scales, **more: object) -> list[LimitUsage]:
    """A page."""
    with tenant_work(scales.ws):
        return queries.limits_usage(limits=SHOWN, now=clock.now(), **more)  # type: ignore[arg-type]  # words of a page


def test_each_subject_of_each_limit_has_a_bar(scales: Scales) -> None:
    assert [(b.limit, b.dimension, b.key, b.currency, b.used, b.cap, b.percent) for b in bars(scales)] == [
        ("limit.outgoing", "customer", "c", "EUR", 250, 500, 50),
        ("limit.outgoing", "customer", "b", "USD", 1_000, 1_000, 100),
        ("limit.outgoing", "customer", "a", "USD", 400, 1_000, 40),
        ("limit.daily", "workspace", "*", "***", 4, 10, 40),
    ]


def test_pages_go_on_where_the_last_one_ended(scales: Scales) -> None:
    whole = bars(scales)
    pages = [bars(scales, limit=2)]
    while len(pages[-1]) == 2:
        pages.append(bars(scales, limit=2, before=pages[-1][-1].cursor))

    assert [len(page) for page in pages] == [2, 2, 0]
    assert [(bar.limit, bar.key) for page in pages for bar in page] == [(bar.limit, bar.key) for bar in whole]


def test_a_calendar_window_says_when_it_begins_anew_and_a_rolling_one_does_not(scales: Scales) -> None:
    now = datetime(2026, 12, 31, 12, tzinfo=UTC)
    with tenant_work(scales.ws):
        day, month, rolling = (
            queries.usage_of(subject=intent(), limits=[ShownLimit("x", meter, {}, 10)], now=now)[0]
            for meter in (TODAY, MONTH, COUNT)
        )

    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    assert (day.window_starts_at, day.resets_at) == (datetime(2026, 12, 31, tzinfo=UTC), new_year)
    assert (month.window_starts_at, month.resets_at) == (datetime(2026, 12, 1, tzinfo=UTC), new_year)
    assert (rolling.window_starts_at, rolling.resets_at) == (now - timedelta(days=1), None)


def test_one_customer_s_bars(scales: Scales) -> None:
    with tenant_work(scales.ws):
        [bar] = queries.usage_of_customer(customer="b", currency="USD", limits=SHOWN, now=clock.now())
        none = queries.usage_of_customer(customer="nobody", currency="USD", limits=SHOWN, now=clock.now())

    assert (bar.used, bar.percent) == (1_000, 100)
    assert [each.used for each in none] == [0]


def test_the_limits_of_the_rules_in_force_are_shown(scales: Scales) -> None:
    with tenant_work(scales.ws):
        found = {each.name: each for each in queries.live_limits()}

    assert found["limit.outgoing_24h"].cap_in("USD") == 20_000_000
    assert found["limit.outgoing_24h"].meter == SUM
    assert found["velocity.outgoing_24h"].meter.measure == "count"


def test_bars_follow_what_expires_and_leaves_the_window_without_an_intent(scales: Scales) -> None:
    with tenant_work(scales.ws):
        later = queries.limits_usage(limits=SHOWN[:1], now=clock.now() + timedelta(hours=25))

    assert [bar.used for bar in later] == [0, 0, 0]
