"""What every check of a closeout packet reads with: its files, strictly."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from evidence.verifier import canonical
from evidence.verifier.errors import VerificationError

Files = Mapping[str, bytes]
Event = Mapping[str, Any]
Events = Sequence[Event]
Row = Mapping[str, Any]

SIGN: Final = {"credit": 1, "debit": -1}
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_FORMULA: Final = ("=", "+", "-", "@")


def read(files: Files, name: str) -> dict[str, Any]:
    """The object that a file of the packet says."""
    if name not in files:
        raise VerificationError(f"{name} is missing from the packet")
    return canonical.read_object(files[name], what=name)


def read_table(files: Files, name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the packet, by its columns, each text as it was before it was guarded."""
    if name not in files:
        raise VerificationError(f"{name} is missing from the packet")
    table = csv.DictReader(io.StringIO(files[name].decode(), newline=""), strict=True)
    try:
        return [{column: unguarded(cell) for column, cell in row.items()} for row in table]
    except (TypeError, AttributeError) as error:  # a row is longer or shorter than the heading
        raise VerificationError(f"{name} is not a table") from error


def unguarded(cell: str) -> str:
    """A text without the one apostrophe that keeps spreadsheets from taking it for a formula."""
    bare = cell.lstrip("'")
    if cell[:1] == "'" and bare and (bare < " " or bare.lstrip().startswith(_FORMULA)):
        return cell[1:]
    return cell


def whole(value: object, *, what: str = "an amount") -> int:
    """A whole number, and nothing that only looks like one."""
    if type(value) is not int:
        raise VerificationError(f"{what} is not a whole number")
    return value


def uuid_of(public_id: str) -> UUID:
    """The uuid in a public id: 26 characters of 5 bits after the prefix."""
    number = 0
    for char in public_id.rpartition("_")[2]:
        number = number << 5 | _ALPHABET.index(char)
    return UUID(int=number)
