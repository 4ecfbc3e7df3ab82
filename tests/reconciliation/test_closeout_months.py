"""Which money, which accounts and which months belong together, also where settings, accounts and days change."""

from __future__ import annotations

import dataclasses
import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from ledger.operations import open_account
from tests.people import join
from tests.reconciliation.closing import LAST, Closing
from tests.reconciliation.matchbook import MatchBook
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout import errors, figures, operations, queries, tasks
from zentra.reconciliation.closeout.models import Period, TieOut
from zentra.reconciliation.closeout.operations import periods
from zentra.reconciliation.closeout.queries import periods as periods_read
from zentra.reconciliation.closeout.types import Figures
from zentra.reconciliation.matching.desk import operations as desk
from zentra.reconciliation.matching.desk import store as desk_store
from zentra.reconciliation.matching.desk.types import AdjustmentLine, AdjustmentRecord
from zentra.reconciliation.statements.models import ReconciledAccount

FIRST = LAST.replace(day=1)


def settings(monkeypatch: pytest.MonkeyPatch, of: object, name: str, **said: object) -> None:
    """Let a module read these settings."""
    real = getattr(of, name)
    monkeypatch.setattr(of, name, lambda **asked: dataclasses.replace(real(**asked), **said))


def charged(workspace: TenantRef, *, on: date) -> Closing:
    """A softly closed month, whose bank charged 50 on a day of it."""
    first, second = (join(workspace, role="finance", name=name).actor() for name in ("First", "Second"))
    closing = Closing(workspace, preparer=first, approver=second)
    closing.money(1_000, "R1")
    closing.bank.state(
        {"amount": 1_000, "reference": "R1", "on": closing.day(9)}, {"amount": -50, "reference": "CHARGE", "on": on},
        ends_on=LAST, opening_minor=0, closing_minor=950,
    )  # fmt: skip
    closing.run()
    closing.soft_close()
    return closing


def adjust(closing: Closing, *, on: date) -> AdjustmentRecord:
    """The charge, posted by two people."""
    found = {each.amount_minor: each.id for each in closing.bank.exceptions()}
    lines = [AdjustmentLine("fees", "debit", 50), AdjustmentLine("bank", "credit", 50)]
    asked = closing.do(
        desk.propose_adjustment, exception_id=found[-50], reason_code="bank_fee", reason="", lines=lines,
        effective_on=on, actor=closing.preparer, now=clock.now(),
    )  # fmt: skip
    return closing.do(desk.approve_adjustment, adjustment_id=asked.id, actor=closing.approver, now=clock.now(), note="")


def counts_at(closing: Closing, posting_id: str | None) -> datetime:
    with tenant_work(closing.ws), connection.cursor() as cursor:
        cursor.execute(
            "SELECT effective_at FROM ledger_posting WHERE id = %s", [ids.to_uuid(posting_id or "", prefix="posting")]
        )
        found: datetime = cursor.fetchone()[0]
        return found


# -- A day counts in the month that it belongs to ----------------------------------------------------------------------


