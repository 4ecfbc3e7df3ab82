"""Money: whole minor units of a known currency, or a refusal."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zentra.core.money import (
    MAX_AMOUNT_MINOR,
    InvalidAmount,
    UnknownCurrency,
    check_amount_minor,
    check_currency,
    currencies,
    exponent,
    format_minor,
    format_signed,
)


class Sneaky(int):
    """An int of somebody's own."""


@pytest.mark.parametrize(
    "amount",
    [
        1.0, 0.1, float("nan"), float("inf"), "1", "100.00", "", b"1", True, False, None, Decimal(1), Fraction(1), [1],
        {"amount": 1}, Sneaky(5), 0, -1, -MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR + 1, 2**63, 10**30,
    ],
)  # fmt: skip
def test_what_is_not_a_positive_whole_number_is_refused(amount: object) -> None:
    with pytest.raises(InvalidAmount):
        check_amount_minor(amount)


@given(amount=st.integers(1, MAX_AMOUNT_MINOR))
def test_a_positive_whole_number_up_to_2_53_is_itself(amount: int) -> None:
    assert check_amount_minor(amount) == amount


@given(amount=st.floats())
def test_no_float_is_ever_an_amount(amount: float) -> None:
    with pytest.raises(InvalidAmount):
        check_amount_minor(amount)


@pytest.mark.parametrize("code", ["USD", "EUR", "GBP", "JPY", "BHD", "CHF", "INR", "BRL", "NGN"])
def test_currencies_in_use_are_known(code: str) -> None:
    assert check_currency(code) == code


@pytest.mark.parametrize(
    "code", ["", "usd", "US", "USDT", "BTC", "XXX", "XTS", "XAU", "DEM", "ITL", " USD", "USD\n", None, 840, ["USD"]]
)
def test_what_one_cannot_hold_is_no_currency(code: object) -> None:
    with pytest.raises(UnknownCurrency):
        check_currency(code)


@pytest.mark.parametrize(
    ("code", "digits"),
    [("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("CLP", 0), ("BHD", 3), ("KWD", 3), ("TND", 3), ("HUF", 2),
     ("ISK", 0), ("IQD", 3), ("COP", 2)],
)  # fmt: skip
def test_the_exponent_is_that_of_iso_4217(code: str, digits: int) -> None:
    assert exponent(code) == digits


def test_no_currency_in_use_has_more_than_three_digits() -> None:
    assert {exponent(code) for code in currencies()} == {0, 2, 3}


@pytest.mark.parametrize(
    ("amount", "code", "shown"),
    [
        (2_480_000, "USD", "24,800.00"),
        (2_480_000, "JPY", "2,480,000"),
        (2_480_000, "BHD", "2,480.000"),
        (5, "USD", "0.05"),
        (5, "BHD", "0.005"),
        (0, "USD", "0.00"),
        (-5, "USD", "−0.05"),
        (-2_480_000, "JPY", "−2,480,000"),
        (MAX_AMOUNT_MINOR, "USD", "90,071,992,547,409.91"),
    ],
)
def test_amounts_are_shown_by_the_digits_of_their_currency(amount: int, code: str, shown: str) -> None:
    assert format_minor(amount, code) == shown


@given(amount=st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR), code=st.sampled_from(["USD", "JPY", "BHD"]))
def test_what_is_shown_is_exact(amount: int, code: str) -> None:
    shown = format_minor(amount, code).replace(",", "").replace("−", "-")

    assert Decimal(shown).scaleb(exponent(code)) == amount


def test_a_signed_amount_has_a_real_minus_and_zero_has_no_sign() -> None:
    assert (format_signed(2_480_000), format_signed(-2_480_000), format_signed(0)) == ("+2,480,000", "−2,480,000", "0")
