"""The daily proofs of customers' money over the API, in the room, and in the closeout packet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from evidence.queries import find_verifier_key
from evidence.verifier.closeout.money_days import check_money_days
from evidence.verifier.errors import VerificationError
from evidence.verifier.note import Verifier
from evidence.verifier.packet import verify_packet
from tests.evidence.sealing import seal
from tests.people import Person, join
from tests.reconciliation.closing import LAST, Closing
from tests.reconciliation.test_closeout_api import Reader
from tests.reconciliation.test_money_proofs import begin, prove
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.closeout import operations, queries

MONTH = f"{LAST:%Y-%m}"


@pytest.fixture
def closing(workspace: TenantRef) -> Closing:
    made = Closing(workspace)
    begin(made)
    made.book.move("bank", "customer_balance", 5_000, effective_at=made.noon(4))
    made.book.move("fees", "bank", 300, effective_at=made.noon(2))
    prove(made)
    return made


# -- The API -----------------------------------------------------------------------------------------------------------


def test_proofs_are_read_by_day_and_currency(closing: Closing) -> None:
    reader, first = Reader(closing.ws), closing.day(4)

    found = reader.data(f"/customer-money?from={first}&to={closing.day(2)}")["data"]
    assert [(each["business_day"], each["covered"]) for each in found] == [
        (str(closing.day(2)), False), (str(closing.day(3)), True), (str(first), True),
    ]  # fmt: skip
    assert (found[0]["owed_minor"], found[0]["held_minor"], found[0]["difference_minor"]) == (5_000, 4_700, -300)
    assert (found[0]["bank_minor"], found[0]["revision"]) == (None, 1)
    assert reader.data("/customer-money?currency=EUR")["data"] == []
    assert reader.get("/customer-money?currency=euro").status_code == 422
    assert reader.get("/customer-money?from=yesterday").status_code == 422


def test_pages_go_on_where_the_last_one_ended(closing: Closing) -> None:
    reader = Reader(closing.ws)

    seen, address = [], f"/customer-money?to={LAST}&limit=2"
    answer = reader.data(address)
    while True:
        seen += [each["business_day"] for each in answer["data"]]
        if not answer["has_more"]:
            break
        answer = reader.data(f"{address}&cursor={answer['next_cursor']}")
    assert seen == [str(closing.day(each)) for each in range(5)]


def test_what_stood_before_is_read_too(closing: Closing) -> None:
    closing.book.move("bank", "customer_balance", 1, effective_at=closing.noon(0))
    prove(closing)

    reader = Reader(closing.ws)
    assert [each["revision"] for each in reader.data(f"/customer-money?from={LAST}&to={LAST}")["data"]] == [2]
    both = reader.data(f"/customer-money?from={LAST}&to={LAST}&revisions=true")["data"]
    assert sorted((each["revision"], each["owed_minor"]) for each in both) == [(1, 5_000), (2, 5_001)]


# -- The room ----------------------------------------------------------------------------------------------------------


def read(person: Person, path: str) -> Any:
    return person.sign_in(Client()).get(f"/w/{person.workspace.slug}/closeout/{MONTH}/{path}")


def test_the_page_shows_each_day_and_what_is_missing(closing: Closing) -> None:
    finance = join(closing.ws, role="finance")

    assert "customer-money/" in read(finance, "").content.decode()
    shown = read(finance, "customer-money/").content.decode()
    assert str(closing.day(2)) in shown
    assert "money is missing" in shown
    assert "<svg" in shown
    table = read(finance, "customer-money/?as=csv")
    assert table["Content-Disposition"] == f'attachment; filename="customer-money-{MONTH}.csv"'
    assert len(table.content.decode().splitlines()) == 6
    assert read(finance, "customer-money/?as=xlsx").content[:2] == b"PK"


def test_a_month_without_proofs_says_so(workspace: TenantRef) -> None:
    begin(Closing(workspace))

    answer = read(join(workspace, role="finance"), "customer-money/")
    assert answer.status_code == 200
    assert "No day of this month is proven yet" in answer.content.decode()


# -- The packet --------------------------------------------------------------------------------------------------------


def test_a_packet_holds_the_days_of_its_month_and_verifies(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.close()
    prove(closing)
    asked = closing.do(
        operations.request_packet, period_id=closing.period.id, sample_size=1, actor=closing.preparer, now=clock.now()
    )
    seal(closing.ws)
    closing.do(operations.seal_requested, packet_id=asked.id, now=clock.now())

    content = closing.do(queries.open_packet, packet_id=asked.id)
    lines = verify_packet(content, Verifier.parse(str(closing.do(find_verifier_key))))
    assert any("days, in every currency, what was owed to customers was there" in line for line in lines)


PERIOD = {
    "starts_on": "2026-04-01", "ends_on": "2026-04-30", "starts_at": "2026-04-01T00:00:00.000Z",
    "ends_at": "2026-05-01T00:00:00.000Z",
}  # fmt: skip
BOOKS = [{"currency": "USD", "owed_minor": 5, "held_minor": 5, "advanced_minor": 0}]


def proof(day: int, **more: Any) -> dict[str, Any]:
    """The proof of a day of April 2026 in which all is well."""
    end = f"2026-04-{day + 1:02d}T00:00:00.000Z" if day < 30 else "2026-05-01T00:00:00.000Z"
    part = {"account_type": "customer", "account_id": "acct_1", "account": "anna", "accounts": 1, "amount_minor": 5}
    return {
        "id": f"mpr_{day}_{more.get('revision', 1)}", "period_id": "prd_1", "business_day": f"2026-04-{day:02d}",
        "currency": "USD", "revision": 1, "owed_minor": 5, "held_minor": 5, "in_transit_minor": 0,
        "difference_minor": 0, "advanced_minor": 0, "bank_minor": None, "bank_ledger_minor": None, "banks": [],
        "parts": [{**part, "side": "owed"}, {**part, "side": "held", "account_type": "bank"}],
        "cut_off_at": end, "computed_at": end, **more,
    }  # fmt: skip


def check(proofs: list[dict[str, Any]]) -> str:
    events = [{"type": "customer_money.proven", "data": {**each, "proof_id": each["id"]}} for each in proofs]
    return check_money_days(proofs, BOOKS, PERIOD, events)


def test_the_verifier_takes_days_that_add_up() -> None:
    assert check([proof(29), proof(30)]).startswith("On each of 2 days")
    assert check([proof(29), proof(30), proof(30, revision=2)]).startswith("On each of 2 days")
    assert check([]).startswith("No day of the period")
    owed, held = proof(29)["parts"]
    short = [proof(29, held_minor=4, difference_minor=-1, parts=[owed, {**held, "amount_minor": 4}]), proof(30)]
    assert "NOT there in full on 1 of 2" in check(short)


@pytest.mark.parametrize(
    ("proofs", "words"),
    [
        ([proof(28), proof(30)], "a day between"),
        ([proof(29)], "not of the period's last day"),
        ([proof(30, held_minor=6, difference_minor=0)], "leaves a difference"),
        ([proof(30, difference_minor=1)], "leaves a difference"),
        ([proof(30, owed_minor=4, difference_minor=1)], "its parts are not what is owed"),
        ([proof(30, in_transit_minor=1)], "with the rails"),
        ([proof(30, bank_minor=5, bank_ledger_minor=5)], "another word of the banks"),
        ([proof(30), proof(30, revision=3)], "a revision of the proof"),
        ([proof(30, advanced_minor=1)], "not what the books say"),
        ([proof(29), proof(30, cut_off_at="2026-04-29T00:00:00.000Z")], "cut off before"),
    ],
)
def test_the_verifier_finds_what_does_not_hold(proofs: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(VerificationError, match=words):
        check(proofs)


def test_the_verifier_compares_with_the_log() -> None:
    said = json.loads(json.dumps(proof(30)))
    events = [{"type": "customer_money.proven", "data": {**said, "proof_id": said["id"], "owed_minor": 6}}]
    with pytest.raises(VerificationError, match="another one than the log was told of"):
        check_money_days([said], BOOKS, PERIOD, events)
    with pytest.raises(VerificationError, match="other daily proofs"):
        check_money_days([], BOOKS, PERIOD, events)
