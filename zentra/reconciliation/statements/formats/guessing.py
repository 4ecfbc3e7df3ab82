"""A mapping guessed from a sample, for somebody to look at; and a sample read by a mapping, cell by cell.

Nothing is imported by a guess: what a sample leaves open (is 03/04 March or April?) is named in ``doubts``.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zentra.reconciliation.statements.errors import StatementFileEmpty, StatementFileRefused
from zentra.reconciliation.statements.formats.amounts import NotADay
from zentra.reconciliation.statements.formats.cells import read_day
from zentra.reconciliation.statements.formats.csv_statement import CellProblem, RowReader, header_of
from zentra.reconciliation.statements.formats.mapping import DATE_FORMS, DELIMITERS, CsvMapping
from zentra.reconciliation.statements.formats.parsed import ParsedLine
from zentra.reconciliation.statements.formats.rows import encoding_of, read_rows

SAMPLE_BYTES: Final = 256 * 1024
_SAMPLE_ROWS: Final = 200
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "booked_on": ("booking date", "booked", "buchungstag", "buchungsdatum", "transaction date", "posting date", "date",
                  "datum", "fecha", "data", "booked_on"),
    "value_on": ("value date", "valuta", "valutadatum", "wertstellung", "fecha valor", "data valuta", "value_on"),
    "amount": ("amount", "betrag", "umsatz", "montant", "importe", "importo", "bedrag", "value"),
    "debit": ("debit", "soll", "withdrawal", "withdrawals", "paid out", "money out", "débit", "cargo", "dare"),
    "credit": ("credit", "haben", "deposit", "deposits", "paid in", "money in", "crédit", "abono", "avere"),
    "direction": ("debit/credit", "af bij", "cr/dr", "dr/cr", "direction", "soll/haben", "d/c"),
    "currency": ("currency", "währung", "waehrung", "devise", "divisa", "valuta code", "ccy"),
    "reference": ("reference", "referenz", "kundenreferenz", "référence", "referencia", "payment reference"),
    "end_to_end_id": ("end to end id", "end-to-end", "endtoend", "e2e", "end-to-end-referenz"),
    "bank_reference": ("bank reference", "transaction id", "transaction number", "bankreferenz", "id"),
    "batch": ("batch", "sammler", "batch id", "settlement"),
    "counterparty": ("counterparty", "name", "payee", "beguenstigter", "begünstigter", "auftraggeber", "merchant",
                     "beneficiary", "payer", "empfänger"),
    "description": ("description", "verwendungszweck", "details", "buchungstext", "memo", "narrative", "libellé",
                    "concepto", "omschrijving", "text"),
    "balance": ("balance", "saldo", "kontostand", "solde", "running balance"),
    "gross": ("gross", "brutto"),
    "fee": ("fee", "fees", "gebühr", "commission"),
    "kind": ("type", "transaction type", "kind", "art"),
}  # fmt: skip
_MONEY: Final = re.compile(r"[(+\-−]?\s*\d[\d.,'\s]*\)?-?")


@dataclass(frozen=True, slots=True)
class Guess:
    """A guessed mapping as far as it goes. ``columns`` may lack what a mapping needs; then it is not ``is_usable``."""

    mapping: CsvMapping
    headers: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        """Whether it has a day and an amount."""
        found = self.mapping.columns
        return "booked_on" in found and ("amount" in found) != ({"debit", "credit"} <= set(found))


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A row of a sample: its line number, its cells, and the line or what is wrong in it, cell by cell."""

    number: int
    cells: tuple[str, ...]
    line: ParsedLine | None
    balance_minor: int | None
    problems: tuple[CellProblem, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """A sample read by a mapping. ``problem`` when it cannot be read at all; then there are no rows."""

    headers: tuple[str, ...]
    rows: tuple[PreviewRow, ...]
    problem: str = ""

    @property
    def wrong(self) -> int:
        """How many rows cannot be read."""
        return sum(1 for row in self.rows if row.problems)


def guess_mapping(sample: bytes) -> Guess:
    """A mapping for a file that begins so; raises StatementFileRefused when no rows can be made out at all."""
    sample = _whole_lines(sample[:SAMPLE_BYTES])
    if not sample.strip():
        raise StatementFileEmpty("The file is empty.")
    encoding = _encoding(sample)
    rows, delimiter = _best_rows(sample, encoding)
    skip, has_header, columns = _header(rows)
    header = rows[skip] if has_header else [str(place) for place in range(1, 1 + max(map(len, rows)))]
    body = rows[skip + 1 :] if has_header else rows[skip:]
    doubts: list[str] = []
    if not has_header:
        columns = _columns_by_content(body)
    date_form = _date_form([_cell(row, header, columns.get("booked_on")) for row in body], doubts)
    money = [
        _cell(row, header, columns[name]) for row in body for name in ("amount", "debit", "credit") if name in columns
    ]  # fmt: skip
    decimal_mark, thousands_mark = _marks(money, doubts)
    mapping = CsvMapping(
        columns=columns, delimiter=delimiter, encoding=encoding, decimal_mark=decimal_mark,
        thousands_mark=thousands_mark, date_form=date_form, has_header=has_header, skip_rows=skip,
    )  # fmt: skip
    return Guess(mapping, tuple(cell.strip() for cell in header), tuple(doubts))


def preview(sample: bytes, mapping: CsvMapping, *, currency: str, limit: int = 20) -> Preview:
    """The first rows of a file as the mapping reads them, each with what is wrong in it."""
    held = io.BytesIO(_whole_lines(sample[:SAMPLE_BYTES]))
    headers: tuple[str, ...] = ()
    found: list[PreviewRow] = []
    try:
        rows = read_rows(held, delimiter=mapping.delimiter, encoding=mapping.encoding)
        header = header_of(rows, mapping)
        headers = tuple(cell.strip() for cell in header or ())
        reader = RowReader(mapping, currency=currency, header=header)
        for number, row in rows:
            if len(found) == limit:
                break
            read = reader.read(row)
            found.append(PreviewRow(number, tuple(row), read.line, read.balance_minor, read.problems))
    except StatementFileRefused as refusal:
        return Preview(headers, tuple(found), refusal.detail)
    if not headers and found:
        headers = tuple(str(place) for place in range(1, 1 + max(len(row.cells) for row in found)))
    return Preview(headers, tuple(found))


def _whole_lines(sample: bytes) -> bytes:
    """Without what a cut-off sample has of its last line."""
    if len(sample) < SAMPLE_BYTES:
        return sample
    return sample[: sample.rfind(b"\n") + 1] or sample


def _encoding(sample: bytes) -> str:
    marked = encoding_of(sample[:4], said="")
    if marked:
        return "utf-8" if marked == "utf-8-sig" else "utf-16"
    for name in ("utf-8", "windows-1252"):
        try:
            sample.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return "iso-8859-1"


def _best_rows(sample: bytes, encoding: str) -> tuple[list[list[str]], str]:
    """The rows by the delimiter under which most of them have the same number of cells, and more than one."""
    best: tuple[tuple[int, int], list[list[str]], str] | None = None
    for delimiter in DELIMITERS:
        rows: list[list[str]] = []
        try:
            for _number, row in read_rows(io.BytesIO(sample), delimiter=delimiter, encoding=encoding):
                rows.append(row)
                if len(rows) == _SAMPLE_ROWS:
                    break
        except StatementFileRefused:
            continue
        widths = [len(row) for row in rows]
        usual = max(set(widths), key=widths.count, default=0)
        score = (widths.count(usual) if usual > 1 else 0, usual)
        if rows and (best is None or score > best[0]):
            best = score, rows, delimiter
    if best is None or not best[0][0]:
        raise StatementFileRefused("no rows of cells can be made out.")
    return best[1], best[2]


def _header(rows: list[list[str]]) -> tuple[int, bool, dict[str, str]]:
    """How many rows stand above the heading, whether there is one, and what its columns are."""
    best: tuple[int, int, dict[str, str]] = (0, 0, {})
    for place, row in enumerate(rows[:30]):
        columns = _columns_by_heading(row)
        if len(columns) > best[0]:
            best = len(columns), place, columns
    if best[0] >= 2:
        return best[1], True, best[2]
    return 0, False, {}


def _columns_by_heading(header: Sequence[str]) -> dict[str, str]:
    """The best heading for each of ours: the same word before one that only holds it; each column once."""
    candidates: list[tuple[int, int, str, str]] = []
    for place, heading in enumerate(header):
        plain = " ".join(heading.lower().replace("_", " ").split())
        for name, words in _WORDS.items():
            for rank, word in enumerate(words):
                if plain == word.replace("_", " "):
                    candidates.append((rank, place, name, heading.strip()))
                elif len(word) > 3 and word in plain:
                    candidates.append((100 + rank, place, name, heading.strip()))
    found: dict[str, str] = {}
    taken: set[int] = set()
    for _rank, place, name, heading in sorted(candidates):
        if name not in found and place not in taken:
            found[name] = heading
            taken.add(place)
    if "amount" in found:
        found.pop("debit", None)
        found.pop("credit", None)
    else:
        found.pop("direction", None)
    return found


def _columns_by_content(body: list[list[str]]) -> dict[str, str]:
    """Without a heading: the first column of days, and the first of money that is not all days."""
    found: dict[str, str] = {}
    for place in range(max((len(row) for row in body), default=0)):
        cells = [row[place].strip() for row in body if place < len(row) and row[place].strip()]
        if not cells:
            continue
        if any(_is_day(cells, form) for form in DATE_FORMS):
            found.setdefault("booked_on", str(place + 1))
        elif all(_MONEY.fullmatch(cell) for cell in cells):
            found.setdefault("amount", str(place + 1))
    return found


def _cell(row: Sequence[str], header: Sequence[str], column: str | None) -> str:
    if column is None:
        return ""
    place = next((index for index, heading in enumerate(header) if heading.strip() == column), len(row))
    return row[place].strip() if place < len(row) else ""


def _is_day(cells: Sequence[str], form: str) -> bool:
    try:
        for cell in cells:
            read_day(cell, form)
    except NotADay:
        return False
    return True


def _date_form(cells: list[str], doubts: list[str]) -> str:
    given = [cell for cell in cells if cell]
    fitting = [form for form in DATE_FORMS if given and _is_day(given, form)]
    if not fitting:
        doubts.append("The form of the days could not be made out.")
        return DATE_FORMS[0]
    if {"DD/MM/YYYY", "MM/DD/YYYY"} <= set(fitting) or {"DD/MM/YY", "MM/DD/YY"} <= set(fitting):
        doubts.append("The days may be day/month or month/day; look at the preview.")
    return fitting[0]


def _marks(cells: list[str], doubts: list[str]) -> tuple[str, str]:
    """The decimal and the thousands mark: of two the last one is decimal; a single one before two digits too."""
    given = [cell for cell in cells if cell]
    votes = {".": 0, ",": 0}
    thousands = ""
    for cell in given:
        digits = cell.strip("()+-−– ")
        last = max(digits.rfind("."), digits.rfind(","))
        if last < 0:
            continue
        mark, after = digits[last], len(digits) - last - 1
        other = "," if mark == "." else "."
        if other in digits:
            votes[mark] += 2
            thousands = other
        elif digits.count(mark) > 1:
            votes[other] += 1
            thousands = mark
        elif after != 3:
            votes[mark] += 1
    if any("'" in cell for cell in given):
        thousands = "'"
    elif not thousands and any(re.search(r"\d\s\d", cell) for cell in given):
        thousands = " "
    if given and not any(votes.values()) and any("," in cell or "." in cell for cell in given):
        doubts.append("Whether a point or a comma stands before the decimals is not certain.")
    decimal = "," if votes[","] > votes["."] else "."
    return decimal, "" if thousands == decimal else thousands
