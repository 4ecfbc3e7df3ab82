"""How the columns of a CSV file are read: a mapping, as people make it and as it is kept."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from zentra.reconciliation.statements.errors import MappingInvalid

DELIMITERS: Final = (",", ";", "\t", "|")
ENCODINGS: Final = ("utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15")
DECIMAL_MARKS: Final = (".", ",")
THOUSANDS_MARKS: Final = ("", ".", ",", " ", "'")
DATE_FORMS: Final = (
    "YYYY-MM-DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY", "YYYY/MM/DD", "YYYYMMDD", "DD.MM.YY",
    "DD/MM/YY", "MM/DD/YY", "DD MMM YYYY", "DD-MMM-YYYY",
)  # fmt: skip
COLUMNS: Final = (
    "booked_on", "value_on", "amount", "debit", "credit", "direction", "currency", "reference", "end_to_end_id",
    "bank_reference", "batch", "counterparty", "description", "kind", "balance", "gross", "fee",
)  # fmt: skip
MAX_SKIPPED_ROWS: Final = 100
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """How a CSV file of one account is read.

    ``columns`` names, for what we know (``COLUMNS``), the column of the file: its heading, or its number from 1 as
    text when the file ``has_header`` not. Needed: ``booked_on``, and ``amount`` or both ``debit`` and ``credit``.
    ``direction`` marks money out by one of ``debit_words`` beside an amount without sign. ``is_inverted`` turns the
    signs round, for files that are written from the bank's side. ``skip_rows`` stand above the heading.
    """

    columns: Mapping[str, str]
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal_mark: str = "."
    thousands_mark: str = ""
    date_form: str = "YYYY-MM-DD"
    has_header: bool = True
    skip_rows: int = 0
    is_inverted: bool = False
    debit_words: tuple[str, ...] = field(default=("D", "DR", "DBIT", "DEBIT", "S", "SOLL", "AF"))

    def as_dict(self) -> dict[str, Any]:
        """As JSON keeps it; ``read`` takes it back."""
        return {**asdict(self), "columns": dict(self.columns), "debit_words": list(self.debit_words)}

    @property
    def columns_of_file(self) -> frozenset[str]:
        """The columns that it reads, as the file names them."""
        return frozenset(self.columns.values())

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> "CsvMapping":
        """The mapping that JSON or a form holds; raises MappingInvalid, which names the field."""
        unknown = sorted(set(value) - set(cls.__dataclass_fields__))
        if unknown:
            raise MappingInvalid(f"There is no {str(unknown[0])[:40]!r} in a mapping.", field=str(unknown[0])[:40])
        given = dict(value)
        given["columns"] = _columns(given.get("columns"))
        for name, most in (("skip_rows", MAX_SKIPPED_ROWS),):
            if name in given and (type(given[name]) is not int or not 0 <= given[name] <= most):
                raise MappingInvalid(f"{name} is a whole number, 0 to {most}.", field=name)
        for name in ("has_header", "is_inverted"):
            if name in given and type(given[name]) is not bool:
                raise MappingInvalid(f"{name} is true or false.", field=name)
        if "debit_words" in given:
            given["debit_words"] = _words(given["debit_words"])
        mapping = cls(**given)
        for name, values in _CHOICES.items():
            if getattr(mapping, name) not in values:
                raise MappingInvalid(f"{name} is one of {', '.join(map(repr, values))}.", field=name)
        if mapping.decimal_mark == mapping.thousands_mark:
            raise MappingInvalid("The decimal mark and the thousands mark are the same.", field="thousands_mark")
        mapping._check_columns()
        return mapping

    def _check_columns(self) -> None:
        if "booked_on" not in self.columns:
            raise MappingInvalid("Nothing says which column is the booking day.", field="booked_on")
        has_amount, has_sides = "amount" in self.columns, {"debit", "credit"} <= set(self.columns)
        if has_amount == has_sides or (has_amount and {"debit", "credit"} & set(self.columns)):
            raise MappingInvalid("A file has an amount, or a debit and a credit column; not both.", field="amount")
        if "direction" in self.columns and not has_amount:
            raise MappingInvalid("A direction stands beside an amount.", field="direction")
        if not self.has_header and not all(
            name.isascii() and name.isdecimal() and 1 <= int(name) <= 500 for name in self.columns.values()
        ):
            raise MappingInvalid("Without a heading, columns are named by their number from 1.", field="columns")


_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "delimiter": DELIMITERS, "encoding": ENCODINGS, "decimal_mark": DECIMAL_MARKS, "thousands_mark": THOUSANDS_MARKS,
    "date_form": DATE_FORMS,
}  # fmt: skip


def _columns(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise MappingInvalid("columns says which column is what.", field="columns")
    found: dict[str, str] = {}
    for name, column in value.items():
        if name not in COLUMNS:
            raise MappingInvalid(f"{str(name)[:40]!r} is none of {', '.join(COLUMNS)}.", field="columns")
        if column in ("", None):
            continue
        if not isinstance(column, str) or not _NAME.fullmatch(column):
            raise MappingInvalid(f"The column of {name} is a text of 1 to 200 characters.", field=str(name))
        found[str(name)] = column
    return found


def _words(value: object) -> tuple[str, ...]:
    is_list = isinstance(value, list | tuple) and 1 <= len(value) <= 20
    if not is_list or not all(isinstance(word, str) and 1 <= len(word) <= 20 for word in value):  # type: ignore[attr-defined]
        raise MappingInvalid("debit_words are 1 to 20 words.", field="debit_words")
    return tuple(word.strip().upper() for word in value)  # type: ignore[attr-defined]
