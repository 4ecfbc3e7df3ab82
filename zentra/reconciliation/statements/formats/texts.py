"""Lines of text files as banks send them, one after the other with a bound: nothing holds a file."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Final

from zentra.reconciliation.statements.errors import (
    StatementFileEncoding,
    StatementFileRefused,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats.parsed import Progress

MAX_LINE_BYTES: Final = 16 * 1024
"""The longest line that a format allows has some hundred characters."""

_PIECE: Final = 256 * 1024
_MARK: Final = codecs.BOM_UTF8


def read_lines(source: BinaryIO, *, progress: Progress | None = None) -> Iterator[tuple[int, str]]:
    """Each line with its number, from 1, without its end. From the beginning of the file.

    A file that is UTF-8 from its beginning to its end is read so, any other as ISO 8859-1 (the character set of German
    MT940). Raises StatementFileEncoding for control characters of that, which are letters of some older code page,
    StatementFileUnsafe for a line that is too long, StatementFileRefused for a NUL.
    """
    encoding = "utf-8" if _is_utf8(source) else "iso-8859-1"
    source.seek(0)
    if source.read(len(_MARK)) != _MARK:
        source.seek(0)
    number = 0
    while raw := source.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            raise StatementFileUnsafe(f"a line of more than {MAX_LINE_BYTES} bytes.", place=f"line {number}")
        if b"\x00" in raw:
            raise StatementFileRefused("a NUL; this is no text.", place=f"line {number}")
        line = raw.rstrip(b"\r\n").decode(encoding)
        if encoding != "utf-8" and any("\x80" <= char <= "\x9f" for char in line):
            raise StatementFileEncoding(
                "the bytes are neither UTF-8 nor ISO 8859-1; save the file as UTF-8.", place=f"line {number}"
            )
        if progress is not None and number % 500 == 0:
            progress(source.tell())
        yield number, line
    if progress is not None:
        progress(source.tell())


def _is_utf8(source: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    source.seek(0)
    try:
        while piece := source.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