def test_an_adjustment_of_the_last_day_counts_in_its_month_whatever_the_cut_off(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(monkeypatch, periods, "read_settings", cut_off_hour=8)
    closing = charged(workspace, on=LAST)
    adjusted = adjust(closing, on=LAST)
    closing.run()

    assert counts_at(closing, adjusted.posting_id) == closing.period.ends_at - timedelta(microseconds=1)
    found = closing.tie_out().figures
    assert (found.ledger_minor, found.statement_minor) == (950, 950)


@pytest.mark.parametrize(
    ("made_in", "now_in", "day"),
    [("Pacific/Auckland", "America/Los_Angeles", LAST), ("America/Los_Angeles", "Pacific/Auckland", FIRST)],
)
def test_an_adjustment_counts_in_its_month_whatever_the_zone_is_now(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch, made_in: str, now_in: str, day: date
) -> None:
    settings(monkeypatch, periods, "read_settings", time_zone=made_in)
    closing = charged(workspace, on=day)
    settings(monkeypatch, desk_store, "settings_at_hand", time_zone=now_in)
    adjusted = adjust(closing, on=day)

    assert closing.period.starts_at <= counts_at(closing, adjusted.posting_id) < closing.period.ends_at


def test_a_payout_of_the_first_day_counts_in_its_month_whatever_the_zone_is_now(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zentra.reconciliation.statements import settlements

    closing = Closing(workspace)
    closing.state()
    period = closing.period
    settings(monkeypatch, settlements, "settings_at_hand", time_zone="Pacific/Auckland")
    with tenant_work(workspace):
        assert settlements._start_of(FIRST) == period.starts_at


# -- Accounts, and the months that they belong to ----------------------------------------------------------------------


def open_another(closing: Closing) -> MatchBook:
    """An account that is reconciled from now on."""
    with tenant_work(closing.ws):
        open_account(account_type="bank", currency="USD", code="bank_two", actor=closing.preparer, now=clock.now())
    return MatchBook(closing.ws, code="bank_two")


def test_an_account_that_is_opened_later_joins_no_earlier_month(signed: Closing) -> None:
    open_another(signed)

    assert signed.tie_out().account_name == "bank", "the only one"
    assert signed.overview().accounts == 1
    assert signed.lock().state == "closed"


def test_an_account_with_money_in_a_month_joins_it_unless_it_is_locked(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.money(1_000, "R1")
    closing.state((1_000, "R1"))
    another = open_another(closing)
    another.state({"amount": 5, "reference": "X", "on": closing.day()}, ends_on=LAST, closing_minor=5)
    assert closing.overview().accounts == 2
    # As if it had been locked before.
    with tenant_work(workspace):
        Period.objects.filter(starts_on=FIRST).update(state="closed")

    assert closing.overview().accounts == 0, "none was tied out when it was locked"
    assert closing.do(operations.refresh_tie_outs, period_id=closing.period.id, now=clock.now()) == []
    with pytest.raises(DatabaseError, match="nothing joins a locked period"), tenant_work(workspace):
        TieOut.objects.create(
            id=ids.new_id("tie"), period_id=closing.period.id, account_id=another.account, currency="USD", figures={},
            figures_hash="", computed_at=clock.now(),
        )  # fmt: skip


def test_a_month_without_a_reconciled_account_is_locked(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.state()
    with tenant_work(workspace):
        ReconciledAccount.objects.filter(id=closing.bank.account).update(closed_at=closing.noon(60))
    closing.book.move("customer_balance", "suspense", 100, effective_at=closing.noon(5))
    closing.soft_close()
    closing.tick_off()

    locked = closing.lock()
    assert locked.state == "closed"
    says = {each.key: each.says for each in closing.do(queries.list_tasks, period_id=locked.id, now=clock.now())}
    assert {says[key] for key in ("statements", "tie_out", "sign")} == {"no account was reconciled"}


# -- Locked months are watched in turn ---------------------------------------------------------------------------------


def test_every_locked_month_is_computed_in_turn_however_old_it_is(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing = Closing(workspace)
    locked = closing.close().id
    with tenant_work(workspace):
        operations.ensure_periods(now=clock.now() + timedelta(days=150))
        newer = [row.id for row in Period.objects.filter(starts_on__gt=LAST).order_by("starts_on")]
        for place, row in enumerate(newer):
            TieOut.objects.create(
                id=ids.new_id("tie"), period_id=row, account_id=closing.bank.account, currency="USD", figures={},
                figures_hash="", computed_at=clock.now() + timedelta(days=1, minutes=place),
            )  # fmt: skip
        Period.objects.filter(id__in=newer).update(state="closed")
    assert len(newer) > 4
    monkeypatch.setattr(periods_read, "_IN_TURN", 1)

    assert closing.do(queries.watched_periods, is_locked=True) == [locked]
    closing.bank.state({"amount": 7, "reference": "X", "on": closing.day(9)}, ends_on=LAST, closing_minor=1_007)
    tasks.keep_locked_tied(workspace)
    (found,) = closing.do(queries.list_tie_outs, period_id=locked)
    assert (found.state, found.figures.statement_minor) == ("suspended", 1_007)

    closing.do(operations.refresh_tie_outs, period_id=locked, now=clock.now() + timedelta(days=2))
    assert closing.do(queries.watched_periods, is_locked=True) == [newer[0]], "and then the next"


# -- What slips between two looks --------------------------------------------------------------------------------------


@pytest.fixture
def signed(workspace: TenantRef) -> Closing:
    """Everything is done but the lock."""
    closing = Closing(workspace)
    closing.money(1_000, "R1")
    closing.state((1_000, "R1"))
    closing.run()
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    return closing


def missing(closing: Closing) -> list[str]:
    with pytest.raises(errors.NotReady) as caught:
        closing.lock()
    return list(caught.value.extra["missing"])


def cancel_out(closing: Closing) -> None:
    """Two adjustments that leave every balance as it was."""
    closing.money(10, "FEE", purpose="adjustment.fee")
    closing.book.move("suspense", "bank", 10, effective_at=closing.noon(), purpose="adjustment.fee")


def test_adjustments_that_cancel_out_between_the_look_and_the_switch_are_found(
    signed: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = periods._switch

    def post() -> None:
        cancel_out(signed)
        connection.close()

    def switch(*args: object) -> None:
        another = threading.Thread(target=post)  # a client of its own, just before the switch
        another.start()
        another.join()
        turn(*args)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(periods, "_switch", switch)
    assert missing(signed) == ["Adjustments were posted in the meantime; look again."]
    assert signed.period.state == "soft"


def test_entries_that_matching_has_not_taken_over_hold_the_lock_up(signed: Closing) -> None:
    cancel_out(signed)
    signed.book.sequence()

    assert missing(signed) == ["Entries of bank are not taken over yet; wait for that."]


def test_figures_that_were_computed_before_others_were_written_suspend_nothing(
    signed: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two refreshes with a change in between: the one that read first writes last."""
    real = figures.compute
    asked: list[object] = []

    def compute(*args: Any, **said: Any) -> Figures:
        asked.append(args)
        found = real(*args, **said)
        return dataclasses.replace(found, statement_minor=1) if len(asked) == 1 else found

    monkeypatch.setattr(figures, "compute", compute)
    assert signed.tie_out().state == "approved"
    assert len(asked) == 2
