"""Rules and people confirm alone what a person may match alone, and no day, statement or history goes past that."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, connections

from tests.people import Person
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching import operations
from zentra.reconciliation.matching.errors import RuleSetInvalid
from zentra.reconciliation.matching.types import Rule

if TYPE_CHECKING:
    from tests.reconciliation.matchbook import MatchBook
    from zentra.reconciliation.matching.types import MatchRecord

MOST = 2**53 - 1
MONDAY = date(2026, 4, 6)
FAR = date(9999, 12, 31)


@pytest.fixture
def bank(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace)


@pytest.fixture
def rail(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace, kind="rail", code="rail_receivable")


def confirm(bank: MatchBook, lines: list[str], entries: list[str], by: Person) -> MatchRecord:
    return bank.do(
        operations.confirm_match, account_id=bank.account, line_ids=lines, entry_ids=entries, actor=by.actor(),
        reason="", now=clock.now(),
    )  # fmt: skip


def undo(bank: MatchBook, match_id: str, by: Person) -> MatchRecord:
    return bank.do(operations.undo_match, match_id=match_id, actor=by.actor(), reason="wrong", now=clock.now())


def fee(**numbers: Any) -> Rule:
    return Rule(key="fee", kind="fee", **numbers)


@pytest.mark.parametrize(
    ("rule", "line", "found"),
    [
        (Rule(key="t", kind="tolerance", within_days=5, tolerance_minor=MOST), 100, 0),
        (Rule(key="t", kind="tolerance", within_days=5, tolerance_minor=MOST), 10_000_000 - 1_001, 0),
        (Rule(key="t", kind="tolerance", within_days=5, tolerance_minor=MOST), 10_000_000 - 1_000, 1),
        (Rule(key="t", kind="tolerance", within_days=5, tolerance_bp=1_000), 10_000_000 - 1_001, 0),
        (fee(fee_percent_bp=1, tolerance_minor=MOST), 100, 0),
        (fee(fee_fixed_minor=MOST), 100, 0),
        (fee(fee_fixed_minor=9_999_900), 100, 0),
        (fee(fee_percent_bp=2_000, fee_fixed_minor=1_000), 10_000_000 - 2_001_000, 1),
        (fee(fee_percent_bp=2_000, fee_fixed_minor=1_001), 10_000_000 - 2_001_001, 0),
    ],
)
def test_no_rule_confirms_more_than_one_person_may(bank: MatchBook, rule: Rule, line: int, found: int) -> None:
    bank.state({"amount": line, "reference": "X"})
    bank.post({"amount": 10_000_000, "reference": "X"})
    bank.rules(rule)

    assert bank.run().matches == found
    assert len(bank.exceptions()) == 1 - found


def test_a_fee_of_more_than_a_fifth_is_no_rule(bank: MatchBook) -> None:
    with pytest.raises(RuleSetInvalid, match="fee_percent_bp"):
        bank.rules(fee(fee_percent_bp=2_001))


def test_saving_rules_is_in_the_log_with_who_saved_them(bank: MatchBook, finance: Person) -> None:
    from evidence.queries import list_events

    bank.do(
        operations.save_rules, account_id=bank.account, rules=[fee(fee_percent_bp=150)], note="", after_version=0,
        actor=finance.actor(), now=clock.now(),
    )  # fmt: skip

    found, _ = bank.do(list_events, types=["reconciliation.rules.saved"], limit=10)
    (event,) = found
    said = json.loads(event.body)
    assert said["actor"]["id"] == finance.id
    assert said["data"] == {"account_id": bank.account, "version": 1, "rules": 1, "saved_by": finance.id}


@pytest.mark.parametrize(
    ("net", "table", "found"),
    [
        (99_000, fee(), 1),
        (98_999, fee(), 0),
        (98_400, fee(fee_percent_bp=150, fee_fixed_minor=100), 1),
        (98_300, fee(fee_percent_bp=150, fee_fixed_minor=100), 0),
        (98_300, fee(fee_percent_bp=150, fee_fixed_minor=100, tolerance_minor=100), 1),
        (1, fee(fee_percent_bp=150, tolerance_minor=MOST), 0),
    ],
)
def test_a_told_fee_at_a_bank_is_small_or_agreed(bank: MatchBook, net: int, table: Rule, found: int) -> None:
    bank.rules(table)
    (line,) = bank.state({"amount": net, "gross": 100_000, "reference": "G"})
    (entry,) = bank.post({"amount": 100_000, "reference": "G"})

    assert bank.run().matches == found
    kinds = [(row.kind, row.line_id, row.entry_id) for row in bank.exceptions()]
    assert kinds == ([] if found else [("fee_variance", line, entry)])


def test_a_large_fee_at_a_bank_takes_two_and_at_a_rail_one(bank: MatchBook, rail: MatchBook, finance: Person) -> None:
    states = []
    for book in (bank, rail):
        lines = book.state({"amount": 90_000, "gross": 100_000})
        entries = book.post({"amount": 100_000})
        states.append(confirm(book, lines, entries, finance).state)

    assert states == ["proposed", "confirmed"]


def test_what_nets_out_beside_a_small_pair_takes_two_to_match_and_to_undo(
    bank: MatchBook, finance: Person, admin: Person
) -> None:
    big = 500_000_00
    lines = bank.state({"amount": big, "reference": "X"}, {"amount": -big, "reference": "Y"}, {"amount": 1})
    entries = bank.post({"amount": 1})

    made = confirm(bank, lines, entries, finance)

    assert made.state == "proposed"
    bank.do(operations.approve_match, match_id=made.id, actor=admin.actor(), now=clock.now())
    asked = undo(bank, made.id, finance)
    assert (asked.state, (asked.undo_asked_by or {})["id"]) == ("confirmed", finance.id)
    assert undo(bank, made.id, admin).state == "undone"


@pytest.mark.parametrize("far", [FAR, date(1, 1, 1)])
def test_a_day_far_away_stops_nothing(bank: MatchBook, far: date) -> None:
    good, odd, other = bank.state(
        {"amount": 5, "reference": "A"}, {"amount": 6, "reference": "B", "on": far}, {"amount": 7, "reference": "C"},
        ends_on=max(far, MONDAY),
    )  # fmt: skip
    bank.post(
        {"amount": 5, "reference": "A"}, {"amount": 6, "reference": "B"}, {"amount": 7, "reference": "C", "on": far},
    )  # fmt: skip

    assert bank.run().matches == 1
    assert {bank.kinds()[odd], bank.kinds()[other]} == {"date_differs"}
    assert [each.line_ids for each in bank.matches()] == [(good,)]
    with tenant_work(bank.ws), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM recon_exception WHERE kind = 'entry_only'")
        assert cursor.fetchone()[0] == 0


def test_days_far_away_list_few_days(bank: MatchBook, monkeypatch: pytest.MonkeyPatch) -> None:
    from zentra.reconciliation.matching import calendars
    from zentra.reconciliation.matching.engine import working

    listed: list[int] = []
    count = calendars.number_days

    def counted(first: date, last: date, *, calendar: str) -> list[tuple[date, int]]:
        listed.append((last - first).days)
        return count(first, last, calendar=calendar)

    monkeypatch.setattr(working, "number_days", counted)
    bank.state({"amount": 5, "reference": "A", "on": FAR}, {"amount": 5, "reference": "B", "on": date(1, 1, 1)})
    bank.run()
    bank.run(is_dry_run=True)

    assert len(listed) == 2
    assert all(days < 9_000 for days in listed)


def test_a_statement_that_ends_in_years_covers_nothing(bank: MatchBook) -> None:
    bank.state({"amount": 1, "reference": "A"})
    bank.state({"amount": 2, "reference": "B"}, ends_on=date(2062, 4, 6))
    bank.post({"amount": 9, "reference": "T", "on": clock.now().date()})

    bank.run()

    assert sorted(row.kind for row in bank.exceptions()) == ["line_only", "line_only"]


def test_business_days_end_with_the_days_there_are() -> None:
    from zentra.reconciliation.matching.calendars import add_business_days

    for calendar in ("weekdays", "DE", "ECB"):
        assert add_business_days(FAR, 1, calendar=calendar) == FAR
        assert add_business_days(FAR - timedelta(days=1), 30, calendar=calendar) == FAR


def begun(bank: MatchBook, *, same_as: str = "", **line: Any) -> None:
    """A statement that stopped half-way: its lines are there, and nobody's."""
    from zentra.reconciliation.matching.models import OpenLine
    from zentra.reconciliation.statements.models import Line, Statement

    with tenant_work(bank.ws):
        key = ids.new_id("stm")
        Statement.objects.create(
            id=key, account_id=bank.account, import_id=ids.new_id("sti"), format="csv", external_id=key,
            currency="USD", starts_on=MONDAY, ends_on=MONDAY, lines=1, created_at=clock.now(), is_complete=False,
        )  # fmt: skip
        made = bank._line(key, 1, same_as=same_as, **line)
        Line.objects.bulk_create([made])
        assert not OpenLine.objects.filter(line_id=made.id).exists()


