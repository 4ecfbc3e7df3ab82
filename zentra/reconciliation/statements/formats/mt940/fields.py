"""The fields of a file: ``:61:`` and the lines that go on from it, messages and where they end, their envelope."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from zentra.reconciliation.statements.errors import (
    StatementFileRefused,
    StatementFileTruncated,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats.parsed import Progress
from zentra.reconciliation.statements.formats.texts import read_lines

MAX_FIELD_LINES: Final = 200
"""Of one field; the format allows six of ``:86:``, some banks send some dozen."""

_TAG: Final = re.compile(r":([0-9]{2}[A-Z]?|NS|940):")
_TYPE: Final = re.compile(r"\{2:[IO]([0-9]{3})")
_BLOCK: Final = re.compile(r"\{[1-5S]:")
_BESIDE: Final = re.compile(r"[A-Z0-9]{2,16}")
"""What stands between messages: addresses and the type of the message (``ABNANL2A``, ``940``), of older telex files."""
_CONTROL: Final = "\x01\x02\x03\x1a"


@dataclass(slots=True)
class Field:
    """A field with its lines; the tag is empty where a message ends."""

    tag: str
    number: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its only line; of several, joined."""
        return "".join(self.lines)

    @property
    def place(self) -> str:
        """The tag as it is written."""
        return f":{self.tag}:"


def read_fields(source: BinaryIO, *, progress: Progress | None = None) -> Iterator[Field]:
    """The fields in their order, with one without tag after each message that says where it ends.

    Raises StatementFileRefused and what is one: StatementFileTruncated when the file ends inside block 4.
    """
    fields = _Fields()
    for number, raw in read_lines(source, progress=progress):
        line = raw.strip(_CONTROL)
        tag = _TAG.match(line)
        if line.startswith("-}") or line.rstrip() == "-" or _BLOCK.match(line):
            yield from fields.envelope(line, number)
        elif tag is not None and tag[1] != "940":
            yield from fields.begin(Field(tag[1], number, [line[tag.end() :]]))
        elif tag is None and line.strip():
            fields.go_on(line, number)
    yield from fields.end()


class _Fields:
    """The field that is being read, and whether it is one of a message."""

    def __init__(self) -> None:
        self._current: Field | None = None
        self._is_inside = self._is_enveloped = False
        self._last = 0

    def begin(self, field: Field) -> Iterator[Field]:
        """A tag: the field before it is read."""
        if not self._is_inside and field.tag != "20":
            raise StatementFileRefused(f"{field.place} before :20:.", place=f"line {field.number}")
        yield from self._take()
        self._is_inside, self._current, self._last = True, field, field.number

    def go_on(self, line: str, number: int) -> None:
        """A line without tag belongs to the field before it; between messages there are addresses alone."""
        if self._current is None:
            if not _BESIDE.fullmatch(line.strip()):
                raise StatementFileRefused("text outside of a message.", place=f"line {number}")
        elif len(self._current.lines) >= MAX_FIELD_LINES:
            raise StatementFileUnsafe(f"a field of more than {MAX_FIELD_LINES} lines.", place=f"line {number}")
        else:
            self._current.lines.append(line)

    def envelope(self, line: str, number: int) -> Iterator[Field]:
        """The end of a message, blocks of an envelope, or both in one line."""
        yield from self._take()
        self._last = number
        if line.startswith("-"):
            if self._is_inside:
                yield Field("", number)
            self._is_inside = self._is_enveloped = False
        if "{" in line:
            if self._is_inside:
                raise StatementFileRefused("an envelope begins inside a message.", place=f"line {number}")
            kind = _TYPE.search(line)
            if kind is not None and kind[1] != "940":
                raise StatementFileRefused(f"this is an MT{kind[1]}, no MT940.", place=f"line {number}")
            self._is_enveloped = line.rstrip().endswith("{4:") or self._is_enveloped

    def end(self) -> Iterator[Field]:
        """The end of the file."""
        yield from self._take()
        if self._is_enveloped:
            raise StatementFileTruncated("the file ends inside a message.", place=f"line {self._last}")

    def _take(self) -> Iterator[Field]:
        if self._current is not None:
            yield self._current
            self._current = None
