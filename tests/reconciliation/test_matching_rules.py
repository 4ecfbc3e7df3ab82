"""What each rule confirms, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.reconciliation.matchbook import MONDAY

if TYPE_CHECKING:
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core.tenancy import TenantRef


@pytest.fixture
def bank(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace)


@pytest.fixture
def rail(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace, kind="rail", code="rail_receivable", settle_days=3)


def test_the_same_reference_and_amount_are_the_same_money(bank: MatchBook) -> None:
    (line,) = bank.state({"amount": 12_500, "reference": "INV-0042"})
    (entry,) = bank.post({"amount": 12_500, "reference": "inv 0042"})

    run = bank.run()

    assert (run.lines, run.entries, run.matches) == (1, 1, 1)
    (match,) = bank.matches()
    assert (match.line_ids, match.entry_ids, match.rule, match.how) == ((line,), (entry,), "exact", "rule")
    assert match.explanation == {"reference": "INV0042", "amount_minor": 12_500, "days": 0}
    assert match.difference_minor == 0


def test_a_second_run_changes_nothing(bank: MatchBook) -> None:
    bank.state({"amount": 1, "reference": "A"}, {"amount": 2, "reference": "B"}, {"amount": 3})
    bank.post({"amount": 1, "reference": "A"}, {"amount": 3, "reference": "B"})
    bank.run()
    before = bank.pairs(), [(row.id, row.kind, row.version) for row in bank.exceptions()]

    run = bank.run()

    assert run.matches == 0
    assert (bank.pairs(), [(row.id, row.kind, row.version) for row in bank.exceptions()]) == before


@pytest.mark.parametrize(
    ("lines", "entries"),
    [
        ([{"amount": 100, "reference": "R"}] * 2, [{"amount": 100, "reference": "R"}]),
        ([{"amount": 100, "reference": "R"}], [{"amount": 100, "reference": "R"}] * 2),
        ([{"amount": 100, "reference": "R"}] * 2, [{"amount": 100, "reference": "R"}] * 2),
        ([{"amount": 100}], [{"amount": 100}]),
        ([{"amount": 100, "reference": "NOTPROVIDED"}], [{"amount": 100, "reference": "NONREF"}]),
        ([{"amount": 100, "reference": "R", "currency": "EUR"}], [{"amount": 100, "reference": "R"}]),
        ([{"amount": 100, "reference": "R"}], [{"amount": -100, "reference": "R"}]),
        ([{"amount": 100, "reference": "R"}], [{"amount": 99, "reference": "R"}]),
        ([{"amount": 100, "reference": "R", "on": MONDAY + timedelta(days=6)}], [{"amount": 100, "reference": "R"}]),
    ],
    ids=["two lines", "two entries", "two of each", "no reference", "a word for none", "another currency",
         "the other direction", "another amount", "too late"],
)  # fmt: skip
def test_what_is_ambiguous_or_differs_is_left_open(
    bank: MatchBook, lines: list[dict[str, object]], entries: list[dict[str, object]]
) -> None:
    bank.state(*lines, ends_on=MONDAY + timedelta(days=10))
    bank.post(*entries)

    assert bank.run().matches == 0
    assert bank.pairs() == set()


def test_a_line_that_is_sent_again_is_never_matched(bank: MatchBook) -> None:
    (first,) = bank.state({"amount": 100, "reference": "R"})
    (again,) = bank.state({"amount": 100, "reference": "R", "same_as": first})
    (entry,) = bank.post({"amount": 100, "reference": "R"})
    bank.run()
    assert bank.pairs() == {(frozenset([first]), frozenset([entry]))}
    bank.post({"amount": 100, "reference": "R"})

    assert bank.run().matches == 0
    assert bank.kinds()[again] == "duplicate"


def test_a_rail_s_payment_compares_gross(rail: MatchBook) -> None:
    (line,) = rail.state({"amount": 9_700, "gross": 10_000, "reference": "pay_1", "batch": "B-1", "kind": "payment"})
    (entry,) = rail.post({"amount": 10_000, "reference": "pay_1"})

    rail.run()

    (match,) = rail.matches()
    assert (match.line_ids, match.entry_ids) == ((line,), (entry,))
    assert (match.line_minor, match.fee_minor, match.entry_minor, match.difference_minor) == (9_700, 300, 10_000, 0)


def test_a_rail_s_payout_compares_with_the_settlement_posting(rail: MatchBook) -> None:
    rail.state(
        {"amount": 9_700, "gross": 10_000, "reference": "pay_1", "batch": "B-1", "kind": "payment"},
        {"amount": -9_700, "gross": -10_000, "reference": "B-1", "batch": "B-1", "kind": "payout"},
    )
    rail.post({"amount": 10_000, "reference": "pay_1"}, {"amount": -10_000, "reference": "B-1"})

    assert rail.run().matches == 2
    assert rail.exceptions() == []


def test_a_fee_that_is_not_the_agreed_one_is_for_people(rail: MatchBook) -> None:
    from zentra.reconciliation.matching.queries import default_rules
    from zentra.reconciliation.matching.types import Rule

    agreed = Rule(key="fee_rail_a", kind="fee", source="rail_a", fee_percent_bp=140, fee_fixed_minor=25)
    rail.rules(*default_rules(kind="rail"), agreed)
    good, bad = rail.state(
        {"amount": 9_835, "gross": 10_000, "reference": "p1", "batch": "rail_a-1", "kind": "payment"},
        {"amount": 9_505, "gross": 10_000, "reference": "p2", "batch": "rail_a-1", "kind": "payment"},
    )
    _, entry = rail.post({"amount": 10_000, "reference": "p1"}, {"amount": 10_000, "reference": "p2"})

    assert rail.run().matches == 1

    assert [each.line_ids for each in rail.matches()] == [(good,)]
    (found,) = rail.exceptions()
    assert (found.kind, found.line_id, found.entry_id, found.difference_minor) == ("fee_variance", bad, entry, -330)
    assert (found.facts["fee_minor"], found.facts["agreed_fee_minor"]) == (495, 165)


def test_the_fee_table_explains_a_net_line_without_gross(bank: MatchBook) -> None:
    from zentra.reconciliation.matching.types import Rule

    bank.rules(Rule(key="fee", kind="fee", fee_percent_bp=150, fee_fixed_minor=20))
    bank.state({"amount": 9_830, "reference": "A"}, {"amount": 9_700, "reference": "B"})
    bank.post({"amount": 10_000, "reference": "A"}, {"amount": 10_000, "reference": "B"})

    assert bank.run().matches == 1
    (match,) = bank.matches()
    assert (match.fee_minor, match.explanation["fee_from"]) == (170, "table")
    assert [row.kind for row in bank.exceptions()] == ["fee_variance"]


def test_a_batch_of_lines_is_one_entry(bank: MatchBook) -> None:
    lines = bank.state(
        *({"amount": amount, "reference": f"P{amount}", "batch": "PAYROLL-7"} for amount in (10, 20, 30))
    )
    (entry,) = bank.post({"amount": 60, "reference": "payroll 7"})

    bank.run()

    assert bank.pairs() == {(frozenset(lines), frozenset([entry]))}
    assert bank.matches()[0].rule == "batch"


def test_a_batch_of_entries_is_one_line(bank: MatchBook) -> None:
    (line,) = bank.state({"amount": 60, "reference": "PAYROLL-7"})
    entries = bank.post(
        *({"amount": amount, "reference": f"P{amount}", "batch": "payroll7"} for amount in (10, 20, 30))
    )

    bank.run()

    assert bank.pairs() == {(frozenset([line]), frozenset(entries))}


def test_a_batch_of_which_a_part_is_matched_already_is_not_made_to_add_up(bank: MatchBook) -> None:
    bank.state(*({"amount": amount, "reference": f"P{amount}", "batch": "B7"} for amount in (10, 20, 30)))
    bank.post({"amount": 10, "reference": "P10"}, {"amount": 50, "reference": "B7"})

    bank.run()

    assert [each.rule for each in bank.matches()] == ["exact"]


def test_one_line_for_several_entries_of_one_reference(bank: MatchBook) -> None:
    (line,) = bank.state({"amount": 100, "reference": "R1"})
    entries = bank.post({"amount": 60, "reference": "R1"}, {"amount": 40, "reference": "R1"})

    bank.run()

    assert bank.pairs() == {(frozenset([line]), frozenset(entries))}
    assert bank.matches()[0].explanation == {"reference": "R1", "entries": 2, "amount_minor": 100, "days": 0}


def test_several_lines_for_one_entry_of_one_reference(bank: MatchBook) -> None:
    lines = bank.state({"amount": 60, "reference": "R1"}, {"amount": 40, "reference": "R1"})
    (entry,) = bank.post({"amount": 100, "reference": "R1"})

    bank.run()

    assert bank.pairs() == {(frozenset(lines), frozenset([entry]))}


def test_parts_that_do_not_add_up_are_a_split_mismatch(bank: MatchBook) -> None:
    first, second = bank.state({"amount": 60, "reference": "R1"}, {"amount": 33, "reference": "R1"})
    bank.post({"amount": 100, "reference": "R1"})

    assert bank.run().matches == 0
    kinds = bank.kinds()
    assert (kinds[first], kinds[second]) == ("split_mismatch", "split_mismatch")
    assert {row.difference_minor for row in bank.exceptions()} == {-7}


def test_a_tolerance_is_off_until_somebody_sets_it(bank: MatchBook) -> None:
    from zentra.reconciliation.matching.types import Rule

    bank.state({"amount": 999, "reference": "R"}, {"amount": 900, "reference": "S"})
    bank.post({"amount": 1_000, "reference": "R"}, {"amount": 1_000, "reference": "S"})
    assert bank.run().matches == 0

    bank.rules(Rule(key="near", kind="tolerance", within_days=2, tolerance_minor=2))

    assert bank.run().matches == 1
    (match,) = bank.matches()
    assert (match.difference_minor, match.explanation["allowed_minor"]) == (1, 2)
    (left,) = bank.exceptions()
    assert (left.kind, left.difference_minor) == ("amount_differs", -100)


def test_a_dry_run_tells_what_would_differ_and_changes_nothing(bank: MatchBook) -> None:
    from zentra.reconciliation.matching.types import Rule

    bank.state({"amount": 100, "reference": "A"}, {"amount": 98, "reference": "B"})
    bank.post({"amount": 100, "reference": "A"}, {"amount": 100, "reference": "B"})
    bank.run()
    bank.rules(Rule(key="near", kind="tolerance", within_days=2, tolerance_minor=5))
    before = bank.pairs()

    wider = bank.run(is_dry_run=True, version=1)
    first = bank.run(is_dry_run=True, version=0)

    assert (wider.same, wider.fresh, wider.lost, wider.matches) == (1, 1, 0, 2)
    assert (first.same, first.fresh, first.lost) == (1, 0, 0)
    assert bank.pairs() == before


@pytest.mark.parametrize("on", ["bank", "rail"])
def test_a_net_line_that_is_sent_again_is_matched_once(on: str, request: pytest.FixtureRequest) -> None:
    book: MatchBook = request.getfixturevalue(on)
    net = {"amount": 979, "gross": 1_000, "reference": "G-1", "same_as": "the same line"}
    lines, again = book.state(net), book.state(net)
    book.post({"amount": 1_000, "reference": "G-1"})

    assert book.run().matches == 1

    (match,) = book.matches()
    assert match.line_ids == tuple(lines)
    assert book.kinds() == {again[0]: "duplicate"}
