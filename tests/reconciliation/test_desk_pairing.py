"""What an adjustment posted is matched with the line and entry it was for, so that nothing of it stays open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.people import Person
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching.desk.pairing import NotTakenYet, pair_adjustment
from zentra.reconciliation.matching.desk.types import AdjustmentLine, AdjustmentRecord, ExceptionRecord
from zentra.reconciliation.matching.models import OpenLine

if TYPE_CHECKING:
    from tests.reconciliation.desks import DeskOfTests


@pytest.fixture
def desk(workspace: TenantRef) -> DeskOfTests:
    from tests.reconciliation.desks import desk_of

    return desk_of(workspace)


def sequence_entries(desk: DeskOfTests) -> None:
    """Number what is posted, as the ledger's periodic work does."""
    from ledger.operations import sequence_entries as sequence

    with tenant_work(desk.ws):
        while sequence(now=clock.now()):
            pass


def pair(desk: DeskOfTests, adjustment: AdjustmentRecord) -> bool:
    from zentra.reconciliation.matching.taking import take_all

    sequence_entries(desk)
    take_all(account_id=desk.bank, ws=desk.ws)
    return desk.do(pair_adjustment, adjustment_id=adjustment.id, now=clock.now())


def opened(desk: DeskOfTests, side: str) -> int:
    """How many lines or entries of adjustments and of these tests are open."""
    [(count,)] = desk.rows(f"SELECT count(*) FROM recon_open_{side}")
    return int(count)


def real_entry(desk: DeskOfTests, amount: int) -> str:
    """An entry of the bank account in the ledger, taken over."""
    from ledger.operations import post_entries
    from ledger.types import Line
    from zentra.core import actors
    from zentra.reconciliation.matching.operations import take_entries

    with tenant_work(desk.ws):
        posted = post_entries(
            lines=[Line("bank", "debit", amount), Line("suspense", "credit", amount)], currency="USD",
            posting_id=ids.new_id("posting"), purpose="manual", actor=actors.LEDGER, correlation_id="req_test",
            recorded_at=clock.now(),
        )  # fmt: skip
    sequence_entries(desk)
    with tenant_work(desk.ws):
        while take_entries(account_id=desk.bank, now=clock.now()).more:
            pass
    return posted.entries[0].id


def line(desk: DeskOfTests, amount: int) -> str:
    """A line that is open for matching."""
    key = desk.add_line(amount)
    with tenant_work(desk.ws):
        OpenLine.objects.create(line_id=key, account_id=desk.bank)
    return key


def test_a_posted_charge_is_one_match_with_its_line(desk: DeskOfTests) -> None:
    found = desk.exception(amount=-500, line_id=line(desk, -500))
    adjustment = desk.approve(desk.propose(found))

    assert pair(desk, adjustment)

    [(how, state, lines, entries)] = desk.rows("SELECT how, state, lines, entries FROM recon_match")
    assert (how, state, lines, entries) == ("manual", "confirmed", 1, 1)
    assert (desk.get(found).resolution, desk.get(found).match_id is not None) == ("adjusted", True)
    assert opened(desk, "line") == 0


def test_a_write_off_and_its_entry_cancel_each_other_out(desk: DeskOfTests) -> None:
    entry = real_entry(desk, 700)
    before = opened(desk, "entry")
    found = desk.exception("entry_only", amount=700, difference=-700, entry_id=entry)
    adjustment = desk.approve(desk.write_off(found))

    assert pair(desk, adjustment)

    assert desk.rows("SELECT lines, entries, entry_minor FROM recon_match") == [(0, 2, 0)]
    assert opened(desk, "entry") == before - 1


def test_a_line_and_an_entry_that_differ_agree_with_the_adjustment_between_them(desk: DeskOfTests) -> None:
    found = desk.exception(
        "amount_differs", amount=950, difference=-50, line_id=line(desk, 950), entry_id=real_entry(desk, 1_000)
    )
    adjustment = desk.approve(desk.propose(found))

    assert pair(desk, adjustment)
    assert desk.rows("SELECT lines, entries, line_minor, entry_minor FROM recon_match") == [(1, 2, 950, 950)]


def test_what_does_not_add_up_stays_open_for_the_next_run(desk: DeskOfTests) -> None:
    found = desk.exception(amount=-500, line_id=line(desk, -500))
    wrong = desk.propose(found, AdjustmentLine("fees", "debit", 400), AdjustmentLine("bank", "credit", 400))
    adjustment = desk.approve(wrong)

    assert not pair(desk, adjustment)
    assert desk.rows("SELECT count(*) FROM recon_match") == [(0,)]
    assert opened(desk, "line") == 1


