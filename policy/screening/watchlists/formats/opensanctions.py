"""OpenSanctions' ``targets.simple.csv``: a header row, a target per row, several values of a field between semicolons.

Columns are found by their names, so that new ones do no harm. What changes with every crawl (``last_seen`` and such) is
not part of an entry: a delta tells what is new of somebody.
"""

import re
from collections.abc import Iterator
from typing import Final

from policy.screening.watchlists.errors import FileRefused
from policy.screening.watchlists.formats.countries import countries_of
from policy.screening.watchlists.formats.rows import read_rows
from policy.screening.watchlists.types import EntryKind, Files, ListedIdentifier, ListedName, ParsedEntry

NEEDED: Final = ("id", "schema", "name", "aliases", "birth_date", "countries", "addresses", "identifiers", "sanctions")
_KINDS: Final[dict[str, EntryKind]] = {
    "Person": "person", "Company": "company", "Organization": "company", "LegalEntity": "company",
    "PublicBody": "company", "Vessel": "vessel", "Airplane": "aircraft",
}  # fmt: skip
_DAY: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def read_entries(files: Files) -> Iterator[ParsedEntry]:
    """The targets of the file; raises FileRefused, FileTruncated."""
    rows = read_rows(files.main)
    _, header = next(rows, (1, []))
    columns = [name.strip() for name in header]
    missing = [name for name in NEEDED if name not in columns]
    if missing or len(set(columns)) != len(columns):
        said = ", ".join(missing) or "none, but one is there twice"
        raise FileRefused(f"the first row names the columns; missing: {said}.", line=1)
    for line, row in rows:
        if len(row) != len(columns):
            raise FileRefused(f"{len(row)} columns instead of {len(columns)}.", line=line)
        yield _entry(line, {name: value.strip() for name, value in zip(columns, row, strict=True)})


def _entry(line: int, said: dict[str, str]) -> ParsedEntry:
    if not said["id"] or not said["name"]:
        raise FileRefused("there is no id, or no name.", line=line)
    names = [said["name"], *_several(said["aliases"])]
    return ParsedEntry(
        uid=said["id"],
        kind=_KINDS.get(said["schema"], "other"),
        names=tuple(ListedName(name) for name in dict.fromkeys(names)),
        dates=tuple(day for day in _several(said["birth_date"]) if _DAY.fullmatch(day)),
        countries=countries_of(_several(said["countries"])),
        identifiers=tuple(ListedIdentifier("other", value) for value in _several(said["identifiers"])),
        addresses=tuple(_several(said["addresses"])),
        programs=tuple(_several(said.get("program_ids", ""))),
        notes=tuple(_several(said["sanctions"])),
        line=line,
    )


def _several(value: str) -> list[str]:
    """Values between semicolons; one in quotes may have a semicolon of its own."""
    parts = re.findall(r'"(?:[^"]|"")*"|[^;]+', value)
    return list(dict.fromkeys(part.strip().strip('"').replace('""', '"') for part in parts if part.strip(' "')))