@pytest.mark.parametrize("kind", ["exact", "fee", "batch", "split"])
def test_lines_of_a_begun_statement_are_in_nobody_s_way(bank: MatchBook, kind: str) -> None:
    said = {"reference": "R", "batch": "B" if kind == "batch" else ""}
    twins = "twin"
    begun(bank, amount=10, same_as=twins, **said)
    begun(bank, amount=77, **said)
    other = "R2" if kind == "batch" else "R"
    bank.state({"amount": 10, **said}, {"amount": 5, **said, "reference": other})
    if kind in ("exact", "fee"):
        bank.post({"amount": 10, "reference": "R"}, {"amount": 5, "reference": "R"})
    else:
        bank.post({"amount": 15, "reference": "B" if kind == "batch" else "R"})

    assert bank.run().matches == (2 if kind in ("exact", "fee") else 1)
    assert bank.exceptions() == []


def test_a_line_that_a_begun_statement_had_is_no_duplicate(bank: MatchBook) -> None:
    begun(bank, amount=10, reference="R", same_as="twin")
    with tenant_work(bank.ws):
        (line,) = bank.put_statement([{"amount": 10, "reference": "R", "same_as": "twin"}], ends_on=MONDAY)
    bank.run()

    assert bank.kinds() == {line: "line_only"}
    bank.post({"amount": 9, "reference": "R"})
    bank.rules(Rule(key="near", kind="tolerance", within_days=2, tolerance_minor=2))
    assert bank.run().matches == 1


