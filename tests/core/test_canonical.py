"""Canonical JSON: bytes that any JSON library can reproduce, or a refusal."""

import hashlib
import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zentra.core import canonical
from zentra.core.canonical import NotCanonical

KEYS = st.text(alphabet=st.characters(max_codepoint=126, min_codepoint=32), max_size=12)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


def reference(value: Any) -> str:
    """RFC 8785 by hand for what our profile allows, apart from the escaping of texts."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{reference(key)}:{reference(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(reference, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@given(value=VALUES)
def test_the_bytes_are_those_of_the_reference(value: Any) -> None:
    assert canonical.dumps(value) == reference(value).encode()


@given(value=VALUES)
def test_the_bytes_say_the_value_and_are_stable(value: Any) -> None:
    written = canonical.dumps(value)

    assert json.loads(written) == value
    assert canonical.dumps(json.loads(written)) == written


@given(value=st.dictionaries(KEYS, LEAVES, min_size=2, max_size=6))
def test_the_order_in_which_keys_were_set_does_not_show(value: dict[str, Any]) -> None:
    assert canonical.dumps(dict(reversed(value.items()))) == canonical.dumps(value)


@given(number=st.floats())
def test_a_float_is_refused_wherever_it_stands(number: float) -> None:
    for value in (number, [number], {"a": [{"b": number}]}):
        with pytest.raises(NotCanonical):
            canonical.dumps(value)


@given(number=st.integers(min_value=2**53) | st.integers(max_value=-(2**53)))
def test_an_integer_that_javascript_would_round_is_refused(number: int) -> None:
    with pytest.raises(NotCanonical):
        canonical.dumps({"amount": number})


@given(key=st.text(min_size=1).filter(lambda text: not text.isascii()))
def test_a_key_beyond_ascii_is_refused(key: str) -> None:
    with pytest.raises(NotCanonical):
        canonical.dumps({key: 1})


@pytest.mark.parametrize("value", ["\ud800", ["a\udfffb"], {"a": "\udc00"}])
def test_a_lone_surrogate_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical.dumps(value)


@pytest.mark.parametrize("value", [{1: "a"}, {None: 1}, {True: 1}, {1, 2}, b"bytes", object(), 1j])
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical.dumps(value)


def test_a_word_of_an_enumeration_is_its_text() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert canonical.dumps({"colour": Colour.RED}) == b'{"colour":"red"}'


def test_texts_are_utf_8_and_not_escaped() -> None:
    assert canonical.dumps({"a": "Zürich → 東京"}) == '{"a":"Zürich → 東京"}'.encode()


def test_a_leaf_is_hashed_with_its_own_prefix() -> None:
    assert canonical.leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()
    assert canonical.sha256_hex(b"x") == hashlib.sha256(b"x").hexdigest()
