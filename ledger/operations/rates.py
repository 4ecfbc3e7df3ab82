"""The rate of a posting over two currencies agrees with its entries, to the minor unit."""

import re
from decimal import Decimal
from typing import Final

from ledger.errors import InvalidRate
from ledger.types import Fx, NewPosting
from zentra.core.money import MAX_AMOUNT_MINOR, check_currency, exponent

_LONGEST: Final = 40
# Plain digits: an exponent of a few characters would make a number of a million, and other scripts other bytes.
_RATE: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,18})?")


def check_rate(*, posting: NewPosting, fx: Fx) -> None:
    """Refuse a rate that is no positive decimal, whose currencies are not the posting's, or that gives other amounts.

    What is bought for what is sold may differ from the rate by less than one minor unit of the quote currency, which
    is its rounding. Raises InvalidRate, UnknownCurrency.
    """
    rate = _decimal(fx.rate)
    moved = _moved(posting)
    if fx.base == fx.quote or {fx.base, fx.quote} != set(moved):
        raise InvalidRate(
            f"The rate is of {fx.base} and {fx.quote}, the entries are of {', '.join(sorted(moved))}.",
            base=check_currency(fx.base),
            quote=check_currency(fx.quote),
            currencies=sorted(moved),
        )
    if not fx.source.strip():
        raise InvalidRate("A rate says whose it is: source is empty.")
    exact = Decimal(moved[fx.base]) * rate * Decimal(10) ** (exponent(fx.quote) - exponent(fx.base))
    if abs(exact - moved[fx.quote]) >= 1:
        expected = int(exact.to_integral_value())
        raise InvalidRate(
            f"{moved[fx.base]} {fx.base} at {fx.rate} are {exact:f} {fx.quote} minor units, not {moved[fx.quote]}.",
            base_minor=moved[fx.base],
            quote_minor=moved[fx.quote],
            expected_minor=expected if expected <= MAX_AMOUNT_MINOR else None,
            rate=fx.rate,
        )


def _decimal(words: str) -> Decimal:
    rate = Decimal(words) if _RATE.fullmatch(words) else Decimal(0)
    if rate <= 0:
        raise InvalidRate(f"{words[:_LONGEST]!r} is no rate: write a positive decimal such as 1.0842.", rate=words[:40])
    return rate


def _moved(posting: NewPosting) -> dict[str, int]:
    """The debits of each currency, which equal its credits."""
    moved: dict[str, int] = {}
    for line in posting.lines:
        if line.direction == "debit":
            currency = posting.currency_of(line)
            moved[currency] = moved.get(currency, 0) + line.amount_minor
    return moved
