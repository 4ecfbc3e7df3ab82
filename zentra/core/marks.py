"""The mark that every door carries, kept on the function or class itself, so that a test finds one without it."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

Door = TypeVar("Door", bound=Callable[..., Any])

_ATTRIBUTE: Final = "zentra_permission"

SYSTEM: Final = "system"
"""The mark of work that no person asks for: queue handlers, periodic work, wake-ups. It is given its workspace."""


def put_mark(door: Any, mark: Any) -> None:
    """Mark a door."""
    setattr(door, _ATTRIBUTE, mark)


def get_mark(door: object) -> Any:
    """The mark of this very object; None when it has none."""
    return getattr(door, _ATTRIBUTE, None)


def system(door: Door) -> Door:
    """Mark work that no person asks for."""
    put_mark(door, SYSTEM)
    return door
