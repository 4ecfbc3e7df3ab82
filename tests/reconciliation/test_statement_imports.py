"""Files of banks and rails are taken in statement by statement, each whole or not at all, and checks say numbers."""

from __future__ import annotations

from datetime import date

import pytest

from tests.reconciliation.banking import IBAN, Bank, Ntry, Stmt, Tx, camt, noon, report
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements import operations, queries
from zentra.reconciliation.statements.errors import (
    AccountExists,
    AccountInUse,
    AccountInvalid,
    AccountNotFound,
    MappingMissing,
    StaleAccount,
    StatementFileEmpty,
    StatementFileKnown,
)

DAY_1 = Stmt(
    id="S-1",
    sequence=1,
    day="2026-04-29",
    opening=1_000,
    entries=[Ntry(500, [Tx("E-1", 500)], day="2026-04-29"), Ntry(-200, day="2026-04-29")],
)
DAY_2 = Stmt(id="S-2", sequence=2, day="2026-04-30", opening=1_300, entries=[Ntry(700, [Tx("E-2", 700)])])


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    """A workspace whose ``bank`` account is reconciled."""
    bank = Bank(workspace)
    bank.open()
    return bank


# What is taken in


def test_a_statement_is_taken_in_with_its_lines(bank: Bank) -> None:
    record = bank.take(camt(DAY_1))

    assert (record.state, record.statements, record.percent) == ("done", 1, 100)
    assert (record.lines_read, record.lines_written, record.problems) == (2, 2, 0)
    (statement,) = bank.statements()
    assert (statement.opening_minor, statement.closing_minor) == (1_000, 1_300)
    assert (statement.credits_minor, statement.debits_minor, statement.lines) == (500, 200, 2)
    assert (statement.starts_on, statement.ends_on) == (date(2026, 4, 29), date(2026, 4, 29))
    assert (statement.continuity, statement.format) == ("first", "camt053.08")
    first, second = bank.lines(statement)
    assert (first.number, first.amount_minor, first.reference, first.is_open) == (1, 500, "E1", True)
    assert (second.number, second.amount_minor, second.reference) == (2, -200, "")
    assert len(first.fingerprint) == 64


def test_a_file_finds_the_accounts_that_it_names(bank: Bank) -> None:
    record = bank.take(camt(DAY_1, Stmt(id="X", iban="GB33BUKB20201555555555", entries=[Ntry(5)])))
    assert (record.state, record.statements, record.statements_refused) == ("failed", 1, 1)
    assert bank.codes(record) == ["account_unknown"]


def test_lines_of_a_batch_are_numbered_through(bank: Bank) -> None:
    bank.take(camt(Stmt(entries=[Ntry(300, [Tx("A", 100), Tx("B", 200)], batch="B-1"), Ntry(5)])))
    (statement,) = bank.statements()
    found = bank.lines(statement)
    assert [(line.number, line.amount_minor, line.batch) for line in found] == [
        (1, 100, "B1"),
        (2, 200, "B1"),
        (3, 5, ""),
    ]


def test_open_lines_are_matchings_worklist(bank: Bank) -> None:
    bank.take(camt(DAY_1))
    (statement,) = bank.statements()
    first, second = bank.lines(statement)
    assert bank.sql("SELECT count(*) FROM recon_open_line") == [(2,)]
    bank.sql("DELETE FROM recon_open_line WHERE line_id = (SELECT id FROM recon_line WHERE number = 1)")
    assert [line.id for line in bank.lines(statement, only="open")] == [second.id]
    assert [line.id for line in bank.lines(statement, only="matched")] == [first.id]


def test_the_account_is_matched_once_after_the_import(bank: Bank) -> None:
    bank.take(camt(DAY_1, DAY_2))
    items = bank.sql("SELECT ref FROM public.work_item WHERE kind = 'recon.run' AND workspace_id = %s", [bank.ws.id])
    assert len(items) == 1


def test_what_was_taken_in_is_told(bank: Bank) -> None:
    bank.take(camt(DAY_1))
    (told,) = bank.events("statement.imported")
    assert (told["lines"], told["opening_minor"], told["closing_minor"]) == (2, 1_000, 1_300)
    assert (told["credits_minor"], told["debits_minor"], told["continuity"]) == (500, 200, "first")
    assert "E-1" not in str(told)


# Whole or not at all