def apart(bank: MatchBook) -> int:
    """How many pairs the last run kept apart, in a transaction of its own."""
    from zentra.reconciliation.matching.engine.working import copy_open
    from zentra.reconciliation.matching.locks import read_account

    with tenant_work(bank.ws), connection.cursor() as cursor:
        account = read_account(account_id=bank.account)
        copy_open(account=account, rules=[], today=clock.now().date(), over_history=False)
        cursor.execute("SELECT count(*) FROM recon_w_apart")
        return int(cursor.fetchone()[0])


def test_only_what_is_open_is_kept_apart(bank: MatchBook, finance: Person) -> None:
    lines = bank.state({"amount": 5, "reference": "A"}, {"amount": 6, "reference": "B"})
    entries = bank.post({"amount": 5, "reference": "A"}, {"amount": 6, "reference": "B"})
    made = confirm(bank, lines, entries, finance)
    undo(bank, made.id, finance)

    assert apart(bank) == 4
    assert bank.run().matches == 0
    confirm(bank, lines[:1], entries[:1], finance)
    assert apart(bank) == 1


def test_a_dry_run_waits_for_nobody_and_holds_up_nobody(bank: MatchBook, finance: Person) -> None:
    from zentra.reconciliation.matching.locks import lock_account
    from zentra.reconciliation.matching.models import Run

    bank.state({"amount": 5, "reference": "A"})
    bank.post({"amount": 5, "reference": "A"})

    def beside() -> int:
        try:
            return bank.run(is_dry_run=True).fresh
        finally:
            connections.close_all()

    with tenant_work(bank.ws):
        lock_account(account_id=bank.account)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(beside).result(timeout=20) == 1
    with tenant_work(bank.ws):
        assert Run.objects.filter(is_dry_run=True, state="done").count() == 1


def test_a_dry_run_goes_over_thirteen_months(bank: MatchBook) -> None:
    today = clock.now().date()
    old, new = today - timedelta(days=400), today - timedelta(days=30)
    bank.state({"amount": 5, "reference": "A", "on": old}, {"amount": 6, "reference": "B", "on": new}, ends_on=new)
    bank.post({"amount": 5, "reference": "A", "on": old}, {"amount": 6, "reference": "B", "on": new})
    assert bank.run().matches == 2

    run = bank.run(is_dry_run=True)

    assert (run.lines, run.same, run.fresh, run.lost) == (1, 1, 0, 0)


def settle(bank: MatchBook) -> None:
    from zentra.reconciliation.matching.models import MatchException

    with tenant_work(bank.ws):
        MatchException.objects.exclude(state="resolved").update(
            state="resolved", resolution="explained", resolved_at=clock.now(), resolved_by={}
        )


def test_a_settled_line_is_not_asked_again_under_another_name(bank: MatchBook) -> None:
    bank.state({"amount": 100, "reference": "U"}, ends_on=date(2026, 4, 10))
    (entry,) = bank.post({"amount": 90, "reference": "U"})
    bank.run()
    assert [row.kind for row in bank.exceptions()] == ["amount_differs"]
    settle(bank)

    (back,) = bank.post({"amount": -90, "reference": "U"})  # taken back: what was seen is no pair any more
    bank.run()

    assert {row.line_id for row in bank.exceptions()} == {None}
    assert set(bank.kinds()) == {entry, back}


def test_a_settled_line_is_asked_again_with_an_entry_that_nobody_saw(bank: MatchBook) -> None:
    (line,) = bank.state({"amount": 100, "reference": "U"})
    bank.run()
    settle(bank)
    bank.run()
    assert bank.exceptions() == []

    (entry,) = bank.post({"amount": 90, "reference": "U"})
    bank.run()

    assert [(row.kind, row.line_id, row.entry_id) for row in bank.exceptions()] == [("amount_differs", line, entry)]


def test_after_an_adjustment_a_run_follows(bank: MatchBook, monkeypatch: pytest.MonkeyPatch) -> None:
    from zentra.core.queue import WorkItem
    from zentra.reconciliation.matching.desk import tasks

    monkeypatch.setattr(tasks, "account_of_adjustment", lambda **_: bank.account)
    monkeypatch.setattr(tasks, "take_all", lambda **_: 0)
    monkeypatch.setattr(tasks, "pair_adjustment", lambda **_: False)
    item = WorkItem(ids.new_uuid(), bank.ws.id, "recon.adjusted", "adj_1", clock.now(), 1, ids.new_uuid())
    tasks.pair_what_was_posted(item, bank.ws)

    with connection.cursor() as cursor:
        cursor.execute("SELECT ref FROM public.work_item WHERE kind = 'recon.run' AND workspace_id = %s", [bank.ws.id])
        assert cursor.fetchall() == [(bank.account,)]
