"""Days that no statement of today can have are refused, whatever the format: they would have no end in matching."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.reconciliation.banking import Bank, Ntry, Stmt, Tx, camt, report
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import Workspace


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    bank = Bank(workspace)
    bank.open()
    return bank


@pytest.mark.parametrize("day", ["9999-12-31", "2062-04-30", "1999-12-31", "0001-01-01"])
def test_a_booking_day_far_away_refuses_its_statement(bank: Bank, day: str) -> None:
    record = bank.take(camt(Stmt(entries=[Ntry(100, [Tx("A")]), Ntry(100, [Tx("B")], day=day)])))

    assert (record.state, bank.codes(record)) == ("failed", ["day_out_of_range"])
    (problem,) = bank.problems(record)
    assert (problem.place, problem.extra["day"]) == ("Stmt 1, line 2", day)
    assert bank.statements() == []


def test_a_value_day_far_away_refuses_its_statement(bank: Bank) -> None:
    record = bank.take(camt(Stmt(entries=[Ntry(100, [Tx("A")], value_day="9999-12-31")])))

    assert bank.codes(record) == ["day_out_of_range"]


def test_a_statement_without_end_is_refused(bank: Bank) -> None:
    record = bank.take(camt(Stmt(entries=[Ntry(100, [Tx("A")])], first_day="2026-04-30", day="9999-12-31")))

    assert (record.state, bank.codes(record)) == ("failed", ["day_out_of_range"])


def test_days_of_today_and_of_the_year_to_come_are_days(bank: Bank) -> None:
    today = clock.now().date()
    days = [date(2000, 1, 1), today, today + timedelta(days=366)]
    record = bank.take(camt(Stmt(entries=[Ntry(100, value_day=day.isoformat()) for day in days])))

    assert record.state == "done", bank.problems(record)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_payout_on_such_a_day_ends_its_import(bank: Bank, day: str) -> None:
    Workspace.objects.filter(id=bank.ws.id).update(settings={"time_zone": "Asia/Tokyo"})
    rail = bank.open("rail_receivable", kind="rail", external_id="rails")

    record = bank.take(
        report(("ref-1", 10_000, 165), payout_on=day), form="settlement", account=rail.id,
        collected=("rail_a/rail_1", "1/rail_a-b1"),
    )  # fmt: skip

    assert (record.state, bank.codes(record)) == ("failed", ["day_out_of_range"])


def test_a_csv_file_is_held_to_the_same_days(workspace: TenantRef) -> None:
    bank = Bank(workspace)
    account = bank.open(mapping={"columns": {"booked_on": "Date", "amount": "Amount", "reference": "Ref"}})

    record = bank.take(b"Date,Amount,Ref\n2062-04-30,1.00,A\n", form="csv", account=account.id)

    assert bank.codes(record) == ["day_out_of_range"]
