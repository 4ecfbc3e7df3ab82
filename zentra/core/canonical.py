"""Canonical JSON, a restricted RFC 8785: sorted ASCII keys, no spaces, UTF-8, integers within 2^53, no floats.

orjson does the work; a test holds its bytes against the standard library's. What RFC 8785 leaves to the number and key
rules is refused instead, so that any JSON library on the other side can reproduce the bytes.
"""

import hashlib
from enum import StrEnum
from typing import Any, Final

import orjson

from zentra.core.errors import DomainError

MAX_INTEGER: Final = 2**53 - 1


class NotCanonical(DomainError):
    """The value has no canonical form: a float, a non-ASCII key, or an integer beyond 2^53−1."""

    code = "not_canonical"
    status = 422
    title = "The value has no canonical form"


def dumps(value: Any) -> bytes:
    """The canonical bytes of a JSON value; raises NotCanonical."""
    _check(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError) as error:  # a lone surrogate, or nested too deep
        raise NotCanonical(str(error)) from error


def _check(value: Any) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None or isinstance(value, StrEnum):
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise NotCanonical(f"{value} is beyond 2^53−1.")
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                raise NotCanonical(f"The key {key!r} is not ASCII text.")
            _check(item)
    elif kind is list or kind is tuple:
        for item in value:
            _check(item)
    else:
        raise NotCanonical(f"A {kind.__name__} has no canonical form.")


def sha256_hex(content: bytes) -> str:
    """SHA-256 as lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def leaf_hash(content: bytes) -> bytes:
    """The RFC 6962 leaf hash: SHA-256(0x00 ‖ content)."""
    return hashlib.sha256(b"\x00" + content).digest()