def test_a_statement_that_does_not_add_up_is_refused_with_its_numbers(bank: Bank) -> None:
    record = bank.take(camt(Stmt(opening=100, closing=150, entries=[Ntry(60)])))

    assert (record.state, record.statements, record.statements_refused) == ("failed", 0, 1)
    assert (record.lines_read, record.lines_written, record.lines_refused) == (1, 0, 1)
    assert record.problem_code == "balance_mismatch"
    (problem,) = bank.problems(record)
    assert problem.extra == {
        "opening_minor": 100,
        "net_minor": 60,
        "expected_minor": 160,
        "found_minor": 150,
        "difference_minor": -10,
    }
    assert bank.statements() == []
    assert bank.sql("SELECT count(*) FROM recon_line") == [(0,)]
    (told,) = bank.events("statement.refused")
    assert (told["problem"], told["expected_minor"], told["found_minor"]) == ("balance_mismatch", 160, 150)


def test_of_several_statements_the_good_ones_stand(bank: Bank) -> None:
    bad = Stmt(id="S-X", sequence=9, entries=[Ntry(1)], closing=2)
    record = bank.take(camt(DAY_1, bad, DAY_2))
    assert (record.state, record.statements, record.statements_refused) == ("failed", 2, 1)
    assert [one.external_id for one in bank.statements()] == ["S-1", "S-2"]
    assert record.lines_read == record.lines_written + record.lines_refused == 4


def test_a_line_that_cannot_be_read_refuses_its_statement_and_each_is_told(bank: Bank) -> None:
    entries = [Ntry(1), Ntry(2, currency="EUR"), Ntry(3, day="2026-13-01"), Ntry(4)]
    record = bank.take(camt(Stmt(entries=entries, totals="", balances="")))
    assert (record.lines_read, record.lines_refused) == (4, 4)
    assert [(one.place, one.code) for one in bank.problems(record)] == [
        ("Stmt 1/Ntry 2", "currency_differs"),
        ("Stmt 1/Ntry 3", "day_malformed"),
    ]


def test_a_statement_of_another_currency_is_refused(bank: Bank) -> None:
    record = bank.take(camt(Stmt(currency="EUR", entries=[Ntry(1)])), account=_account(bank))
    assert bank.codes(record) == ["currency_mismatch"]


def test_a_statement_of_another_account_is_refused(bank: Bank) -> None:
    record = bank.take(camt(Stmt(iban="GB33BUKB20201555555555", entries=[Ntry(1)])), account=_account(bank))
    assert bank.codes(record) == ["account_differs"]


def test_a_file_that_ends_too_soon_leaves_what_was_complete(bank: Bank) -> None:
    content = camt(DAY_1, DAY_2)
    record = bank.take(content[: content.rindex(b"<Ntry>") + 40])
    assert (record.state, record.problem_code) == ("failed", "statement_file_truncated")
    assert [one.external_id for one in bank.statements()] == ["S-1"]
    assert record.lines_read == record.lines_written + record.lines_refused
    assert bank.sql("SELECT count(*) FROM recon_line") == [(2,)]
    assert [told["problem"] for told in bank.events("statement.refused")] == ["statement_file_truncated"]
    mended = bank.take(content)
    assert (mended.state, mended.statements, mended.lines_repeated) == ("done", 2, 2)


@pytest.mark.parametrize("form", ["camt053", "settlement"])
def test_what_is_no_file_of_the_format_fails(bank: Bank, form: str) -> None:
    account = bank.open("rail_receivable", kind="rail", external_id="rails").id if form == "settlement" else None
    record = bank.take(b"neither\n", form=form, account=account)
    assert (record.state, record.problem_code) == ("failed", "statement_file_malformed")


# The same again


def test_the_same_file_is_refused_at_the_door(bank: Bank) -> None:
    record = bank.take(camt(DAY_1))
    with pytest.raises(StatementFileKnown) as refusal:
        bank.start(camt(DAY_1), file_name="other-name.xml")
    assert refusal.value.extra["import_id"] == record.id


def test_a_file_that_failed_may_come_again(bank: Bank) -> None:
    content = camt(Stmt(iban="GB33BUKB20201555555555", currency="EUR", entries=[Ntry(1)]))
    assert bank.take(content).state == "failed"
    assert bank.take(content).state == "failed"


