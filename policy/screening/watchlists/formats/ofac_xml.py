"""OFAC's SDN list as XML, by the published ``sdnList`` schema, whichever of its namespaces.

Read piece by piece by defusedxml's parser: a document type, an entity or a reference to something outside is refused,
and nothing is fetched. The list says how many entries it has (``Record_Count``): a file with fewer is not complete.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree.ElementTree import ParseError  # the error alone; defusedxml parses

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from policy.screening.watchlists.errors import FileRefused, FileTruncated
from policy.screening.watchlists.formats.countries import countries_of, country_of
from policy.screening.watchlists.formats.days import read_ofac_days
from policy.screening.watchlists.formats.remarks import identifier_type, read_remarks
from policy.screening.watchlists.types import EntryKind, Files, ListedIdentifier, ListedName, ParsedEntry

_PIECE: Final = 64 * 1024
_MAX_DEPTH: Final = 12
_MAX_TEXT: Final = 1024 * 1024
_MAX_ELEMENTS: Final = 20_000
"""Of one entry; the largest of the published list has some hundreds."""
_KINDS: Final[dict[str, EntryKind]] = {
    "individual": "person", "entity": "company", "vessel": "vessel", "aircraft": "aircraft",
}  # fmt: skip


@dataclass(slots=True)
class _Node:
    """An element: its text, and its children by name."""

    line: int
    text: str = ""
    children: dict[str, list["_Node"]] = field(default_factory=dict)

    def all(self, *path: str) -> "list[_Node]":
        nodes = [self]
        for name in path:
            nodes = [child for node in nodes for child in node.children.get(name, [])]
        return nodes

    def say(self, name: str) -> str:
        found = self.children.get(name)
        return " ".join(found[0].text.split()) if found else ""


class _Target:
    """Takes elements as they come and gives each complete entry away, so that the whole file is never held."""

    def __init__(self) -> None:
        self.entries: deque[_Node] = deque()
        self.promised: int | None = None
        self.has_root = False
        self.line: Callable[[], int] = lambda: 0
        self._open: list[tuple[str, _Node]] = []
        self._size = 0
        self._elements = 0

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if not self._open and name != "sdnList":
            raise FileRefused("the file begins with no sdnList.", line=self.line())
        self.has_root = True
        if len(self._open) >= _MAX_DEPTH:
            raise FileRefused("elements are nested deeper than in any sdnList.", line=self.line())
        self._elements += 1
        if self._elements > _MAX_ELEMENTS:
            raise FileRefused(f"an entry with more than {_MAX_ELEMENTS} elements.", line=self.line())
        self._open.append((name, _Node(self.line())))

    def data(self, text: str) -> None:
        self._size += len(text)
        if self._size > _MAX_TEXT:
            raise FileRefused(f"an entry with more than {_MAX_TEXT} characters.", line=self.line())
        self._open[-1][1].text += text

    def end(self, _tag: str) -> None:
        name, node = self._open.pop()
        if name == "sdnEntry" and len(self._open) == 1:
            self.entries.append(node)
            self._size = self._elements = 0
        elif name == "publshInformation" and len(self._open) == 1:
            count = node.say("Record_Count")
            self.promised = int(count) if count.isascii() and count.isdecimal() else None
        elif len(self._open) > 1:
            self._open[-1][1].children.setdefault(name, []).append(node)

    def close(self) -> None:
        """Nothing is kept to the end."""


def read_entries(files: Files) -> Iterator[ParsedEntry]:
    """The entries of the list; raises FileRefused, FileTruncated."""
    files.main.seek(0)
    target = _Target()
    parser: Any = DefusedXMLParser(target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    expat = parser.parser  # closing the parser forgets it
    target.line = lambda: int(expat.CurrentLineNumber)
    count = 0
    while True:
        piece = files.main.read(_PIECE)
        _feed(parser, piece, target)
        while target.entries:
            count += 1
            yield _entry(target.entries.popleft())
        if not piece:
            break
    if target.promised is not None and target.promised != count:
        raise FileTruncated(
            f"{count} entries instead of the {target.promised} that it says it has.", line=target.line()
        )


def _feed(parser: Any, piece: bytes, target: _Target) -> None:
    try:
        if piece:
            parser.feed(piece)
        else:
            parser.close()
    except ParseError as error:
        line = error.position[0]
        if not piece:
            raise FileTruncated("the file ends inside an element.", line=line) from None
        raise FileRefused(f"no XML ({error.msg}).", line=line) from None
    except DefusedXmlException:
        raise FileRefused("a document type or an entity; a list needs none.", line=target.line()) from None
    except (ValueError, LookupError) as error:  # an encoding that is none
        raise FileRefused(f"no XML ({error}).", line=target.line()) from None


def _entry(node: _Node) -> ParsedEntry:
    uid, kind = node.say("uid"), node.say("sdnType").lower()
    name = _name(node)
    if not uid or not name:
        raise FileRefused("an entry without uid or name.", line=node.line)
    if kind not in _KINDS:
        raise FileRefused("the sdnType is none of Individual, Entity, Vessel and Aircraft.", line=node.line)
    remarks = read_remarks(node.say("remarks"))
    days = [read_ofac_days(item.say("dateOfBirth")) for item in node.all("dateOfBirthList", "dateOfBirthItem")]
    places = [_address(item) for item in node.all("addressList", "address")]
    notes = [f"POB {item.say('placeOfBirth')}" for item in node.all("placeOfBirthList", "placeOfBirthItem")]
    return ParsedEntry(
        uid=uid,
        kind=_KINDS[kind],
        names=(ListedName(name), *dict.fromkeys([*_aliases(node), *remarks.aliases])),
        dates=tuple(dict.fromkeys([day for day in days if day] + remarks.dates)),
        countries=countries_of([*_countries(node), *remarks.countries]),
        identifiers=tuple(dict.fromkeys([*_identifiers(node), *remarks.identifiers])),
        addresses=tuple(dict.fromkeys([place for place in places if place] + remarks.addresses)),
        programs=tuple(item.text.strip() for item in node.all("programList", "program")),
        title=node.say("title"),
        notes=(*notes, *remarks.notes),
        line=node.line,
    )


def _name(node: _Node) -> str:
    """As the legacy file writes it: the last name, a comma, the first."""
    return ", ".join(part for part in (node.say("lastName"), node.say("firstName")) if part)


def _aliases(node: _Node) -> list[ListedName]:
    found = [(_name(item), item.say("category").lower() == "weak") for item in node.all("akaList", "aka")]
    return [ListedName(name, is_weak=is_weak) for name, is_weak in found if name]


def _countries(node: _Node) -> list[str]:
    own = [item.say("country") for item in node.all("nationalityList", "nationality")]
    own += [item.say("country") for item in node.all("citizenshipList", "citizenship")]
    own += [item.say("country") for item in node.all("addressList", "address")]
    return own + [item.say("vesselFlag") for item in node.all("vesselInfo")]


def _identifiers(node: _Node) -> Iterator[ListedIdentifier]:
    for item in node.all("idList", "id"):
        number, country = item.say("idNumber"), country_of(item.say("idCountry"))
        if number:
            yield ListedIdentifier(identifier_type(item.say("idType")), number, country if len(country) == 2 else "")
    for item in node.all("vesselInfo"):
        if item.say("callSign"):
            yield ListedIdentifier("call_sign", item.say("callSign"))


def _address(node: _Node) -> str:
    parts = ("address1", "address2", "address3", "city", "stateOrProvince", "postalCode", "country")
    return ", ".join(word for word in map(node.say, parts) if word)
