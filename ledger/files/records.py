"""A file of bytes taken apart into records, each with the byte at which it ends, so that reading can start there again.

Only what is needed to find where a record ends is looked at here. A record that breaks the rules is given with its
problem and the file goes on after it; what stands inside quotes never becomes a record of its own.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from ledger.files.errors import ImportNotUtf8, ImportRowEmpty, ImportRowMalformed, ImportRowTooLong
from ledger.files.types import MAX_ROW_BYTES, ImportFormat
from zentra.core.errors import DomainError

BOM: Final = b"\xef\xbb\xbf"
_CLOSING_QUOTE: Final = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its number as spreadsheets count, the byte after it, its bytes without line end, or its problem.

    With a problem, ``content`` is the beginning of it, as much as was kept.
    """

    number: int
    end: int
    content: bytes
    problem: DomainError | None = None


def read_records(source: BinaryIO, *, form: ImportFormat, start: int, number: int) -> Iterator[Record]:
    """The records from byte ``start`` on, the first of which is ``number``; empty ones at the end are left out."""
    source.seek(start)
    split = _csv_records if form == "csv" else _lines
    blanks: list[Record] = []
    for record in split(source, start, number):
        if record.problem is None and not record.content.strip(b" \t\r"):
            blanks.append(Record(record.number, record.end, b"", ImportRowEmpty("The row is empty.")))
            continue
        yield from blanks
        blanks.clear()
        yield record


def text_of(record: Record) -> str:
    """The record as text; raises its own problem, or ImportNotUtf8 with the byte at which that shows."""
    if record.problem is not None:
        raise record.problem
    try:
        text = record.content.decode()
    except UnicodeDecodeError as error:
        raise ImportNotUtf8(
            f"The row is not UTF-8: byte {error.start + 1} of it is 0x{record.content[error.start]:02x}.",
            byte=error.start + 1,
        ) from None
    if "\x00" in text:
        raise ImportRowMalformed("The row has a NUL character.")
    return text


def fields_of(text: str) -> list[str]:
    """The columns of one CSV record (RFC 4180); raises ImportRowMalformed."""
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (csv.Error, StopIteration) as error:
        raise ImportRowMalformed(f"The row is no CSV: {error}.") from error


def _lines(source: BinaryIO, start: int, number: int) -> Iterator[Record]:
    end = start
    while line := source.readline(MAX_ROW_BYTES + 1):
        length, rest = len(line), line
        while len(rest) > MAX_ROW_BYTES and not rest.endswith(b"\n"):
            rest = source.readline(MAX_ROW_BYTES + 1)
            length += len(rest)
        end += length
        yield Record(number, end, _without_end(line), _too_long(length) if length > MAX_ROW_BYTES else None)
        number += 1


def _csv_records(source: BinaryIO, start: int, number: int) -> Iterator[Record]:
    end = start
    while line := source.readline(MAX_ROW_BYTES + 1):
        length, content, problem = _csv_record(source, line)
        end += length
        yield Record(number, end, _without_end(content), problem)
        number += 1


def _csv_record(source: BinaryIO, line: bytes) -> tuple[int, bytes, DomainError | None]:
    """The record that starts with a line: its length in bytes, what is kept of it, and what is wrong with it."""
    length, quotes, content, is_open = 0, 0, b"", False
    while line:
        length += len(line)
        quotes += line.count(b'"')
        if length <= MAX_ROW_BYTES:
            content += line
            try:
                is_open = (is_open or b'"' in line) and _leaves_quote_open(line, inside=is_open)
            except ImportRowMalformed as error:
                return length, content, error
            if not is_open:
                return length, content, None
        else:
            # Too long to be kept. It still ends only where its quotes are closed: what is inside them is no row.
            is_open = quotes % 2 == 1
            content = content or line[:MAX_ROW_BYTES]
            if line.endswith(b"\n") and not is_open:
                return length, content, _too_long(length)
        line = source.readline(MAX_ROW_BYTES + 1)
    if is_open:
        return length, content, ImportRowMalformed("A quote is opened and never closed; the file ends inside it.")
    return length, content, _too_long(length)


def _leaves_quote_open(line: bytes, *, inside: bool) -> bool:
    """Whether a quoted column goes on after this line; raises ImportRowMalformed for a quote where none may be."""
    text = _without_end(line)
    position = 0
    while True:
        if inside:
            closing = _CLOSING_QUOTE.match(text, position)
            if closing is None:
                return True
            position = closing.end()
            if position == len(text):
                return False
            if text[position] != 0x2C:
                raise ImportRowMalformed(
                    f"Something follows the closing quote of a column, at byte {position + 1} of its line."
                )
            position += 1
            inside = False
        if text.startswith(b'"', position):
            inside = True
            position += 1
            continue
        comma = text.find(b",", position)
        if text.find(b'"', position, comma if comma >= 0 else len(text)) >= 0:
            raise ImportRowMalformed("A quote stands inside a column that does not start with one.")
        if comma < 0:
            return False
        position = comma + 1


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _too_long(length: int) -> ImportRowTooLong:
    return ImportRowTooLong(
        f"The row has {length} bytes; the most is {MAX_ROW_BYTES}.", bytes=length, most_bytes=MAX_ROW_BYTES
    )
