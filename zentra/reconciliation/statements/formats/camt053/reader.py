"""The file, piece by piece: entries are given away as they end, and forgotten."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from lxml import etree

from zentra.reconciliation.statements.errors import (
    StatementFileEmpty,
    StatementFileEncoding,
    StatementFileRefused,
    StatementFileTruncated,
    StatementFileUnsafe,
)
from zentra.reconciliation.statements.formats.camt053.details import Detail, DetailReader
from zentra.reconciliation.statements.formats.camt053.elements import Elements, WrongElement
from zentra.reconciliation.statements.formats.camt053.entries import EntryReader, judge, lines_of
from zentra.reconciliation.statements.formats.camt053.prolog import read_prolog
from zentra.reconciliation.statements.formats.camt053.statements import StatementReader, Sums, digits_of
from zentra.reconciliation.statements.formats.parsed import Begins, LineRefused, ParsedLine, Part, Problem, Progress

MAX_ENTRY_BYTES: Final = 16 * 1024 * 1024
"""Between the ends of two entries or transactions; the largest of any bank has some kilobytes."""
MAX_DETAILS: Final = 100_000
"""Transactions of one entry: an entry is judged as a whole, so they are held together."""

_PIECE: Final = 64 * 1024


def read_camt053(source: BinaryIO, *, progress: Progress | None = None) -> Iterator[Part]:
    """The statements of a file, part by part.

    Raises StatementFileRefused and what is one: StatementFileUnsafe, StatementFileEncoding, StatementFileTruncated,
    StatementFileEmpty.
    """
    version, namespace = read_prolog(source)
    return _Reader(source, version, namespace, progress).parts()


class _Reader:
    """Reads one file. ``parts`` is to be asked for once."""

    def __init__(self, source: BinaryIO, version: int, namespace: str, progress: Progress | None) -> None:
        self._source, self._progress = source, progress
        elements = Elements(namespace)
        self._detail_reader = DetailReader(elements)
        self._entry_reader = EntryReader(elements, self._detail_reader)
        self._statement_reader = StatementReader(elements, f"camt053.{version:02}")
        self._names = {kind: elements.prefix + kind for kind in ("Ntry", "TxDtls", "Stmt", "GrpHdr")}
        self._statements = self._entries = self._read = self._unspent = 0
        self._details: list[Detail] = []
        self._begun: Begins | None = None
        self._digits = 2
        self._is_plain = False
        self._booked, self._every = Sums(), Sums()

    def parts(self) -> Iterator[Part]:
        parser: Any = etree.XMLPullParser(
            events=("end",), tag=list(self._names.values()), resolve_entities=False, no_network=True, load_dtd=False,
            dtd_validation=False, huge_tree=False, remove_blank_text=True, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        is_more = True
        while is_more:
            is_more = self._feed(parser)
            for _event, element in parser.read_events():
                self._unspent = 0
                if not self._is_plain:
                    self._check_plain(element)
                if element.tag == self._names["TxDtls"]:
                    self._keep(element)
                elif element.tag == self._names["Ntry"]:
                    yield from self._entry(element)
                elif element.tag == self._names["Stmt"]:
                    yield from self._end(element)
                element.clear()
        if not self._statements:
            raise StatementFileEmpty("the message has no statement.")

    def _feed(self, parser: Any) -> bool:
        """Read on; whether there may be more. Raises StatementFileRefused and what is one."""
        piece = self._source.read(_PIECE)
        self._read += len(piece)
        self._unspent += len(piece)
        if self._unspent > MAX_ENTRY_BYTES:
            raise StatementFileUnsafe(f"more than {MAX_ENTRY_BYTES} bytes without an entry.", place=self._place())
        if self._progress is not None:
            self._progress(self._read)
        try:
            if piece:
                parser.feed(piece)
            else:
                parser.close()
        except etree.XMLSyntaxError as error:
            raise _refusal(error, is_at_end=not piece) from None
        return bool(piece)

    def _check_plain(self, element: Any) -> None:
        """The prolog was judged by another parser: whatever that one did not see is refused here."""
        if element.getroottree().docinfo.internalDTD is not None:
            raise StatementFileUnsafe("a document type; a statement needs none.", place="line 1")
        self._is_plain = True

    def _place(self) -> str:
        number = self._statements + (1 if self._begun is None else 0)
        return f"Stmt {number}/Ntry {self._entries + 1}"

    def _keep(self, element: Any) -> None:
        if len(self._details) >= MAX_DETAILS:
            raise StatementFileUnsafe(f"an entry with more than {MAX_DETAILS} transactions.", place=self._place())
        self._details.append(self._detail_reader.read(element))

    def _begin(self, statement: Any) -> Begins:
        self._statements += 1
        self._entries = 0
        self._booked, self._every = Sums(), Sums()
        self._begun = self._statement_reader.begins(statement, self._statements)
        self._digits = digits_of(self._begun)
        return self._begun

    def _entry(self, element: Any) -> Iterator[Part]:
        parent = element.getparent()
        begins = self._begun
        if begins is None:
            begins = self._begin(parent)
            yield begins
        self._entries += 1
        details, self._details = self._details, []
        try:
            yield from self._lines(element, details, begins.currency)
        except WrongElement as wrong:
            place = f"Stmt {self._statements}/Ntry {self._entries}"
            yield LineRefused((Problem(place, wrong.code, wrong.detail, wrong.extra),))
        before = element.getprevious()
        if before is not None and before.tag == element.tag:
            parent.remove(before)

    def _lines(self, element: Any, details: list[Detail], currency: str) -> Iterator[ParsedLine]:
        entry = self._entry_reader.read(element, currency=currency, digits=self._digits)
        is_credit = entry.sign == "CRDT"
        self._every.add(entry.signed, is_credit=is_credit)
        if judge(entry):
            self._booked.add(entry.signed, is_credit=is_credit)
            yield from lines_of(entry, details, currency=currency, digits=self._digits)

    def _end(self, statement: Any) -> Iterator[Part]:
        begins = self._begun
        if begins is None:
            begins = self._begin(statement)
            yield begins
        self._begun = None
        yield self._statement_reader.ends(statement, begins, self._booked, self._every)
        parent = statement.getparent()
        while parent is not None and statement.getprevious() is not None:
            del parent[0]


def _refusal(error: etree.XMLSyntaxError, *, is_at_end: bool) -> StatementFileRefused:
    place = f"line {error.lineno}"
    if is_at_end:
        return StatementFileTruncated("the file ends inside an element.", place=place)
    message = (error.msg or "malformed").split(",")[0][:200]
    if "ncoding" in message or "UTF-8" in message or "Invalid bytes" in message:
        return StatementFileEncoding(f"{message}.", place=place)
    return StatementFileRefused(f"no XML ({message}).", place=place)
