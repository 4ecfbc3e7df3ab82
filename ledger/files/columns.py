"""The columns of the files, and the strict reading of one value: nothing is rounded, guessed or repaired."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ledger.files.errors import (
    ImportColumnTwice,
    ImportColumnUnknown,
    ImportHeaderInvalid,
    ImportNumberInvalid,
    ImportRowMalformed,
    ImportValueInvalid,
    ImportValueMissing,
)
from ledger.files.types import FileKind
from zentra.core.money import MAX_AMOUNT_MINOR

MAX_TEXT: Final = 500
MAX_REFERENCE: Final = 128
MAX_METADATA_KEYS: Final = 50
NO_LIMIT: Final = "none"

_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
# As the API has it: an earlier year has fewer digits than RFC 3339 writes, in hashes and answers too.
_FIRST_YEAR: Final = 1900
_REFERENCE: Final = re.compile(r"[^\x00-\x1f\x7f]+")
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV Injection), as ``ledger.statements`` has it.
_ESCAPED: Final = re.compile(r"'+ *[=+\-@\t\r\n＝＋－＠]")
_FORMULA: Final = re.compile(r"'* *[=+\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a kind of file must and may have. What an export adds for readers is read past."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    exported: tuple[str, ...]

    @property
    def known(self) -> frozenset[str]:
        """Every column that a file may have."""
        return frozenset((*self.required, *self.optional, *self.exported))


CSV_COLUMNS: Final[Mapping[FileKind, Columns]] = {
    "accounts": Columns(
        required=("code", "account_type", "currency"),
        optional=(
            "name", "customer", "external_id", "category", "sequencing", "floor_minor", "ceiling_minor",
            "opening_balance_minor", "opening_at", "metadata",
        ),
        exported=("account_id", "type", "normal_balance", "state", "created_at", "posted_minor"),
    ),
    "postings": Columns(
        required=("external_id", "account", "direction", "amount_minor", "currency"),
        optional=(
            "effective_at", "description", "external_reference", "purpose", "metadata", "fx_rate", "fx_source",
            "fx_base", "fx_quote", "fx_quoted_at", "state",
        ),
        exported=("posting_id", "entry_id", "recorded_at", "intent_id", "reverses_id", "corrects_id", "hold_id",
                  "entry_hash"),
    ),
}  # fmt: skip
JSON_COLUMNS: Final[Mapping[FileKind, Columns]] = {
    "accounts": CSV_COLUMNS["accounts"],
    "postings": Columns(
        required=("external_id", "entries"),
        optional=("effective_at", "description", "external_reference", "purpose", "metadata", "fx", "state"),
        exported=("posting_id", "recorded_at", "intent_id", "reverses_id", "corrects_id", "hold_id", "entry_hash"),
    ),
}
ENTRY_COLUMNS: Final = Columns(
    required=("account", "direction", "amount_minor", "currency"), optional=(), exported=("entry_id",)
)
FX_COLUMNS: Final = Columns(required=("rate", "source"), optional=("base", "quote", "quoted_at"), exported=())


def check_header(header: Sequence[str], *, kind: FileKind) -> list[str]:
    """The column names of a CSV's first row; raises ImportHeaderInvalid with every fault of them."""
    names = [name.strip() for name in header]
    columns = CSV_COLUMNS[kind]
    faults: dict[str, list[str]] = {
        "missing": [name for name in columns.required if name not in names],
        "unknown": sorted({name[:80] for name in names if name not in columns.known}),
        "twice": sorted({name[:80] for name in names if names.count(name) > 1}),
    }
    if any(faults.values()):
        told = "; ".join(f"{what}: {', '.join(map(repr, which))}" for what, which in faults.items() if which)
        raise ImportHeaderInvalid(
            f"The first row names the columns, separated by commas. {told[:1].upper()}{told[1:]}.",
            **faults,
            known=[*columns.required, *columns.optional],
        )
    return names


def check_keys(row: Mapping[str, object], columns: Columns, *, of: str = "") -> None:
    """Whether an object has the columns it must have and no unknown one; raises ImportColumnUnknown and -Missing."""
    for name in row:
        if name not in columns.known:
            raise ImportColumnUnknown(f"{of}{name[:80]!r} is no column.", column=f"{of}{name[:80]}")
    for name in columns.required:
        if row.get(name) in (None, ""):
            raise missing(of + name)


def missing(column: str) -> ImportValueMissing:
    """The refusal of a column that must say something."""
    return ImportValueMissing(f"{column} says nothing.", column=column)


def invalid(column: str, says: str) -> ImportValueInvalid:
    """The refusal of a value that is not of its column's form."""
    return ImportValueInvalid(f"{column} {says.removesuffix('.')}.", column=column)


