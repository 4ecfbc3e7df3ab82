"""Which module reads which source."""

from collections.abc import Iterator
from typing import Final

from policy.screening.watchlists.errors import EntryTwice, FileTruncated
from policy.screening.watchlists.formats import ofac_csv, ofac_xml, opensanctions
from policy.screening.watchlists.types import Files, ParsedEntry, Reader, Source

READERS: Final[dict[Source, Reader]] = {
    "ofac_csv": ofac_csv.read_entries,
    "ofac_xml": ofac_xml.read_entries,
    "opensanctions_csv": opensanctions.read_entries,
}


def read_entries(files: Files, *, source: Source) -> Iterator[ParsedEntry]:
    """The entries of a file in its order; raises FileRefused, FileTruncated."""
    return READERS[source](files)


def count_entries(files: Files, *, source: Source) -> int:
    """Read a whole file and count its entries; raises FileRefused, FileTruncated, EntryTwice. An empty list is none."""
    lines: dict[str, int] = {}
    for entry in read_entries(files, source=source):
        if entry.uid in lines:
            raise EntryTwice(f"the entry {entry.uid} of line {lines[entry.uid]} again.", line=entry.line)
        lines[entry.uid] = entry.line
    if not lines:
        raise FileTruncated("the file has no entry.", line=1)
    return len(lines)
