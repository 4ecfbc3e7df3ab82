"""Cells of CSV files as people write amounts and days, read by a mapping and never guessed."""

import re
from datetime import date
from functools import lru_cache
from typing import Final

from zentra.reconciliation.statements.formats.amounts import NotADay, NotAnAmount, read_amount

_MINUSES: Final = ("-", "\u2212", "\u2013")
_SPACES: Final = ("\u00a0", "\u202f", "\u2009")
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}  # fmt: skip
_FIELDS: Final = {"YYYY": r"(?P<year>\d{4})", "YY": r"(?P<short>\d{2})", "MMM": r"(?P<name>[A-Za-z]{3})",
                  "MM": r"(?P<month>\d{1,2})", "DD": r"(?P<day>\d{1,2})"}  # fmt: skip
_TOKENS: Final = re.compile("YYYY|YY|MMM|MM|DD|.")
_TIME: Final = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2}([.,]\d{1,6})?)?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?")


def read_money(text: str, *, decimal_mark: str, thousands_mark: str, digits: int) -> int:
    """Signed minor units of ``1.234,56``, ``-12.00``, ``12,00-`` or ``(12.00)``; raises NotAnAmount.

    A thousands mark stands between groups of three digits and nowhere else; more decimals than the currency has are
    refused unless they are zeros.
    """
    plain = text.strip()
    is_negative = False
    if plain.startswith("(") and plain.endswith(")"):
        is_negative, plain = True, plain[1:-1].strip()
    elif plain[:1] in _MINUSES or plain[-1:] in _MINUSES:
        is_negative = True
        plain = (plain[1:] if plain[:1] in _MINUSES else plain[:-1]).strip()
    elif plain[:1] == "+":
        plain = plain[1:].strip()
    whole, mark, part = plain.partition(decimal_mark)
    if thousands_mark and whole:
        whole = _grouped(whole, thousands_mark, text)
    if not whole and not part:
        raise NotAnAmount(f"{text[:40]!r} is no amount.")
    if (mark and not part.isascii()) or not all(not piece or (piece.isascii() and piece.isdecimal())
                                                for piece in (whole, part)):  # fmt: skip
        raise NotAnAmount(f"{text[:40]!r} is no amount with {decimal_mark!r} before the decimals.")
    minor = read_amount(f"{whole or '0'}.{part}", digits)
    return -minor if is_negative else minor


def _grouped(whole: str, mark: str, text: str) -> str:
    if mark == " ":
        for space in _SPACES:
            whole = whole.replace(space, " ")
    first, *groups = whole.split(mark)
    if groups and (not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups)):
        raise NotAnAmount(f"{text[:40]!r} has {mark!r} where no thousands end.")
    return first + "".join(groups)


@lru_cache(maxsize=32)
def _pattern(form: str) -> re.Pattern[str]:
    pieces = [_FIELDS.get(token) or re.escape(token) for token in _TOKENS.findall(form)]
    if form == "YYYYMMDD":
        pieces = [r"(?P<year>\d{4})", r"(?P<month>\d{2})", r"(?P<day>\d{2})"]
    return re.compile("".join(pieces))


@lru_cache(maxsize=4096)
def read_day(text: str, form: str) -> date:
    """The day of a cell in one of ``mapping.DATE_FORMS``, a time of day after it aside; raises NotADay."""
    plain = text.strip()
    found = _pattern(form).match(plain)
    if found is None or not (found.end() == len(plain) or _TIME.fullmatch(plain[found.end() :])):
        raise NotADay(f"{text[:40]!r} is no day in the form {form}.")
    parts = found.groupdict()
    year = int(parts["year"]) if parts.get("year") else 2000 + int(parts["short"])
    month = int(parts["month"]) if parts.get("month") else _MONTHS.get(parts["name"].lower(), 0)
    try:
        return date(year, month, int(parts["day"]))
    except ValueError:
        raise NotADay(f"{text[:40]!r} is a day that there is not.") from None
