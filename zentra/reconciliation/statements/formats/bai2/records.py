"""The records of a file: a line and the continuations (``88``) that belong to it, and the fields in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Final

from zentra.core.money import MAX_AMOUNT_MINOR
from zentra.reconciliation.statements.errors import StatementFileRefused, StatementFileUnsafe
from zentra.reconciliation.statements.formats.amounts import NotADay
from zentra.reconciliation.statements.formats.parsed import Progress
from zentra.reconciliation.statements.formats.sums import WrongField, read_short_day
from zentra.reconciliation.statements.formats.texts import read_lines

MAX_ROWS: Final = 5_000
"""Lines of one record; the longest of any bank has some hundred."""
MAX_FIELDS: Final = 20_000
MAX_DISTRIBUTIONS: Final = 366

CODES: Final = frozenset(["01", "02", "03", "16", "49", "98", "99"])
_AMOUNT: Final = re.compile(r"([+-]?)([0-9]{1,18})")
_COUNT: Final = re.compile(r"[0-9]{1,12}")


@dataclass(slots=True)
class Record:
    """A record: its code, the line that it begins in, its content line by line, how many lines it has."""

    code: str
    number: int
    rows: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """For people."""
        return f"line {self.number}"

    def fields(self) -> list[str]:
        """All its fields, where none is a text: a slash ends a line, fields go on in the next one."""
        found: list[str] = []
        for row in self.rows:
            found.extend(_cells(row))
            if len(found) > MAX_FIELDS:
                raise StatementFileUnsafe(f"a record of more than {MAX_FIELDS} fields.", place=self.place)
        return found


def read_records(source: BinaryIO, *, progress: Progress | None = None) -> Iterator[Record]:
    """The records in their order; raises StatementFileRefused and what is one."""
    record: Record | None = None
    for number, line in read_lines(source, progress=progress):
        text = line.rstrip(" \x1a")
        if not text:
            continue
        code, mark, content = text[:2], text[2:3], text[3:]
        if mark not in (",", "/") or (code != "88" and code not in CODES):
            raise StatementFileRefused("no record of BAI2.", place=f"line {number}")
        if code != "88":
            if record is not None:
                yield record
            record = Record(code, number, [content])
        elif record is None:
            raise StatementFileRefused("a continuation of nothing.", place=f"line {number}")
        else:
            if len(record.rows) >= MAX_ROWS:
                raise StatementFileUnsafe(f"a record of more than {MAX_ROWS} lines.", place=f"line {number}")
            record.rows.append(content)
    if record is not None:
        yield record


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.partition("/")[0].split(",")]


class Cursor:
    """Reads a record field by field, and what is left of it as text."""

    def __init__(self, record: Record) -> None:
        self._rows = record.rows
        self._row = self._at = 0

    def next(self) -> str:
        """The next field; empty where the record has none any more."""
        if self._row >= len(self._rows):
            return ""
        row = self._rows[self._row]
        end = min((place for mark in ",/" if (place := row.find(mark, self._at)) >= 0), default=len(row))
        text = row[self._at : end].strip()
        if row[end : end + 1] == ",":
            self._at = end + 1
        else:  # a slash, or the line ends without one
            self._row, self._at = self._row + 1, 0
        return text

    def text(self) -> list[str]:
        """What is left, line by line; a slash may be in it, one at the end ends it."""
        if self._row >= len(self._rows):
            return []
        first = self._rows[self._row][self._at :]
        lines = ["" if first.startswith("/") else first, *self._rows[self._row + 1 :]]
        return [text for line in lines if (text := line.strip().removesuffix("/").strip())]


def read_minor(text: str, *, is_signed: bool) -> int:
    """Minor units: BAI2 writes no decimal point, the currency says where it stands. Raises WrongField."""
    found = _AMOUNT.fullmatch(text)
    if found is None or (found[1] and not is_signed):
        sign = "" if is_signed else " without sign"
        raise WrongField("amount_malformed", f"{text[:40]!r} is no whole number of minor units{sign}.")
    minor = int(found[2])
    if minor > MAX_AMOUNT_MINOR:
        raise WrongField("amount_malformed", f"{text[:40]!r} is more than {MAX_AMOUNT_MINOR} minor units.")
    return -minor if found[1] == "-" else minor


def read_count(text: str) -> int:
    """A number of something; raises WrongField."""
    if not _COUNT.fullmatch(text):
        raise WrongField("control_total_malformed", f"{text[:40]!r} is no number.")
    return int(text)


def read_total(text: str) -> int:
    """A control total: signed, and as large as many amounts together; empty is nothing. Raises WrongField."""
    if not text:
        return 0
    found = re.fullmatch(r"([+-]?)([0-9]{1,30})", text)
    if found is None:
        raise WrongField("control_total_malformed", f"{text[:40]!r} is no whole number.")
    return -int(found[2]) if found[1] == "-" else int(found[2])


def read_day(text: str) -> date:
    """``YYMMDD``; raises WrongField."""
    try:
        return read_short_day(text)
    except NotADay as error:
        raise WrongField("day_malformed", str(error)) from None


def read_funds(kind: str, cursor: Cursor) -> tuple[date | None, list[str]]:
    """What follows a funds type: of ``V`` the value day; of ``S`` and ``D`` when how much is available, as sent."""
    if kind in ("", "0", "1", "2", "Z"):
        return None, []
    if kind == "V":
        day, _time = cursor.next(), cursor.next()
        return (read_day(day) if day else None), []
    if kind == "S":
        sent = [cursor.next() for _day in range(3)]
    elif kind == "D":
        count = read_count(cursor.next())
        if count > MAX_DISTRIBUTIONS:
            raise WrongField("funds_type_malformed", f"{count} distributions are too many.")
        sent = [cursor.next() for _half in range(2 * count)]
    else:
        raise WrongField("funds_type_malformed", f"{kind[:20]!r} is none of Z, 0, 1, 2, S, V, D.")
    for text in sent:
        if text:
            read_minor(text, is_signed=True)
    return None, sent
