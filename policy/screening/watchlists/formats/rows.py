"""Rows of a CSV file, with the line each begins on; what is cut off or no text is refused with its line."""

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final

from policy.screening.watchlists.errors import FileRefused, FileTruncated

MAX_FIELD: Final = 1024 * 1024
END_OF_FILE: Final = "\x1a"
"""OFAC's legacy files end with it, a line of its own."""


def read_rows(source: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Each row and its line. The last line must be complete: a file that ends in the middle of one is cut off."""
    csv.field_size_limit(MAX_FIELD)
    lines = _Lines(source)
    rows = csv.reader(lines, strict=True)
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.has_ended:
                raise FileTruncated("the file ends inside quotes.", line=line) from error
            raise FileRefused(f"no row of a CSV file ({error}).", line=line) from error
        if row:
            yield line, row


class _Lines:
    """The lines of a file as text, each with its end."""

    def __init__(self, source: BinaryIO) -> None:
        source.seek(0)
        self._source = source
        self._number = 0
        self.has_ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = self._source.readline(MAX_FIELD + 1)
        self._number += 1
        if not raw:
            self.has_ended = True
            raise StopIteration
        line = self._as_text(raw)
        if line.rstrip("\r\n") == END_OF_FILE:
            self.has_ended = True
            raise StopIteration
        if not line.endswith(("\n", END_OF_FILE)):
            raise self._unfinished(raw)
        return line.rstrip(END_OF_FILE)

    def _as_text(self, raw: bytes) -> str:
        try:
            line = raw.decode("utf-8-sig" if self._number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise FileRefused(f"byte {error.start + 1} is no UTF-8.", line=self._number) from None
        if "\0" in line:
            raise FileRefused("there is a NUL in it; is this a text file?", line=self._number)
        return line

    def _unfinished(self, raw: bytes) -> FileRefused:
        if len(raw) > MAX_FIELD:
            return FileRefused(f"longer than {MAX_FIELD} bytes.", line=self._number)
        return FileTruncated("the last line has no end; the file was cut off.", line=self._number)
