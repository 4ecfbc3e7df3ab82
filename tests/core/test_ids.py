"""Ids: a prefix and a UUIDv7, in an alphabet whose text order is time order."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zentra.core import ids

PREFIXES = ("intent", "posting", "entry", "acct", "hold", "evt", "dec", "rev", "rte", "cb", "rail", "whe", "dlv", "usr")


@given(value=st.uuids(), prefix=st.sampled_from(PREFIXES))
def test_every_uuid_comes_back_from_its_public_form(value: UUID, prefix: str) -> None:
    text = ids.to_public(prefix, value)

    assert ids.to_uuid(text, prefix=prefix) == value
    assert len(text) == len(prefix) + 1 + 26


@given(first=st.uuids(), second=st.uuids())
def test_text_order_is_the_order_of_the_uuids(first: UUID, second: UUID) -> None:
    assert (ids.to_public("evt", first) < ids.to_public("evt", second)) == (first < second)


def test_ids_of_one_process_only_ever_grow() -> None:
    made = [ids.new_id("entry") for _ in range(10_000)]

    assert made == sorted(set(made))


def test_threads_never_share_an_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [each for chunk in pool.map(lambda _: [ids.new_uuid() for _ in range(2000)], range(8)) for each in chunk]

    assert len(set(made)) == 16_000


def test_a_fresh_uuid_is_of_version_7_and_the_rfc_variant() -> None:
    fresh = ids.new_uuid()

    assert fresh.version == 7
    assert fresh.variant == "specified in RFC 4122"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acct",
        "acct_",
        "acct_" + "0" * 25,
        "acct_" + "0" * 27,
        "acct_8" + "0" * 25,  # more than 128 bits
        "acct_" + "u" * 26,  # not of Crockford's alphabet
        "acct_" + "I" * 26,
        "acct_" + "0" * 25 + "A",  # upper case
        "acct_" + "0" * 25 + "\u0660",  # a digit, and not ours
        "ACCT_" + "0" * 26,
        "entry_" + "0" * 26,
        "acct_01\n" + "0" * 23,
        "'; DROP TABLE ledger_entry; --",
    ],
)
def test_what_is_not_an_id_of_this_kind_is_refused(text: str) -> None:
    with pytest.raises(ids.BadId):
        ids.to_uuid(text, prefix="acct")


@given(text=st.text(max_size=40))
def test_whatever_text_comes_is_an_id_or_a_refusal(text: str) -> None:
    try:
        value = ids.to_uuid(text, prefix="acct")
    except ids.BadId:
        return
    assert ids.to_public("acct", value) == text