def test_a_statement_in_another_file_is_repeated_and_not_written_twice(bank: Bank) -> None:
    bank.take(camt(DAY_1))
    record = bank.take(camt(DAY_1, DAY_2))
    assert (record.state, record.statements, record.lines_read) == ("done", 2, 3)
    assert (record.lines_written, record.lines_repeated) == (1, 2)
    assert bank.codes(record, warnings=True) == ["statement_repeated"]
    assert bank.sql("SELECT count(*) FROM recon_line") == [(3,)]


def test_a_statement_that_now_says_something_else_is_refused(bank: Bank) -> None:
    bank.take(camt(DAY_1))
    changed = Stmt(id="S-1", day="2026-04-29", opening=1_000, entries=[Ntry(501), Ntry(-201)])
    record = bank.take(camt(changed))
    (problem,) = bank.problems(record)
    assert problem.code == "duplicate_statement"
    assert problem.extra["told"]["credits_minor"] == 501
    assert problem.extra["known"]["credits_minor"] == 500


def test_lines_that_another_statement_has_too_are_an_overlap(bank: Bank) -> None:
    bank.take(camt(DAY_1))
    again = Stmt(
        id="S-1-again",
        sequence=None,
        day="2026-04-29",
        opening=1_300,
        entries=[Ntry(500, [Tx("E-1", 500)], day="2026-04-29")],
    )
    record = bank.take(camt(again))
    assert "lines_seen_before" in bank.codes(record, warnings=True)
    assert bank.statements()[-1].continuity == "overlap"


# Continuity


def test_a_statement_goes_on_from_the_one_before(bank: Bank) -> None:
    record = bank.take(camt(DAY_1, DAY_2))
    first, second = bank.statements()
    assert (second.continuity, second.previous_id, second.break_minor) == ("continuous", first.id, 0)
    assert record.problems == 0


def test_a_gap_in_the_money_is_kept_and_told(bank: Bank) -> None:
    bank.take(camt(DAY_1))
    record = bank.take(camt(Stmt(id="S-3", sequence=3, opening=1_250, entries=[Ntry(1)])))
    assert record.state == "done"
    last = bank.statements()[-1]
    assert (last.continuity, last.break_minor) == ("gap", -50)
    (warning,) = bank.problems(record)
    assert (warning.code, warning.is_warning, warning.extra["missing"]) == ("continuity_gap", True, 1)


def test_a_number_left_out_of_the_sequence_is_a_gap_although_the_money_agrees(bank: Bank) -> None:
    bank.take(camt(DAY_1))
    bank.take(camt(Stmt(id="S-4", sequence=4, opening=1_300, entries=[Ntry(1)])))
    assert bank.statements()[-1].continuity == "gap"


def test_a_sequence_begins_again_with_the_year(bank: Bank) -> None:
    bank.take(camt(Stmt(id="A", sequence=365, day="2025-12-31", opening=0, entries=[Ntry(5, day="2025-12-31")])))
    bank.take(camt(Stmt(id="B", sequence=1, day="2026-01-01", opening=5, entries=[Ntry(5, day="2026-01-01")])))
    assert bank.statements()[-1].continuity == "continuous"


def test_a_statement_that_goes_back_is_an_overlap(bank: Bank) -> None:
    bank.take(
        camt(
            Stmt(
                id="A",
                sequence=5,
                first_day="2026-04-01",
                day="2026-04-20",
                opening=0,
                entries=[Ntry(5, day="2026-04-20")],
            )
        )
    )
    bank.take(camt(Stmt(id="B", sequence=6, first_day="2026-04-15", day="2026-04-30", opening=9, entries=[Ntry(5)])))
    assert bank.statements()[-1].continuity == "overlap"


def test_a_late_statement_closes_the_gap(bank: Bank) -> None:
    day_3 = Stmt(id="S-3", sequence=3, day="2026-05-01", opening=2_000, entries=[Ntry(1, day="2026-05-01")])
    bank.take(camt(DAY_1))
    bank.take(camt(day_3))
    assert bank.statements()[-1].continuity == "gap"

    bank.take(camt(DAY_2))

    assert [one.continuity for one in bank.statements()] == ["first", "continuous", "continuous"]
    assert bank.statements()[-1].break_minor == 0


