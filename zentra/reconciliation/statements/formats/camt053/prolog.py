"""What stands before the first element, and which version it announces."""

import re
from typing import BinaryIO, Final, NoReturn
from xml.parsers import expat

from zentra.reconciliation.statements.errors import (
    StatementFileEmpty,
    StatementFileEncoding,
    StatementFileRefused,
    StatementFileUnsafe,
)

VERSIONS: Final = tuple(range(2, 14))

_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(\d\d)")
_ENCODINGS: Final = frozenset(["utf-8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"])
_BYTES: Final = 64 * 1024


class _Prolog:
    """Expat's handlers: they refuse a document type and odd encodings, and keep the name of the root."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start

    def read(self, beginning: bytes) -> None:
        """Raises StatementFileRefused and what is one. What comes after the root is the other parser's to judge."""
        try:
            self.parser.Parse(beginning, False)
        except expat.ExpatError as error:
            if self.root is None:
                reason = expat.ErrorString(error.code)
                raise StatementFileRefused(f"no XML ({reason}).", place=f"line {error.lineno}") from None
        except (LookupError, ValueError) as error:
            raise StatementFileEncoding(f"no XML ({error}).") from None

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise StatementFileEncoding(f"the encoding {encoding[:40]!r} is none of {', '.join(sorted(_ENCODINGS))}.")

    def _doctype(self, *_: object) -> NoReturn:
        place = f"line {self.parser.CurrentLineNumber}"
        raise StatementFileUnsafe("a document type; a statement needs none.", place=place)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self.root = self.root or name


def read_prolog(source: BinaryIO) -> tuple[int, str]:
    """The version and the namespace of a message; the file stands at its beginning again.

    Raises StatementFileEmpty, StatementFileUnsafe, StatementFileEncoding, StatementFileRefused.
    """
    source.seek(0)
    beginning = source.read(_BYTES)
    source.seek(0)
    if not beginning.strip():
        raise StatementFileEmpty("the file is empty.")
    prolog = _Prolog()
    prolog.read(beginning)
    if prolog.root is None:
        raise StatementFileRefused("no element begins in the first 64 KiB.")
    namespace, _, name = prolog.root.rpartition(" ")
    matched = _NAMESPACE.fullmatch(namespace)
    if name != "Document" or matched is None or int(matched[1]) not in VERSIONS:
        raise StatementFileRefused(
            f"the root is {name[:40]!r} of {namespace[:80]!r}, not Document of camt.053.001.02 to 13.", place="line 1"
        )
    return int(matched[1]), namespace
