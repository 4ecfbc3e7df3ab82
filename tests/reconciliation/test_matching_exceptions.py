"""What does not pair becomes an exception of its kind, changes with what is known, and ends when its cause is gone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.reconciliation.matchbook import MONDAY

if TYPE_CHECKING:
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core.tenancy import TenantRef

LATER = MONDAY + timedelta(days=14)


@pytest.fixture
def bank(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace)


def test_a_line_that_nothing_in_the_ledger_knows(bank: MatchBook) -> None:
    (line,) = bank.state({"amount": -1_500, "reference": "FEE APRIL"})

    bank.run()

    (found,) = bank.exceptions()
    assert (found.kind, found.line_id, found.amount_minor, found.difference_minor) == (
        "line_only",
        line,
        -1_500,
        -1_500,
    )
    assert found.happened_on == MONDAY


def test_an_entry_is_in_transit_until_a_statement_covers_its_day(bank: MatchBook) -> None:
    (entry,) = bank.post({"amount": 700, "reference": "PAY-7", "intent_id": "intent_7"})
    bank.run()
    assert bank.exceptions() == []

    bank.state(ends_on=MONDAY)
    bank.run()
    assert bank.exceptions() == [], "the bank has a business day"

    bank.state(ends_on=MONDAY + timedelta(days=1))
    bank.run()
    (found,) = bank.exceptions()
    assert (found.kind, found.entry_id, found.difference_minor, found.intent_id) == (
        "entry_only",
        entry,
        -700,
        "intent_7",
    )


def test_of_a_pair_of_one_reference_there_is_one_exception(bank: MatchBook) -> None:
    other, late, foreign = bank.state(
        {"amount": 8_500, "reference": "A"},
        {"amount": 500, "reference": "B", "on": MONDAY + timedelta(days=6)},
        {"amount": 500, "reference": "C", "currency": "EUR"},
        ends_on=LATER,
    )
    entries = bank.post(
        *({"amount": amount, "reference": name} for amount, name in ((10_000, "A"), (500, "B"), (500, "C")))
    )

    bank.run()

    assert bank.kinds() == {other: "amount_differs", late: "date_differs", foreign: "currency_differs"}
    found = {row.line_id: row for row in bank.exceptions()}
    assert [found[line].entry_id for line in (other, late, foreign)] == entries
    assert found[other].difference_minor == -1_500
    assert (found[late].facts["days"], found[late].facts["days_allowed"]) == (4, 3)


def test_a_payout_that_the_bank_books_twice_is_a_duplicate(bank: MatchBook) -> None:
    bank.post({"amount": 900, "reference": "BATCH-1"})
    first, second = bank.state(*[{"amount": 900, "reference": "BATCH-1"}] * 2, ends_on=LATER)

    bank.run()

    kinds = bank.kinds()
    assert (kinds[first], kinds[second]) == ("duplicate", "duplicate")


def test_the_second_of_two_is_a_duplicate_of_the_matched_first(bank: MatchBook) -> None:
    bank.post({"amount": 900, "reference": "BATCH-1"})
    bank.state({"amount": 900, "reference": "BATCH-1"})
    bank.run()
    (second,) = bank.state({"amount": 900, "reference": "BATCH-1"})

    bank.run()

    assert bank.kinds() == {second: "duplicate"}


def test_an_exception_turns_into_what_is_known_now_and_ends_as_matched(bank: MatchBook) -> None:
    from zentra.reconciliation.matching.types import Rule

    (line,) = bank.state({"amount": 95, "reference": "A"})
    bank.run()
    (first,) = bank.exceptions()
    (entry,) = bank.post({"amount": 100, "reference": "A"})
    bank.run()
    (second,) = bank.exceptions()
    assert (second.id, second.kind, second.entry_id, second.version) == (first.id, "amount_differs", entry, 2)

    bank.rules(Rule(key="near", kind="tolerance", within_days=5, tolerance_minor=5))
    bank.run()

    (done,) = bank.exceptions(state="resolved")
    assert (done.id, done.line_id, done.resolution) == (first.id, line, "matched")
    assert done.match_id == bank.matches()[0].id


def test_an_entry_s_exception_is_gone_when_a_line_tells_the_same(bank: MatchBook) -> None:
    bank.post({"amount": 100, "reference": "A"})
    bank.state(ends_on=LATER)
    bank.run()
    assert [row.kind for row in bank.exceptions()] == ["entry_only"]

    (line,) = bank.state({"amount": 90, "reference": "A"}, ends_on=LATER)
    bank.run()

    assert bank.kinds() == {line: "amount_differs"}
    assert [(row.kind, row.resolution) for row in bank.exceptions(state="resolved")] == [("entry_only", "gone")]


@pytest.mark.parametrize("resolution", ["explained", "disputed", "written_off"])
def test_what_a_person_settled_is_not_asked_again(bank: MatchBook, resolution: str) -> None:
    from zentra.core import clock
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.matching.models import MatchException

    bank.state({"amount": 5, "reference": "X"})
    bank.run()
    with tenant_work(bank.ws):
        MatchException.objects.update(state="resolved", resolution=resolution, resolved_at=clock.now(), resolved_by={})

    bank.run()

    assert bank.exceptions() == []


def test_a_gap_between_statements_is_told_once(bank: MatchBook) -> None:
    bank.state({"amount": 1, "reference": "A"}, continuity="gap", opening_minor=700, break_minor=200)

    bank.run()
    bank.run()

    found = [row for row in bank.exceptions() if row.kind == "continuity_break"]
    assert [(row.difference_minor, row.facts["closing_before_minor"]) for row in found] == [(200, 500)]


def test_a_gap_is_gone_once_the_missing_statement_is_here(bank: MatchBook) -> None:
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.statements.models import Statement

    bank.state({"amount": 1, "reference": "A"}, continuity="gap", opening_minor=700, break_minor=200)
    bank.run()
    with tenant_work(bank.ws):
        Statement.objects.filter(continuity="gap").update(continuity="continuous", break_minor=0)

    bank.run()

    told = [(row.state, row.resolution) for row in bank.exceptions(state=None) if row.kind == "continuity_break"]
    assert told == [("resolved", "gone")]
    with tenant_work(bank.ws):
        Statement.objects.filter(continuity="continuous").update(continuity="gap", break_minor=100)
    bank.run()
    assert [row.difference_minor for row in bank.exceptions() if row.kind == "continuity_break"] == [100]


def test_parts_of_a_batch_that_do_not_add_up_are_told_with_the_sums_of_the_batch(bank: MatchBook) -> None:
    lines = bank.state(
        {"amount": 60, "reference": "M-1", "batch": "B-1"}, {"amount": 40, "reference": "M-2", "batch": "B-1"}
    )
    bank.post({"amount": 95, "reference": "B-1"})

    bank.run()

    told = {row.line_id: row for row in bank.exceptions() if row.line_id}
    assert [(told[line].kind, told[line].difference_minor) for line in lines] == [("split_mismatch", 5)] * 2
    assert [told[line].facts[name] for line in lines for name in ("lines_minor", "entries_minor")] == [100, 95] * 2


def test_money_reported_under_another_currency_is_told_as_such(bank: MatchBook, workspace: TenantRef) -> None:
    from ledger.operations import open_account
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core import actors, clock
    from zentra.core.tenancy import tenant_work

    with tenant_work(workspace):
        open_account(code="bank", account_type="operating", currency="EUR", customer=None, floor_minor=None,
                     actor=actors.LEDGER, now=clock.now())  # fmt: skip
    euro = MatchBook(workspace, currency="EUR")
    (entry,) = bank.post({"amount": 500, "reference": "PAY-1", "intent_id": "intent_1"})
    (line,) = euro.state({"amount": 500, "reference": "PAY-1"})
    euro.run()
    bank.state(ends_on=LATER)
    bank.run()

    (found,) = euro.exceptions()
    assert (found.kind, found.line_id, found.entry_id, found.intent_id) == ("currency_differs", line, entry, "intent_1")
    assert found.facts["entry_currency"] == "USD"
    assert bank.exceptions() == [], "the other account's exception tells of the entry"


def test_money_that_was_missed_before_its_entry_came_is_about_that_entry(bank: MatchBook) -> None:
    from zentra.core import clock
    from zentra.reconciliation.matching import operations

    bank.do(
        operations.expect, account_id=bank.account, source="rail_a", reference="B-9", amount_minor=970, currency="USD",
        due_on=clock.now().date() - timedelta(days=3), now=clock.now(),
    )  # fmt: skip
    assert bank.do(operations.mark_missing, now=clock.now()) == 1
    (before,) = bank.exceptions()
    (entry,) = bank.post({"amount": 970, "reference": "B-9"})
    bank.run()

    (after,) = bank.exceptions()
    assert (before.entry_id, after.entry_id, after.id, after.kind) == (None, entry, before.id, "missing")


def test_expected_money_arrives_or_is_missing(bank: MatchBook) -> None:
    from zentra.core import clock
    from zentra.reconciliation.matching import operations, queries
    from zentra.reconciliation.matching.errors import ExpectedConflict

    today = clock.now().date()
    due: dict[str, Any] = {"account_id": bank.account, "source": "rail_a", "currency": "USD", "now": clock.now()}
    for name, day in (("B-1", today - timedelta(days=3)), ("B-2", today - timedelta(days=3)), ("B-3", today)):
        for _ in range(2):
            bank.do(
                operations.expect, reference=name, amount_minor=970, gross_minor=1_000, fee_minor=30, due_on=day, **due
            )
    with pytest.raises(ExpectedConflict):
        bank.do(operations.expect, reference="b1", amount_minor=971, due_on=today, **due)
    (_, entry) = bank.post({"amount": 970, "reference": "B-1"}, {"amount": 970, "reference": "B-2"})
    bank.state({"amount": 970, "reference": "B-1"})
    bank.run()

    assert bank.do(operations.mark_missing, now=clock.now()) == 1
    assert bank.do(operations.mark_missing, now=clock.now()) == 0

    states = {each.reference: each.state for each in bank.do(queries.list_expected, limit=10, account_id=bank.account)}
    assert states == {"B1": "arrived", "B2": "missing", "B3": "expected"}
    (found,) = bank.exceptions()
    assert (found.kind, found.entry_id, found.amount_minor) == ("missing", entry, 970)

    bank.state({"amount": 970, "reference": "B-2"})
    bank.run()
    assert bank.exceptions() == []
    assert [row.resolution for row in bank.exceptions(state="resolved")] == ["matched"]


def test_missing_money_without_an_entry_is_gone_when_it_arrives(bank: MatchBook) -> None:
    from zentra.core import clock
    from zentra.reconciliation.matching import operations

    day = clock.now().date() - timedelta(days=3)
    bank.do(operations.expect, account_id=bank.account, source="rail_a", reference="B-9", amount_minor=50,
            currency="USD", due_on=day, now=clock.now())  # fmt: skip
    assert bank.do(operations.mark_missing, now=clock.now()) == 1
    (line,) = bank.state({"amount": 50, "reference": "B-9"})

    bank.run()

    assert bank.kinds() == {line: "line_only"}
    assert [row.resolution for row in bank.exceptions(state="resolved")] == ["gone"]


@pytest.mark.parametrize(
    ("calendar", "day", "count", "then"),
    [
        ("weekdays", date(2026, 4, 3), 1, date(2026, 4, 6)),
        ("ECB", date(2026, 4, 2), 1, date(2026, 4, 7)),  # Good Friday and Easter Monday
        ("NYSE", date(2026, 7, 2), 1, date(2026, 7, 6)),  # Independence Day is kept on Friday
        ("DE", date(2026, 4, 30), 1, date(2026, 5, 4)),  # Labour Day
        ("DE-BY", date(2026, 1, 5), 1, date(2026, 1, 7)),  # Epiphany, in Bavaria
        ("weekdays", date(2026, 4, 4), 0, date(2026, 4, 4)),
    ],
)
def test_business_days_are_counted_by_the_calendar(calendar: str, day: date, count: int, then: date) -> None:
    from zentra.reconciliation.matching.calendars import add_business_days, number_days

    assert add_business_days(day, count, calendar=calendar) == then
    numbers = dict(number_days(day, then, calendar=calendar))
    assert numbers[then] - numbers[day] == count
