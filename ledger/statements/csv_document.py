"""A statement as CSV (RFC 4180), a piece at a time, however long it is.

The first row is the opening balance and the last one the closing balance, so that the file stands for itself; the rows
between are the entries, and ``debit_minor`` and ``credit_minor`` of all rows add up to the period's turnover. Amounts
stand in minor units and, beside them, in major units of the currency.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

from ledger.queries.statements import StatementLine, StatementSummary, statement_lines_stream
from ledger.statements.amounts import decimal_text

CSV_COLUMNS: Final = (
    "kind", "effective_at", "recorded_at", "entry_id", "posting_id", "purpose", "description", "reference",
    "intent_id", "reverses_id", "debit_minor", "credit_minor", "balance_minor", "debit", "credit", "balance",
    "currency",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV Injection), the full-width forms too.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PIECE: Final = 500  # rows


def render_statement_csv(*, account_id: str, start: datetime, end: datetime) -> Iterator[bytes]:
    """The statement of a period as UTF-8 CSV, in pieces of one snapshot.

    The pieces must be taken within the caller's transaction. Raises AccountNotFound, InvalidPeriod, BadId, before the
    first piece.
    """
    stack = ExitStack()  # entered here, so that a refusal comes before the first piece; left after the last one
    summary, lines = stack.enter_context(statement_lines_stream(account_id=account_id, start=start, end=end))
    return _pieces(_rows(summary, lines), stack)


def _pieces(rows: Iterator[Sequence[object]], stack: ExitStack) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for count, row in enumerate(rows, start=1):
        writer.writerow(row)
        if count % _PIECE == 0:
            yield _taken(text)
    stack.close()
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    piece = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return piece


def _rows(summary: StatementSummary, lines: Iterator[StatementLine]) -> Iterator[Sequence[object]]:
    yield _balance_row("opening", summary.start, summary.opening_minor, summary.currency)
    for line in lines:
        yield _entry_row(line, summary.currency)
    yield _balance_row("closing", summary.end, summary.closing_minor, summary.currency)


def _balance_row(kind: str, at: datetime, balance_minor: int, currency: str) -> Sequence[object]:
    facts = {
        "kind": kind,
        "effective_at": _time(at),
        "balance_minor": balance_minor,
        "balance": decimal_text(balance_minor, currency),
        "currency": currency,
    }
    return [facts.get(column, "") for column in CSV_COLUMNS]


def _entry_row(line: StatementLine, currency: str) -> Sequence[object]:
    return (
        "entry",
        _time(line.effective_at),
        _time(line.recorded_at),
        line.entry_id,
        line.posting_id,
        line.purpose,
        harmless(line.description),
        harmless(line.external_reference or ""),
        harmless(line.intent_id or ""),
        line.reverses_id or "",
        "" if line.debit_minor is None else line.debit_minor,
        "" if line.credit_minor is None else line.credit_minor,
        line.balance_after_minor,
        "" if line.debit_minor is None else decimal_text(line.debit_minor, currency),
        "" if line.credit_minor is None else decimal_text(line.credit_minor, currency),
        decimal_text(line.balance_after_minor, currency),
        currency,
    )


def harmless(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _time(moment: datetime) -> str:
    """RFC 3339, UTC, to the microsecond that the order of entries depends on."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
