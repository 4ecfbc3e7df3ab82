"""What a rail paid out is posted once for each batch: net to the bank, its fee, and what it owed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from evidence.queries import latest_events
from ledger.operations import sequence_entries
from ledger.operations.periods import set_period_state
from ledger.queries import find_account, history_after
from ledger.types import PeriodState
from zentra.core import actors, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements.models import Line, ReconciledAccount, Statement
from zentra.reconciliation.statements.settlements import post_settlement

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
Entries = list[tuple[str, str, int]]


def tell(*payouts: dict[str, Any], kind: str = "rail") -> str:
    """A complete report of an account with these payouts; its statement."""
    code = "rail_receivable" if kind == "rail" else "bank"
    ledger_account = find_account(ref=code, currency="USD")
    account = ReconciledAccount.objects.filter(ledger_account_id=ledger_account.id).first()
    account = account or ReconciledAccount.objects.create(
        id=ids.new_id("rca"), ledger_account_id=ledger_account.id, ledger_account_code=code, kind=kind, name="Rails",
        external_id=f"x {kind}", currency="USD", created_by={}, created_at=NOW, taken_version=0, version=1,
    )  # fmt: skip
    statement = Statement.objects.create(
        id=ids.new_id("stm"), account_id=account.id, import_id=ids.new_id("sti"), format="settlement",
        external_id=ids.new_id("x"), currency="USD", starts_on=date(2026, 10, 1), ends_on=date(2026, 10, 2),
        created_at=NOW, continuity="unknown", is_complete=False,
    )  # fmt: skip
    for number, payout in enumerate(payouts, 1):
        batch = payout["batch"]
        Line.objects.create(
            id=ids.new_id("lin"), account_id=account.id, statement_id=statement.id, number=number,
            booked_on=date(2026, 10, 2), value_on=payout.get("on", date(2026, 10, 2)), currency="USD", kind="payout",
            amount_minor=payout["fee"] - payout["gross"], gross_minor=-payout["gross"], fee_minor=-payout["fee"],
            reference=batch.upper(), references={"batch": batch}, fingerprint=b"x" * 32,
        )  # fmt: skip
    return str(statement.id)


def settled(purpose: str = "settlement.batch") -> dict[str, Entries]:
    """The entries of every settlement posting, by its reference."""
    found: dict[str, Entries] = {}
    for code in ("bank", "fees", "rail_receivable"):
        account = find_account(ref=code, currency="USD")
        for entry in history_after(account_id=account.id, after_version=0, limit=1_000).entries:
            if entry.purpose == purpose:
                found.setdefault(str(entry.external_reference), []).append((code, entry.direction, entry.amount_minor))
    return found


@pytest.fixture
def at_work(workspace: TenantRef) -> TenantRef:
    return workspace


def sequence(ref: TenantRef) -> None:
    with tenant_work(ref):
        sequence_entries(now=NOW)


def test_a_batch_is_one_posting_of_net_fee_and_gross(at_work: TenantRef) -> None:
    with tenant_work(at_work):
        statement = tell({"batch": "rail_a-1", "gross": 10_000, "fee": 165})
        (posting_id,) = post_settlement(statement_id=statement, actor=actors.RECONCILIATION, now=NOW)
    sequence(at_work)

    with tenant_work(at_work):
        assert settled() == {
            "rail_a-1": [("bank", "debit", 9_835), ("fees", "debit", 165), ("rail_receivable", "credit", 10_000)]
        }
        told = [(each.type, json.loads(each.body)["data"]) for each in latest_events(limit=20)]
    facts = {kind: data for kind, data in told if data.get("posting_id") == posting_id}
    assert (facts["settlement.posted"]["net_minor"], facts["settlement.posted"]["batch"]) == (9_835, "rail_a-1")
    assert facts["ledger.entry.posted"]["purpose"] == "settlement.batch"


def test_a_batch_that_is_told_again_is_posted_once(at_work: TenantRef) -> None:
    with tenant_work(at_work):
        first = tell({"batch": "rail_a-2", "gross": 10_000, "fee": 165})
        again = tell({"batch": "rail_a-2", "gross": 10_000, "fee": 165, "on": date(2026, 10, 9)})
        answers = [post_settlement(statement_id=each, actor=actors.RECONCILIATION, now=NOW) for each in (first, first)]
        answers.append(post_settlement(statement_id=again, actor=actors.RECONCILIATION, now=NOW + timedelta(minutes=5)))
        events = [each for each in latest_events(limit=50) if each.type == "settlement.posted"]
    sequence(at_work)

    with tenant_work(at_work):
        assert answers[0] == answers[1] == answers[2]
        assert len(events) == 1
        assert len(settled()["rail_a-2"]) == 3


def test_a_batch_that_is_told_again_with_other_figures_stays_as_it_was(at_work: TenantRef) -> None:
    with tenant_work(at_work):
        post_settlement(
            statement_id=tell({"batch": "rail_a-3", "gross": 10_000, "fee": 165}), actor=actors.RECONCILIATION, now=NOW
        )
        other = tell({"batch": "rail_a-3", "gross": 9_000, "fee": 165}, {"batch": "rail_a-4", "gross": 500, "fee": 0})
        posted = post_settlement(statement_id=other, actor=actors.RECONCILIATION, now=NOW)
    sequence(at_work)

    with tenant_work(at_work):
        assert len(posted) == 1
        assert settled()["rail_a-3"][-1] == ("rail_receivable", "credit", 10_000)
        assert settled()["rail_a-4"] == [("bank", "debit", 500), ("rail_receivable", "credit", 500)]


def test_a_batch_of_more_refunds_than_payments_is_collected_from_us(at_work: TenantRef) -> None:
    with tenant_work(at_work):
        statement = tell({"batch": "rail_a-5", "gross": -2_000, "fee": 30})
        post_settlement(statement_id=statement, actor=actors.RECONCILIATION, now=NOW)
    sequence(at_work)

    with tenant_work(at_work):
        assert settled()["rail_a-5"] == [
            ("bank", "credit", 2_030), ("fees", "debit", 30), ("rail_receivable", "debit", 2_000),
        ]  # fmt: skip


def test_the_statement_of_a_bank_posts_nothing(at_work: TenantRef) -> None:
    with tenant_work(at_work):
        statement = tell({"batch": "rail_a-6", "gross": 100, "fee": 1}, kind="bank")

        assert post_settlement(statement_id=statement, actor=actors.RECONCILIATION, now=NOW) == []


def test_money_counts_from_its_value_date_and_never_from_the_future(at_work: TenantRef) -> None:
    with tenant_work(at_work):
        statement = tell(
            {"batch": "rail_a-7", "gross": 100, "fee": 1},
            {"batch": "rail_a-8", "gross": 100, "fee": 1, "on": date(2026, 11, 30)},
        )
        post_settlement(statement_id=statement, actor=actors.RECONCILIATION, now=NOW)
    sequence(at_work)

    with tenant_work(at_work):
        bank = find_account(ref="bank", currency="USD")
        entries = history_after(account_id=bank.id, after_version=0, limit=100).entries
    moments = {each.external_reference: each.effective_at for each in entries}
    assert (moments["rail_a-7"], moments["rail_a-8"]) == (datetime(2026, 10, 2, tzinfo=UTC), NOW)


@pytest.mark.parametrize("state", ["soft", "closed"])
def test_a_batch_of_a_closed_period_counts_from_now(at_work: TenantRef, state: PeriodState) -> None:
    with tenant_work(at_work):
        set_period_state(
            period_id=ids.new_id("prd"), starts_at=datetime(2026, 10, 1, tzinfo=UTC),
            ends_at=datetime(2026, 11, 1, tzinfo=UTC), before="open", state=state, actor=actors.RECONCILIATION, now=NOW,
        )  # fmt: skip
    with tenant_work(at_work):
        statement = tell({"batch": "rail_a-9", "gross": 100, "fee": 1})
        assert len(post_settlement(statement_id=statement, actor=actors.RECONCILIATION, now=NOW)) == 1
    sequence(at_work)

    with tenant_work(at_work):
        bank = find_account(ref="bank", currency="USD")
        (entry,) = [
            each
            for each in history_after(account_id=bank.id, after_version=0, limit=100).entries
            if each.external_reference == "rail_a-9"
        ]
    assert entry.effective_at == NOW
