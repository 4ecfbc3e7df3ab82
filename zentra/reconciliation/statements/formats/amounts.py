"""Amounts and days of files, exactly: no float, no rounding, nothing guessed."""

from datetime import date
from functools import lru_cache
from typing import Final

from zentra.core.money import MAX_AMOUNT_MINOR

MAX_DIGITS: Final = 18
"""Of an amount in ISO 20022 (ActiveOrHistoricCurrencyAndAmount: 18 digits in all)."""


class NotAnAmount(ValueError):
    """The text is no amount of this currency; the message says why."""


class NotADay(ValueError):
    """The text is no day."""


def read_decimal(text: str, digits: int) -> int:
    """Minor units of an unsigned decimal with a point (XML Schema ``decimal``), for a currency of so many digits.

    Raises NotAnAmount: also when there are more decimals than the currency has and they are not zeros.
    """
    whole, _point, part = text.partition(".")
    both = whole + part
    if not both.isdecimal() or not both.isascii() or len(both) > MAX_DIGITS:
        raise NotAnAmount(f"{text[:40]!r} is no decimal number of at most {MAX_DIGITS} digits.")
    if len(part) > digits:
        if part[digits:].strip("0"):
            raise NotAnAmount(f"{text[:40]!r} has more than {digits} decimals.")
        part = part[:digits]
    return int(whole + part.ljust(digits, "0") or "0")


def read_amount(text: str, digits: int) -> int:
    """As ``read_decimal``, and at most 2^53−1 minor units, which is the most that the ledger holds."""
    minor = read_decimal(text, digits)
    if minor > MAX_AMOUNT_MINOR:
        raise NotAnAmount(f"{text[:40]!r} is more than {MAX_AMOUNT_MINOR} minor units.")
    return minor


@lru_cache(maxsize=4096)
def read_iso_day(text: str) -> date:
    """``2026-04-30``, also with a time zone or a time after it (XML Schema ``date`` and ``dateTime``); raises NotADay.

    The day is the one that is written: a bank's booking day is a label of its books, not a moment.
    """
    plain = text.strip()
    rest = plain[10:]
    if len(plain) >= 10 and plain[4] == plain[7] == "-" and (not rest or rest[0] in "TZ+-"):
        try:
            return date.fromisoformat(plain[:10])
        except ValueError:
            pass
    raise NotADay(f"{text[:40]!r} is no day.")
