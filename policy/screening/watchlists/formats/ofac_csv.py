"""OFAC's SDN list, legacy CSV without a header row, with its files of aliases and addresses where they are given.

The columns are those of OFAC's "SDN data formats" page. SDN.CSV: ent_num, name, type, program, title, call sign, vessel
type, tonnage, gross registered tonnage, flag, owner, remarks. ALT.CSV: ent_num, alt_num, type, name, remarks. ADD.CSV:
ent_num, add_num, address, city with province and postal code, country, remarks. ``-0-`` is null.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from policy.screening.watchlists.errors import FileRefused, FileTruncated
from policy.screening.watchlists.formats.countries import countries_of, country_of
from policy.screening.watchlists.formats.remarks import Remarks, read_remarks
from policy.screening.watchlists.formats.rows import read_rows
from policy.screening.watchlists.types import EntryKind, Files, ListedIdentifier, ListedName, ParsedEntry

NULL: Final = "-0-"
COLUMNS: Final = 12
_KINDS: Final[dict[str, EntryKind]] = {
    "": "company", "individual": "person", "entity": "company", "vessel": "vessel", "aircraft": "aircraft",
}  # fmt: skip


def read_entries(files: Files) -> Iterator[ParsedEntry]:
    """The entries of the list; raises FileRefused, FileTruncated."""
    aliases = _aliases(files.alternates)
    addresses = _addresses(files.addresses)
    for line, row in _rows(files.main, columns=COLUMNS, what="SDN.CSV"):
        yield _entry(line, row, aliases, addresses)


def _rows(source: BinaryIO, *, columns: int, what: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with so many columns, nulls as nothing. The first is a number: a header or another file is told by that."""
    previous: FileRefused | None = None
    for line, row in read_rows(source):
        if previous is not None:
            raise previous
        said = ["" if value.strip() == NULL else " ".join(value.split()) for value in row]
        if len(said) != columns:
            # Only at the end of the file is this a file that was cut off.
            previous = FileRefused(f"{len(said)} columns instead of the {columns} of {what}.", line=line)
            continue
        if not (said[0].isascii() and said[0].isdecimal()):
            raise FileRefused(f"the first column of {what} is a number.", line=line)
        yield line, said
    if previous is not None:
        raise FileTruncated(previous.detail.partition(": ")[2], line=previous.extra["line"])


def _entry(
    line: int, row: list[str], aliases: dict[str, list[ListedName]], addresses: dict[str, list[tuple[str, str]]]
) -> ParsedEntry:
    uid, name, kind, program, title, call_sign, vessel_type, _tonnage, _gross, flag, owner, said = row
    if not name:
        raise FileRefused("there is no name.", line=line)
    if kind.lower() not in _KINDS:
        raise FileRefused("the type is none of individual, entity, vessel and aircraft.", line=line)
    remarks = read_remarks(said)
    places = addresses.get(uid, [])
    return ParsedEntry(
        uid=uid,
        kind=_KINDS[kind.lower()],
        names=(ListedName(name), *dict.fromkeys([*aliases.get(uid, []), *remarks.aliases])),
        dates=tuple(dict.fromkeys(remarks.dates)),
        countries=countries_of([*remarks.countries, *[country for _, country in places], flag]),
        identifiers=_identifiers(call_sign, remarks),
        addresses=tuple(dict.fromkeys([*[place for place, _ in places if place], *remarks.addresses])),
        programs=tuple(program.split("] [")) if program else (),
        title=title,
        notes=(*remarks.notes, *([vessel_type] if vessel_type else []), *([f"Owner: {owner}"] if owner else [])),
        line=line,
    )


def _identifiers(call_sign: str, remarks: Remarks) -> tuple[ListedIdentifier, ...]:
    own = [ListedIdentifier("call_sign", call_sign)] if call_sign else []
    return tuple(dict.fromkeys([*remarks.identifiers, *own]))


def _aliases(source: BinaryIO | None) -> dict[str, list[ListedName]]:
    """Aliases by the number of their entry. Those that OFAC calls weak are marked in their remarks."""
    found: dict[str, list[ListedName]] = {}
    if source is not None:
        for _, (uid, _number, _kind, name, remarks) in _rows(source, columns=5, what="ALT.CSV"):
            found.setdefault(uid, []).append(ListedName(name, is_weak="weak" in remarks.lower()))
    return found


def _addresses(source: BinaryIO | None) -> dict[str, list[tuple[str, str]]]:
    """Addresses by the number of their entry, each with its country."""
    found: dict[str, list[tuple[str, str]]] = {}
    if source is not None:
        for _, (uid, _number, street, city, country, _remarks) in _rows(source, columns=6, what="ADD.CSV"):
            place = ", ".join(part for part in (street, city, country) if part)
            found.setdefault(uid, []).append((place, country_of(country)))
    return found
