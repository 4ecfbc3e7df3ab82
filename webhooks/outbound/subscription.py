"""Which endpoint wants which event. An endpoint lists exact names, ``prefix.*``, or ``*`` for everything."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from evidence import catalogue
from zentra.core.errors import DomainError

MAX_PATTERNS: Final = 50
EVERYTHING: Final = "*"
TEST: Final = "endpoint.test"
"""Goes to the endpoint that it names and to no other, whatever their filters."""

_PREFIX: Final = re.compile(r"[a-z_]+(\.[a-z_]+)*\.\*", re.ASCII)


class InvalidEventFilter(DomainError):
    """The filter is empty, too long, or names an event that no endpoint can receive."""

    code = "invalid_event_filter"
    status = 422
    title = "The event filter cannot be used"


def check_filter(patterns: Sequence[str]) -> list[str]:
    """The filter itself, each pattern once and in order; raises InvalidEventFilter."""
    if not 0 < len(patterns) <= MAX_PATTERNS:
        raise InvalidEventFilter(f"A filter has 1 to {MAX_PATTERNS} patterns.")
    names = catalogue.deliverable_types()
    for pattern in patterns:
        if not _selects_something(pattern, names):
            raise InvalidEventFilter(_why_nothing(pattern), pattern=pattern[:80])
    return list(dict.fromkeys(patterns))


def _why_nothing(pattern: str) -> str:
    if pattern in catalogue.CATALOGUE:
        return f"{pattern} is kept as evidence only and delivered to no endpoint."
    return f"{pattern[:80]!r} selects no event: say a type of /v1/event-types that is delivered, 'prefix.*' or '*'."


def wants(patterns: Sequence[str], names: Collection[str]) -> bool:
    """Whether a filter selects an event that is announced under these names."""
    return any(_selects(pattern, name) for pattern in patterns for name in names)


def is_delivered(event_type: str) -> bool:
    """Whether events of this type go to endpoints at all; what tells of deliveries does not, or it would never end."""
    return catalogue.describe(event_type).delivered


def _selects_something(pattern: str, names: Sequence[str]) -> bool:
    is_pattern = pattern == EVERYTHING or pattern in names or bool(_PREFIX.fullmatch(pattern))
    return is_pattern and any(_selects(pattern, name) for name in names)


def _selects(pattern: str, name: str) -> bool:
    if pattern in (EVERYTHING, name):
        return True
    return pattern.endswith(".*") and name.startswith(pattern[:-1])
