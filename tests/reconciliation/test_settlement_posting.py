"""What a rail paid out is posted once for each batch: net to the bank, its fee, and what it owed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from evidence.queries import latest_events
from ledger.errors import PostingConflict
from ledger.operations import sequence_entries
from ledger.operations.periods import set_period_state
from ledger.queries import find_account, history_after, late_postings
from ledger.types import PeriodState
from zentra.core import actors, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements import settlements
from zentra.reconciliation.statements.settlements import Payout, Settled, post_payout

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
Entries = list[tuple[str, str, int]]


def payout(batch: str, gross: int, fee: int, *, on: date = date(2026, 10, 2)) -> Payout:
    """A batch that the rail of this workspace paid out."""
    rail = find_account(ref="rail_receivable", currency="USD").id
    account = ids.to_public("rca", ids.to_uuid(rail, prefix="acct"))  # always the same one
    return Payout(ids.new_id("stm"), account, rail, batch, "USD", gross, fee, gross - fee, on)


def post(one: Payout, *, now: datetime = NOW) -> Settled:
    return post_payout(one, actor=actors.RECONCILIATION, now=now)


def settled(purpose: str = "settlement.batch") -> dict[str, Entries]:
    """The entries of every settlement posting, by its reference."""
    found: dict[str, Entries] = {}
    for code in ("bank", "fees", "rail_receivable"):
        account = find_account(ref=code, currency="USD")
        for entry in history_after(account_id=account.id, after_version=0, limit=1_000).entries:
            if entry.purpose == purpose:
                found.setdefault(str(entry.external_reference), []).append((code, entry.direction, entry.amount_minor))
    return found


def sequence(ref: TenantRef) -> None:
    with tenant_work(ref):
        sequence_entries(now=NOW)


def test_a_batch_is_one_posting_of_net_fee_and_gross(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        posting_id = post(payout("rail_a-1", 10_000, 165)).posting_id
    sequence(workspace)

    with tenant_work(workspace):
        assert settled() == {
            "rail_a-1": [("bank", "debit", 9_835), ("fees", "debit", 165), ("rail_receivable", "credit", 10_000)]
        }
        told = [(each.type, json.loads(each.body)["data"]) for each in latest_events(limit=20)]
    facts = {kind: data for kind, data in told if data.get("posting_id") == posting_id}
    assert (facts["settlement.posted"]["net_minor"], facts["settlement.posted"]["batch"]) == (9_835, "rail_a-1")
    assert facts["ledger.entry.posted"]["purpose"] == "settlement.batch"


def test_a_batch_that_is_told_again_is_posted_once(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        first = payout("rail_a-2", 10_000, 165)
        again = replace(first, statement_id=ids.new_id("stm"), paid_on=date(2026, 10, 9))
        answers = [post(first), post(first), post(again, now=NOW + timedelta(minutes=5))]
        events = [each for each in latest_events(limit=50) if each.type == "settlement.posted"]
    sequence(workspace)

    with tenant_work(workspace):
        assert answers[0] == answers[1] == answers[2]
        assert len(events) == 1
        assert len(settled()["rail_a-2"]) == 3


def test_a_batch_that_is_told_again_with_other_figures_stays_as_it_was(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        post(payout("rail_a-3", 10_000, 165))
        with pytest.raises(PostingConflict):
            post(payout("rail_a-3", 9_000, 165))
    sequence(workspace)

    with tenant_work(workspace):
        assert settled()["rail_a-3"][-1] == ("rail_receivable", "credit", 10_000)


def test_a_batch_of_more_refunds_than_payments_is_collected_from_us(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        post(payout("rail_a-5", -2_000, 30))
    sequence(workspace)

    with tenant_work(workspace):
        assert settled()["rail_a-5"] == [
            ("bank", "credit", 2_030), ("fees", "debit", 30), ("rail_receivable", "debit", 2_000),
        ]  # fmt: skip


def test_a_batch_that_fees_eat_up_moves_nothing_at_the_bank(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        post(payout("rail_a-6", 30, 30))
    sequence(workspace)

    with tenant_work(workspace):
        assert settled()["rail_a-6"] == [("fees", "debit", 30), ("rail_receivable", "credit", 30)]


def test_money_counts_from_its_value_date_and_never_from_the_future(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        past = post(payout("rail_a-7", 100, 1))
        future = post(payout("rail_a-8", 100, 1, on=date(2026, 11, 30)))

    assert (past.effective_at, future.effective_at) == (datetime(2026, 10, 2, tzinfo=UTC), NOW)
    assert (past.late_for, future.late_for) == ("", "")


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_day_at_the_end_of_the_calendar_is_posted_all_the_same(
    workspace: TenantRef, day: date, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlements, "_zone", lambda: ZoneInfo(zone))
    with tenant_work(workspace):
        told = post(payout("rail_a-7", 100, 1, on=day))

    assert told.effective_at == NOW if day == date.max else abs(told.effective_at.year - 2000) <= 1


@pytest.mark.parametrize("state", ["soft", "closed"])
def test_a_batch_of_a_closed_period_counts_in_the_first_open_one_with_a_link(
    workspace: TenantRef, state: PeriodState
) -> None:
    with tenant_work(workspace):
        set_period_state(
            period_id=ids.new_id("prd"), starts_at=datetime(2026, 10, 1, tzinfo=UTC),
            ends_at=datetime(2026, 11, 1, tzinfo=UTC), before="open", state=state, actor=actors.RECONCILIATION, now=NOW,
        )  # fmt: skip
    with tenant_work(workspace):
        late = post(payout("rail_a-9", 100, 1))
        (listed,) = late_postings(late_for="2026-10")

    assert (late.effective_at, late.late_for) == (datetime(2026, 11, 1, tzinfo=UTC), "2026-10")
    assert (listed.posting_id, listed.purpose) == (late.posting_id, "settlement.batch")
