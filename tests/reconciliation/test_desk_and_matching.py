"""A small month from the run to the last resolved exception: real postings, real lines, the rules, and two people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ledger.operations import post_entries, sequence_entries
from ledger.queries import drift_by_currency
from ledger.types import Line
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching.desk import operations, queries
from zentra.reconciliation.matching.desk.pairing import pair_adjustment
from zentra.reconciliation.matching.desk.types import AdjustmentRecord, ExceptionFilter, ExceptionRecord
from zentra.reconciliation.matching.models import OpenLine
from zentra.reconciliation.matching.operations import confirm_match, run_matching, save_rules, take_entries
from zentra.reconciliation.matching.queries import default_rules

if TYPE_CHECKING:
    from tests.reconciliation.desks import DeskOfTests

LATELY = timedelta(days=20)


@pytest.fixture
def desk(workspace: TenantRef) -> DeskOfTests:
    from tests.reconciliation.desks import desk_of

    made = desk_of(workspace)
    with tenant_work(workspace):
        save_rules(
            account_id=made.bank, rules=default_rules(kind="bank"), note="", after_version=0,
            actor=made.first.actor(), now=clock.now(),
        )  # fmt: skip
    return made


def post(desk: DeskOfTests, amount: int, *, reference: str, at: datetime) -> None:
    """Money to the bank, as the ledger knows it."""
    with tenant_work(desk.ws):
        post_entries(
            lines=[Line("bank", "debit", amount), Line("suspense", "credit", amount)], currency="USD",
            posting_id=ids.new_id("posting"), purpose="manual", actor=actors.LEDGER, correlation_id="req_test",
            recorded_at=clock.now(), effective_at=at, external_reference=reference,
        )  # fmt: skip


def say(desk: DeskOfTests, amount: int, *, reference: str, at: datetime) -> str:
    """The same as the bank knows it."""
    key = desk.add_line(amount, reference=reference, day=at.date())
    with tenant_work(desk.ws):
        OpenLine.objects.create(line_id=key, account_id=desk.bank)
    return key


def run(desk: DeskOfTests) -> dict[str, list[ExceptionRecord]]:
    """The rules over everything that is open; what is unresolved after it, by kind."""
    with tenant_work(desk.ws):
        while sequence_entries(now=clock.now()):
            pass
    with tenant_work(desk.ws):
        while take_entries(account_id=desk.bank, now=clock.now()).more:
            pass
        run_matching(account_id=desk.bank, is_dry_run=False, actor=actors.RECONCILIATION, now=clock.now())
        found = queries.list_exceptions(where=ExceptionFilter(), now=clock.now())
    by_kind: dict[str, list[ExceptionRecord]] = {}
    for each in found:
        by_kind.setdefault(each.kind, []).append(each)
    return by_kind


def settle(desk: DeskOfTests, adjustment: AdjustmentRecord) -> None:
    """The second person, and what the worker does after them."""
    approved = desk.approve(adjustment)
    with tenant_work(desk.ws):
        while sequence_entries(now=clock.now()):
            pass
    assert desk.do(pair_adjustment, adjustment_id=approved.id, now=clock.now())


def test_a_month_of_breaks_is_resolved_one_by_one_and_stays_resolved(desk: DeskOfTests) -> None:
    then = clock.now() - LATELY
    post(desk, 5_000, reference="GOOD1", at=then)
    say(desk, 5_000, reference="GOOD1", at=then)
    post(desk, 1_000, reference="SHORT1", at=then)
    say(desk, 950, reference="SHORT1", at=then)
    post(desk, 700, reference="NEVER1", at=then)
    post(desk, 800, reference="LATE1", at=then - LATELY)
    say(desk, 800, reference="LATE1", at=then)
    say(desk, -500, reference="", at=then)
    say(desk, 333, reference="", at=clock.now())  # statements reach to today, so that what is not on one is late

    found = run(desk)

    assert {kind: sorted(each.difference_minor for each in rows) for kind, rows in sorted(found.items())} == {
        "amount_differs": [-50], "date_differs": [0], "entry_only": [-700], "line_only": [-500, 333],
    }  # fmt: skip
    charge, unknown = sorted(found["line_only"], key=lambda each: each.difference_minor)

    settle(desk, desk.propose(charge))
    settle(desk, desk.propose(found["amount_differs"][0]))
    settle(desk, desk.write_off(found["entry_only"][0]))
    late = found["date_differs"][0]
    desk.do(
        confirm_match,
        account_id=desk.bank, line_ids=[late.line_id or ""], entry_ids=[late.entry_id or ""],
        actor=desk.first.actor(), reason="the bank was late", now=clock.now(),
    )  # fmt: skip
    desk.do(
        operations.explain_exception,
        exception_id=unknown.id, reason_code="in_transit", reason="", actor=desk.first.actor(), now=clock.now(),
    )  # fmt: skip

    assert run(desk) == run(desk) == {}
    assert {each.id: desk.get(each).resolution for each in (charge, unknown, late)} == {
        charge.id: "adjusted", unknown.id: "explained", late.id: "matched",
    }  # fmt: skip
    [(left,)] = desk.rows("SELECT count(*) FROM recon_open_line")
    assert left == 1  # the explained one still waits for its entry
    with tenant_work(desk.ws):
        assert {each.drift_minor for each in drift_by_currency()} == {0}
    post(desk, 333, reference="", at=then)
    found_again = run(desk)
    assert "line_only" not in found_again
