"""What an auditor reads in a closeout packet of a month in which things went wrong and were put right."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from evidence.queries import find_verifier_key
from evidence.verifier.note import Verifier
from evidence.verifier.packet import verify_packet
from tests.evidence.sealing import seal
from tests.people import join
from tests.reconciliation.closing import LAST, Closing
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.closeout import operations, queries
from zentra.reconciliation.matching.desk import operations as desk
from zentra.reconciliation.matching.desk.pairing import pair_adjustment
from zentra.reconciliation.matching.desk.types import AdjustmentLine


@pytest.fixture
def troubled(workspace: TenantRef) -> Closing:
    """Two payments that match, a charge of the bank that is booked afterwards, and money that nobody can name."""
    first, second = (join(workspace, role="finance", name=name).actor() for name in ("First", "Second"))
    closing = Closing(workspace, preparer=first, approver=second)
    closing.money(1_000, "R1")
    closing.money(2_000, "R2", before_the_end=12)
    charge = {"amount": -50, "reference": "CHARGE", "on": closing.day(8)}
    closing.bank.state(
        {"amount": 1_000, "reference": "R1", "on": closing.day(9)},
        {"amount": 2_000, "reference": "R2", "on": closing.day(9)},
        charge, {"amount": 700, "reference": "ACME", "on": closing.day(7)},
        ends_on=LAST, opening_minor=0, closing_minor=3_650,
    )  # fmt: skip
    closing.run()
    found = {each.amount_minor: each.id for each in closing.bank.exceptions()}
    closing.soft_close()
    closing.do(desk.add_note, exception_id=found[-50], text="the bank's tariff", actor=closing.preparer,
               now=clock.now())  # fmt: skip
    proposed = closing.do(
        desk.propose_adjustment, exception_id=found[-50], reason_code="bank_fee", reason="the tariff of the month",
        lines=[AdjustmentLine("fees", "debit", 50), AdjustmentLine("bank", "credit", 50)],
        effective_on=closing.day(8), actor=closing.preparer, now=clock.now(),
    )  # fmt: skip
    closing.do(desk.approve_adjustment, adjustment_id=proposed.id, actor=closing.approver, now=clock.now(), note="")
    closing.book.sequence()
    closing.run()
    closing.do(pair_adjustment, adjustment_id=proposed.id, now=clock.now())
    closing.do(desk.explain_exception, exception_id=found[700], reason_code="timing", reason="a customer's",
               actor=closing.preparer, now=clock.now())  # fmt: skip
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    return closing


def read(closing: Closing) -> tuple[bytes, dict[str, Any]]:
    """The sealed packet of the month, and its JSON files by name."""
    asked = closing.do(
        operations.request_packet, period_id=closing.period.id, sample_size=25, actor=closing.preparer,
        now=clock.now(),
    )  # fmt: skip
    seal(closing.ws)
    closing.do(operations.refresh_for_packet, packet_id=asked.id, now=clock.now())
    closing.do(operations.seal_requested, packet_id=asked.id, now=clock.now())
    content = closing.do(queries.open_packet, packet_id=asked.id)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return content, {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}


def test_everything_that_an_auditor_samples_is_in_the_packet(troubled: Closing) -> None:
    content, files = read(troubled)
    words = "\n".join(verify_packet(content, Verifier.parse(str(troubled.do(find_verifier_key)))))

    assert "3 of 3 exceptions are resolved" in words
    assert "1 by an adjustment that balances and that a second person let through" in words
    assert "The seed draws exactly these 3 of 3 postings" in words
    by_kind = {each["resolution"]: each for each in files["exceptions.json"]["exceptions"]}
    assert by_kind.keys() == {"adjusted", "explained", "matched"}  # the adjustment's own entry, until it was paired
    adjusted, explained = by_kind["adjusted"], by_kind["explained"]
    assert [(each["by"], each["text"]) for each in adjusted["notes"]] == [(troubled.preparer.id, "the bank's tariff")]
    assert (explained["reason_code"], explained["resolved_by"]) == ("timing", troubled.preparer.id)
    (adjustment,) = files["adjustments.json"]["adjustments"]
    assert adjustment["exception_id"] == adjusted["exception_id"]
    assert (adjustment["proposed_by"], adjustment["decided_by"]) == (troubled.preparer.id, troubled.approver.id)
    posted = next(each for each in files["sample.json"]["items"] if each["posting_id"] == adjustment["posting_id"])
    assert [line["amount_minor"] for match in posted["matched"] for line in match["lines"]] == [-50]
    (statement,) = files["statements.json"]["statements"]
    assert (statement["credits_minor"], statement["debits_minor"], statement["lines"]) == (3_700, 50, 4)
    (tie_out,) = files["tie-outs.json"]["tie_outs"]
    assert tie_out["figures"]["statement_id"] == statement["statement_id"]
    assert [(part["kind"], part["amount_minor"]) for part in tie_out["figures"]["parts"]] == [("explained", 700)]
    assert [(each["step"], each["by"]) for each in tie_out["sign_offs"]] == [
        ("prepared", troubled.preparer.id), ("approved", troubled.approver.id),
    ]  # fmt: skip
    (rules,) = files["rules.json"]["rule_sets"]
    assert (rules["version"], rules["rules"][0]["key"]) == (0, "exact")
    assert {each["done_by"] for each in files["checklist.json"]["tasks"] if not each["is_computed"]} == {
        troubled.preparer.id, None,
    }  # fmt: skip
    assert {"soft_closed", "locked"} <= {each["act"] for each in files["history.json"]["acts"]}
    for row in by_kind.values():
        assert row["exception_id"].startswith("exc_")
        assert (row["line_id"] or row["entry_id"]).startswith(("lin_", "entry_"))
