"""The closeout packet verifies offline, whole; whatever is changed in it is found."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from evidence.operations import NotYetCheckpointed
from evidence.queries import find_verifier_key
from evidence.verifier import canonical, closeout
from evidence.verifier.errors import VerificationError
from evidence.verifier.note import Verifier
from evidence.verifier.packet import verify_packet
from tests.evidence.sealing import seal
from tests.reconciliation.closing import Closing
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.closeout import errors, exports, operations, queries
from zentra.reconciliation.closeout.types import PacketRecord


@pytest.fixture
def closed(workspace: TenantRef) -> Closing:
    closing = Closing(workspace)
    for number in range(12):
        closing.money(100 + number, f"B{number}")
    closing.money(77, "B99")
    closing.state(*((100 + number, f"B{number}") for number in range(12)), (77, "B99"))
    closing.run()
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    return closing


def packet(closing: Closing, *, size: int = 5) -> PacketRecord:
    asked = closing.do(
        operations.request_packet, period_id=closing.period.id, sample_size=size, actor=closing.preparer,
        now=clock.now(),
    )  # fmt: skip
    seal(closing.ws)
    return closing.do(operations.seal_requested, packet_id=asked.id, now=clock.now())


def verifier(closing: Closing) -> Verifier:
    return Verifier.parse(str(closing.do(find_verifier_key)))


def test_a_packet_is_asked_for_sealed_and_verified_and_says_what_was_signed(closed: Closing) -> None:
    asked = closed.do(
        operations.request_packet, period_id=closed.period.id, sample_size=5, actor=closed.preparer, now=clock.now()
    )
    assert asked.state == "pending"
    with pytest.raises(NotYetCheckpointed):
        closed.do(operations.seal_requested, packet_id=asked.id, now=clock.now())
    sealed = packet(closed)

    assert (sealed.id, sealed.state, sealed.revision) == (asked.id, "ready", 1)
    lines = verify_packet(closed.do(queries.open_packet, packet_id=sealed.id), verifier(closed))
    words = "\n".join(lines)
    assert "1 are signed by two people under these very figures" in words
    assert "The seed draws exactly these 5 of 13 postings" in words
    assert "The period is locked" in words
    assert closed.do(operations.seal_requested, packet_id=sealed.id, now=clock.now()) == sealed

    second = packet(closed)
    assert second.revision == 2
    assert "It follows the revision" in "\n".join(
        verify_packet(closed.do(queries.open_packet, packet_id=second.id), verifier(closed))
    )


def test_a_month_that_is_not_locked_has_no_packet(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.money(1, "R1")
    closing.run()
    with pytest.raises(errors.WrongState):
        packet(closing)


def test_a_byte_changed_anywhere_is_found(closed: Closing) -> None:
    content = closed.do(queries.open_packet, packet_id=packet(closed).id)
    key = verifier(closed)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        places = [archive.getinfo(name).header_offset + 60 for name in archive.namelist()]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(VerificationError):
            verify_packet(bytes(changed), key)


Change = Callable[[dict[str, dict[str, Any]]], None]


def row_changed(files: dict[str, dict[str, Any]]) -> None:
    files["trial-balance.json"]["currencies"][0]["rows"][0]["credits_minor"] += 1


def account_left_out(files: dict[str, dict[str, Any]]) -> None:
    rows = files["trial-balance.json"]["currencies"][0]["rows"]
    rows.remove(next(row for row in rows if row["closing_minor"]))


def figures_other(files: dict[str, dict[str, Any]]) -> None:
    files["tie-outs.json"]["tie_outs"][0]["figures"]["statement_minor"] += 5


def figures_other_and_hashed(files: dict[str, dict[str, Any]]) -> None:
    tie_out = files["tie-outs.json"]["tie_outs"][0]
    for name in ("statement_minor", "difference_minor", "explained_minor"):
        tie_out["figures"][name] += 5
    tie_out["figures"]["parts"].append({"kind": "explained", "group": "explained", "count": 1, "amount_minor": 5})
    tie_out["figures_hash"] = canonical.sha256_hex(canonical.dumps(tie_out["figures"]))


def difference_untold(files: dict[str, dict[str, Any]]) -> None:
    tie_out = files["tie-outs.json"]["tie_outs"][0]
    tie_out["figures"]["statement_minor"] += 5
    tie_out["figures"]["difference_minor"] += 5
    tie_out["figures_hash"] = canonical.sha256_hex(canonical.dumps(tie_out["figures"]))


def other_sample(files: dict[str, dict[str, Any]]) -> None:
    files["sample.json"]["items"].pop(0)


def other_seed(files: dict[str, dict[str, Any]]) -> None:
    files["sample.json"]["seed"] = "mine"


def entry_changed(files: dict[str, dict[str, Any]]) -> None:
    files["sample.json"]["items"][0]["entries"][0]["amount_minor"] += 1


def money_changed(files: dict[str, dict[str, Any]]) -> None:
    files["customer-money.json"]["currencies"][0]["held"][0]["amount_minor"] += 1


@pytest.mark.parametrize(
    "change",
    [row_changed, account_left_out, figures_other, figures_other_and_hashed, difference_untold, other_sample,
     other_seed, entry_changed, money_changed],
)  # fmt: skip
def test_a_packet_that_says_something_else_does_not_verify_even_when_it_was_sealed_so(
    closed: Closing, change: Change
) -> None:
    """The claims are checked by themselves, as if the log's key were in the wrong hands."""
    content = closed.do(queries.open_packet, packet_id=packet(closed).id)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        raw = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(raw["manifest.json"])
    events = [json.loads(raw[name]) for name in sorted(raw) if name.startswith("events/")]
    closeout.check(manifest, raw, events)
    read = {name: json.loads(content) for name, content in raw.items() if name.endswith(".json") and "/" not in name}
    change(read)

    with pytest.raises(VerificationError):
        closeout.check(manifest, {**raw, **{name: canonical.dumps(each) for name, each in read.items()}}, events)