def test_it_is_repeated_without_harm_and_waits_for_the_ledger_s_numbers(desk: DeskOfTests) -> None:
    found = desk.exception(amount=-500, line_id=line(desk, -500))
    adjustment = desk.approve(desk.propose(found))

    with pytest.raises(NotTakenYet):
        desk.do(pair_adjustment, adjustment_id=adjustment.id, now=clock.now())
    assert pair(desk, adjustment)
    assert not pair(desk, adjustment)
    assert desk.rows("SELECT count(*) FROM recon_match") == [(1,)]


def test_the_work_item_does_it(desk: DeskOfTests, finance: Person) -> None:
    from zentra.core.queue import WorkItem
    from zentra.core.queue.registry import handler_of
    from zentra.reconciliation.matching.desk.operations.adjusting import ADJUSTED

    found = desk.exception(amount=-500, line_id=line(desk, -500))
    adjustment = desk.approve(desk.propose(found), by=finance)
    sequence_entries(desk)
    [(key, ref)] = desk.rows(
        "SELECT id, ref FROM public.work_item WHERE workspace_id = %s AND kind = %s", desk.ws.id, ADJUSTED
    )
    assert ref == adjustment.id
    handler = handler_of(ADJUSTED)
    assert handler is not None

    handler(WorkItem(key, desk.ws.id, ADJUSTED, ref, clock.now(), 1, key), desk.ws)

    assert desk.get(found).match_id is not None


def work_on(desk: DeskOfTests, adjustment: AdjustmentRecord) -> None:
    """The work item of an adjustment, done once."""
    from zentra.core.queue import WorkItem
    from zentra.core.queue.registry import handler_of
    from zentra.reconciliation.matching.desk.operations.adjusting import ADJUSTED

    handler = handler_of(ADJUSTED)
    assert handler is not None
    key = ids.new_uuid()
    handler(WorkItem(key, desk.ws.id, ADJUSTED, adjustment.id, clock.now(), 1, key), desk.ws)


def said(desk: DeskOfTests, found: ExceptionRecord) -> list[str]:
    """What the exception's history says of a pairing that cannot be."""
    return [step.words for step in desk.case(found).steps if step.what == "not_paired"]


def test_a_line_of_another_account_can_never_be_paired_and_the_exception_says_so(desk: DeskOfTests) -> None:
    other = desk.open_bank(code="rail_receivable", kind="rail")
    found = desk.exception(amount=-500, line_id=desk.add_line(-500, account=other))
    adjustment = desk.approve(desk.propose(found))
    sequence_entries(desk)

    work_on(desk, adjustment)
    work_on(desk, adjustment)

    [words] = said(desk, found)
    assert "not of" in words
    assert desk.rows("SELECT count(*) FROM recon_match") == [(0,)]


def test_a_line_of_another_currency_can_never_be_paired_and_the_exception_says_so(desk: DeskOfTests) -> None:
    key = desk.add_line(-500, currency="EUR")
    with tenant_work(desk.ws):
        OpenLine.objects.create(line_id=key, account_id=desk.bank)
    found = desk.exception(amount=-500, line_id=key)
    adjustment = desk.approve(desk.propose(found))
    sequence_entries(desk)

    work_on(desk, adjustment)

    [words] = said(desk, found)
    assert "several currencies" in words


def test_what_somebody_else_matched_first_is_said_on_the_exception(desk: DeskOfTests) -> None:
    key = line(desk, -500)
    found = desk.exception(amount=-500, line_id=key)
    adjustment = desk.approve(desk.propose(found))
    sequence_entries(desk)
    desk.rows("DELETE FROM recon_open_line WHERE line_id = %s", ids.to_uuid(key, prefix="lin"))

    work_on(desk, adjustment)

    [words] = said(desk, found)
    assert "held by another match" in words


def test_what_is_paired_already_says_nothing_more(desk: DeskOfTests) -> None:
    found = desk.exception(amount=-500, line_id=line(desk, -500))
    adjustment = desk.approve(desk.propose(found))
    sequence_entries(desk)

    work_on(desk, adjustment)
    work_on(desk, adjustment)

    assert desk.get(found).match_id is not None
    assert said(desk, found) == []
    assert "paired" in [step.what for step in desk.case(found).steps]
