"""A CSV export of a bank, read by a mapping: one file is one statement of one account.

It names itself after its content, since such files have no name of their own. Where it has a balance column the
balances are checked row by row, whether it runs forward in time or backward, and give opening and closing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO, Final

from zentra.core.money import exponent
from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.errors import StatementFileEmpty, StatementFileRefused
from zentra.reconciliation.statements.formats.amounts import NotADay, NotAnAmount
from zentra.reconciliation.statements.formats.cells import read_day, read_money
from zentra.reconciliation.statements.formats.mapping import CsvMapping
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

_REFERENCES: Final = {
    "reference": "reference", "end_to_end_id": "end_to_end_id", "bank_reference": "bank_reference", "batch": "batch",
}  # fmt: skip
_BEST_FIRST: Final = ("end_to_end_id", "reference", "batch", "bank_reference")
_MAX_TEXT: Final = 1_000


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong in a cell: which of ours (``booked_on``), which column of the file, a code, a sentence."""

    field: str
    column: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row as it was read: a line with the balance after it, or what is wrong; neither for a row without money."""

    line: ParsedLine | None = None
    balance_minor: int | None = None
    problems: tuple[CellProblem, ...] = ()


class RowReader:
    """Reads rows by a mapping, for one currency."""

    def __init__(self, mapping: CsvMapping, *, currency: str, header: Sequence[str] | None) -> None:
        """``header`` of a file that has one; raises StatementFileRefused when it lacks a column of the mapping."""
        self._mapping, self._currency, self._digits = mapping, currency, exponent(currency)
        self._place: dict[str, int] = {}
        for name, column in mapping.columns.items():
            if header is None:
                self._place[name] = int(column) - 1
                continue
            found = [place for place, heading in enumerate(header) if heading.strip() == column.strip()]
            if not found:
                mark, read = mapping.delimiter, mapping.delimiter.join(header)[:100]
                raise StatementFileRefused(
                    f"there is no column {column[:60]!r}; the heading reads {read!r}. Is the delimiter {mark!r} right?",
                    column=column[:200], heading=read,
                )  # fmt: skip
            if len(found) > 1:
                raise StatementFileRefused(f"there are two columns {column[:60]!r}.", column=column[:200])
            self._place[name] = found[0]

    def read(self, row: Sequence[str]) -> ReadRow:
        """The row's line, or everything that is wrong in it."""
        problems: list[CellProblem] = []
        booked_on = self._day(row, "booked_on", problems)
        value_on = self._day(row, "value_on", problems) if self._say(row, "value_on") else booked_on
        amount = self._amount(row, problems)
        balance = self._money(row, "balance", problems) if self._say(row, "balance") else None
        self._check_currency(row, problems)
        gross = self._money(row, "gross", problems) if self._say(row, "gross") else None
        fee = self._money(row, "fee", problems) if self._say(row, "fee") else None
        if amount is not None and gross is not None and fee is not None and gross - fee != amount:
            problems.append(self._problem("gross", "gross_less_fee_differs", f"{gross} − {fee} is not {amount}."))
        if problems:
            return ReadRow(problems=tuple(problems))
        if not amount or booked_on is None or value_on is None:
            return ReadRow(balance_minor=balance)
        if gross is None and fee is not None:
            gross = amount + fee
        elif fee is None and gross is not None:
            fee = gross - amount
        return ReadRow(self._line(row, booked_on, value_on, amount, gross, fee), balance)

    def _line(
        self, row: Sequence[str], booked_on: date, value_on: date, amount: int, gross: int | None, fee: int | None
    ) -> ParsedLine:
        references: dict[str, Any] = {}
        for name, key in _REFERENCES.items():
            if said := self._say(row, name):
                references[key] = said[:140]
        normalised = (normalise_reference(references[key]) for key in _BEST_FIRST if key in references)
        return ParsedLine(
            booked_on, value_on, amount, self._currency, self._say(row, "kind")[:64],
            next((text for text in normalised if text), ""), references,
            normalise_reference(references.get("batch", "")), gross, fee,
            self._say(row, "counterparty")[:_MAX_TEXT], self._say(row, "description")[:_MAX_TEXT], False,
        )  # fmt: skip

    def _say(self, row: Sequence[str], name: str) -> str:
        place = self._place.get(name)
        return row[place].strip() if place is not None and place < len(row) else ""

    def _problem(self, name: str, code: str, detail: str) -> CellProblem:
        return CellProblem(name, self._mapping.columns.get(name, ""), code, detail)

    def _day(self, row: Sequence[str], name: str, problems: list[CellProblem]) -> date | None:
        try:
            return read_day(self._say(row, name), self._mapping.date_form)
        except NotADay as error:
            problems.append(self._problem(name, "day_malformed", str(error)))
            return None

    def _money(self, row: Sequence[str], name: str, problems: list[CellProblem]) -> int | None:
        try:
            minor = read_money(
                self._say(row, name), decimal_mark=self._mapping.decimal_mark,
                thousands_mark=self._mapping.thousands_mark, digits=self._digits,
            )  # fmt: skip
        except NotAnAmount as error:
            problems.append(self._problem(name, "amount_malformed", str(error)))
            return None
        return -minor if self._mapping.is_inverted and name in ("amount", "balance", "gross") else minor

    def _amount(self, row: Sequence[str], problems: list[CellProblem]) -> int | None:
        if "amount" in self._mapping.columns:
            amount = self._money(row, "amount", problems)
            if amount is not None and "direction" in self._mapping.columns:
                is_debit = self._say(row, "direction").upper() in self._mapping.debit_words
                return -abs(amount) if is_debit else abs(amount)
            return amount
        sides = {
            name: self._money(row, name, problems) if self._say(row, name) else 0 for name in ("debit", "credit")
        }  # fmt: skip
        debit, credit = sides["debit"], sides["credit"]
        if debit is None or credit is None:
            return None
        if debit and credit:
            problems.append(self._problem("debit", "both_sides", "The row has a debit and a credit."))
            return None
        if not debit and not credit:
            problems.append(self._problem("debit", "amount_missing", "The row has neither a debit nor a credit."))
            return None
        signed = abs(credit) if credit else -abs(debit)
        return -signed if self._mapping.is_inverted else signed

    def _check_currency(self, row: Sequence[str], problems: list[CellProblem]) -> None:
        said = self._say(row, "currency").upper()
        if said and said != self._currency:
            problems.append(
                self._problem("currency", "currency_differs", f"{said[:20]!r}, the account is in {self._currency}.")
            )