def test_pages_of_several_files_are_checked_from_the_first_to_the_last(bank: Bank) -> None:
    first = Stmt(id="P", sequence=1, page=1, is_last_page=False, opening=100, has_closing=False, entries=[Ntry(10)])
    last = Stmt(id="P", sequence=1, page=2, opening=None, closing=135, entries=[Ntry(25)])
    assert bank.take(camt(first)).state == "done"
    assert bank.take(camt(last)).state == "done"
    assert [(one.opening_minor, one.closing_minor) for one in bank.statements()] == [(100, 110), (110, 135)]

    assert [one.continuity for one in bank.statements()] == ["first", "continuous"]

    wrong = Stmt(id="Q", page=1, is_last_page=False, opening=0, has_closing=False, entries=[Ntry(1)])
    short = Stmt(id="Q", page=2, opening=None, closing=9, entries=[Ntry(1)])
    assert bank.codes(bank.take(camt(wrong, short))) == ["balance_mismatch"]


def test_pages_of_one_day_follow_each_other_in_whatever_order_they_come(bank: Bank) -> None:
    pages = [
        Stmt(id="P", page=page, is_last_page=page == 3, opening=opening, entries=[Ntry(amount)])
        for page, opening, amount in ((1, 100, 10), (2, 110, 20), (3, 130, 30))
    ]
    for page in (pages[2], pages[0], pages[1]):
        bank.take(camt(page))

    assert {(one.external_id, one.continuity, one.break_minor) for one in bank.statements()} == {
        ("P page 1", "first", None), ("P page 2", "continuous", 0), ("P page 3", "continuous", 0),
    }  # fmt: skip


# A dry run


def test_a_dry_run_says_what_would_be_and_writes_nothing(bank: Bank) -> None:
    bad = Stmt(id="S-9", sequence=9, entries=[Ntry(1)], closing=2)
    record = bank.take(camt(DAY_1, DAY_2, bad), is_dry_run=True)
    assert (record.statements, record.statements_refused) == (2, 1)
    assert (record.lines_read, record.lines_written, record.lines_refused) == (4, 3, 1)
    assert bank.codes(record) == ["balance_mismatch"]
    assert bank.codes(record, warnings=True) == []  # the second goes on from the first, which is not here
    assert bank.sql("SELECT count(*) FROM recon_statement") == [(0,)]
    assert bank.sql("SELECT count(*) FROM recon_line") == [(0,)]
    assert bank.events("statement.imported") == bank.events("statement.refused") == []
    assert bank.take(camt(DAY_1, DAY_2)).state == "done"


def test_a_dry_run_of_a_known_file_is_no_refusal(bank: Bank) -> None:
    bank.take(camt(DAY_1))
    assert bank.take(camt(DAY_1), is_dry_run=True).lines_repeated == 2


# Settlement reports


def test_a_settlement_report_is_a_statement_of_its_rail(bank: Bank) -> None:
    rail = bank.open("rail_receivable", kind="rail", external_id="rail_a")
    record = bank.take(report(("ref-1", 10_000, 165), ("ref-2", 5_000, 95)), form="settlement", account=rail.id)
    assert record.state == "done", bank.problems(record)
    (statement,) = bank.statements()
    assert (statement.external_id, statement.format, statement.currency) == ("rail_a-b1", "settlement", "USD")
    found = bank.lines(statement)
    assert [(line.kind, line.amount_minor, line.gross_minor, line.fee_minor) for line in found] == [
        ("payment", 9_835, 10_000, 165),
        ("payment", 4_905, 5_000, 95),
        ("payout", -14_740, -15_000, -260),
    ]
    assert [line.reference for line in found] == ["REF1", "REF2", "RAILAB1"]
    assert {line.batch for line in found} == {"RAILAB1"}


def test_what_the_rail_paid_out_is_posted_with_its_report(bank: Bank) -> None:
    rail = bank.open("rail_receivable", kind="rail", external_id="rail_a")
    bank.take(report(("ref-1", 10_000, 165)), form="settlement", account=rail.id, collected=("rail_a/rail_1", "1/b1"))
    (told,) = bank.events("settlement.posted")
    assert (told["gross_minor"], told["fee_minor"], told["net_minor"]) == (10_000, 165, 9_835)
    assert bank.sql("SELECT count(*) FROM ledger_posting WHERE purpose = 'settlement.batch'") == [(1,)]