def read_json_object(text: str) -> dict[str, Any]:
    """One JSON object: no key twice, no float, no NaN. Raises ImportRowMalformed, -ColumnTwice, -NumberInvalid."""
    try:
        value = json.loads(
            text, object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float, parse_int=_integer
        )
    except RecursionError:
        raise ImportRowMalformed("The JSON is nested too deep.") from None
    except json.JSONDecodeError as error:
        raise ImportRowMalformed(f"No JSON: {error.msg} at character {error.pos + 1}.") from None
    if not isinstance(value, dict):
        raise ImportRowMalformed("JSON, but no object.")
    return value


def integer_from_text(text: str, column: str) -> int:
    """A whole number in plain digits; raises ImportNumberInvalid."""
    if not _INTEGER.fullmatch(text):
        raise ImportNumberInvalid(
            f"{column} is {text[:40]!r}; it must be a whole number of minor units in plain digits: no decimal point,"
            " exponent, separator, plus sign or leading zero.",
            column=column,
        )
    return check_integer(int(text), column)


def check_integer(value: object, column: str) -> int:
    """A whole number within 2^53−1; raises ImportNumberInvalid."""
    if type(value) is not int:
        raise ImportNumberInvalid(f"{column} must be a whole number, not {_word(value)}.", column=column)
    if abs(value) > MAX_AMOUNT_MINOR:
        raise ImportNumberInvalid(f"{column} is beyond 2^53−1.", column=column)
    return value


def check_text(value: object, column: str, *, most: int = MAX_TEXT) -> str:
    """A text that PostgreSQL and canonical JSON can hold; raises ImportValueInvalid."""
    if not isinstance(value, str):
        raise invalid(column, f"must be a text, not {_word(value)}")
    if len(value) > most:
        raise invalid(column, f"has {len(value)} characters; the most is {most}")
    if "\x00" in value or any(0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise invalid(column, "has a NUL character or half of a surrogate pair")
    return value


def check_reference(value: object, column: str) -> str:
    """A reference: one line of visible text; raises ImportValueInvalid."""
    text = check_text(value, column, most=MAX_REFERENCE)
    if not _REFERENCE.fullmatch(text) or text != text.strip():
        raise invalid(column, "must be one line of text without spaces around it")
    return text


def check_moment(value: object, column: str, *, is_day_allowed: bool = False) -> datetime:
    """An ISO 8601 moment with its zone, in UTC; a day counts from 00:00 UTC where one is allowed."""
    text = check_text(value, column, most=40)
    if _MOMENT.fullmatch(text) or (is_day_allowed and _DAY.fullmatch(text)):
        try:
            moment = datetime.fromisoformat(text)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        else:
            if moment.year < _FIRST_YEAR:
                raise invalid(column, f"is {text!r}, before the year {_FIRST_YEAR}")
            return moment
    example = "2026-11-30T12:00:00Z" + (" or 2026-11-30" if is_day_allowed else "")
    raise invalid(column, f"is {text!r}, which is no moment with a zone like {example}")


def check_metadata(value: object, column: str = "metadata") -> dict[str, Any]:
    """Up to 50 short ASCII keys with texts, whole numbers, booleans or null, as the API has it."""
    if not isinstance(value, dict):
        raise invalid(column, f"must be an object, not {_word(value)}")
    if len(value) > MAX_METADATA_KEYS:
        raise invalid(column, f"has {len(value)} keys; the most is {MAX_METADATA_KEYS}")
    for key, item in value.items():
        if not (key.isascii() and key.isprintable()) or not 1 <= len(key) <= 64:
            raise invalid(column, "has a key that is not 1 to 64 visible ASCII characters")
        if isinstance(item, str):
            check_text(item, f"{column}.{key}")
        elif type(item) is int:
            check_integer(item, f"{column}.{key}")
        elif item is not None and not isinstance(item, bool):
            raise invalid(f"{column}.{key}", "must be a text, a whole number, a boolean or null")
    return value


def shown(text: str) -> str:
    """A text as a CSV shows it: what a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{text}" if _FORMULA.match(text) else text


def unshown(text: str) -> str:
    """The text that ``shown`` was given."""
    return text[1:] if _ESCAPED.match(text) else text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ImportColumnTwice(f"{twice[:80]!r} stands there twice.", column=twice[:80])
    return row


def _no_float(text: str) -> object:
    raise ImportNumberInvalid(f"{text[:40]} is no whole number; write minor units without a decimal point or exponent.")


def _integer(text: str) -> int:
    if len(text) > 20:
        raise ImportNumberInvalid(f"{text[:20]}… is beyond 2^53−1.")
    return int(text)


def _word(value: object) -> str:
    names = {str: "a text", bool: "a boolean", dict: "an object", list: "a list", type(None): "null", int: "a number"}
    return names.get(type(value), "this")
