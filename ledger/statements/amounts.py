"""Amounts as documents write them."""

from zentra.core.money import exponent


def decimal_text(amount_minor: int, currency: str) -> str:
    """The amount in major units as machines read it: a point, no grouping, an ASCII minus (-1250 USD is ``-12.50``)."""
    digits = exponent(currency)
    whole, fraction = divmod(abs(amount_minor), 10**digits)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole}.{fraction:0{digits}d}" if digits else f"{sign}{whole}"
