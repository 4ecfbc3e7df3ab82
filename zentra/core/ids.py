"""Identifiers: a prefix that names the thing, and a UUIDv7 as 26 lower-case base32 characters.

The database keeps the bare uuid; people, events and the API see ``acct_01k…``. The alphabet is Crockford's, so that
text order is time order (UUIDv7: RFC 9562 section 5.7).
"""

import os
import threading
import time
from typing import Final
from uuid import UUID

from zentra.core.errors import DomainError

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH: Final = 26
_VALUES: Final = {char: value for value, char in enumerate(ALPHABET)}
# Two characters at a time: a posting writes many ids, and this takes a third of the time.
_PAIRS: Final = [first + second for first in ALPHABET for second in ALPHABET]
_SHIFTS: Final = range(120, -1, -10)
_lock = threading.Lock()
_last = 0


class BadId(DomainError):
    """The text is not an id of the expected kind."""

    code = "bad_id"
    status = 400
    title = "Not an id of this kind"


def new_uuid() -> UUID:
    """A UUIDv7, strictly increasing within this process even inside one millisecond."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 bits of sub-millisecond counter form the ordered part.
        ticks = max((time.time_ns() // 1_000_000) << 12, _last + 1)
        _last = ticks
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    milliseconds, counter = ticks >> 12, ticks & 0xFFF
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | random_bits)


def new_id(prefix: str) -> str:
    """A fresh id such as ``acct_01jxyz…``."""
    return to_public(prefix, new_uuid())


def to_public(prefix: str, value: UUID) -> str:
    """The id as people see it."""
    number = value.int
    return f"{prefix}_{''.join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])}"


def to_uuid(text: str, *, prefix: str) -> UUID:
    """The uuid inside a public id; raises BadId when the text is not one of this prefix."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != LENGTH or tail[0] > "7":
        raise BadId(f"{text[:80]!r} is not a {prefix}_… id.")
    number = 0
    for char in tail:
        value = _VALUES.get(char)
        if value is None:
            raise BadId(f"{text[:80]!r} is not a {prefix}_… id.")
        number = number << 5 | value
    return UUID(int=number)
