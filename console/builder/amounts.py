"""Amounts as people type them: major units of a currency, made exact minor units. Never rounded, never guessed.

An amount of a rule is a number of minor units for every currency, or one per currency and one for all others
(``{"by_currency": {"USD": 4000000}, "otherwise": 4000000}``). In a form it is lines of currency and major units, and
one field of minor units for the rest, because those have no common major unit.
"""

import re
from collections.abc import Mapping
from typing import Final

from console.builder.typed import Parts, Problem, first
from zentra.core.money import MAX_AMOUNT_MINOR, MINUS, currencies, exponent, format_minor

Amount = int | dict[str, object]

_MAJOR: Final = re.compile(r"(\d{1,16}|\d{1,3}(?:[, \u00a0\u202f]\d{3}){1,5})(?:\.(\d{1,4}))?", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,16}|\d{1,3}(?:[, \u00a0\u202f]\d{3}){1,5}", re.ASCII)
_GROUPING: Final = re.compile(r"[, \u00a0\u202f]")
BLANK_LINES: Final = 1
COMMON: Final = ("USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "SGD", "BHD", "KWD")


def ordered(by_currency: Mapping[str, int]) -> list[tuple[str, int]]:
    """The amounts with the currencies that people look for first on top."""
    first = {code: place for place, code in enumerate(COMMON)}
    return sorted(by_currency.items(), key=lambda each: (first.get(each[0], len(first)), each[0]))


def minor_of(text: str, currency: str) -> int | str:
    """The minor units of an amount typed in major units of this currency, or what is wrong with it."""
    found = _MAJOR.fullmatch(text.strip())
    if found is None:
        return f"“{text.strip()[:24]}” is no amount: write 40,000.00, with a point before the decimals."
    digits, decimals = exponent(currency), found[2] or ""
    if len(decimals) > digits:
        has = f"{digits} decimals" if digits else "no decimals"
        return f"{currency} has {has}, “{text.strip()[:24]}” has {len(decimals)}."
    minor = int(_GROUPING.sub("", found[1]) + decimals.ljust(digits, "0"))
    return minor if minor <= MAX_AMOUNT_MINOR else f"“{text.strip()[:24]}” is more than any amount can be."


def whole(text: str) -> int | None:
    """A whole number of at most 2^53−1, with or without grouping; None of anything else."""
    if not _WHOLE.fullmatch(text.strip()):
        return None
    number = int(_GROUPING.sub("", text.strip()))
    return number if number <= MAX_AMOUNT_MINOR else None


def open_amount(amount: object, name: str) -> dict[str, tuple[str, ...]]:
    """The form fields of an amount; empty fields of none."""
    if isinstance(amount, dict):
        by_currency = ordered(amount.get("by_currency") or {})
        lines = [(code, format_minor(minor, code).replace(MINUS, "-")) for code, minor in by_currency]
        otherwise = amount.get("otherwise")
    else:
        lines, otherwise = [], amount
    return {
        f"{name}.currency": tuple(code for code, _ in lines),
        f"{name}.amount": tuple(text for _, text in lines),
        f"{name}.otherwise": (f"{otherwise:,}" if isinstance(otherwise, int) else "",),
    }


def close_amount(parts: Parts, name: str, pointer: str, problems: list[Problem]) -> Amount | None:
    """The amount of these fields; None when nothing was typed. What is wrong is added to ``problems``."""
    by_currency: dict[str, int] = {}
    for code, text in amount_lines(parts, name):
        if code not in currencies():
            problems.append(Problem(pointer, f"“{code[:8]}” is no currency in use: write USD, EUR, JPY …"))
        elif code in by_currency:
            problems.append(Problem(pointer, f"{code} stands there twice."))
        elif isinstance(read := minor_of(text, code), str):
            problems.append(Problem(pointer, read))
        else:
            by_currency[code] = read
    said = first(parts, f"{name}.otherwise")
    otherwise = whole(said)
    if said and otherwise is None:
        problems.append(Problem(pointer, f"“{said[:24]}” is no whole number of minor units."))
    if not by_currency:
        return otherwise
    if not said:
        problems.append(Problem(pointer, "Say what holds for all other currencies, in minor units."))
    return {"by_currency": by_currency, "otherwise": otherwise}


def amount_lines(parts: Parts, name: str) -> list[tuple[str, str]]:
    """The lines of currency and amount as typed; empty ones left out."""
    codes, texts = parts.get(f"{name}.currency", ()), parts.get(f"{name}.amount", ())
    width = max(len(codes), len(texts))
    codes, texts = codes + ("",) * (width - len(codes)), texts + ("",) * (width - len(texts))
    typed = ((code.strip().upper(), text.strip()) for code, text in zip(codes, texts, strict=True))
    return [(code, text) for code, text in typed if code or text]
