"""Monitoring of history: each scenario, what is just not one, and that a finding is told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policy.screening import tasks
from policy.screening.monitoring.scenarios import BY_NAME
from policy.screening.monitoring.types import History, Moved, Verdict
from policy.screening.operations import InvalidMonitor, StaleSettings
from tests.ledger.book import at_once
from tests.screening.bureau import Bureau
from zentra.core import clock

NOW = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def out(ago: timedelta, amount: int, *, currency: str = "USD", destination: str = "DE") -> Moved:
    return Moved(NOW - ago, amount, currency, True, "payee", destination)


def came(ago: timedelta, amount: int) -> Moved:
    return Moved(NOW - ago, amount, "USD", False, "payer", "")


def judge(name: str, moved: Sequence[Moved], **numbers: Any) -> Verdict | None:
    scenario = BY_NAME[name]
    history = History("cust_1", NOW - 121 * DAY, tuple(sorted(moved, key=lambda m: m.at)))
    return scenario.judge(history, {**scenario.numbers, **numbers}, NOW)


def test_several_amounts_just_under_a_threshold_on_several_days() -> None:
    under = [out(n * 20 * HOUR, 950_000) for n in range(4)]

    verdict = judge("structuring_over_days", under)
    assert verdict is not None
    assert (verdict.period, verdict.currency) == ("2026-W47", "USD")
    assert verdict.facts == {"amounts": 4, "days": 3, "total_minor": 3_800_000, "threshold_minor": 1_000_000}

    assert judge("structuring_over_days", under[:3]) is None
    assert judge("structuring_over_days", [out(n * HOUR, 950_000) for n in range(4)]) is None
    assert judge("structuring_over_days", [out(n * 20 * HOUR, 1_000_000) for n in range(4)]) is None
    assert judge("structuring_over_days", [out(n * 20 * HOUR, 899_999) for n in range(4)]) is None
    assert judge("structuring_over_days", [out(n * 60 * HOUR, 950_000) for n in range(4)]) is None
    mixed = [out(n * 20 * HOUR, 950_000, currency=("USD", "EUR")[n % 2]) for n in range(6)]
    assert judge("structuring_over_days", mixed) is None


def test_what_comes_in_and_goes_out_at_once() -> None:
    assert judge("rapid_in_and_out", [came(5 * HOUR, 600_000), out(HOUR, 480_000)]) is not None
    assert judge("rapid_in_and_out", [came(5 * HOUR, 600_000), out(HOUR, 479_999)]) is None
    assert judge("rapid_in_and_out", [out(5 * HOUR, 600_000), came(HOUR, 600_000)]) is None
    assert judge("rapid_in_and_out", [came(5 * HOUR, 499_999), out(HOUR, 499_999)]) is None
    assert judge("rapid_in_and_out", [came(25 * HOUR, 600_000), out(HOUR, 600_000)]) is None


def test_nothing_for_months_and_then_a_lot() -> None:
    long_ago = out(100 * DAY, 100)

    verdict = judge("dormant_then_active", [long_ago, out(HOUR, 500_000)])
    assert verdict is not None
    assert (verdict.period, verdict.facts["dormant_days"]) == ("2026-11-19", 99)
    assert judge("dormant_then_active", [long_ago, out(HOUR, 499_999)]) is None
    assert judge("dormant_then_active", [long_ago, out(50 * DAY, 100), out(HOUR, 500_000)]) is None
    assert judge("dormant_then_active", [out(HOUR, 500_000)]) is None, "somebody new is not dormant"
    assert judge("dormant_then_active", [out(900 * DAY, 100), out(HOUR, 500_000)]) is not None


def test_money_to_countries_that_call_for_countermeasures() -> None:
    verdict = judge("high_risk_corridor", [out(HOUR, 60_000, destination="KP"), out(DAY, 40_000, destination="IR")])
    assert verdict is not None
    assert verdict.facts == {"total_minor": 100_000, "amounts": 2, "countries": ["IR", "KP"]}
    assert judge("high_risk_corridor", [out(HOUR, 99_999, destination="KP")]) is None
    assert judge("high_risk_corridor", [out(HOUR, 900_000, destination="DE")]) is None
    assert judge("high_risk_corridor", [out(8 * DAY, 900_000, destination="KP")]) is None


def test_far_more_than_usual() -> None:
    usual = [out((n + 2) * DAY, 10_000) for n in range(7)]
    today = [out(timedelta(minutes=n), 5_000) for n in range(10)]

    verdict = judge("velocity_jump", [*usual, *today])
    assert verdict is not None
    assert verdict.facts == {"today_minor": 50_000, "usual_minor": 10_000, "amounts": 10, "active_days": 7}
    assert judge("velocity_jump", [*usual, *today[1:]]) is None
    assert judge("velocity_jump", [*usual[1:], *today]) is None
    assert judge("velocity_jump", [*usual, out(10 * DAY, 1_000_000), *today]) is None


# -- Over movements in the database ------------------------------------------------------------------------------------


def moved(
    bureau: Bureau, customer: str, at: datetime, amount: int, *, corridor: str = "GB>DE/wire", state: str = "confirmed"
) -> None:
    """One movement, as policy keeps it of an intent."""
    bureau.sql(
        "INSERT INTO policy_movement (intent_id, at, kind, amount_minor, currency, account, customer, corridor,"
        " counterparty, state, changed_at) VALUES (gen_random_uuid()::text, %s, 'transfer', %s, 'USD', 'a', %s, %s,"
        " 'payee', %s, %s)",
        [at, amount, customer, corridor, state, at],
    )


def cases(bureau: Bureau) -> list[tuple[Any, ...]]:
    return bureau.sql(
        "SELECT r.subject, r.queue, a.kind, a.name FROM policy_review r"
        " JOIN policy_review_alert a ON a.review_id = r.id ORDER BY a.id"
    )


def test_a_pass_finds_tells_and_opens_a_case_once(bureau: Bureau) -> None:
    party = bureau.party(reference="cust_risky")
    now = clock.now()
    for customer in ("cust_risky", "nobody_known"):
        moved(bureau, customer, now - HOUR, 150_000, corridor="GB>KP/wire")
    moved(bureau, "cust_plain", now - HOUR, 150_000)
    moved(bureau, "cust_held", now - HOUR, 150_000, corridor="GB>KP/wire", state="waiting")

    for _ in range(3):
        tasks.monitor_history(bureau.ws)

    assert cases(bureau) == [
        (party.id, "compliance", "aml", "aml.high_risk_corridor"),
        ("nobody_known", "compliance", "aml", "aml.high_risk_corridor"),
    ]
    found = {finding.reference: finding for finding in bureau.ask("list_findings")}
    assert found["cust_risky"].party_id == party.id
    assert found["cust_risky"].review_id.startswith("rev_")
    assert found["nobody_known"].party_id is None
    assert found["cust_risky"].facts["total_minor"] == 150_000
    assert len(bureau.events("screening.finding_raised")) == 2
    assert bureau.ask("list_findings", party_id=party.id) == [found["cust_risky"]]


def test_another_scenario_of_the_same_party_joins_its_case(bureau: Bureau) -> None:
    party = bureau.party(reference="cust_risky")
    now = clock.now()
    moved(bureau, "cust_risky", now - 200 * DAY, 100)
    moved(bureau, "cust_risky", now - HOUR, 700_000, corridor="GB>IR/wire")

    tasks.monitor_history(bureau.ws)

    assert {case[0] for case in cases(bureau)} == {party.id}
    assert {case[3] for case in cases(bureau)} == {"aml.high_risk_corridor", "aml.dormant_then_active"}
    assert bureau.sql("SELECT count(*) FROM policy_review WHERE case_kind = 'alert'") == [(1,)]


def test_two_passes_at_once_tell_it_once(bureau: Bureau) -> None:
    for n in range(5):
        moved(bureau, f"cust_{n}", clock.now() - HOUR, 150_000, corridor="GB>KP/wire")

    answers = at_once([lambda: tasks.monitor_history(bureau.ws)] * 4, threads=4)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert len(bureau.ask("list_findings")) == 5
    assert len(bureau.events("screening.finding_raised")) == 5


def test_a_pass_begins_where_the_last_one_ended_and_a_clock_that_went_back_stops_nothing(bureau: Bureau) -> None:
    now = clock.now()
    first = bureau.run("next_span", now=now)
    assert first.until == now
    with_cursor = [bureau.run("next_span", now=now)]
    from policy.screening.operations import end_pass
    from zentra.core.tenancy import tenant_work

    with tenant_work(bureau.ws):
        end_pass(span=with_cursor[0])
    again = bureau.run("next_span", now=now + timedelta(seconds=30))
    assert first.until - again.since < 4 * DAY
    assert again.until == now + timedelta(seconds=30)
    back = bureau.run("next_span", now=now - HOUR)
    assert back.since < back.until == now - HOUR


def test_a_workspace_sets_its_own_numbers(bureau: Bureau) -> None:
    moved(bureau, "cust_1", clock.now() - HOUR, 150_000, corridor="GB>BY/wire")
    tasks.monitor_history(bureau.ws)
    assert bureau.ask("list_findings") == []

    words = {"scenario": "high_risk_corridor", "version": 1}
    bureau.do("set_monitor", **words, changes={"countries": ["BY"]})
    tasks.monitor_history(bureau.ws)
    assert [finding.scenario for finding in bureau.ask("list_findings")] == ["high_risk_corridor"]

    with pytest.raises(StaleSettings):
        bureau.do("set_monitor", **words, changes={"days": 3})
    for scenario, changes in (
        ("unknown", {"days": 3}),
        ("velocity_jump", {"speed": 3}),
        ("velocity_jump", {"times": "3"}),
        ("velocity_jump", {"times": -1}),
        ("velocity_jump", {"times": True}),
    ):
        with pytest.raises(InvalidMonitor):
            bureau.do("set_monitor", scenario=scenario, version=2, changes=changes)


def test_a_scenario_can_be_switched_off(bureau: Bureau) -> None:
    bureau.do("set_monitor", scenario="high_risk_corridor", version=1, changes={"is_enabled": False})
    moved(bureau, "cust_1", clock.now() - HOUR, 150_000, corridor="GB>KP/wire")

    tasks.monitor_history(bureau.ws)

    assert bureau.ask("list_findings") == []
