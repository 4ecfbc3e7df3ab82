"""The next chunk of an import's file: records become items, the rows of a CSV posting are put together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from ledger.files.columns import (
    NO_LIMIT,
    check_header,
    integer_from_text,
    invalid,
    missing,
    read_json_object,
    unshown,
)
from ledger.files.errors import (
    ImportEmpty,
    ImportHeaderInvalid,
    ImportNotUtf8,
    ImportPostingTorn,
    ImportRowMalformed,
    ImportRowTooLong,
)
from ledger.files.records import BOM, Record, fields_of, read_records, text_of
from ledger.files.types import CHUNK_ROWS, MAX_POSTING_ENTRIES, Chunk, FileKind, ImportFormat, ImportRecord, Item, Words
from ledger.files.words import account_words, posting_words
from zentra.core.errors import DomainError

CHUNK_BYTES: Final = 4 * 1024 * 1024
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_WHOLE: Final = ("floor_minor", "ceiling_minor", "opening_balance_minor")
_LIMITS: Final = ("floor_minor", "ceiling_minor")
# What the first row of a posting says for all of them; the others say the same, or nothing.
_OF_POSTING: Final = (
    "effective_at", "description", "external_reference", "purpose", "metadata", "fx_rate", "fx_source", "fx_base",
    "fx_quote", "fx_quoted_at", "state",
)  # fmt: skip


def check_beginning(source: BinaryIO, *, kind: FileKind, form: ImportFormat) -> None:
    """Whether a file can be imported at all, by its first bytes.

    Raises ImportEmpty, ImportNotUtf8, ImportHeaderInvalid.
    """
    source.seek(0)
    head = source.read(3)
    if not head:
        raise ImportEmpty("The file has no content.")
    if head[:2] in _UTF16:
        raise ImportNotUtf8("The file is UTF-16; save it as UTF-8.")
    if form == "csv":
        _read_header(source, kind=kind)
    elif head == BOM:
        raise ImportNotUtf8("A JSONL file starts with its first object, not with a byte order mark.")


def read_chunk(source: BinaryIO, *, record: ImportRecord, most_rows: int = CHUNK_ROWS) -> Chunk:
    """The items after those that are dealt with, at most ``most_rows`` rows of them, no key of theirs twice.

    A chunk ends before the second row of a key, so that the second one meets what the first one left.
    """
    items: list[Item] = []
    keys: set[str] = set()
    rows, end, is_last = 0, record.read_bytes, True
    for item in _items(source, record):
        key = None if isinstance(item.content, DomainError) else item.content.key
        is_full = bool(items) and (rows + item.rows > most_rows or item.end - record.read_bytes > CHUNK_BYTES)
        # A row that nobody owns tears the posting after it, so that one is read in the same chunk.
        is_torn = bool(items) and items[-1].is_unowned and not item.is_unowned
        if (is_full and not is_torn) or key in keys:
            is_last = False
            break
        items.append(item)
        rows += item.rows
        end = item.end
        if key is not None:
            keys.add(key)
    return Chunk(record.id, record.read_bytes, record.size_bytes if is_last else end, tuple(items), is_last)


def _items(source: BinaryIO, record: ImportRecord) -> Iterator[Item]:
    if record.format == "jsonl":
        records = read_records(source, form="jsonl", start=record.read_bytes, number=record.rows_read + 1)
        read = posting_words if record.kind == "postings" else account_words
        return (_item(each, lambda text: read(read_json_object(text))) for each in records)
    columns, start = _read_header(source, kind=record.kind)
    # The header is row 1, as in a spreadsheet.
    records = read_records(source, form="csv", start=max(start, record.read_bytes), number=record.rows_read + 2)
    if record.kind == "accounts":
        return (_item(each, lambda text: account_words(_account_document(columns, text))) for each in records)
    return _postings(records, columns)


def _item(record: Record, read: Callable[[str], Words]) -> Item:
    return Item(record.number, 1, record.end, _attempt(lambda: read(text_of(record))))


def _attempt(read: Callable[[], Words]) -> Words | DomainError:
    try:
        return read()
    except DomainError as refusal:
        return refusal


def _read_header(source: BinaryIO, *, kind: FileKind) -> tuple[list[str], int]:
    """The columns of a CSV, and the byte after its header."""
    first = next(read_records(source, form="csv", start=0, number=1), None)
    if first is None:
        raise ImportEmpty("The file has no header.")
    content = first.content.removeprefix(BOM)
    try:
        header = fields_of(text_of(Record(1, first.end, content, first.problem)))
    except (ImportRowMalformed, ImportRowTooLong) as error:
        raise ImportHeaderInvalid(error.detail) from error
    return check_header(header, kind=kind), first.end


def _account_document(columns: Sequence[str], text: str) -> dict[str, Any]:
    """A CSV row of an account as a document; an empty column says nothing, ``none`` says that there is no limit."""
    row = _row(columns, text)
    document: dict[str, Any] = {name: value for name, value in row.items() if value}
    for name in _WHOLE:
        if name in document:
            no_limit = name in _LIMITS and document[name] == NO_LIMIT
            document[name] = None if no_limit else integer_from_text(document[name], name)
    if "metadata" in document:
        document["metadata"] = _metadata(document["metadata"])
    return document


def _row(columns: Sequence[str], text: str) -> dict[str, str]:
    values = fields_of(text)
    if len(values) != len(columns):
        raise ImportRowMalformed(
            f"The row has {len(values)} columns; the first row names {len(columns)}.",
            columns=len(values),
            expected=len(columns),
        )
    return {name: unshown(value) for name, value in zip(columns, values, strict=True)}


def _metadata(text: str) -> dict[str, Any]:
    try:
        return read_json_object(text)
    except ImportRowMalformed as error:
        raise invalid("metadata", f"is no JSON object: {error.detail}") from error


@dataclass
class _Group:
    """The consecutive CSV rows of one posting, or one row that belongs to nobody knows which."""

    key: str | None
    first: int
    rows: int = 0
    end: int = 0
    lines: list[Mapping[str, str]] = field(default_factory=list)
    refusal: DomainError | None = None
    refused_at: int = 0

    def refuse(self, refusal: DomainError, number: int) -> None:
        """Keep the first refusal of its rows."""
        if self.refusal is None:
            self.refusal, self.refused_at = refusal, number
            self.lines.clear()

    def item(self) -> Item:
        """The posting of the rows, or why there is none."""
        content = self.refusal or _attempt(lambda: posting_words(_posting_document(self.lines)))
        return Item(self.first, self.rows, self.end, content, self.refused_at, self.key is None)


def _postings(records: Iterable[Record], columns: Sequence[str]) -> Iterator[Item]:
    """Postings of consecutive rows. One that stands beside a row of no known external_id may be torn: it is refused."""
    before: _Group | None = None
    for group in _groups(records, columns):
        if before is not None:
            if before.key is None and group.key is not None:
                group.refuse(_torn(before.first), group.first)
            elif before.key is not None and group.key is None:
                before.refuse(_torn(group.first), before.first)
            yield before.item()
        before = group
    if before is not None:
        yield before.item()


def _torn(number: int) -> ImportPostingTorn:
    return ImportPostingTorn(
        f"Row {number} beside this posting cannot be read and may be one of its entries.", unreadable_row=number
    )


def _groups(records: Iterable[Record], columns: Sequence[str]) -> Iterator[_Group]:
    group: _Group | None = None
    for record in records:
        key, row, refusal = _line(record, columns)
        if group is None or key is None or group.key != key:
            if group is not None:
                yield group
            group = _Group(key, record.number)
        group.rows += 1
        group.end = record.end
        if refusal is not None:
            group.refuse(refusal, record.number)
        elif group.refusal is None and row is not None:
            group.lines.append(row)
        if len(group.lines) > MAX_POSTING_ENTRIES:
            group.refuse(_too_many(), group.first)
    if group is not None:
        yield group


def _too_many() -> ImportRowTooLong:
    return ImportRowTooLong(
        f"The posting has more than {MAX_POSTING_ENTRIES} entries, the most in a file.",
        most_entries=MAX_POSTING_ENTRIES,
    )


def _line(record: Record, columns: Sequence[str]) -> tuple[str | None, Mapping[str, str] | None, DomainError | None]:
    """The external_id of a CSV row, its values, and what is wrong with it."""
    try:
        row = _row(columns, text_of(record))
    except DomainError as refusal:
        return _external_id_of_damaged(record, columns), None, refusal
    if not row["external_id"]:
        return None, None, missing("external_id")
    return row["external_id"], row, None


def _external_id_of_damaged(record: Record, columns: Sequence[str]) -> str | None:
    """Whose a damaged row is, when that stands plainly before the damage: in its first column, without quotes."""
    if columns[0] != "external_id":
        return None
    first, comma, _ = record.content.partition(b",")
    try:
        return first.decode() if comma and b'"' not in first and first.strip() else None
    except UnicodeDecodeError:
        return None


def _posting_document(lines: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    document: dict[str, Any] = {"external_id": lines[0]["external_id"]}
    for name in _OF_POSTING:
        value = _of_all(lines, name)
        if value:
            document[name] = value
    if "metadata" in document:
        document["metadata"] = _metadata(document["metadata"])
    fx = {name: document.pop(f"fx_{name}") for name in ("rate", "source", "base", "quote", "quoted_at")
          if f"fx_{name}" in document}  # fmt: skip
    if fx:
        document["fx"] = fx
    document["entries"] = [
        {
            "account": line["account"],
            "direction": line["direction"],
            "amount_minor": integer_from_text(line["amount_minor"], "amount_minor"),
            "currency": line["currency"],
        }
        for line in lines
    ]
    return document


def _of_all(lines: Sequence[Mapping[str, str]], name: str) -> str:
    """What the first row of a posting says for all of it."""
    value = lines[0].get(name, "")
    for line in lines[1:]:
        if line.get(name, "") not in ("", value):
            raise invalid(name, "is not the same in all rows of the posting; say it in the first one alone")
    return value
