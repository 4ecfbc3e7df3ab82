"""What other apps say of a workspace as a whole; they stand above this one, so they register here."""

from collections.abc import Callable

CountInFlight = Callable[[str], int]
_counters: list[CountInFlight] = []


def register_in_flight(count: CountInFlight) -> None:
    """Tell how much of an app's work in a schema still needs somebody: such a workspace is not archived."""
    _counters.append(count)


def count_in_flight(schema: str) -> int:
    """How much work of all apps in a schema still needs somebody."""
    return sum(count(schema) for count in _counters)
