"""The SDK's ledger over real HTTP."""

from datetime import UTC, date, datetime

import pytest

from zentra.sdk import Conflict, Zentra


def test_the_sdk_speaks_of_the_whole_ledger(zentra: Zentra) -> None:
    """Each figure here is the API's own."""
    wallet = zentra.accounts.create(customer="c", currency="USD", account_type="operating")
    pair = {"debit": "customer_balance", "credit": wallet.id}
    preview = zentra.ledgers.preview(pair, amount_minor=500)
    posting = zentra.ledgers.post(pair, amount_minor=500, effective_at=datetime(2026, 3, 1, tzinfo=UTC))
    batch = zentra.ledgers.batch([pair | {"amount_minor": 10}, pair | {"amount_minor": 20}])
    reversal = zentra.ledgers.reverse(batch.data[0].posting.id, reason="not wanted")
    corrected = zentra.ledgers.correct(batch.data[1].posting.id, pair, amount_minor=25, reason="a typo")
    hold = zentra.holds.place(account=wallet.id, amount_minor=100, reference="auth", source="card")
    zentra.holds.increase(hold.id, amount_minor=20, reason="a tip")
    zentra.holds.capture(hold.id, amount_minor=70)
    zentra.holds.release(hold.id, reason="the rest")
    pending = zentra.ledgers.post(pair, amount_minor=1, pending=True, reference="r", source="s")
    zentra.ledgers.void(pending.id, reason="no")

    assert [each.posted_minor for each in preview.balances if each.account_id == wallet.id] == [500]
    assert (batch.posted, reversal.reverses_id) == (2, batch.data[0].posting.id)
    assert corrected.correction.corrects_id == batch.data[1].posting.id
    assert zentra.ledgers.detail(posting.id).verified
    assert zentra.holds.get(hold.id).events[0].kind == "placed"
    assert [each.id for each in zentra.holds.list(account=wallet.id, order="oldest", limit=1)] == [hold.id]
    held = zentra.accounts.balances(wallet.id)
    assert (held.posted_minor, held.available_minor) == (455, 455)
    assert zentra.accounts.balances(wallet.id, as_of=date(2026, 3, 1)).posted_minor == 500
    entries = list(zentra.accounts.iterate_entries(wallet.id, limit=3))
    assert (entries[0].version, entries[0].balance_after_minor) == (held.lock_version, 455)
    statement = zentra.accounts.statement(wallet.id, start="2026-03-01", end="2026-04-01")
    assert (statement.opening_minor, statement.closing_minor) == (0, 500)
    text = zentra.accounts.download_statement(wallet.id, start="2026-03-01", end="2026-04-01")
    assert text.startswith(b"kind,")
    assert zentra.accounts.freeze(wallet.id, reason="a question").status == "frozen"
    assert zentra.accounts.unfreeze(wallet.id, reason="answered").status == "active"
    with pytest.raises(Conflict) as refused:
        zentra.accounts.close(wallet.id, reason="left")
    assert refused.value.code == "account_not_empty"
    assert zentra.ledgers.trial_balance().is_balanced