class _Tally:
    """Rows counted by side. Minor units; debits without sign."""

    def __init__(self) -> None:
        self.credits = self.credits_minor = self.debits = self.debits_minor = 0

    def add(self, minor: int) -> None:
        if minor > 0:
            self.credits, self.credits_minor = self.credits + 1, self.credits_minor + minor
        else:
            self.debits, self.debits_minor = self.debits + 1, self.debits_minor - minor

    def totals(self) -> Totals:
        return Totals(
            self.credits + self.debits, self.credits_minor + self.debits_minor, self.credits_minor - self.debits_minor,
            self.credits, self.credits_minor, self.debits, self.debits_minor,
        )  # fmt: skip


class _Balances:
    """Whether each balance follows from the one before it, forward or backward in time."""

    def __init__(self) -> None:
        self.first: tuple[int, int] | None = None  # balance, amount
        self.last: tuple[int, int] | None = None
        self.breaks: dict[str, tuple[int, int, int] | None] = {"forward": None, "backward": None}
        self.is_whole = True

    def add(self, number: int, amount: int, balance: int | None) -> None:
        if balance is None:
            self.is_whole = False
            return
        if self.last is not None:
            before, moved = self.last
            for way, expected in (("forward", before + amount), ("backward", before - moved)):
                if self.breaks[way] is None and expected != balance:
                    self.breaks[way] = (number, expected, balance)
        self.first = self.first or (balance, amount)
        self.last = (balance, amount)

    def result(self) -> tuple[int | None, int | None, Problem | None]:
        """Opening, closing, and what is wrong."""
        if self.first is None or self.last is None or not self.is_whole:
            return None, None, None
        if self.breaks["forward"] is None:
            return self.first[0] - self.first[1], self.last[0], None
        if self.breaks["backward"] is None:
            return self.last[0] - self.last[1], self.first[0], None
        way = max(self.breaks, key=lambda one: (self.breaks[one] or (0, 0, 0))[0])
        number, expected, found = self.breaks[way] or (0, 0, 0)
        return None, None, Problem(
            f"line {number}", "running_balance_differs",
            f"The balance is {found}, {expected} follows from the row before.",
            {"expected_minor": expected, "found_minor": found, "difference_minor": found - expected},
        )  # fmt: skip


def read_csv(
    source: BinaryIO, *, mapping: CsvMapping, currency: str, progress: Progress | None = None
) -> Iterator[Part]:
    """The one statement of a file, part by part; raises StatementFileRefused and what is one."""
    rows = read_rows(source, delimiter=mapping.delimiter, encoding=mapping.encoding, progress=progress)
    reader = _begin(rows, mapping, currency)
    yield Begins(number=1, place="file", format="csv", external_id=_name_of(source), accounts=(), currency=currency)
    balances = _Balances()
    tally = _Tally()
    for number, row in rows:
        read = reader.read(row)
        if read.problems:
            yield LineRefused(tuple(
                Problem(f"line {number}, {one.column}" if one.column else f"line {number}", one.code, one.detail,
                        {"line": number, "column": one.column, "field": one.field})
                for one in read.problems
            ))  # fmt: skip
            continue
        if read.line is None:
            continue
        balances.add(number, read.line.amount_minor, read.balance_minor)
        tally.add(read.line.amount_minor)
        yield read.line
    opening, closing, wrong = balances.result()
    counted = tally.totals()
    yield Ends(
        place="file", opening_minor=opening, closing_minor=closing, told=Totals(), counted=counted, counted_all=counted,
        problems=(wrong,) if wrong else (),
    )  # fmt: skip


def _begin(rows: Iterator[tuple[int, list[str]]], mapping: CsvMapping, currency: str) -> RowReader:
    header = header_of(rows, mapping)
    return RowReader(mapping, currency=currency, header=header)


def header_of(rows: Iterator[tuple[int, list[str]]], mapping: CsvMapping) -> list[str] | None:
    """Go past what stands above the rows; the heading, if the mapping says that there is one."""
    held: list[str] | None = None
    for _ in range(mapping.skip_rows):
        next(rows, None)
    if mapping.has_header:
        number_and_row = next(rows, None)
        if number_and_row is None:
            raise StatementFileEmpty("the file has no heading.")
        held = number_and_row[1]
    return held


def _name_of(source: BinaryIO) -> str:
    """``csv-`` and the beginning of the content's SHA-256, without moving the file."""
    place = source.tell()
    source.seek(0)
    digest = hashlib.sha256()
    while piece := source.read(256 * 1024):
        digest.update(piece)
    source.seek(place)
    return f"csv-{digest.hexdigest()[:24]}"