@pytest.mark.parametrize(
    ("trailer", "code"),
    [
        ({"rows": 9}, "control_total_differs"),
        ({"gross": 1}, "control_total_differs"),
        ({"fee": 1}, "control_total_differs"),
        ({"net": 1}, "control_total_differs"),
    ],
)
def test_a_trailer_that_is_not_the_rows_refuses_the_report(bank: Bank, trailer: dict[str, int], code: str) -> None:
    rail = bank.open("rail_receivable", kind="rail", external_id="rail_a")
    record = bank.take(report(("ref-1", 10_000, 165), trailer=trailer), form="settlement", account=rail.id)
    assert bank.codes(record) == [code]
    assert bank.events("settlement.posted") == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"10000,165,9835", b"10000,165,9836", "gross_less_fee_differs"),
        (b"10000,165,9835", b"10000.0,165,9835", "amount_malformed"),
        (b"payment,", b"chargeback,", "row_type_unknown"),
        (b"2026-04-30,USD", b"2026-04-30,EUR", "currency_differs"),
        (b"2026-04-30", b"30.04.2026", "day_malformed"),
        (
            b"payout,,rail_a-b1,rail_a-b1,2026-05-02,USD,-10000,-165,-9835",
            b"payout,,rail_a-b1,rail_a-b1,2026-05-02,USD,-9999,-165,-9834",
            "batch_sum_differs",
        ),
    ],
)
def test_a_planted_fault_in_a_report_is_found(bank: Bank, old: bytes, new: bytes, code: str) -> None:
    rail = bank.open("rail_receivable", kind="rail", external_id="rail_a")
    content = report(("ref-1", 10_000, 165)).replace(old, new, 1)
    assert new in content
    record = bank.take(content, form="settlement", account=rail.id)
    assert code in bank.codes(record)
    assert bank.statements() == []


def test_a_report_without_its_trailer_is_not_complete(bank: Bank) -> None:
    rail = bank.open("rail_receivable", kind="rail", external_id="rail_a")
    content = report(("ref-1", 10_000, 165))
    record = bank.take(content[: content.rindex(b"trailer")], form="settlement", account=rail.id)
    assert record.problem_code == "statement_file_truncated"
    assert bank.sql("SELECT count(*) FROM recon_line") == [(0,)]


# CSV


MAPPING = {"columns": {"booked_on": "Date", "amount": "Amount", "reference": "Ref", "balance": "Balance"}}
CSV = b"Date,Amount,Ref,Balance\n2026-04-01,10.00,R-1,110.00\n2026-04-03,-2.50,R-2,107.50\n"


def test_a_csv_file_is_read_by_the_mapping_of_its_account(bank: Bank) -> None:
    with pytest.raises(MappingMissing):
        bank.start(CSV, form="csv", account=_account(bank))
    with tenant_work(bank.ws):
        operations.save_mapping(account_id=_account(bank), mapping=MAPPING)
    record = bank.take(CSV, form="csv", account=_account(bank))
    assert record.state == "done", bank.problems(record)
    (statement,) = bank.statements()
    assert (statement.opening_minor, statement.closing_minor) == (10_000, 10_750)
    assert (statement.starts_on, statement.ends_on) == (date(2026, 4, 1), date(2026, 4, 3))
    assert [line.reference for line in bank.lines(statement)] == ["R1", "R2"]


def test_each_wrong_cell_of_a_csv_is_told(bank: Bank) -> None:
    content = CSV + b"31.02.2026,1.2.3,R-3,\n2026-04-04,ten,R-4,\n"
    record = bank.take(content, form="csv", account=_account(bank), mapping=MAPPING)
    assert (record.state, record.lines_refused) == ("failed", 4)
    assert [(one.place, one.code) for one in bank.problems(record)] == [
        ("line 4, Date", "day_malformed"),
        ("line 4, Amount", "amount_malformed"),
        ("line 5, Amount", "amount_malformed"),
    ]


def test_a_balance_that_does_not_follow_refuses_the_file(bank: Bank) -> None:
    content = CSV.replace(b"107.50", b"107.49")
    record = bank.take(content, form="csv", account=_account(bank), mapping=MAPPING)
    (problem,) = bank.problems(record)
    assert (problem.code, problem.place) == ("running_balance_differs", "line 3")
    assert problem.extra == {"expected_minor": 10_750, "found_minor": 10_749, "difference_minor": -1}


# Accounts


def _account(bank: Bank) -> str:
    with tenant_work(bank.ws):
        return next(one.id for one in queries.list_reconciled_accounts() if one.external_id == IBAN)


