"""What leaves for other systems: the journal mapped to general-ledger accounts, and the trial balance; CSV and XLSX.

CSV is UTF-8 with CRLF (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it; in
XLSX every text is a text. Money is there twice, in minor units and with its currency's decimals, and exact: what a
spreadsheet's numbers cannot hold exactly (more than 15 digits) is written as text.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import xlsxwriter

from ledger.queries import journal
from ledger.types import JournalRow
from zentra.core import clock
from zentra.core.money import exponent
from zentra.reconciliation.closeout.errors import CloseoutInvalid
from zentra.reconciliation.closeout.models import GlAccount
from zentra.reconciliation.closeout.queries.balances import roll_forward
from zentra.reconciliation.closeout.store import get_row
from zentra.reconciliation.closeout.types import RollForward, RollRow

MOST_XLSX_ROWS: Final = 200_000
JOURNAL_COLUMNS: Final = (
    "posting_id", "entry_id", "effective_at", "recorded_at", "purpose", "intent_id", "reference", "description",
    "account", "gl_account", "gl_name", "currency", "debit_minor", "credit_minor", "debit", "credit",
)  # fmt: skip
TRIAL_COLUMNS: Final = (
    "currency", "account", "name", "class", "gl_account", "opening_minor", "debits_minor", "credits_minor",
    "closing_minor", "opening", "debits", "credits", "closing",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@")
_EXACT: Final = 10**15
"""Below it a spreadsheet's floating-point numbers are exact to the last digit."""
_CHUNK: Final = 500

Cell = str | int | Decimal
Row = Sequence[Cell]


def journal_csv(*, period_id: str) -> Iterator[bytes]:
    """Every entry of a period as CSV, in pieces of one snapshot, to be taken within the caller's transaction.

    Raises PeriodNotFound, BadId before the first piece.
    """
    found = _journal(period_id)
    return _pieces(JOURNAL_COLUMNS, found)


def journal_xlsx(*, period_id: str) -> bytes:
    """The same as a spreadsheet, of 200,000 entries at most (CloseoutInvalid beyond; take the CSV)."""
    return _workbook("Journal", JOURNAL_COLUMNS, _journal(period_id))


def trial_balance_csv(*, period_id: str) -> bytes:
    """The trial balance with roll-forward as CSV; amounts signed, credits positive, a row of totals a currency."""
    return trial_balance_table(books=roll_forward(period_id=period_id))


def trial_balance_table(*, books: Sequence[RollForward]) -> bytes:
    """The same of what was read already."""
    return as_csv(TRIAL_COLUMNS, _trial_balance(books))


def trial_balance_xlsx(*, period_id: str) -> bytes:
    """The same as a spreadsheet."""
    return _workbook("Trial balance", TRIAL_COLUMNS, _trial_balance(roll_forward(period_id=period_id)))


def as_csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """A whole CSV document."""
    return b"".join(_pieces(columns, rows))


def _journal(period_id: str) -> Iterator[Row]:
    period = get_row(period_id)
    names = {row.ledger_account_id: (row.gl_code, row.gl_name) for row in GlAccount.objects.all()}
    return (_journal_row(each, names) for each in journal(start=period.starts_at, end=period.ends_at))


def _journal_row(each: JournalRow, names: dict[str, tuple[str, str]]) -> Row:
    code, name = names.get(each.account_id, ("", ""))
    debit = each.amount_minor if each.direction == "debit" else 0
    credit = each.amount_minor - debit
    return (
        each.posting_id, each.entry_id, clock.iso(each.effective_at), clock.iso(each.recorded_at), each.purpose,
        each.intent_id or "", each.external_reference or "", each.description, each.account_code, code, name,
        each.currency, debit, credit, _decimal(debit, each.currency), _decimal(credit, each.currency),
    )  # fmt: skip


def _trial_balance(books: Sequence[RollForward]) -> Iterator[Row]:
    for book in books:
        for row in book.rows:
            yield (
                book.currency, row.account_code, row.account_name, row.type, row.gl_code, row.opening_minor,
                row.debits_minor, row.credits_minor, row.closing_minor, *_decimals(row, book.currency),
            )  # fmt: skip
        yield _total(book)


def _total(book: RollForward) -> Row:
    return (
        book.currency, "total", "", "", "", book.opening_minor, book.debits_minor, book.credits_minor,
        book.closing_minor, *_decimals(book, book.currency),
    )  # fmt: skip


def _decimals(row: RollForward | RollRow, currency: str) -> tuple[Decimal, ...]:
    amounts = (row.opening_minor, row.debits_minor, row.credits_minor, row.closing_minor)
    return tuple(_decimal(each, currency) for each in amounts)


def _decimal(amount_minor: int, currency: str) -> Decimal:
    """An amount with its currency's decimals and no marks, exact."""
    digits = tuple(int(digit) for digit in str(abs(amount_minor)))
    return Decimal((amount_minor < 0, digits, -exponent(currency)))


def _pieces(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow([_safe(cell) for cell in row])
        if number % _CHUNK == 0:
            yield target.getvalue().encode()
            target.seek(0)
            target.truncate()
    yield target.getvalue().encode()


def _safe(cell: Cell) -> str | int:
    """A cell as CSV writes it. Spreadsheets skip spaces and control characters before they look for a formula.

    A text that looks guarded already gets one more, so that taking one away always gives the text back: the verifier
    of packets does (``reading.read_table``).
    """
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, str) and (bare := cell.lstrip("'")) and (bare < " " or bare.lstrip().startswith(_FORMULA)):
        return f"'{cell}"
    return cell


def _workbook(title: str, columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    target = io.BytesIO()
    options: dict[str, Any] = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(target, options)
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, columns, book.add_format({"bold": True}))
    formats = {
        places: book.add_format({"num_format": f"#,##0{'.' if places else ''}{'0' * places}"}) for places in range(9)
    }
    for number, row in enumerate(rows, start=1):
        if number > MOST_XLSX_ROWS:
            raise CloseoutInvalid(f"A spreadsheet carries {MOST_XLSX_ROWS:,} rows; take the CSV.")
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, column, cell)
            elif abs(scaled := _scaled(cell)) < _EXACT:
                sheet.write_number(number, column, cell, formats[_places(cell)])
            else:
                sheet.write_string(number, column, f"{cell:f}" if isinstance(cell, Decimal) else str(scaled))
    book.close()
    return target.getvalue()


def _scaled(cell: int | Decimal) -> int:
    """All of its digits as one whole number."""
    return cell if isinstance(cell, int) else int(cell.scaleb(_places(cell)))


def _places(cell: int | Decimal) -> int:
    return 0 if isinstance(cell, int) else -int(cell.as_tuple().exponent)
