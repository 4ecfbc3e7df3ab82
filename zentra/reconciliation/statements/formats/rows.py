"""Rows of delimited files, with bounds: strict quoting, no row longer than a mebibyte, encodings as said."""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from zentra.reconciliation.statements.errors import (
    StatementFileEncoding,
    StatementFileRefused,
    StatementFileTruncated,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats.parsed import Progress

MAX_ROW_CHARACTERS: Final = 1024 * 1024
MAX_CELLS: Final = 500

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def encoding_of(beginning: bytes, *, said: str) -> str:
    """The encoding to read with: a byte order mark is believed before a mapping."""
    return next((name for mark, name in _MARKS if beginning.startswith(mark)), said)


def read_rows(
    source: BinaryIO, *, delimiter: str, encoding: str, progress: Progress | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty with its line number, from 1 (of a row over several lines, the last).

    Raises StatementFileEncoding, StatementFileUnsafe, StatementFileTruncated, StatementFileRefused.
    """
    source.seek(0)
    encoding = encoding_of(source.read(4), said=encoding)
    source.seek(0)
    text = io.TextIOWrapper(source, encoding=encoding, errors="strict", newline="")
    lines = _Lines(text, source, progress)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _refusal(str(error), reader.line_num) from None
            except UnicodeError:
                raise StatementFileEncoding(
                    f"the bytes are no {encoding} text.", place=f"line {reader.line_num + 1}"
                ) from None
            if len(row) > MAX_CELLS:
                raise StatementFileUnsafe(f"a row of more than {MAX_CELLS} cells.", place=f"line {reader.line_num}")
            if any(row):
                yield reader.line_num, row
    finally:
        with suppress(ValueError):  # closed already
            text.detach()  # the file is its caller's to close


def _refusal(message: str, line: int) -> StatementFileRefused:
    place = f"line {line}"
    if "unexpected end of data" in message:
        return StatementFileTruncated("the file ends inside quotes.", place=place)
    return StatementFileRefused(f"no delimited text ({message[:100]}).", place=place)


class _Lines:
    """Lines of a text with a bound, telling how far the bytes are read now and then."""

    def __init__(self, text: io.TextIOWrapper, source: BinaryIO, progress: Progress | None) -> None:
        self._text, self._source, self._progress = text, source, progress
        self._number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_ROW_CHARACTERS)
        if not line:
            if self._progress is not None:
                self._progress(self._source.tell())
            raise StopIteration
        self._number += 1
        if len(line) >= MAX_ROW_CHARACTERS:
            raise StatementFileUnsafe("a line of more than a mebibyte.", place=f"line {self._number}")
        if "\x00" in line:
            raise StatementFileRefused("a NUL; this is no text.", place=f"line {self._number}")
        if self._progress is not None and self._number % 500 == 0:
            self._progress(self._source.tell())
        return line
