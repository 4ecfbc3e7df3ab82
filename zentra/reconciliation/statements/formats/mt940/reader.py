"""The file, field by field: a line is given away once the information after it was read."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from zentra.core.money import UnknownCurrency, check_currency, exponent
from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.errors import StatementFileEmpty, StatementFileTruncated
from zentra.reconciliation.statements.formats.mt940.details import (
    MAX_TEXT,
    Details,
    read_details,
    read_exchange,
)
from zentra.reconciliation.statements.formats.mt940.entries import Entry, read_entry, read_minor
from zentra.reconciliation.statements.formats.mt940.fields import Field, read_fields
from zentra.reconciliation.statements.formats.mt940.statements import Message, Statement
from zentra.reconciliation.statements.formats.parsed import ParsedLine, Part, Problem, Progress
from zentra.reconciliation.statements.formats.sums import WrongField, problem_at

_HEAD: Final = frozenset(["20", "25", "25P", "28", "28C", "60F", "60M"])
_FOOT: Final = frozenset(["62F", "62M", "64", "65", "90C", "90D"])
_ASIDE: Final = frozenset(["12", "13", "13D", "21", "34F"])  # nothing in them is needed
_TEXTS: Final = frozenset(["86", "NS"])
_BEST_FIRST: Final = ("end_to_end_id", "customer_reference", "batch", "bank_reference")


def read_mt940(source: BinaryIO, *, progress: Progress | None = None) -> Iterator[Part]:
    """The statements of a file, part by part.

    Raises StatementFileRefused and what is one: StatementFileUnsafe, StatementFileEncoding, StatementFileTruncated,
    StatementFileEmpty.
    """
    return _Reader(source, progress).parts()


class _Reader:
    """Reads one file. ``parts`` is to be asked for once."""

    def __init__(self, source: BinaryIO, progress: Progress | None) -> None:
        self._fields = read_fields(source, progress=progress)
        self._head: Message | None = None  # of a message whose statement has not begun
        self._statement: Statement | None = None
        self._line: tuple[Field, list[Field]] | None = None  # a :61: with what is said of it
        self._count = 0
        self._is_closed = True  # the message has its closing balance

    def parts(self) -> Iterator[Part]:
        last = 0
        for part in self._fields:
            last = part.number
            if part.tag in _ASIDE:
                continue
            if part.tag in _TEXTS:
                if self._line is not None:
                    self._line[1].append(part)
                continue
            yield from self._settle_line()
            if part.tag == "20" or not part.tag:
                yield from self._end_message()
            if part.tag in _HEAD:
                self._take_head(part)
            elif part.tag:
                yield from self._begin()
                self._take(part)
        yield from self._settle_line()
        if self._head is not None or not self._is_closed:
            raise StatementFileTruncated("the file ends before the closing balance.", place=f"line {last}")
        yield from self._end_statement()
        if not self._count:
            raise StatementFileEmpty("the file has no statement.")

    def _take_head(self, part: Field) -> None:
        if part.tag == "20" or self._head is None:
            if part.tag != "20" and self._statement is not None:
                self._statement.problems.append(_out_of_order(part))
                return
            self._head = Message(part.number)
        self._head.take(part)

    def _take(self, part: Field) -> None:
        statement = self._statement
        assert statement is not None  # noqa: S101  # begun by the caller
        if part.tag == "61":
            if self._is_closed:
                statement.problems.append(_out_of_order(part))
            else:
                self._line = part, []
        elif part.tag in _FOOT:
            statement.close(part)
            self._is_closed = self._is_closed or part.tag in ("62F", "62M")
        else:
            detail = f"{part.place} is no field of an MT940."
            statement.problems.append(problem_at(part.number, part.place, "tag_unknown", detail))

    def _begin(self) -> Iterator[Part]:
        """The head is read: the next page of the statement before, or another one."""
        head, self._head = self._head, None
        if head is None:
            return
        self._is_closed = False
        before = self._statement
        if before is not None and head.goes_on_from(before):
            before.go_on(head)
            return
        yield from self._end_statement()
        self._count += 1
        self._statement = Statement(head, self._count)
        yield self._statement.begins

    def _end_message(self) -> Iterator[Part]:
        if self._head is not None:
            yield from self._begin()  # a message of a head alone
        if not self._is_closed:
            yield from self._end_statement()
        self._is_closed = True

    def _end_statement(self) -> Iterator[Part]:
        statement, self._statement = self._statement, None
        if statement is not None:
            yield statement.ends()

    def _settle_line(self) -> Iterator[Part]:
        if self._line is None or self._statement is None:
            return
        (part, texts), self._line = self._line, None
        statement = self._statement
        try:
            entry = read_entry(part, currency=statement.currency, digits=statement.digits)
        except WrongField as wrong:
            yield wrong.refused(part.number, part.place)
            return
        statement.sums.add(abs(entry.minor), is_credit=entry.is_credit)
        if entry.minor:
            yield _line(entry, read_details(texts), statement)


def _out_of_order(part: Field) -> Problem:
    return problem_at(part.number, part.place, "field_out_of_order", f"{part.place} stands where it cannot.")


def _line(entry: Entry, details: Details, statement: Statement) -> ParsedLine:
    references: dict[str, Any] = {}
    for key, sent in (("customer_reference", entry.customer_reference), ("bank_reference", entry.bank_reference)):
        if normalise_reference(sent):
            references[key] = sent[:140]
    references |= {key: sent for key, sent in details.references.items() if key not in references}
    if entry.details:
        references["supplementary_details"] = entry.details[:140]
    if entry.value_sent:
        references["value_day_sent"] = entry.value_sent
    normalised = (normalise_reference(str(references[key])) for key in _BEST_FIRST if key in references)
    told = details.exchange | read_exchange(entry.details)
    gross, fee = _gross(entry, told, statement)
    return ParsedLine(
        entry.booked_on, entry.value_on, entry.minor, statement.currency,
        f"{entry.kind}/{details.code}" if details.code else entry.kind,
        next((text for text in normalised if text), ""), references,
        normalise_reference(str(references.get("batch", ""))), gross, fee, details.counterparty,
        (details.description or entry.details)[:MAX_TEXT], entry.is_reversal, *_original(entry, told, statement),
    )  # fmt: skip


def _money(text: str) -> tuple[int, str] | None:
    """``EUR322,00`` in minor units of its currency; None when it is not that."""
    try:
        return read_minor(text[3:].strip(), exponent(check_currency(text[:3]))), text[:3]
    except (WrongField, UnknownCurrency):
        return None


def _gross(entry: Entry, told: dict[str, str], statement: Statement) -> tuple[int | None, int | None]:
    """What it was before charges, where the file says both and they make exactly the amount."""
    before, charges = _money(told.get("OCMT", "")), _money(told.get("CHGS", ""))
    if before is None or charges is None or not before[1] == charges[1] == statement.currency:
        return None, None
    gross, fee = before[0] if entry.minor > 0 else -before[0], charges[0]
    return (gross, fee) if fee and gross - fee == entry.minor else (None, None)


def _original(entry: Entry, told: dict[str, str], statement: Statement) -> tuple[int | None, str, str]:
    """What it was in another currency, and the rate as written."""
    before = _money(told.get("OCMT", ""))
    if before is None or before[1] == statement.currency or not before[0]:
        return None, "", ""
    rate = told.get("EXCH", "").replace(",", ".")
    is_rate = rate.replace(".", "", 1).isdecimal() and rate.isascii() and len(rate) <= 12
    return before[0] if entry.minor > 0 else -before[0], before[1], rate if is_rate else ""
