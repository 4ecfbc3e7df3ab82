"""OFAC's remarks: what the legacy CSV says of somebody beside the name, in parts that semicolons separate.

The parts are prose of a fixed kind: ``DOB 01 Dec 1963``, ``alt. nationality Iran``, ``Passport V54707341 (Iran) expires
01 Oct 2026``, ``a.k.a. 'BNC'``. What is none that we know is kept as a note, word for word.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from policy.screening.watchlists.formats.countries import country_of
from policy.screening.watchlists.formats.days import read_ofac_days
from policy.screening.watchlists.types import ListedIdentifier, ListedName

_TYPES: Final = {
    "passport": "passport", "diplomatic passport": "passport", "stateless person passport": "passport",
    "national id no.": "national_id", "cedula no.": "national_id", "cedula de residencia": "national_id",
    "c.u.r.p.": "national_id", "d.n.i.": "national_id", "c.u.i.": "national_id", "dpi": "national_id",
    "personal id card": "national_id", "identification number": "national_id",
    "national foreign id number": "national_id", "afghan money service provider license number": "registration",
    "numero de identidad": "national_id", "electoral registry no.": "national_id",
    "credencial electoral": "national_id", "i.f.e.": "national_id", "birth certificate number": "national_id",
    "ssn": "national_id", "residency number": "national_id", "driver's license no.": "driving_licence",
    "tax id no.": "tax_id", "nit #": "tax_id", "ruc #": "tax_id", "r.f.c.": "tax_id", "rfc": "tax_id",
    "rif #": "tax_id", "rtn": "tax_id", "v.a.t. number": "tax_id", "us fein": "tax_id",
    "italian fiscal code": "tax_id", "fiscal code": "tax_id", "cnpj": "tax_id",
    "registration number": "registration", "registration id": "registration",
    "business registration number": "registration", "business number": "registration",
    "company number": "registration", "uk company number": "registration",
    "commercial registry number": "registration", "c.r. no.": "registration", "folio mercantil no.": "registration",
    "matricula mercantil no": "registration", "matricula mercantil no.": "registration",
    "chamber of commerce number": "registration", "istanbul chamber of comm. no.": "registration",
    "dubai chamber of commerce membership no.": "registration", "trade license no.": "registration",
    "license": "registration", "permit number": "registration", "enterprise number": "registration",
    "economic register number (cbls)": "registration", "unified social credit code (uscc)": "registration",
    "central registration system number": "registration", "public registration number": "registration",
    "business registration document #": "registration", "registered charity no.": "registration",
    "legal entity number": "lei", "d-u-n-s number": "duns", "swift/bic": "swift", "bik (ru)": "swift",
    "government gazette number": "registration", "branch unit number": "registration",
    "vessel registration identification imo": "imo", "identification number imo": "imo",
    "company number imo": "imo", "mmsi": "mmsi", "aircraft tail number": "aircraft",
    "aircraft manufacturer's serial number (msn)": "aircraft",
    "aircraft construction number (also called l/n or s/n or f/n)": "aircraft", "phone number": "phone",
    "email address": "email",
}  # fmt: skip
_LABELS: Final = sorted(_TYPES, key=len, reverse=True)
_NUMBERED: Final = re.compile(
    rf"({'|'.join(map(re.escape, _LABELS))}) +([^()]+?)(?: +\(([^()]+)\))?(?:,? +(?:issued|expires)\b.*)?",
    re.IGNORECASE,
)
_WALLET: Final = re.compile(r"Digital Currency Address - (\w+) (\w+)")
_ALIAS: Final = re.compile(r"[afn]\.k\.a\. +'(.+)'")
_SEPARATOR: Final = re.compile(r";\s*")
_NULL: Final = "-0-"


@dataclass(slots=True)
class Remarks:
    """What the remarks of an entry say."""

    dates: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    aliases: list[ListedName] = field(default_factory=list)
    identifiers: list[ListedIdentifier] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_remarks(text: str) -> Remarks:
    """The remarks of an entry, part by part."""
    remarks = Remarks()
    plain = text.strip()
    if plain in ("", _NULL):
        return remarks
    for part in _SEPARATOR.split(plain.removesuffix(".")):
        _read_part(part.strip(), remarks)
    return remarks


def _read_part(part: str, remarks: Remarks) -> None:
    if not part:
        return
    said = part.removeprefix("alt. ")
    if not any(read(said, remarks) for read in _READERS):
        remarks.notes.append(part)


def _date(said: str, remarks: Remarks) -> bool:
    for label in ("DOB ", "Organization Established Date "):
        day = read_ofac_days(said.removeprefix(label)) if said.startswith(label) else None
        if day is not None:
            remarks.dates.append(day)
            return True
    return False


def _country(said: str, remarks: Remarks) -> bool:
    label, _, words = said.partition(" ")
    if label not in ("nationality", "citizen") or not words:
        return False
    remarks.countries.append(country_of(words))
    return True


def _place_of_birth(said: str, remarks: Remarks) -> bool:
    """Kept as a note too: a place of birth is no address, and its country no nationality."""
    if not said.startswith("POB "):
        return False
    remarks.notes.append(said)
    return True


def _address(said: str, remarks: Remarks) -> bool:
    for label in ("Address ", "Location ", "Located in "):
        if said.startswith(label):
            remarks.addresses.append(said.removeprefix(label))
            return True
    return False


def _alias(said: str, remarks: Remarks) -> bool:
    """Aliases that stand in remarks are the weak ones; the strong ones are in the file of aliases."""
    found = _ALIAS.fullmatch(said)
    if found is None:
        return False
    remarks.aliases.append(ListedName(found[1], is_weak=True))
    return True


def _wallet(said: str, remarks: Remarks) -> bool:
    found = _WALLET.fullmatch(said)
    if found is None:
        return False
    remarks.identifiers.append(ListedIdentifier("wallet", found[2]))
    return True


def _number(said: str, remarks: Remarks) -> bool:
    found = _NUMBERED.fullmatch(said)
    if found is None:
        return False
    country = country_of(found[3]) if found[3] else ""
    kind = _TYPES[found[1].lower()]
    remarks.identifiers.append(ListedIdentifier(kind, found[2].strip(), country if len(country) == 2 else ""))
    return True


_READERS: Final[tuple[Callable[[str, Remarks], bool], ...]] = (
    _date, _country, _place_of_birth, _alias, _wallet, _number, _address,
)  # fmt: skip


def identifier_type(label: str) -> str:
    """What kind of number OFAC's label says, ``other`` for one that we do not know."""
    return _TYPES.get(label.strip().lower(), _TYPES.get(label.strip().lower().removesuffix("."), "other"))
