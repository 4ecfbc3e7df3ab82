"""References compare alike however they are written, and what says nothing is nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zentra.reconciliation.references import normalise_reference


@pytest.mark.parametrize(
    ("sent", "compared"),
    [
        ("E2E-000123", "E2E000123"),
        ("  inv 2026/04 ", "INV202604"),
        ("000042", "42"),
        ("0000", ""),
        ("", ""),
        ("NOTPROVIDED", ""),
        ("notprovided", ""),
        ("NOT PROVIDED", ""),
        ("NONREF", ""),
        ("None", ""),
        ("ＡＢＣ１２", "ABC12"),
        ("ﬁx", "FIX"),
        ("äöü", ""),
        ("X" * 100, "X" * 64),
        ("00" + "7" * 100, "7" * 64),
    ],
)
def test_a_reference_is_compared_as(sent: str, compared: str) -> None:
    assert normalise_reference(sent) == compared


@given(st.text(max_size=200))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise_reference(text)
    assert normalise_reference(once) == once
    assert len(once) <= 64


@given(st.text(alphabet="ABCXYZ123456789", min_size=1, max_size=64), st.lists(st.sampled_from(" -/._"), max_size=5))
def test_separators_and_case_make_no_difference(text: str, marks: list[str]) -> None:
    assert normalise_reference("".join(marks) + text.lower() + "".join(marks)) == normalise_reference(text)
