"""Where a statement's lines go: columns as wide as their amounts, rows as high as their words, pages as they fill."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from reportlab.lib.pagesizes import A4, landscape

from ledger.queries.statements import StatementLine, StatementSummary
from ledger.statements.fonts import BOLD, REGULAR, width, wrap
from zentra.core.money import format_minor

MARGIN: Final = 42.0
SIZE: Final = 7.5
SMALL: Final = 6.0
LEADING: Final = 10.0
PADDING: Final = 3.5
GAP: Final = 9.0
FIRST_TOP: Final = 268.0  # what stands above the table on the first page, its own head included
NEXT_TOP: Final = 96.0
BOTTOM: Final = 58.0
TOTALS: Final = 36.0  # room for what stands below the last line, beyond that of the row that is carried over
_DATE: Final = 54.0
_REFERENCE: Final = 78.0
_LEAST_WORDS: Final = 150.0


@dataclass(frozen=True, slots=True)
class Columns:
    """The page and the edges of its columns, in points; amounts are set against their right edges."""

    page: tuple[float, float]
    words: float
    words_room: float
    reference: float
    debit: float
    credit: float
    balance: float

    @property
    def left(self) -> float:
        """The left edge of what is written."""
        return MARGIN

    @property
    def right(self) -> float:
        """The right edge of it."""
        return self.page[0] - MARGIN


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it is drawn."""

    date: str
    time: str
    words: Sequence[str]
    small: Sequence[str]
    reference: Sequence[str]
    debit: str
    credit: str
    balance: str

    @property
    def height(self) -> float:
        """Points from the row's upper edge to its lower one."""
        lines = max(len(self.words) + len(self.small), len(self.reference), 2)
        return lines * LEADING + 2 * PADDING


def columns_for(summary: StatementSummary, lines: Sequence[StatementLine]) -> Columns:
    """Columns that hold the longest amounts; a page on its side where they would leave no room for words."""
    amounts = _room(summary.currency, [summary.debits, summary.credits])
    balances = _room(
        summary.currency,
        [summary.opening_minor, summary.closing_minor, *(line.balance_after_minor for line in lines)],
    )
    upright = _columns(A4, amounts, balances)
    return upright if upright.words_room >= _LEAST_WORDS else _columns(landscape(A4), amounts, balances)


def row_of(line: StatementLine, currency: str, columns: Columns, zone: tzinfo) -> Row:
    """An entry as it is drawn in these columns: its description, else its purpose; below, what it was and where."""
    at = line.effective_at.astimezone(zone)
    facts = [line.posting_id] if not line.description else [line.purpose, line.posting_id]
    return Row(
        date=f"{at:%d %b %Y}",
        time=f"{at:%H:%M:%S}",
        words=wrap(line.description or line.purpose, REGULAR, SIZE, columns.words_room),
        small=wrap(" · ".join(facts), REGULAR, SMALL, columns.words_room),
        reference=wrap(line.external_reference or line.intent_id or "", REGULAR, SIZE, _REFERENCE - GAP),
        debit="" if line.debit_minor is None else format_minor(line.debit_minor, currency),
        credit="" if line.credit_minor is None else format_minor(line.credit_minor, currency),
        balance=format_minor(line.balance_after_minor, currency),
    )


def pages_of(rows: Iterable[Row], columns: Columns) -> list[list[Row]]:
    """Rows by page. Each page keeps a row's room for what is carried over; the last one has room for the totals."""
    pages: list[list[Row]] = [[]]
    left = _room_for_rows(columns, FIRST_TOP)
    for row in rows:
        if row.height > left:
            pages.append([])
            left = _room_for_rows(columns, NEXT_TOP)
        pages[-1].append(row)
        left -= row.height
    return pages if left >= TOTALS else [*pages, []]


def _room_for_rows(columns: Columns, top: float) -> float:
    carried = LEADING + 2 * PADDING
    return columns.page[1] - top - BOTTOM - 2 * carried


def _columns(page: tuple[float, float], amounts: float, balances: float) -> Columns:
    balance = page[0] - MARGIN
    credit = balance - balances - GAP
    debit = credit - amounts - GAP
    reference = debit - amounts - GAP - _REFERENCE
    words = MARGIN + _DATE
    return Columns(page, words, reference - GAP - words, reference, debit, credit, balance)


def _room(currency: str, amounts: Iterable[int]) -> float:
    """The width of the widest of them, in the bold of the totals, and of a heading."""
    return max(44.0, *(width(format_minor(amount, currency), BOLD, SIZE) for amount in amounts))