def test_one_who_signs_twice_is_found(closed: Closing) -> None:
    content = closed.do(queries.open_packet, packet_id=packet(closed).id)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        raw = {name: archive.read(name) for name in archive.namelist()}
    events = [json.loads(raw[name]) for name in sorted(raw) if name.startswith("events/")]
    for event in events:
        event["actor"]["id"] = "usr_one"

    with pytest.raises(VerificationError, match="same person"):
        closeout.check(json.loads(raw["manifest.json"]), raw, events)


# -- Books and exports -------------------------------------------------------------------------------------------------


def test_the_trial_balance_rolls_forward_and_balances(closed: Closing) -> None:
    (book,) = closed.do(queries.roll_forward, period_id=closed.period.id)
    bank = next(row for row in book.rows if row.account_code == "bank")

    assert book.is_balanced
    assert (bank.opening_minor, bank.debits_minor, bank.closing_minor) == (0, 1_343, -1_343)
    moved = {row.account_code: row.movement_minor for row in closed.do(queries.flux, period_id=closed.period.id)}
    assert moved == {"bank": -1_343, "suspense": 1_343}


def test_customer_money_is_owed_held_and_our_own_and_adds_up(closed: Closing) -> None:
    closed.book.move("customer_balance", "merchant_balance", 500)
    (proof,) = closed.do(queries.customer_money, at=clock.now())

    assert proof.difference_minor == proof.own_minor
    owed = {row.account_code: row.amount_minor for row in proof.owed}
    assert owed["merchant_balance"] >= 500
    assert sum(owed.values()) == proof.owed_minor
    (then,) = closed.do(queries.customer_money, at=closed.period.ends_at)
    assert (then.owed_minor, then.held_minor, then.own_minor, then.is_covered) == (0, 1_343, 1_343, True)


def test_aged_items_late_ones_and_intents_in_flight_are_listed(closed: Closing) -> None:
    period = closed.period
    (suspense,) = closed.do(queries.list_aged, period_id=period.id, now=clock.now())
    assert (suspense.kind, suspense.account_code, suspense.amount_minor) == ("suspense", "suspense", 1_343)
    closed.book.move("bank", "suspense", 9, metadata={"late_for": period.month})
    (late,) = closed.do(queries.list_late, period_id=period.id)
    assert (late.amount_minor, late.belongs_to) == (9, period.month)
    assert closed.do(queries.list_in_flight, period_id=period.id) == []
    assert [(each.rule, each.lines) for each in closed.do(queries.matched_by_rule, period_id=period.id)] == [
        ("exact", 13)
    ]


def test_the_journal_goes_out_with_its_general_ledger_accounts(closed: Closing) -> None:
    accounts = {each.ledger_account_code: each for each in closed.do(queries.list_gl_accounts)}
    closed.do(operations.save_gl_account, ledger_account_id=accounts["bank"].ledger_account_id, gl_code="1200",
              gl_name="Bank", actor=closed.preparer, now=clock.now())  # fmt: skip
    with pytest.raises(errors.CloseoutInvalid):
        closed.do(operations.save_gl_account, ledger_account_id=accounts["bank"].ledger_account_id, gl_code="=1",
                  gl_name="", actor=closed.preparer, now=clock.now())  # fmt: skip
    period = closed.period.id

    content = closed.do(lambda: b"".join(exports.journal_csv(period_id=period)))
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert len(rows) == 26
    assert sum(int(row["debit_minor"]) for row in rows) == sum(int(row["credit_minor"]) for row in rows) == 1_343
    bank = next(row for row in rows if row["account"] == "bank")
    assert (bank["gl_account"], bank["gl_name"], bank["debit"]) == ("1200", "Bank", "1.00")
    trial = list(csv.DictReader(io.StringIO(closed.do(exports.trial_balance_csv, period_id=period).decode())))
    assert trial[-1]["account"] == "total"
    assert trial[-1]["closing_minor"] == "0"
    for made in (exports.journal_xlsx, exports.trial_balance_xlsx):
        with zipfile.ZipFile(io.BytesIO(closed.do(made, period_id=period))) as book:
            assert "xl/worksheets/sheet1.xml" in book.namelist()


def test_a_cell_is_never_a_formula(closed: Closing) -> None:
    assert exports.as_csv(("a",), [("=1+1",), ("-5",), (-5,)]) == b"a\r\n'=1+1\r\n'-5\r\n-5\r\n"
