"""Normal forms of what a party is known by, and what is refused. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from policy.screening.types import IDENTIFIER_TYPES, NAME_KINDS, PARTY_KINDS, RISKS
from zentra.core.errors import DomainError

LONGEST_NAME: Final = 300
_REFERENCE: Final = re.compile(r"[\x21-\x7e]{1,128}")
_COUNTRY: Final = re.compile("[A-Z]{2}")
_SEGMENT: Final = re.compile("[a-z0-9][a-z0-9_.-]{0,63}")
_OLDEST: Final = date(1000, 1, 1)


class InvalidParty(DomainError):
    """Something that was said of a party cannot be; ``errors`` names each field and what is wrong with it."""

    code = "invalid_party"
    status = 422
    title = "The party cannot be kept like this"


def refuse(field: str, message: str) -> InvalidParty:
    """The refusal of one field. The message never repeats the value: it may be personal."""
    return InvalidParty(f"{field}: {message}", errors=[{"field": field, "message": message}])


def normal_name(text: object, *, field: str = "name") -> str:
    """One line, composed (NFC), single spaces. Raises InvalidParty."""
    if not isinstance(text, str):
        raise refuse(field, "must be a text")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name or len(name) > LONGEST_NAME:
        raise refuse(field, f"must have 1 to {LONGEST_NAME} characters")
    # Joiners are part of names in several scripts; other format and control characters only hide something.
    if any(
        unicodedata.category(c) in ("Cc", "Co", "Cs", "Cn") or c in "\u202a\u202b\u202d\u202e\u2066\u2067" for c in name
    ):
        raise refuse(field, "must not hold control characters")
    return name


def normal_identifier(text: object, *, field: str = "value") -> str:
    """Letters and digits only, upper case: ``ab 12-34`` and ``AB1234`` are one. Raises InvalidParty."""
    if not isinstance(text, str) or len(text) > 100:
        raise refuse(field, "must be a text of at most 100 characters")
    folded = unicodedata.normalize("NFKD", text).upper()
    normal = "".join(c for c in folded if c.isascii() and c.isalnum())
    if not normal:
        raise refuse(field, "must hold letters or digits")
    return normal


def normal_country(text: object, *, field: str = "country") -> str:
    """ISO 3166-1 alpha-2, upper case, or an empty text for none. Raises InvalidParty."""
    if not isinstance(text, str) or (text and _COUNTRY.fullmatch(text.upper()) is None):
        raise refuse(field, "must be two letters (ISO 3166-1 alpha-2)")
    return text.upper()


def normal_reference(text: object) -> str:
    """What intents name the party by: printable ASCII without spaces, at most 128. Raises InvalidParty."""
    if not isinstance(text, str) or _REFERENCE.fullmatch(text) is None:
        raise refuse("reference", "must have 1 to 128 printable ASCII characters without spaces")
    return text


def normal_day(value: object, *, now: datetime, field: str = "born_on") -> date | None:
    """A day that has been, or None. Raises InvalidParty."""
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise refuse(field, "must be a day")
    if not _OLDEST <= value <= now.date():
        raise refuse(field, "must be a day that has been")
    return value


def one_of(value: object, known: tuple[str, ...], *, field: str) -> str:
    """The value itself when it is one of those known. Raises InvalidParty."""
    if value not in known:
        raise refuse(field, f"must be one of {', '.join(known)}")
    return str(value)


def normal_segment(value: object) -> str:
    """A word for a group of customers, or an empty text. Raises InvalidParty."""
    if not isinstance(value, str) or (value and _SEGMENT.fullmatch(value) is None):
        raise refuse("segment", "must be a word of small letters, digits, dots, dashes and underscores")
    return value


def normal_fields(values: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The columns of a party from what was said of it; fields that there are not are refused. Raises InvalidParty."""
    unknown = sorted(set(values) - set(_FIELDS))
    if unknown:
        raise refuse(unknown[0], "is no field of a party that can be set")
    return {name: _FIELDS[name](value, now) for name, value in values.items()}


_FIELDS: Final[dict[str, Any]] = {
    "kind": lambda value, _now: one_of(value, PARTY_KINDS, field="kind"),
    "reference": lambda value, _now: normal_reference(value),
    "name": lambda value, _now: normal_name(value),
    "country": lambda value, _now: normal_country(value),
    "born_on": lambda value, now: normal_day(value, now=now),
    "risk": lambda value, _now: one_of(value, RISKS, field="risk"),
    "segment": lambda value, _now: normal_segment(value),
}


def identifier_row(*, type: str, value: str, country: str) -> dict[str, str]:  # noqa: A002  # the column's name
    """The columns of an identifier. Raises InvalidParty."""
    return {
        "type": one_of(type, IDENTIFIER_TYPES, field="type"),
        "value": normal_name(value, field="value"),
        "normal": normal_identifier(value),
        "country": normal_country(country),
    }


def name_row(*, name: str, kind: str) -> dict[str, str]:
    """The columns of another name. Raises InvalidParty."""
    return {"name": normal_name(name), "kind": one_of(kind, NAME_KINDS, field="kind")}
