"""Statement lines (``:61:``), balances (``:60a:`` …) and sums (``:90a:``): money and days, exactly."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from zentra.core.money import UnknownCurrency, check_currency, exponent
from zentra.reconciliation.statements.formats.amounts import NotADay, NotAnAmount, read_amount
from zentra.reconciliation.statements.formats.mt940.fields import Field
from zentra.reconciliation.statements.formats.sums import WrongField, read_short_day

_LINE: Final = re.compile(
    r"(?P<valued>[0-9]{6})(?P<booked>[0-9]{4}| {4})?(?P<mark>R?[CD])(?P<funds>[A-Z])?"
    r"(?P<amount>[0-9.]*,[0-9]*|[0-9.]+)(?P<kind>[A-Z][A-Z0-9]{3})(?P<rest>.*)"
)
_BALANCE: Final = re.compile(r"(?P<mark>[CD])(?P<day>[0-9]{6})(?P<currency>[A-Z]{3})(?P<amount>[0-9,]+)")
_SUM: Final = re.compile(r"(?P<count>[0-9]{1,5})(?P<currency>[A-Z]{3})(?P<amount>[0-9,]+)")
_DECIMAL: Final = re.compile(r"[0-9]+,[0-9]*")
_KINDS: Final = "SNF"
_POINTERS: Final = frozenset(
    mark + end for mark in ("KREF", "EREF", "MREF", "CREF", "PREF", "MARF", "BREF") for end in ("", "+")
)  # fmt: skip
"""In place of a reference: that it stands in ``:86:``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A ``:61:``. ``minor`` is signed from our side; ``value_sent`` is set where the value day is none there is."""

    booked_on: date
    value_on: date
    minor: int
    is_reversal: bool
    kind: str
    customer_reference: str
    bank_reference: str
    details: str
    is_credit: bool
    value_sent: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance: signed minor units of a currency at the end of a day."""

    minor: int
    currency: str
    day: date


def read_minor(text: str, digits: int) -> int:
    """Minor units of ``15d``: digits with one comma, decimals after it; raises WrongField."""
    if not _DECIMAL.fullmatch(text):
        raise WrongField("amount_malformed", f"{text[:40]!r} is no amount with a comma before the decimals.")
    try:
        return read_amount(text.replace(",", "."), digits)
    except NotAnAmount as error:
        raise WrongField("amount_malformed", str(error)) from None


def read_entry(field: Field, *, currency: str, digits: int) -> Entry:
    """A statement line; raises WrongField. A reversal of a credit takes money away, one of a debit brings it back."""
    found = _LINE.fullmatch(field.lines[0])
    if found is None or found["kind"][0] not in _KINDS:
        raise WrongField("entry_malformed", f"{field.lines[0][:60]!r} is no value day, mark, amount and type of entry.")
    if found["funds"] not in (None, currency[2:]):
        raise WrongField(
            "currency_differs", f"The funds code is {found['funds']}, the account is in {currency}.",
            funds_code=found["funds"], expected=currency,
        )  # fmt: skip
    minor = read_minor(found["amount"], digits)
    value_on, sent = _value_day(found["valued"])
    booked = (found["booked"] or "").strip()
    booked_on = _nearest(booked, value_on) if booked else value_on
    if sent and not booked:
        raise WrongField("day_malformed", f"{sent} is a day that there is not.")
    is_reversal, is_credit = found["mark"][0] == "R", found["mark"] in ("C", "RD")
    customer, _mark, bank = found["rest"].partition("//")
    customer = customer.strip()
    return Entry(
        booked_on, value_on, minor if is_credit else -minor, is_reversal, found["kind"],
        "" if customer in _POINTERS else customer, bank.strip(), " ".join(line.strip() for line in field.lines[1:]),
        is_credit, sent,
    )  # fmt: skip


def read_balance(field: Field, digits: int | None) -> Balance:
    """A balance in the decimals of a currency, or of its own; raises WrongField."""
    found = _BALANCE.fullmatch(field.text.rstrip())
    if found is None:
        raise WrongField("balance_malformed", f"{field.text[:60]!r} is no mark, day, currency and amount.")
    try:
        day = read_short_day(found["day"])
    except NotADay as error:
        raise WrongField("day_malformed", str(error)) from None
    minor = read_minor(found["amount"], _digits(found["currency"]) if digits is None else digits)
    return Balance(minor if found["mark"] == "C" else -minor, found["currency"], day)


def read_sum(field: Field, *, currency: str, digits: int) -> tuple[int, int]:
    """How many entries and their sum without sign (``:90D:``, ``:90C:``); raises WrongField."""
    found = _SUM.fullmatch(field.text.rstrip())
    if found is None:
        raise WrongField("control_total_malformed", f"{field.text[:60]!r} is no count, currency and sum.")
    if found["currency"] != currency:
        raise WrongField("currency_differs", f"The sum is in {found['currency']}, the account in {currency}.",
                         currency=found["currency"], expected=currency)  # fmt: skip
    return int(found["count"]), read_minor(found["amount"], digits)


def _digits(currency: str) -> int:
    try:
        return exponent(check_currency(currency))
    except UnknownCurrency:
        return 2  # refused anyway, where the statement begins


def _value_day(text: str) -> tuple[date, str]:
    """The value day; 29 and 30 February of banks that count months of thirty days is its last, with what was sent."""
    try:
        return read_short_day(text), ""
    except NotADay as error:
        if text[2:] in ("0229", "0230"):
            return read_short_day(f"{text[:2]}0228") if _is_common(text) else read_short_day(f"{text[:2]}0229"), text
        raise WrongField("day_malformed", str(error)) from None


def _is_common(text: str) -> bool:
    try:
        read_short_day(f"{text[:2]}0229")
    except NotADay:
        return True
    return False


def _nearest(text: str, value_on: date) -> date:
    """The entry day ``MMDD`` of the year that brings it nearest to the value day; raises WrongField."""
    days: list[date] = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            days.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    if not days:
        raise WrongField("day_malformed", f"{text} is no day MMDD.")
    return min(days, key=lambda day: abs((day - value_on).days))
