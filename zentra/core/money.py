"""Money is an integer count of minor units and an ISO 4217 currency, from the API edge to the posting."""

from functools import cache
from typing import Final

from babel.core import get_global
from babel.numbers import get_currency_precision

from zentra.core.errors import DomainError

MAX_AMOUNT_MINOR: Final = 2**53 - 1
MINUS: Final = "−"
# ISO 4217 codes that name no money one can hold: test codes, "no currency", metals and funds.
_NOT_MONEY: Final = frozenset(
    [
        "XTS",
        "XXX",
        "XAU",
        "XAG",
        "XPT",
        "XPD",
        "XBA",
        "XBB",
        "XBC",
        "XBD",
        "XDR",
        "XSU",
        "XUA",
        "CHE",
        "CHW",
        "CLF",
        "COU",
        "MXV",
        "USN",
        "UYI",
        "UYW",
        "BOV",
    ]
)


class InvalidAmount(DomainError):
    """An amount is a positive integer of minor units, at most 2^53−1."""

    code = "invalid_amount"
    status = 422
    title = "The amount is not a positive integer of minor units"


class UnknownCurrency(DomainError):
    """The currency is not an ISO 4217 code in use."""

    code = "unknown_currency"
    status = 422
    title = "The currency is not known"


def check_amount_minor(value: object) -> int:
    """The amount, when it is a positive whole number of minor units; raises InvalidAmount.

    A bool is an int to Python, and a float or decimal string can hold whole numbers; all three are refused, since
    each is somebody's rounding waiting to happen.
    """
    if type(value) is not int:
        raise InvalidAmount(f"amount_minor must be an integer, not {type(value).__name__}.")
    if value <= 0:
        raise InvalidAmount(f"amount_minor must be positive, not {value}.")
    if value > MAX_AMOUNT_MINOR:
        raise InvalidAmount(f"amount_minor must be at most {MAX_AMOUNT_MINOR} (2^53−1).")
    return value


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes that are legal tender somewhere now (Unicode CLDR)."""
    territories: dict[str, list[tuple[str, object, object, bool]]] = get_global("territory_currencies")  # type: ignore[assignment]  # babel types this loosely
    current = {
        code for history in territories.values() for code, _since, until, tender in history if tender and until is None
    }
    return frozenset(current) - _NOT_MONEY


def check_currency(code: object) -> str:
    """The code, when it is a currency in use; raises UnknownCurrency."""
    if not isinstance(code, str) or code not in currencies():
        raise UnknownCurrency(f"{str(code)[:20]!r} is not an ISO 4217 currency in use.")
    return code


@cache
def exponent(currency: str) -> int:
    """How many decimal digits the currency has: 2 for USD, 0 for JPY, 3 for BHD (ISO 4217 through CLDR)."""
    return _ISO_EXPONENTS.get(currency, get_currency_precision(currency))


# CLDR gives the digits of cash use for these; ISO 4217 gives what banks exchange.
_ISO_EXPONENTS: Final = {
    "AFN": 2,
    "ALL": 2,
    "HUF": 2,
    "IDR": 2,
    "IRR": 2,
    "IQD": 3,
    "ISK": 0,
    "KPW": 2,
    "LAK": 2,
    "LBP": 2,
    "MGA": 2,
    "MMK": 2,
    "MRU": 2,
    "PKR": 2,
    "RSD": 2,
    "SLE": 2,
    "SOS": 2,
    "STN": 2,
    "SYP": 2,
    "TZS": 2,
    "UZS": 2,
    "YER": 2,
    "COP": 2,
    "CRC": 2,
    "GYD": 2,
    "MNT": 2,
    "MUR": 2,
    "NOK": 2,
    "SEK": 2,
    "CZK": 2,
    "TWD": 2,
    "ZMW": 2,
    "UGX": 0,
    "BHD": 3,
    "KWD": 3,
    "OMR": 3,
    "JOD": 3,
    "TND": 3,
    "LYD": 3,
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "PYG": 0,
    "XAF": 0,
    "XOF": 0,
    "XPF": 0,
    "RWF": 0,
    "BIF": 0,
    "DJF": 0,
    "GNF": 0,
    "KMF": 0,
    "VUV": 0,
}


def format_minor(amount_minor: int, currency: str) -> str:
    """The amount in major units with grouping, for people: 2480000 USD is ``24,800.00``."""
    digits = exponent(currency)
    sign = MINUS if amount_minor < 0 else ""
    whole, fraction = divmod(abs(amount_minor), 10**digits)
    return f"{sign}{whole:,}.{fraction:0{digits}d}" if digits else f"{sign}{whole:,}"


def format_signed(amount_minor: int) -> str:
    """Minor units with grouping and an explicit sign (a real minus): ``+2,480,000``."""
    sign = MINUS if amount_minor < 0 else "+" if amount_minor > 0 else ""
    return f"{sign}{abs(amount_minor):,}"
