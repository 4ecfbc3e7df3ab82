"""What simulated rails pay out, what their bank books of it, and that every planted break is the one asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.routing.processes import CONNECTION, CallbackReceiver, SimulatorProcess, free_port, wait_until
from zentra.routing.sandbox.bank import LATE_DAYS, BankStatement, Movement
from zentra.routing.sandbox.breaks import BankBreak, FileBreak, RailBreak
from zentra.routing.sandbox.days import Days, milliseconds_of
from zentra.routing.sandbox.fees import FEES, FeeTable
from zentra.routing.sandbox.reports import COLUMNS
from zentra.routing.sandbox.settlements import SettlementDesk
from zentra.routing.sandbox.store import Order, PaymentStore

ACCOUNT = "ZBTEST"
NOW = milliseconds_of(date(2026, 11, 22))
SPACE = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}
THURSDAY = date(2026, 10, 1)


class Rails:
    """One rail with a past: payments at days of October 2026, batches and statements of them."""

    def __init__(self, path: Path) -> None:
        self.store = PaymentStore(path)
        self.desk = SettlementDesk(path, days=Days())
        self.store.register_connection(
            rail="rail_a", connection_id=CONNECTION, callback_url="http://127.0.0.1:9/", secret="s", scheme="stripe",
            settings={}, bank_account=ACCOUNT,
        )  # fmt: skip

    def collect(self, days: int = 1, payments: int = 3, currency: str = "USD", kind: str = "payment") -> None:
        """So many payments of 100.00 and more on each of so many days from Thursday on."""
        orders = [
            (
                Order(f"{kind}.{currency}.{day}.{n}", CONNECTION, f"ref.{day}.{n}", kind, 10_000 + n, currency, "X"),
                milliseconds_of(THURSDAY + timedelta(days=day)) + 1_000 * n,
            )
            for day in range(days)
            for n in range(payments)
        ]
        self.store.add_history(rail="rail_a", orders=orders)
        self.desk.wake()

    def reports(self) -> list[list[dict[str, str]]]:
        listed = self.desk.list_settlements(rail="rail_a", connection_id=CONNECTION, after=0, limit=100, now_ms=NOW)
        return [self.report(each.batch) for each in listed]

    def report(self, batch: str) -> list[dict[str, str]]:
        content = self.desk.read_report(rail="rail_a", batch=batch)
        assert content is not None
        return list(csv.DictReader(io.StringIO(content.decode())))

    def statements(self, *, with_withheld: bool = False, now_ms: int = NOW) -> list[BankStatement]:
        return self.desk.list_statements(
            account=ACCOUNT, currency="", after=0, limit=100, with_withheld=with_withheld, now_ms=now_ms
        )

    def plant(self, *kinds: str, currency: str = "USD") -> None:
        is_rails = kinds[0] in list(RailBreak)
        self.desk.plant(owner=CONNECTION if is_rails else ACCOUNT, currency=currency, kinds=kinds, from_ms=0)

    def file(self, statement: BankStatement, *faults: FileBreak) -> Any:
        content = self.desk.read_statement(statement_id=statement.id, faults=frozenset(faults))
        assert content is not None
        return etree.fromstring(content)

    def booked(self) -> list[tuple[str, str, str]]:
        """(day, amount, reference) of every line of every statement that was sent, amounts signed."""
        return [line for statement in self.statements() for line in lines_of(self.file(statement))]


def lines_of(document: Any) -> list[tuple[str, str, str]]:
    def text(entry: Any, path: str) -> str:
        return str(entry.xpath(f"string({path})", namespaces=SPACE))

    return [
        (
            text(entry, "c:BookgDt/c:Dt"),
            ("-" if text(entry, "c:CdtDbtInd") == "DBIT" else "") + text(entry, "c:Amt"),
            text(entry, "c:NtryDtls/c:TxDtls/c:Refs/c:EndToEndId"),
        )
        for entry in document.iterfind(".//c:Ntry", SPACE)
    ]


@pytest.fixture
def rails(tmp_path: Path) -> Iterator[Rails]:
    rails = Rails(tmp_path / "rails.sqlite3")
    yield rails
    rails.desk.close()
    rails.store.close()


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [(10_000, "USD", 165), (1, "USD", 0), (2, "USD", 1), (50, "USD", 26), (10_000, "BHD", 240), (125_000, "JPY", 1775)],
)
def test_a_fee_is_a_percentage_rounded_half_up_and_a_fixed_part_and_never_all(
    amount: int, currency: str, fee: int
) -> None:
    assert FeeTable(140, 25).fee_of(amount, currency) == fee


def test_a_day_is_paid_out_on_the_next_business_day() -> None:
    days = Days()
    paid = [
        datetime.fromtimestamp(days.pays_at(days.day_of(milliseconds_of(THURSDAY + timedelta(days=n)))) / 1000, UTC)
        for n in range(4)
    ]

    assert [moment.date() for moment in paid] == [date(2026, 10, 2)] + [date(2026, 10, 5)] * 3


def test_a_report_lists_every_payment_its_fee_the_payout_and_control_totals(rails: Rails) -> None:
    rails.collect()
    rails.collect(payments=1, kind="refund")

    (report,) = rails.reports()

    assert tuple(report[0]) == COLUMNS
    assert [row["type"] for row in report] == ["payment", "payment", "payment", "refund", "payout", "trailer"]
    fees = [FEES["rail_a"].fee_of(10_000 + n, "USD") for n in range(3)]
    gross = 30_003 - 10_000
    assert [int(row["fee_minor"]) for row in report[:4]] == [*fees, 0]
    sums = [gross, sum(fees), gross - sum(fees)]
    assert [int(report[-2][name]) for name in ("gross_minor", "fee_minor", "net_minor")] == [-each for each in sums]
    assert [int(report[-1][name]) for name in ("gross_minor", "fee_minor", "net_minor")] == sums
    assert report[-1]["payment_key"] == "5"
    assert {row["payout_on"] for row in report} == {"2026-10-02"}


def test_what_the_reports_say_is_what_the_bank_books(rails: Rails) -> None:
    rails.collect(days=14)
    rails.collect(days=14, currency="JPY")

    reports = rails.reports()
    told = {
        (row["payout_on"], row["currency"], -int(row["net_minor"]), row["batch"])
        for report in reports
        for row in report
        if row["type"] == "payout"
    }

    booked = set()
    for statement in rails.statements():
        for day, amount, reference in lines_of(rails.file(statement)):
            booked.add((day, statement.currency, int(amount.replace(".", "")), reference))
    assert len(reports) == 28
    assert booked == told
    assert all(len(reference) <= 35 for *_, reference in booked)


def test_statements_go_on_from_one_another_and_add_up(rails: Rails) -> None:
    rails.collect(days=14)

    closing = 0
    for sequence, statement in enumerate(rails.statements(), 1):
        document = rails.file(statement)
        amounts = [int(amount.replace(".", "")) for _, amount, _ in lines_of(document)]
        assert (statement.sequence, statement.opening_minor) == (sequence, closing)
        closing += sum(amounts)
        assert statement.closing_minor == closing
        assert document.xpath("number(.//c:TtlNtries/c:NbOfNtries)", namespaces=SPACE) == len(amounts)
        total = document.xpath("string(.//c:TtlNtries/c:Sum)", namespaces=SPACE)
        assert int(total.replace(".", "")) == sum(map(abs, amounts))


def test_asking_again_closes_nothing_twice(rails: Rails) -> None:
    rails.collect(days=5)
    first, statements = rails.reports(), rails.statements()

    rails.desk.wake()

    assert rails.reports() == first
    assert rails.statements() == statements


def test_money_of_others_is_booked_once_and_never_on_a_day_that_is_told(rails: Rails) -> None:
    rails.collect(days=5)
    before = rails.statements()
    late = Movement(ACCOUNT, "USD", "late", 5_000, "LATE", "Somebody", "", milliseconds_of(THURSDAY))

    assert [rails.desk.book(movement=late, now_ms=NOW) for _ in range(2)] == [True, False]

    tomorrow = NOW + 86_400_000
    (new,) = rails.statements(now_ms=tomorrow)[len(before) :]
    assert new.opening_minor == before[-1].closing_minor
    assert [line[1:] for line in lines_of(rails.file(new))] == [("50.00", "LATE")]


def net_of(report: Sequence[dict[str, str]]) -> str:
    minor = int(report[-1]["net_minor"])
    return f"{minor // 100}.{minor % 100:02d}"


def test_a_charge_that_nobody_told_us_of(rails: Rails) -> None:
    rails.plant(BankBreak.LINE_ONLY)
    rails.collect(days=2)

    assert [line[1:] for line in rails.booked()][1] == ("-25.00", "NOTPROVIDED")
    assert len(rails.booked()) == 3


def test_a_payout_that_never_arrives(rails: Rails) -> None:
    rails.plant(BankBreak.MISSING)
    rails.collect(days=2)

    first, second = rails.reports()

    assert [line[2] for line in rails.booked()] == [second[-1]["batch"]]
    assert first[-1]["batch"] != second[-1]["batch"]


def test_a_payout_that_arrives_less_a_charge(rails: Rails) -> None:
    rails.plant(BankBreak.AMOUNT_DIFFERS)
    rails.collect()

    ((_, amount, reference),) = rails.booked()

    (report,) = rails.reports()
    assert reference == report[-1]["batch"]
    assert int(report[-1]["net_minor"]) - int(amount.replace(".", "")) == 1_500


def test_a_payout_that_arrives_days_late(rails: Rails) -> None:
    rails.plant(BankBreak.DATE_DIFFERS)
    rails.collect()

    assert rails.booked()[0][0] == str(date(2026, 10, 2) + timedelta(days=LATE_DAYS))


def test_a_payout_that_is_booked_twice(rails: Rails) -> None:
    rails.plant(BankBreak.DUPLICATE)
    rails.collect()

    first, second = rails.booked()
    assert first == second


def test_a_payout_in_two_parts_that_are_not_the_whole(rails: Rails) -> None:
    rails.plant(BankBreak.SPLIT_MISMATCH)
    rails.collect()

    lines, (report,) = rails.booked(), rails.reports()
    assert {line[2] for line in lines} == {report[-1]["batch"]}
    assert sum(int(line[1].replace(".", "")) for line in lines) == int(report[-1]["net_minor"]) - 700


def test_a_statement_that_is_not_sent_leaves_a_gap_and_can_be_had_by_name(rails: Rails) -> None:
    rails.collect(days=1)
    assert len(rails.statements()) == 1
    rails.plant(BankBreak.CONTINUITY_BREAK)
    rails.collect(days=14)

    sent, written = rails.statements(), rails.statements(with_withheld=True)

    missing = [each for each in written if each.is_withheld]
    assert len(missing) == len(written) - len(sent) == 1
    assert missing[0].sequence not in {each.sequence for each in sent}
    assert lines_of(rails.file(missing[0]))


def test_a_payment_that_the_rail_leaves_out(rails: Rails) -> None:
    rails.plant(RailBreak.ENTRY_ONLY)
    rails.collect()

    (report,) = rails.reports()

    assert [row["payment_key"] for row in report[:-2]] == ["payment.USD.0.0", "payment.USD.0.2"]
    (planted,) = rails.desk.list_planted(owner=CONNECTION)
    assert str(planted["struck"]).startswith("rail_a-")


def test_a_fee_that_is_not_the_tables(rails: Rails) -> None:
    rails.plant(RailBreak.FEE_VARIANCE)
    rails.collect()

    (report,) = rails.reports()

    table = FEES["rail_a"].fee_of(10_001, "USD")
    assert [int(row["fee_minor"]) for row in report[:3]][1] == 3 * table
    assert rails.booked()[0][1] == net_of(report)


def test_a_payment_that_is_reported_in_another_currency(rails: Rails) -> None:
    rails.plant(RailBreak.CURRENCY_DIFFERS)
    rails.collect()

    dollars, euros = rails.reports()

    assert [row["payment_key"] for row in dollars[:-2]] == ["payment.USD.0.0", "payment.USD.0.2"]
    assert (euros[0]["payment_key"], euros[0]["currency"], euros[0]["gross_minor"]) == (
        "payment.USD.0.1",
        "EUR",
        "9200",
    )
    assert {each.currency for each in rails.statements()} == {"USD", "EUR"}


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        (FileBreak.BALANCE, "string(.//c:Bal[2]/c:Amt)"),
        (FileBreak.TOTAL, "string(.//c:TtlNtries/c:Sum)"),
        (FileBreak.SEQUENCE, "string(.//c:ElctrncSeqNb)"),
    ],
)
def test_a_fault_of_one_copy_changes_what_it_says_and_nothing_else(rails: Rails, fault: FileBreak, path: str) -> None:
    rails.collect()
    (statement,) = rails.statements()

    good, bad = rails.file(statement), rails.file(statement, fault)

    assert good.xpath(path, namespaces=SPACE) != bad.xpath(path, namespaces=SPACE)
    assert lines_of(good) == lines_of(bad)
    assert rails.statements() == [statement]


def test_over_http_a_day_of_a_second_is_paid_out_after_it(tmp_path: Path, receiver: CallbackReceiver) -> None:
    simulator = SimulatorProcess(tmp_path / "rails.sqlite3", free_port(), ("--settle-ms", "50", "--day-ms", "700"))
    simulator.start()
    try:
        simulator.register(receiver.url)
        simulator.pay("live.1")
        simulator.pay("declined.1", scenario="decline")
        simulator.pay("transfer.1", kind="transfer")
        wait_until(lambda: bool(settlements(simulator)))
        simulator.kill()
        simulator.start()

        (listed,) = settlements(simulator)
        report = simulator.get(f"/rail_a/settlements/{listed['id']}.csv")
        assert (report.headers["content-type"], report.text.count("\n")) == ("text/csv", 4)
        account = "ZB" + CONNECTION.replace("_", "").upper()
        wait_until(lambda: bool(simulator.get("/bank/statements", account=account).json()["data"]))
        (statement,) = simulator.get("/bank/statements", account=account).json()["data"]
        camt = simulator.get(f"/bank/statements/{statement['id']}.xml")
        assert [line[2] for line in lines_of(etree.fromstring(camt.content))] == [listed["id"]]
        assert simulator.get("/rail_a/fees").json() == {"rail": "rail_a", "bps": 140, "fixed_minor": 25}
    finally:
        simulator.close()


def settlements(simulator: SimulatorProcess) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = simulator.get("/rail_a/settlements", connection_id=CONNECTION).json()["data"]
    return data


def test_what_cannot_be_understood_is_refused(simulator: SimulatorProcess) -> None:
    movement = {"account": "A", "currency": "USD", "key": "k", "reference": "r", "amount_minor": 5}
    past = {"key": "h", "amount_minor": 5, "currency": "USD", "executed_at": "2026-01-01T00:00:00Z"}

    statuses = [
        simulator.post("/bank/movements", movement | {"amount_minor": 0}).status_code,
        simulator.post("/bank/movements", movement | {"amount_minor": True}).status_code,
        simulator.post("/bank/movements", movement | {"booked_at": "9999-01-01"}).status_code,
        simulator.post("/bank/movements", movement | {"reference": "\x00"}).status_code,
        simulator.post("/bank/breaks", {"account": "A", "currency": "USD", "breaks": ["entry_only"]}).status_code,
        simulator.post("/rail_a/history", {"connection_id": CONNECTION, "payments": []}).status_code,
        simulator.post(
            "/rail_a/history", {"connection_id": CONNECTION, "payments": [past | {"executed_at": "9999-01-01"}]}
        ).status_code,
        simulator.get("/bank/statements/none.xml").status_code,
        simulator.get("/bank/payments").status_code,
        simulator.post("/rail_a/history", {"connection_id": "nobody", "payments": [past]}).status_code,
    ]

    assert statuses == [400, 400, 400, 400, 400, 400, 400, 404, 404, 424]