def test_an_account_is_reconciled_once(bank: Bank) -> None:
    with pytest.raises(AccountExists):
        bank.open()
    with pytest.raises(AccountExists):
        bank.open("rail_receivable")  # under the same external id


def test_an_iban_is_known_without_its_spaces(workspace: TenantRef) -> None:
    bank = Bank(workspace)
    assert bank.open(external_id="de89 3704 0044 0532 0130 00").external_id == IBAN


@pytest.mark.parametrize(
    "more",
    [
        {"calendar": "mars"},
        {"calendar": "DE-XX"},
        {"settle_days": -1},
        {"settle_days": 61},
        {"external_id": " "},
        {"kind": "till"},
    ],
)
def test_an_impossible_account_is_refused(workspace: TenantRef, more: dict[str, object]) -> None:
    with pytest.raises(AccountInvalid):
        Bank(workspace).open(**more)  # type: ignore[arg-type]


@pytest.mark.parametrize("calendar", ["weekdays", "ECB", "NYSE", "DE", "DE-BY", "US"])
def test_calendars_are_those_of_markets_and_countries(workspace: TenantRef, calendar: str) -> None:
    assert Bank(workspace).open(calendar=calendar).calendar == calendar


def test_a_change_needs_the_version_that_was_read(bank: Bank) -> None:
    key = _account(bank)
    with tenant_work(bank.ws):
        changed = operations.change_reconciled_account(
            account_id=key, version=1, settle_days=3, actor=actors.LEDGER, now=clock.now()
        )
        assert (changed.version, changed.settle_days) == (2, 3)
        with pytest.raises(StaleAccount):
            operations.change_reconciled_account(
                account_id=key, version=1, name="Other", actor=actors.LEDGER, now=clock.now()
            )
    (told,) = bank.events("reconciliation.account.changed")
    assert (told["account_id"], told["changed"], told["settle_days"], told["version"]) == (key, ["settle_days"], 3, 2)


def test_nothing_is_imported_for_a_closed_account(bank: Bank) -> None:
    with tenant_work(bank.ws):
        operations.close_reconciled_account(
            account_id=_account(bank), version=1, actor=actors.LEDGER, reason="moved to another bank", now=clock.now()
        )
    assert len(bank.events("reconciliation.account.closed")) == 1
    assert bank.codes(bank.take(camt(DAY_1))) == ["account_unknown"]


def test_an_unknown_account_and_an_empty_file_are_refused_at_the_door(bank: Bank) -> None:
    with pytest.raises(AccountNotFound):
        bank.start(camt(DAY_1), account="rca_00000000000000000000000000")
    with pytest.raises(StatementFileEmpty):
        bank.start(b"")
    with pytest.raises(AccountInvalid):
        bank.start(CSV, form="csv")
    with pytest.raises(AccountInvalid):
        bank.start(report(("r", 1, 0)), form="settlement", account=_account(bank))


def test_another_workspace_sees_nothing(bank: Bank, other_workspace: TenantRef) -> None:
    bank.take(camt(DAY_1))
    other = Bank(other_workspace)
    assert other.statements() == []
    other.open()
    assert other.take(camt(DAY_1)).state == "done"


def test_an_account_is_not_closed_without_a_reason_or_in_the_middle_of_a_closeout(bank: Bank) -> None:
    from zentra.reconciliation.closeout.models import Period, TieOut

    account = _account(bank)

    def close(reason: str) -> None:
        with tenant_work(bank.ws):
            operations.close_reconciled_account(
                account_id=account, version=1, actor=actors.LEDGER, reason=reason, now=clock.now()
            )

    with pytest.raises(AccountInvalid, match="why"):
        close(" ")
    with tenant_work(bank.ws):
        month = Period.objects.create(
            id=ids.new_id("prd"), starts_on=date(2026, 4, 1), ends_on=date(2026, 4, 30), state="soft",
            starts_at=noon("2026-04-01"), ends_at=noon("2026-05-01"), time_zone="UTC", cut_off_hour=12,
            created_at=clock.now(),
        )  # fmt: skip
        TieOut.objects.create(
            id=ids.new_id("tie"), period_id=month.id, account_id=account, currency="USD", figures={}, figures_hash="",
            computed_at=clock.now(),
        )  # fmt: skip
    with pytest.raises(AccountInUse, match="2026-04"):
        close("moved to another bank")
    with tenant_work(bank.ws):
        assert queries.get_reconciled_account(account_id=account).is_open
