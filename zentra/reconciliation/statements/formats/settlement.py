"""Settlement reports of the sandbox rails: what a rail collected for us, its fees, and what it paid out. CSV.

Columns: ``type,payment_key,reference,provider_reference,executed_on,currency,gross_minor,fee_minor,net_minor,batch,
payout_on``. Rows ``payment``, ``refund`` (negative) and one ``payout`` (negative: it leaves what the rail owes us), all
of one batch and one currency, amounts in minor units with ``net = gross − fee``; last a ``trailer`` with the number of
rows above it and the sums of payments and refunds. A row whose fee is all of its gross is a line like any other; one
without money at all is counted and is none.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import BinaryIO, Final

from zentra.core.money import MAX_AMOUNT_MINOR, UnknownCurrency, check_currency
from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.errors import StatementFileEmpty, StatementFileRefused, StatementFileTruncated
from zentra.reconciliation.statements.formats.amounts import NotADay, read_iso_day
from zentra.reconciliation.statements.formats.parsed import (
    Begins,
    Ends,
    LineRefused,
    ParsedLine,
    Part,
    Problem,
    Progress,
    Totals,
)
from zentra.reconciliation.statements.formats.rows import read_rows

COLUMNS: Final = (
    "type", "payment_key", "reference", "provider_reference", "executed_on", "currency", "gross_minor", "fee_minor",
    "net_minor", "batch", "payout_on",
)  # fmt: skip
_INTEGER: Final = re.compile(r"-?[0-9]{1,16}")


class _Wrong(Exception):  # control flow inside this module alone
    def __init__(self, column: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.column, self.code, self.detail = column, code, detail


class _Report:
    """What is counted while a report is read."""

    def __init__(self, batch: str, currency: str) -> None:
        self.batch, self.currency = batch, currency
        self.rows = self.lines = 0
        self.sums = {"gross": 0, "fee": 0, "net": 0}
        self.paid_out = {"gross": 0, "fee": 0, "net": 0}
        self.payouts = 0
        self.credits = self.credits_minor = self.debits = self.debits_minor = 0

    def add(self, line: ParsedLine) -> None:
        money = {"gross": line.gross_minor or 0, "fee": line.fee_minor or 0, "net": line.amount_minor}
        sums = self.paid_out if line.kind == "payout" else self.sums
        for name, minor in money.items():
            sums[name] += minor
        if line.amount_minor > 0:
            self.credits, self.credits_minor = self.credits + 1, self.credits_minor + line.amount_minor
        else:
            self.debits, self.debits_minor = self.debits + 1, self.debits_minor - line.amount_minor

    def counted(self) -> Totals:
        return Totals(
            self.credits + self.debits, self.credits_minor + self.debits_minor, self.credits_minor - self.debits_minor,
            self.credits, self.credits_minor, self.debits, self.debits_minor,
        )  # fmt: skip


def read_settlement(source: BinaryIO, *, progress: Progress | None = None) -> Iterator[Part]:
    """The one statement of a report, part by part; raises StatementFileRefused and what is one."""
    rows = read_rows(source, delimiter=",", encoding="utf-8", progress=progress)
    _number, header = next(rows, (1, []))
    if tuple(cell.strip() for cell in header) != COLUMNS:
        raise StatementFileRefused(f"the heading is not {','.join(COLUMNS)}.", place="line 1")
    report: _Report | None = None
    trailer: tuple[int, dict[str, str]] | None = None
    for number, row in rows:
        cells = _cells(number, row, is_after_trailer=trailer is not None)
        if report is None:
            report = _Report(cells["batch"], cells["currency"])
            yield _begins(cells, number)
        if cells["type"] == "trailer":
            trailer = number, cells
            continue
        report.rows += 1
        try:
            line = _line(cells, report)
        except _Wrong as wrong:
            extra = {"line": number, "column": wrong.column}
            yield LineRefused((Problem(f"line {number}, {wrong.column}", wrong.code, wrong.detail, extra),))
            continue
        if line is not None:
            report.add(line)
            yield line
    if report is None:
        raise StatementFileEmpty("the report has no row.")
    if trailer is None:
        raise StatementFileTruncated("the report has no trailer.")
    yield Ends(
        place="file", opening_minor=None, closing_minor=None, told=Totals(), counted=report.counted(),
        counted_all=report.counted(), problems=tuple(_checks(report, *trailer)),
    )  # fmt: skip


def _cells(number: int, row: list[str], *, is_after_trailer: bool) -> dict[str, str]:
    if len(row) != len(COLUMNS):
        raise StatementFileRefused(f"{len(row)} cells instead of {len(COLUMNS)}.", place=f"line {number}")
    if is_after_trailer:
        raise StatementFileRefused("a row after the trailer.", place=f"line {number}")
    return dict(zip(COLUMNS, (cell.strip() for cell in row), strict=True))


def _begins(cells: dict[str, str], number: int) -> Begins:
    problems: list[Problem] = []
    place = f"line {number}"
    try:
        check_currency(cells["currency"])
    except UnknownCurrency as error:
        problems.append(Problem(place, "unknown_currency", error.detail, {"currency": cells["currency"][:20]}))
    if not 1 <= len(cells["batch"]) <= 140:
        problems.append(Problem(place, "batch_missing", "The report names no batch."))
    return Begins(
        number=1, place="file", format="settlement", external_id=cells["batch"][:140], accounts=(),
        currency=cells["currency"][:3], problems=tuple(problems),
    )  # fmt: skip


def _line(cells: dict[str, str], report: _Report) -> ParsedLine | None:
    kind = cells["type"]
    if kind not in ("payment", "refund", "payout"):
        raise _Wrong("type", "row_type_unknown", f"{kind[:40]!r} is none of payment, refund, payout, trailer.")
    if cells["currency"] != report.currency:
        raise _Wrong(
            "currency", "currency_differs", f"{cells['currency'][:20]!r}, the report is in {report.currency[:20]}."
        )
    if cells["batch"] != report.batch:
        raise _Wrong("batch", "batch_differs", f"{cells['batch'][:60]!r}, the report is of {report.batch[:60]!r}.")
    gross, fee, net = (_integer(cells, name) for name in ("gross_minor", "fee_minor", "net_minor"))
    if gross - fee != net:
        raise _Wrong("net_minor", "gross_less_fee_differs", f"{gross} − {fee} is not {net}.")
    # By its gross: a small payment may cost more than it brings.
    if kind != "payout" and ((gross or net) > 0) != (kind == "payment") and (gross or net):
        raise _Wrong("gross_minor" if gross else "net_minor", "direction_differs", f"A {kind} of {gross or net}.")
    day = _day(cells, "payout_on" if kind == "payout" else "executed_on")
    report.payouts += kind == "payout"  # one of nothing too: it says that there is nothing to pay out
    if not gross and not fee:
        return None
    references = {
        name: cells[name] for name in ("payment_key", "reference", "provider_reference", "batch") if cells[name]
    }  # fmt: skip
    best = (cells["batch"],) if kind == "payout" else (
        cells["provider_reference"], cells["payment_key"], cells["reference"],
    )  # fmt: skip
    normalised = (normalise_reference(text) for text in best)
    return ParsedLine(
        day, day, net, cells["currency"], kind, next((text for text in normalised if text), ""), references,
        normalise_reference(cells["batch"]), gross, fee, "", "", kind == "refund",
    )  # fmt: skip


def _integer(cells: dict[str, str], name: str) -> int:
    text = cells[name]
    if not _INTEGER.fullmatch(text) or abs(int(text)) > MAX_AMOUNT_MINOR:
        raise _Wrong(name, "amount_malformed", f"{text[:40]!r} is no whole number of minor units.")
    return int(text)


def _day(cells: dict[str, str], name: str) -> date:
    try:
        return read_iso_day(cells[name])
    except NotADay as error:
        raise _Wrong(name, "day_malformed", str(error)) from None


def _checks(report: _Report, number: int, trailer: dict[str, str]) -> Iterator[Problem]:
    """The trailer against the rows, and the payout against what it pays out."""
    told = {"rows": "payment_key", "gross": "gross_minor", "fee": "fee_minor", "net": "net_minor"}
    counted = {"rows": report.rows, **report.sums}
    for name, column in told.items():
        text = trailer[column]
        if not _INTEGER.fullmatch(text):
            yield Problem(f"line {number}, {column}", "control_total_malformed", f"{text[:40]!r} is no whole number.")
        elif int(text) != counted[name]:
            yield Problem(
                f"line {number}, {column}", "control_total_differs",
                f"The trailer says {name} {int(text)}, the rows have {counted[name]}.",
                {"total": name, "told": int(text), "counted": counted[name]},
            )  # fmt: skip
    if report.payouts > 1:
        yield Problem(
            "file", "payout_repeated", f"The report pays out {report.payouts} times; a batch is paid out once.",
            {"payouts": report.payouts},
        )  # fmt: skip
    elif report.payouts and any(report.paid_out[name] != -report.sums[name] for name in report.sums):
        yield Problem(
            "file", "batch_sum_differs",
            f"Paid out is {-report.paid_out['net']} net, the rows of the batch are {report.sums['net']}.",
            {
                "told": -report.paid_out["net"], "counted": report.sums["net"],
                "gross_told": -report.paid_out["gross"], "gross_counted": report.sums["gross"],
                "fee_told": -report.paid_out["fee"], "fee_counted": report.sums["fee"],
            },
        )  # fmt: skip
