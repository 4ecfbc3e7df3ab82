"""The parts of an export that is being written, and how the export says where it is.

Each part is a file of its own. The export keeps the name of its last part, and the name says everything that is needed
to go on: the part's number, its own mark and that of the part before it, and the last posting or account in it. A part
that was written and not taken up (its writer was killed, or somebody was faster) is in no chain of marks.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Final
from uuid import UUID

from django.core.files.storage import default_storage

_NAME: Final = re.compile(
    r"(?P<number>\d{6})-(?P<mark>[0-9a-f]{8})-(?P<before>[0-9a-f]{8})-(?P<at>-?\d+)-(?P<id>[0-9a-f]{32})"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NONE: Final = "0" * 8
_MICROSECOND: Final = timedelta(microseconds=1)

Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Part:
    """One part: ``last`` is the (recorded_at or created_at, id) of the last thing in it."""

    number: int
    mark: str
    before: str
    last: Cursor

    @property
    def name(self) -> str:
        """The file's name in the folder of its export."""
        micros = (self.last[0] - _EPOCH) // _MICROSECOND
        return f"{self.number:06d}-{self.mark}-{self.before}-{micros}-{self.last[1].hex}.part"


def part_of(name: str) -> Part | None:
    """The part of a stored name; None for what is none."""
    found = _NAME.match(name.rsplit("/", 1)[-1])
    if found is None:
        return None
    last = (_EPOCH + int(found["at"]) * _MICROSECOND, UUID(found["id"]))
    return Part(int(found["number"]), found["mark"], found["before"], last)


def next_part(before: Part | None, *, last: Cursor) -> Part:
    """The part after another one, or the first."""
    if before is None:
        return Part(1, secrets.token_hex(4), _NONE, last)
    return Part(before.number + 1, secrets.token_hex(4), before.mark, last)


def chain_to(last: Part, *, folder: str) -> list[str]:
    """The stored names of all parts up to one, in order; raises FileNotFoundError when one of them is missing."""
    found = {(part.number, part.mark): name for name in list_files(folder) if (part := part_of(name)) is not None}
    chain: list[str] = []
    number, mark = last.number, last.mark
    while number:
        name = found.get((number, mark))
        part = None if name is None else part_of(name)
        if name is None or part is None:
            raise FileNotFoundError(f"Part {number} is missing.")
        chain.append(f"{folder}/{name}")
        number, mark = number - 1, part.before
    return chain[::-1]


def list_files(folder: str) -> list[str]:
    """The names of all files in a folder; none when there is no folder."""
    try:
        return default_storage.listdir(folder)[1]
    except FileNotFoundError:
        return []


def copy_into(target: IO[bytes], names: list[str]) -> None:
    """Put the parts together."""
    for name in names:
        with default_storage.open(name, "rb") as part:
            for piece in part.chunks():
                target.write(piece)


def discard_others(folder: str, *, kept: str) -> None:
    """Remove the parts of a finished export, and what writers that were killed left behind."""
    for name in list_files(folder):
        if f"{folder}/{name}" != kept:
            default_storage.delete(f"{folder}/{name}")
