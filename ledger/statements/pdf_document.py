"""A statement as PDF: what is printed, signed and filed. Everything on it follows from one snapshot of the ledger."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from ledger.errors import StatementTooLong
from ledger.queries.statements import StatementSummary, statement_lines_stream
from ledger.statements.fonts import BOLD, REGULAR, runs, width, wrap
from ledger.statements.layout import (
    FIRST_TOP,
    LEADING,
    MARGIN,
    NEXT_TOP,
    PADDING,
    SIZE,
    SMALL,
    Columns,
    Row,
    columns_for,
    pages_of,
    row_of,
)
from zentra.core.money import format_minor

MAX_PDF_LINES: Final = 10_000
_INK: Final = HexColor(0x14181F)
_GREY: Final = HexColor(0x5B6472)
_RULE: Final = HexColor(0xC9CED6)
_TINT: Final = HexColor(0xF3F5F8)
_ALARM: Final = HexColor(0xB3261E)
_MIDNIGHT: Final = timedelta(0)


def render_statement_pdf(
    *,
    account_id: str,
    start: datetime,
    end: datetime,
    workspace_name: str,
    now: datetime,
    zone: tzinfo = UTC,
) -> bytes:
    """The statement of a period as a PDF document, times in ``zone``; ``now`` is printed as the time of making.

    Raises AccountNotFound, InvalidPeriod, BadId; StatementTooLong beyond MAX_PDF_LINES lines, for which there is CSV.
    """
    with statement_lines_stream(account_id=account_id, start=start, end=end) as (summary, stream):
        if summary.entry_count > MAX_PDF_LINES:
            raise StatementTooLong(
                f"The period has {summary.entry_count} entries; a PDF carries {MAX_PDF_LINES}.",
                entries=summary.entry_count,
                most=MAX_PDF_LINES,
            )
        lines = list(stream)
    columns = columns_for(summary, lines)
    pages = pages_of((row_of(line, summary.currency, columns, zone) for line in lines), columns)
    facts = _Facts(summary, columns, zone, now, workspace_name, sum(line.signed_minor for line in lines))
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=columns.page, invariant=True)  # no clock but ``now``
    _describe(canvas, facts)
    carried = format_minor(summary.opening_minor, summary.currency)
    for number, rows in enumerate(pages, start=1):
        carried = _Page(canvas, facts, number, len(pages)).draw(rows, carried)
    canvas.save()
    return content.getvalue()


@dataclass(frozen=True, slots=True)
class _Facts:
    summary: StatementSummary
    columns: Columns
    zone: tzinfo
    now: datetime
    workspace_name: str
    net_of_lines: int  # credits − debits of the lines that are printed

    @property
    def is_tied_out(self) -> bool:
        return self.summary.is_tied_out and self.net_of_lines == self.summary.credits - self.summary.debits

    def money(self, amount_minor: int) -> str:
        return format_minor(amount_minor, self.summary.currency)

    def time(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        return f"{local:%d %b %Y %H:%M:%S} {self.zone_name(moment)}"

    def zone_name(self, moment: datetime) -> str:
        return str(getattr(self.zone, "key", None) or moment.astimezone(self.zone).tzname())

    @property
    def period(self) -> str:
        """Days, the last one included, where it runs from midnight to midnight; else the two moments."""
        start, end = (moment.astimezone(self.zone) for moment in (self.summary.start, self.summary.end))
        if all((each - each.replace(hour=0, minute=0, second=0, microsecond=0)) == _MIDNIGHT for each in (start, end)):
            return f"{start:%d %b %Y} to {end - timedelta(days=1):%d %b %Y} ({self.zone_name(end)})"
        return f"{self.time(start)} to before {self.time(end)}"


class _Page:
    """A page being drawn, from its top down."""

    def __init__(self, canvas: Any, facts: _Facts, number: int, count: int) -> None:
        self.canvas, self.facts, self.number, self.count = canvas, facts, number, count
        self.columns = facts.columns
        self.y = self.columns.page[1] - MARGIN

    def draw(self, rows: Sequence[Row], carried: str) -> str:
        """Draw the page; the balance that it carries over."""
        if self.number == 1:
            self._first_head()
        else:
            self._next_head()
        self._table_head()
        self._balance_row("Opening balance" if self.number == 1 else "Brought forward", carried)
        for row in rows:
            self._row(row)
        carried = rows[-1].balance if rows else carried
        if self.number == self.count:
            self._totals()
        else:
            self._balance_row("Carried forward", carried)
        self._foot()
        self.canvas.showPage()
        return carried

    def _first_head(self) -> None:
        facts, summary = self.facts, self.facts.summary
        left, right, top = self.columns.left, self.columns.right, self.y
        self._text(left, top - 14, _fitted(facts.workspace_name, BOLD, 15, right - left - 150), BOLD, 15)
        self._text(right, top - 14, "Account statement", REGULAR, 12, _GREY, is_right=True)
        self._rule(top - 26, _INK, 1.2)
        middle = left + (right - left) / 2
        kind = f"{summary.account_type}, {summary.normal_balance}-normal"
        pending = f"in {facts.money(summary.pending_in_minor)}, out {facts.money(summary.pending_out_minor)}"
        account = [
            ("Account", summary.account_code, BOLD),
            ("Name", summary.account_name or "—", REGULAR),
            ("Account id", summary.account_id, REGULAR),
            ("Type", kind, REGULAR),
            ("Currency", summary.currency, REGULAR),
        ]
        terms = [
            ("Period", facts.period, BOLD),
            ("Basis", "effective time of each entry", REGULAR),
            ("Entries", f"{summary.entry_count:,}", REGULAR),
            ("Pending at end", pending, REGULAR),
            ("Generated", facts.time(facts.now), REGULAR),
        ]
        self._facts(left, top - 44, middle - left - 12, account)
        self._facts(middle, top - 44, right - middle, terms)
        self._summary_band(top - 146)
        self.y = self.columns.page[1] - FIRST_TOP + LEADING + 2 * PADDING

    def _facts(self, x: float, y: float, room: float, facts: Sequence[tuple[str, str, str]]) -> None:
        for label, value, font in facts:
            self._text(x, y, label, REGULAR, SIZE, _GREY)
            for line in (wrap(value, font, SIZE + 0.5, room - 68) or [""])[:2]:
                self._text(x + 68, y, line, font, SIZE + 0.5)
                y -= 11
            y -= 5

    def _summary_band(self, y: float) -> None:
        facts, summary = self.facts, self.facts.summary
        left, right = self.columns.left, self.columns.right
        self.canvas.setFillColor(_TINT)
        self.canvas.rect(left, y - 34, right - left, 40, stroke=0, fill=1)
        quarter = (right - left) / 4
        for place, (label, amount) in enumerate(
            (
                ("Opening balance", summary.opening_minor),
                ("Debits", summary.debits),
                ("Credits", summary.credits),
                ("Closing balance", summary.closing_minor),
            )
        ):
            x = left + quarter * place + 10
            self._text(x, y - 9, label, REGULAR, SIZE, _GREY)
            words = facts.money(amount)
            size = min(11.0, 11.0 * (quarter - 16) / width(words, BOLD, 11.0))
            self._text(x, y - 25, words, BOLD, size)

    def _next_head(self) -> None:
        facts, summary = self.facts, self.facts.summary
        top = self.y
        room = (self.columns.right - self.columns.left) / 2
        who = f"{facts.workspace_name} · {summary.account_code} · {summary.currency}"
        self._text(self.columns.left, top - 10, _fitted(who, BOLD, SIZE + 1, room), BOLD, SIZE + 1)
        self._text(
            self.columns.right, top - 10, _fitted(facts.period, REGULAR, SIZE + 0.5, room), REGULAR, SIZE + 0.5, _GREY,
            is_right=True,
        )  # fmt: skip
        self.y = self.columns.page[1] - NEXT_TOP + LEADING + 2 * PADDING

    def _table_head(self) -> None:
        columns, y = self.columns, self.y
        self._rule(y + LEADING + PADDING, _INK, 0.8)
        for x, label in ((columns.left, "Date"), (columns.words, "Description"), (columns.reference, "Reference")):
            self._text(x, y + PADDING, label, BOLD, SIZE)
        for x, label in ((columns.debit, "Debit"), (columns.credit, "Credit"), (columns.balance, "Balance")):
            self._text(x, y + PADDING, label, BOLD, SIZE, is_right=True)
        self._rule(y - PADDING + 1, _INK, 0.8)
        self.y = y - PADDING

    def _balance_row(self, label: str, balance: str) -> None:
        y = self.y - PADDING - LEADING + 3
        self._text(self.columns.words, y, label, BOLD, SIZE)
        self._text(self.columns.balance, y, balance, BOLD, SIZE, is_right=True)
        self.y -= LEADING + 2 * PADDING
        self._rule(self.y, _RULE, 0.4)

    def _row(self, row: Row) -> None:
        columns, top = self.columns, self.y - PADDING - LEADING + 3
        self._text(columns.left, top, row.date, REGULAR, SIZE)
        self._text(columns.left, top - LEADING, row.time, REGULAR, SMALL, _GREY)
        for place, line in enumerate(row.words):
            self._text(columns.words, top - place * LEADING, line, REGULAR, SIZE)
        for place, line in enumerate(row.small, start=len(row.words)):
            self._text(columns.words, top - place * LEADING, line, REGULAR, SMALL, _GREY)
        for place, line in enumerate(row.reference):
            self._text(columns.reference, top - place * LEADING, line, REGULAR, SIZE)
        for x, amount in ((columns.debit, row.debit), (columns.credit, row.credit), (columns.balance, row.balance)):
            self._text(x, top, amount, REGULAR, SIZE, is_right=True)
        self.y -= row.height
        self._rule(self.y, _RULE, 0.4)

    def _totals(self) -> None:
        facts, summary, columns = self.facts, self.facts.summary, self.columns
        y = self.y - LEADING - 2
        self._rule(self.y, _INK, 0.8)
        self._text(columns.words, y, "Totals of the period", BOLD, SIZE)
        self._text(columns.debit, y, facts.money(summary.debits), BOLD, SIZE, is_right=True)
        self._text(columns.credit, y, facts.money(summary.credits), BOLD, SIZE, is_right=True)
        y -= LEADING + PADDING
        self._text(columns.words, y, "Closing balance", BOLD, SIZE)
        self._text(columns.balance, y, facts.money(summary.closing_minor), BOLD, SIZE, is_right=True)
        self._rule(y - PADDING - 1, _INK, 0.8)
        words, color = self._tie()
        self._text(columns.left, y - 18, words, REGULAR, SMALL + 0.5, color)

    def _tie(self) -> tuple[str, Any]:
        facts, summary = self.facts, self.facts.summary
        if not facts.is_tied_out:
            return (
                "THIS STATEMENT DOES NOT TIE OUT: opening balance and entries do not make the closing balance.",
                _ALARM,
            )
        plus, minus = ("credits", "debits") if summary.normal_balance == "credit" else ("debits", "credits")
        added, taken = (summary.credits, summary.debits) if plus == "credits" else (summary.debits, summary.credits)
        sums = (
            f"{facts.money(summary.opening_minor)} + {plus} {facts.money(added)} − {minus} {facts.money(taken)}"
            f" = {facts.money(summary.closing_minor)} {summary.currency}"
        )
        entries = "entry" if summary.entry_count == 1 else "entries"
        return f"Tied out over {summary.entry_count:,} {entries}: opening {sums}.", _GREY

    def _foot(self) -> None:
        facts, y = self.facts, MARGIN - 12
        self._rule(y + 12, _RULE, 0.4)
        made = f"{facts.summary.account_id} · generated {facts.time(facts.now)}"
        self._text(self.columns.left, y, made, REGULAR, SMALL, _GREY)
        self._text(self.columns.right, y, f"Page {self.number} of {self.count}", REGULAR, SMALL, _GREY, is_right=True)

    def _rule(self, y: float, color: Any, weight: float) -> None:
        self.canvas.setStrokeColor(color)
        self.canvas.setLineWidth(weight)
        self.canvas.line(self.columns.left, y, self.columns.right, y)

    def _text(
        self, x: float, y: float, text: str, font: str, size: float, color: Any = _INK, *, is_right: bool = False
    ) -> None:
        self.canvas.setFillColor(color)
        x -= width(text, font, size) if is_right else 0
        for name, part in runs(text, font):
            self.canvas.setFont(name, size)
            self.canvas.drawString(x, y, part)
            x += self.canvas.stringWidth(part, name, size)


def _describe(canvas: Any, facts: _Facts) -> None:
    canvas.setTitle(f"Statement of {facts.summary.account_code}, {facts.period}")
    canvas.setAuthor(facts.workspace_name)
    canvas.setSubject(facts.summary.account_id)
    canvas.setCreator("Zentra")


def _fitted(text: str, font: str, size: float, room: float) -> str:
    """The text, cut short where it would not fit."""
    if width(text, font, size) <= room:
        return text
    while text and width(f"{text}…", font, size) > room:
        text = text[:-1]
    return f"{text}…"
